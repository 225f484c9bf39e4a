"""Planted alphas: signals that predict specific returns by a known amount, which fades.

A signal s is an AR(1) of variance 1 across names, known at each close, with autocorrelation phi^j
at lag j, phi = 2^(-1 / half_life). The standardised specific return of the next session is

    u(t+1) = sum_a ic_a(t) s_a(t) + sqrt(1 - v(t)) e(t+1)

with e Student t of variance 1 and v the variance of the sum, so Var u = 1 and

    corr(s_a(t), u(t+j)) = IC_a phi^(j-1)
    corr(s_a(t), u(t+1) + ... + u(t+k))
        = IC_a (1 - phi^k) / (1 - phi) / sqrt(k + 2 sum_{j<k} (k - j) g_j),   g_j = cov(u(t),
        u(t+j))

where IC_a = ic_a alone. Alphas of one crowd share a half-life and correlate by rho with one
another: IC_a = ic_a + rho * sum of the others' ic. With ic small, g_j is about IC ic phi^j.
Spearman's rank correlation is, to first order in ic,

    rank IC = IC * (6 / sqrt(pi)) * integral of f^2,   f = density of e

(3 / pi for a normal e), because rank(u) moves by f(e) for each unit of the mean.
"""

import math
from dataclasses import dataclass

import numpy as np

from podshop.domain.error import ConfigError
from podshop.domain.money import F32, F64
from podshop.simulator.sessions import SESSIONS_YEAR
from podshop.simulator.streams import heavy, stream


@dataclass(frozen=True, slots=True)
class Alpha:
    """One planted effect.

    Attributes:
        name: of the signal.
        ic: correlation that the signal alone gives with the next session's specific return. The
            defaults are what Grinold, Kahn (2000) call good: about 0.02 to 0.05.
        half_life_days: sessions until the signal's autocorrelation is 1/2.
        crowd: name of the crowd it belongs to; "" = alone.
        crowding: correlation of the signal with others of its crowd, in [0, 1).
        fades_years: years in which ic halves; inf = it stays. McLean, Pontiff (2016) find effects
            58 % lower after publication.
    """

    name: str
    ic: float
    half_life_days: float
    crowd: str = ""
    crowding: float = 0.0
    fades_years: float = math.inf

    def __post_init__(self) -> None:
        """Refuse what is no correlation or no time."""
        if not (-0.5 <= self.ic <= 0.5 and self.half_life_days > 0.0 and self.fades_years > 0.0):
            raise ConfigError(
                f"alpha {self.name}: ic is in [-0.5, 0.5], half_life_days and fades_years above 0"
            )
        if not 0.0 <= self.crowding < 1.0 or (self.crowding > 0.0 and not self.crowd):
            raise ConfigError(f"alpha {self.name}: crowding is in [0, 1) and needs a crowd")

    @property
    def phi(self) -> float:
        """Autocorrelation of the signal from one session to the next."""
        return float(2.0 ** (-1.0 / self.half_life_days))

    def ic_at(self, rows: int) -> F64:
        """(T,) its own ic at each session's close."""
        years = np.arange(rows) / SESSIONS_YEAR
        return np.asarray(self.ic * 2.0 ** (-years / self.fades_years))


DEFAULT = (
    Alpha("fast", 0.02, 3.0),
    Alpha("medium", 0.015, 21.0),
    Alpha("slow", 0.01, 126.0),
)


def refuse(alphas: tuple[Alpha, ...]) -> None:
    """Refuse alphas that cannot live together.

    Raises:
        ConfigError: a name is there twice, or members of a crowd differ in half-life or crowding.
    """
    if len({a.name for a in alphas}) < len(alphas):
        raise ConfigError("two alphas have the same name")
    for a in alphas:
        for b in alphas:
            same = (a.half_life_days, a.crowding) == (b.half_life_days, b.crowding)
            if a.crowd and a.crowd == b.crowd and not same:
                raise ConfigError(
                    f"alphas {a.name} and {b.name} are of the crowd {a.crowd}: "
                    f"give both the same half_life_days and crowding"
                )


def signals(alphas: tuple[Alpha, ...], rows: int, names: int, seed: int) -> dict[str, F32]:
    """(T, N) signal of every alpha, known at each session's close."""
    refuse(alphas)
    crowds: dict[str, F32] = {}
    out: dict[str, F32] = {}
    for alpha in alphas:
        own = _ar1(stream(seed, f"alpha {alpha.name}"), rows, names, alpha.phi)
        if alpha.crowding > 0.0:
            if alpha.crowd not in crowds:
                rng = stream(seed, f"crowd {alpha.crowd}")
                crowds[alpha.crowd] = _ar1(rng, rows, names, alpha.phi)
            own *= np.float32(math.sqrt(1.0 - alpha.crowding))
            own += np.float32(math.sqrt(alpha.crowding)) * crowds[alpha.crowd]
        out[alpha.name] = own
    return out


def specific(
    alphas: tuple[Alpha, ...],
    signal: dict[str, F32],
    shape: tuple[int, int],
    seed: int,
    freedom: float,
) -> F32:
    """(T, N) standardised specific returns u, in which the alphas are planted.

    Args:
        alphas: what is planted.
        signal: as `signals` gave them.
        shape: T and N.
        seed: of the world.
        freedom: degrees of freedom of the noise.

    Raises:
        ConfigError: together the alphas would explain more than everything.
    """
    u = heavy(stream(seed, "specific"), shape, freedom)
    variance_t = explained(alphas, shape[0])
    if (variance_t >= 1.0).any():
        raise ConfigError("the alphas explain more than all of the specific return: lower their ic")
    u[1:] *= np.sqrt(1.0 - variance_t[:-1]).astype(np.float32)[:, None]
    for alpha in alphas:
        ic_t = alpha.ic_at(shape[0]).astype(np.float32)
        for t in range(1, shape[0]):
            u[t] += ic_t[t - 1] * signal[alpha.name][t - 1]
    return u


def explained(alphas: tuple[Alpha, ...], rows: int) -> F64:
    """(T,) variance v of the sum of all planted means."""
    total = np.zeros(rows)
    for a in alphas:
        total += a.ic_at(rows) * _together(a, alphas, rows)
    return total


def _together(a: Alpha, alphas: tuple[Alpha, ...], rows: int) -> F64:
    """(T,) IC of a: its own, and what it inherits from its crowd."""
    total = a.ic_at(rows)
    for b in alphas:
        if b.name != a.name and a.crowd and a.crowd == b.crowd:
            total = total + a.crowding * b.ic_at(rows)
    return total


def true_ic(name: str, alphas: tuple[Alpha, ...], horizon: int = 1, row: int = 0) -> float:
    """Correlation of a signal with the sum of the next `horizon` standardised specific returns.

    Args:
        name: of the alpha.
        alphas: all that are planted.
        horizon: sessions.
        row: session whose ic counts, for alphas that fade.
    """
    alpha = next(a for a in alphas if a.name == name)
    ic = float(_together(alpha, alphas, row + 1)[row])
    lag = np.arange(1, horizon)
    shared = np.zeros(len(lag))
    for a in alphas:
        own = float(a.ic_at(row + 1)[row]) * float(_together(a, alphas, row + 1)[row])
        shared += own * a.phi**lag
    variance = horizon + 2.0 * float(((horizon - lag) * shared).sum())
    phi = alpha.phi
    return ic * (1.0 - phi**horizon) / (1.0 - phi) / math.sqrt(variance)


def rank_ic(ic: float, freedom: float) -> float:
    """Spearman's correlation that goes with a small Pearson correlation, at horizon 1.

    The integral of the squared density of a Student t is
    G((v+1)/2)^2 G(v+1/2) / (sqrt(pi v) G(v/2)^2 G(v+1)); a unit variance multiplies it by
    sqrt(v / (v-2)).
    """
    v, log_gamma = freedom, math.lgamma
    inside = 2 * log_gamma((v + 1) / 2) + log_gamma(v + 0.5)
    inside -= 2 * log_gamma(v / 2) + log_gamma(v + 1)
    squared = math.exp(inside) / math.sqrt(math.pi * v) * math.sqrt(v / (v - 2.0))
    return ic * 6.0 / math.sqrt(math.pi) * squared


def _ar1(rng: np.random.Generator, rows: int, names: int, phi: float) -> F32:
    """(T, N) stationary AR(1) of variance 1."""
    x = rng.standard_normal((rows, names), dtype=np.float32)
    x[1:] *= np.float32(math.sqrt(1.0 - phi * phi))
    for t in range(1, rows):
        x[t] += np.float32(phi) * x[t - 1]
    return x
