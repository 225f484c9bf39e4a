"""Total returns of a market: regimes, volatility, factors, specific returns, events.

1 `climate`   a Markov chain of regimes, log volatility that reverts to the regime's, a market
              return with jumps and a leverage effect
2 `factors`   returns of sectors and styles, as volatile as the market is at the time
3 `compound`  block by block of 21 sessions: loadings from what the names are by then, and

    r(t, n) = calm(t, n) (beta_n m(t) + sector(t) + sum_k loading(block, k, n) style_k(t))
              + volatility(t, n) u(t, n) + event(t, n)

with u the standardised specific return of `alphas.py`. calm is 1, and small for the target of a
takeover. A session's return is never below -90 %.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.error import ConfigError
from podshop.domain.money import F32, F64, I8, I64, Bools
from podshop.simulator.lives import MERGER, SECTORS, Lives
from podshop.simulator.sessions import SESSIONS_YEAR
from podshop.simulator.streams import heavy, stream

REGIMES = ("bull steady", "bull volatile", "bear", "sideways")
STYLES = ("size", "value", "momentum", "volatility", "quality")
BLOCK = 21
"""Sessions for which loadings stand."""
FLOOR = np.float32(-0.90)


@dataclass(frozen=True, slots=True)
class Climate:
    """The market and its factors.

    Attributes:
        drift_year: of the market in each of REGIMES, log points a year.
        volatility_year: of the market in each of REGIMES, without jumps. The S&P 500's long mean is
            about 16 %, and twice that in bear markets.
        stay_sessions: mean length of each regime.
        follow: (4, 4) chance of the next regime once one ends; the diagonal is 0.
        volatility_spread: standard deviation of log volatility around its regime's.
        volatility_half_life: sessions in which half of such a departure is gone.
        leverage: correlation of the market's return with the change of its log volatility.
        jumps_session: jumps of the market a session, `jump_mean` and `jump_deviation` of one, in
            fractions: 0.006, -2.6 % and 4.1 % in Eraker, Johannes, Polson (2003, Journal of Finance
            58), model SVJ for the S&P 500; the mean is halved here as regimes bring falls of their
            own.
        sector_volatility_year: of each sector's return.
        style_premium_year: mean return of each of STYLES for a loading of 1.
        style_volatility_year: its volatility.
        factor_freedom: degrees of freedom of factor returns.
        specific_volatility_year: median over names; about 30 % for US listed stocks (Campbell,
            Lettau, Malkiel, Xu 2001, Journal of Finance 56, with small names above it).
        specific_spread: standard deviation of its logarithm over names.
        specific_freedom: degrees of freedom of specific returns.
        beta_spread: standard deviation of beta around 1.
    """

    drift_year: tuple[float, float, float, float] = (0.15, 0.12, -0.28, 0.03)
    volatility_year: tuple[float, float, float, float] = (0.10, 0.17, 0.28, 0.13)
    stay_sessions: tuple[float, float, float, float] = (250.0, 130.0, 100.0, 120.0)
    follow: tuple[tuple[float, ...], ...] = (
        (0.0, 0.4, 0.2, 0.4),
        (0.4, 0.0, 0.3, 0.3),
        (0.2, 0.5, 0.0, 0.3),
        (0.5, 0.3, 0.2, 0.0),
    )
    volatility_spread: float = 0.30
    volatility_half_life: float = 20.0
    leverage: float = -0.6
    jumps_session: float = 0.006
    jump_mean: float = -0.013
    jump_deviation: float = 0.03
    sector_volatility_year: float = 0.08
    style_premium_year: tuple[float, ...] = (-0.005, 0.01, 0.03, -0.01, 0.015)
    style_volatility_year: tuple[float, ...] = (0.04, 0.045, 0.065, 0.07, 0.035)
    factor_freedom: float = 5.0
    specific_volatility_year: float = 0.30
    specific_spread: float = 0.40
    specific_freedom: float = 5.0
    beta_spread: float = 0.30

    def __post_init__(self) -> None:
        """Refuse a chain that is none."""
        chain = np.array(self.follow)
        if chain.shape != (4, 4) or not np.allclose(chain.sum(axis=1), 1.0) or np.diag(chain).any():
            raise ConfigError("climate: follow is 4 x 4, rows sum to 1, the diagonal is 0")
        if min(self.factor_freedom, self.specific_freedom) <= 2.0 or min(self.stay_sessions) < 1.0:
            raise ConfigError("climate: degrees of freedom are above 2, stays at least a session")

    @property
    def long_variance_year(self) -> float:
        """Variance of the market a year in the long run, jumps included.

        The chain of regimes, each weighed by its mean length, gives the diffusive part; volatility
        is drawn so that its square has the regime's mean.
        """
        chain = np.array(self.follow)
        share = np.full(4, 0.25)
        for _ in range(200):
            share = 0.5 * (share + share @ chain)  # lazy, so that a chain of period two settles
        time = share * np.array(self.stay_sessions)
        diffusive = float((time / time.sum()) @ np.square(self.volatility_year))
        return diffusive + self.jump_variance_year

    @property
    def jump_variance_year(self) -> float:
        """What jumps add to the variance a year."""
        return SESSIONS_YEAR * self.jumps_session * (self.jump_mean**2 + self.jump_deviation**2)


@dataclass(frozen=True, slots=True)
class Weather:
    """The market as it was.

    Attributes:
        regime_t: (T,) number in REGIMES.
        volatility_t: (T,) diffusive volatility of the session, a year; known the evening before.
        market_t: (T,) return of the market.
    """

    regime_t: I8
    volatility_t: F64
    market_t: F64


def climate(rows: int, seed: int, p: Climate) -> Weather:
    """Draw regimes, volatility and the market's return over T sessions."""
    rng = stream(seed, "market")
    leave, where = rng.random(rows), rng.random(rows)
    shock, own = rng.standard_normal(rows), rng.standard_normal(rows)
    phi = 2.0 ** (-1.0 / p.volatility_half_life)
    step = p.volatility_spread * np.sqrt(1.0 - phi * phi)
    log_volatility = np.log(p.volatility_year)
    onward = np.cumsum(np.array(p.follow), axis=1)
    regime_t, volatility_t = np.zeros(rows, dtype=np.int8), np.empty(rows)
    state, level, departure = 0, float(log_volatility[0]), 0.0
    for t in range(rows):
        if leave[t] < 1.0 / p.stay_sessions[state]:
            state = int(min(np.searchsorted(onward[state], where[t], side="right"), 3))
        level += 0.15 * (float(log_volatility[state]) - level)
        regime_t[t] = state
        # Minus the variance of the departure, so that the mean of the square is the regime's.
        volatility_t[t] = np.exp(level + departure - p.volatility_spread**2)
        pushed = p.leverage * shock[t] + np.sqrt(1.0 - p.leverage**2) * own[t]
        departure = phi * departure + step * pushed
    jump = rng.random(rows) < p.jumps_session
    size = p.jump_mean + p.jump_deviation * rng.standard_normal(rows)
    drift = np.array(p.drift_year)[regime_t] / SESSIONS_YEAR
    move = drift - p.jumps_session * p.jump_mean + volatility_t / np.sqrt(SESSIONS_YEAR) * shock
    return Weather(regime_t, volatility_t, np.expm1(move + jump * size))


@dataclass(frozen=True, slots=True)
class Structure:
    """What moves names together, and how much each moves alone.

    Attributes:
        sector_ts: (T, 11) returns of sectors.
        style_tk: (T, 5) returns of STYLES.
        scale_t: (T,) volatility of the session over its long mean, to the power 1/2.
        beta_n: (N,) loading on the market.
        quality_n: (N,) latent quality, variance 1.
        volatility_n: (N,) specific volatility a session where scale and calm are 1.
    """

    sector_ts: F64
    style_tk: F64
    scale_t: F64
    beta_n: F32
    quality_n: F32
    volatility_n: F32


def structure(weather: Weather, names: int, seed: int, p: Climate) -> Structure:
    """Draw factors and what each name is."""
    rows = len(weather.market_t)
    long_run = np.sqrt(p.long_variance_year - p.jump_variance_year)
    scale_t = np.sqrt(weather.volatility_t / long_run)
    year = np.sqrt(SESSIONS_YEAR)
    sector = heavy(stream(seed, "sectors"), (rows, len(SECTORS)), p.factor_freedom)
    style = heavy(stream(seed, "styles"), (rows, len(STYLES)), p.factor_freedom)
    rng = stream(seed, "names")
    quality, spread, slope = rng.standard_normal((3, names))
    style_tk = style * np.array(p.style_volatility_year) / year * scale_t[:, None]
    return Structure(
        sector_ts=sector * (p.sector_volatility_year / year) * scale_t[:, None],
        style_tk=style_tk + np.array(p.style_premium_year) / SESSIONS_YEAR,
        scale_t=scale_t,
        beta_n=np.clip(1.0 + p.beta_spread * slope, 0.2, 2.5).astype(np.float32),
        quality_n=quality.astype(np.float32),
        volatility_n=(
            p.specific_volatility_year / year * np.exp(p.specific_spread * spread)
        ).astype(np.float32),
    )


def calms(lives: Lives, rows: int, share: float) -> F32:
    """(T, N) how much of its usual moves a name makes: 1, and `share` once a takeover is known."""
    calm = np.ones((rows, len(lives.ids)), dtype=np.float32)
    for n in np.flatnonzero(lives.reason_n == MERGER):
        calm[lives.offer_n[n] + 1 :, n] = share
    return calm


@dataclass(frozen=True, slots=True)
class Course:
    """What came of it.

    Attributes:
        returns_tn: (T, N) total return of each session; 0 on sessions without a listing, and on the
            first one, to whose close a return would need a price before.
        loading_bkn: (B, 5, N) loadings on STYLES by block of 21 sessions.
        log_value_n: (N,) log market value at the start, in currency units.
        log_book_bn: (B, N) latent log book value that the value loading is made of.
    """

    returns_tn: F32
    loading_bkn: F32
    log_value_n: F64
    log_book_bn: F64


def compound(
    weather: Weather,
    made: Structure,
    lives: Lives,
    u_tn: F32,
    calm_tn: F32,
    event_tn: F32,
    seed: int,
) -> Course:
    """Put the parts together, block by block, with loadings that follow from the past only."""
    rows, names = u_tn.shape
    rng = stream(seed, "values")
    log_value_n = np.log(2e9) + 1.5 * rng.standard_normal(names)
    log_book_n = log_value_n - 0.9 + 0.6 * rng.standard_normal(names)
    growth_n = 0.03 + 0.03 * made.quality_n.astype(np.float64)
    blocks = range(0, rows, BLOCK)
    loading = np.zeros((len(blocks), len(STYLES), names), dtype=np.float32)
    book = np.empty((len(blocks), names))
    level = np.zeros((len(blocks) + 1, names))
    returns = np.empty((rows, names), dtype=np.float32)
    calm_log = np.log(made.volatility_n)
    moves = lives.listed(rows)
    moves[lives.first_n, np.arange(names)] = False
    for b, t in enumerate(blocks):
        to = min(t + BLOCK, rows)
        here = (lives.first_n < to) & (lives.last_n >= t)
        book[b] = log_book_n + growth_n * max(0.0, t / SESSIONS_YEAR)
        momentum = level[b - 1] - level[b - 12] if b >= 12 else np.zeros(names)
        of_names = (
            log_value_n + level[b],
            book[b] - log_value_n - level[b],
            momentum,
            calm_log,
            made.quality_n,
        )
        for k, raw in enumerate(of_names):
            loading[b, k] = _standing(raw, here)
        block = made.beta_n * weather.market_t[t:to, None].astype(np.float32)
        block += made.sector_ts[t:to, lives.sector_n].astype(np.float32)
        for k in range(len(STYLES)):
            block += loading[b, k] * made.style_tk[t:to, k, None].astype(np.float32)
        block *= calm_tn[t:to]
        own = u_tn[t:to] * made.volatility_n
        own *= made.scale_t[t:to, None].astype(np.float32)
        own *= calm_tn[t:to]
        block += own
        block += event_tn[t:to]
        np.maximum(block, FLOOR, out=block)
        block *= moves[t:to]
        returns[t:to] = block
        level[b + 1] = level[b] + np.log1p(block).sum(axis=0, dtype=np.float64)
    return Course(returns, loading, log_value_n, book)


def _standing(raw: F64 | F32, here: Bools) -> F32:
    """Z-scores beside the names that are listed, pulled in to +-3."""
    known = raw[here] if here.any() else raw
    spread = known.std()
    if spread == 0.0:
        return np.zeros(len(raw), dtype=np.float32)
    return np.asarray(np.clip((raw - known.mean()) / spread, -3.0, 3.0), dtype=np.float32)


def add_spread(event_tn: F32, row_e: I64, n_e: I64, total_e: F64 | F32, span: int) -> None:
    """Add returns of which each is spread evenly over `span` sessions from its row on, in place.

    Args:
        event_tn: (T, N) returns.
        row_e: first session of each event; what falls beyond the last session is lost.
        n_e: its name.
        total_e: its return over the whole span, fractions.
        span: sessions.
    """
    part = np.asarray(total_e, dtype=np.float32) / np.float32(span)
    for ahead in range(span):
        at = row_e + ahead
        inside = (at >= 0) & (at < len(event_tn))
        np.add.at(event_tn, (at[inside], n_e[inside]), part[inside])


def add_ends(event_tn: F32, lives: Lives, p_drop: float, p_sessions: int, premium: float) -> None:
    """Add what ends do to prices: decay and the last fall of a bankruptcy, the jump of an offer."""
    for n in np.flatnonzero(lives.reason_n != 0):
        end = int(lives.last_n[n])
        if lives.reason_n[n] == MERGER:
            event_tn[lives.offer_n[n], n] += premium
        else:
            start = max(int(lives.first_n[n]) + 1, end - p_sessions)
            event_tn[start:end, n] -= p_drop / p_sessions
            event_tn[end, n] += lives.delisting_return_n[n]
