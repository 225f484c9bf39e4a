"""Who earned it: what each of n players added to a value that they made together.

A value is a function of a coalition, a (n,) bool array that is true for those who take part: the
profit, utility or risk of the book that they alone would have led to. Four answers:

    leave one out   v(N) - v(N without k)                           does not sum to v(N) - v(none)
    Euler           x_k * dv/dx_k / degree                          sums when v is homogeneous
    Shapley         sum over S without k of
                    |S|! (n - |S| - 1)! / n! * (v(S + k) - v(S))    sums always
    sampled         mean marginal of k over random orders, each with its reverse

Sources: Shapley (1953); Tasche (1999) for Euler's rule on risk; Castro, Gomez, Tejada (2009) for
sampling by permutations, Mitchell, Cooper, Frank, Holmes (2022) for antithetic ones; Moehle, Boyd,
Ang (2022) for portfolios. See docs/concepts/credit.md.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from podshop.domain.money import F64, I64, Bools, read_only

Value = Callable[[Bools], float]
"""Worth of a coalition: (n,) bool, true for those who take part, to a finite number."""

EXACT_MOST = 12
"""Players up to which every coalition is valued: 2^12 = 4096 of them."""

FEWEST_SAMPLES = 5
"""With fewer pairs of orders the standard error is itself a guess."""

HOMOGENEOUS_WITHIN = 1e-6
"""Share of sum |x_k dv/dx_k| that Euler's sum may miss the value by, for a difference quotient."""

DIFFERENCE = 6e-6
"""Relative step of a central difference: the cube root of the rounding of a double."""


@dataclass(frozen=True, slots=True)
class Credit:
    """A total split among players.

    Attributes:
        share: (n,) what each is credited with, in the unit of the value. `math.fsum(share)` is the
            total, as far as floats are fine enough; a player who never changes the value has 0.0.
        error: (n,) standard errors; 0 where nothing was sampled.
        interval: (n, 2) confidence intervals; both ends are the share where nothing was sampled.
        total: what was split: the value with everybody less the value with nobody.
        residual: what the method left over before it was spread over the shares, in proportion to
            their sizes.
        valuations: coalitions that were valued.
    """

    share: F64
    error: F64
    interval: F64
    total: float
    residual: float
    valuations: int


def leave_one_out(value: Value, n: int) -> F64:
    """What the total would lose without each player: v(N) - v(N without k).

    The answer to "what if we drop it", not a split: players who replace one another are credited
    with little each, players who need one another with the same profit twice.

    Args:
        value: worth of a coalition.
        n: players.

    Returns:
        (n,) losses in the unit of the value; they do not sum to the total.

    Raises:
        ValueError: n is below 1, or a value is not finite.
    """
    worth = _Memory(value, n)
    everybody = worth(np.ones(n, dtype=np.bool_))
    return np.array([everybody - worth(np.arange(n) != k) for k in range(n)])


def euler(
    value: Callable[[F64], float],
    at: F64,
    gradient: Callable[[F64], F64] | None = None,
    degree: float = 1.0,
) -> Credit:
    """Split a homogeneous value by its gradient: x_k * dv/dx_k / degree.

    For risk sqrt(x' S x) this is x_k (S x)_k / risk (degree 1), for variance degree 2, for a linear
    profit x_k times the profit of one unit. Sums by Euler's theorem for homogeneous functions.

    Args:
        value: of (n,) exposures; value(s * x) = s^degree * value(x) for s > 0.
        at: (n,) exposures x.
        gradient: (n,) derivatives at x; central differences of the value when None.
        degree: of homogeneity, not 0.

    Returns:
        The split of value(at).

    Raises:
        ValueError: the value is not homogeneous of that degree, or not finite.
    """
    if degree == 0.0:
        raise ValueError("a value of degree 0 does not change with size: Euler's rule splits 0")
    slope = _differences(value, at) if gradient is None else gradient(at)
    raw = at * slope / degree
    total = float(value(at))
    if not (math.isfinite(total) and np.isfinite(raw).all()):
        raise ValueError(f"the value {total} or its gradient {slope} is not finite at {at}")
    size = float(np.abs(raw).sum())
    if abs(total - math.fsum(raw)) > HOMOGENEOUS_WITHIN * max(size, abs(total)):
        raise ValueError(
            f"contributions sum to {math.fsum(raw):.9g}, the value is {total:.9g}: it is not "
            f"homogeneous of degree {degree:g}; use shapley, or the gradient along a ray"
        )
    calls = 1 + (2 * len(at) if gradient is None else 0)
    return _credit(raw, np.zeros(len(at)), 0.0, total, calls)


def shapley(value: Value, n: int) -> Credit:
    """Split v(N) - v(none) by Shapley's value, from every one of the 2^n coalitions.

    Args:
        value: worth of a coalition; asked once for each.
        n: players, 1 to 12.

    Returns:
        The split; efficient, symmetric, additive, 0 for a player who changes nothing.

    Raises:
        ValueError: n is out of range, or a value is not finite.
    """
    if n > EXACT_MOST:
        raise ValueError(
            f"{n} players have {2**n:.3g} coalitions; exact up to {EXACT_MOST}: use sampled_shapley"
        )
    worth = _Memory(value, n)
    code = np.arange(2**n)
    member_ck = (code[:, None] >> np.arange(n)) & 1 == 1
    value_c = np.array([worth(member_k) for member_k in member_ck])
    size_c = member_ck.sum(axis=1)
    weight_s = np.array([1.0 / (n * math.comb(n - 1, size)) for size in range(n)])
    raw = np.empty(n)
    for k in range(n):
        without = code[~member_ck[:, k]]
        gain = value_c[without | (1 << k)] - value_c[without]
        raw[k] = math.fsum(weight_s[size_c[without]] * gain)
    return _credit(raw, np.zeros(n), 0.0, float(value_c[-1] - value_c[0]), worth.calls)


def sampled_shapley(
    value: Value, n: int, samples: int, seed: int, confidence: float = 0.95
) -> Credit:
    """Estimate Shapley's value from random orders of arrival, each with its reverse.

    A player's marginal in an order is what the value gains when it arrives. An order and its
    reverse err in opposite ways, which cancel where the value is quadratic in who takes part. Every
    order credits v(N) - v(none) completely, so the estimate sums too.

    Args:
        value: worth of a coalition; remembered, so asked once for each.
        n: players, a hundred and more.
        samples: pairs of orders, at least 5; about 2 * n * samples valuations.
        seed: of the orders.
        confidence: of the intervals, by Student's t over pairs.

    Returns:
        The split with standard errors and intervals, each for one player at a time.

    Raises:
        ValueError: n, samples or confidence is out of range, or a value is not finite.
    """
    if samples < FEWEST_SAMPLES or not 0.0 < confidence < 1.0:
        raise ValueError(f"needs {FEWEST_SAMPLES} samples or more and a confidence between 0 and 1")
    worth = _Memory(value, n)
    rng = np.random.default_rng(seed)
    gain_sk = np.empty((samples, n))
    for s in range(samples):
        order = rng.permutation(n)
        gain_sk[s] = 0.5 * (_marginals(worth, order) + _marginals(worth, order[::-1]))
    error = gain_sk.std(axis=0, ddof=1) / math.sqrt(samples)
    total = worth(np.ones(n, dtype=np.bool_)) - worth(np.zeros(n, dtype=np.bool_))
    reach = student(0.5 + confidence / 2.0, samples - 1)
    return _credit(gain_sk.mean(axis=0), error, reach, total, worth.calls)


def student(p: float, freedom: int) -> float:
    """Quantile of Student's t by its expansion around the normal (Abramowitz, Stegun 26.7.5).

    Args:
        p: probability, in (0, 1).
        freedom: degrees of freedom; from 4 on it is right to 0.002 at 97.5 %.

    Returns:
        t with P(T <= t) = p.
    """
    z, v = NormalDist().inv_cdf(p), float(freedom)
    t = z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
    t += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    tail = 79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z
    return t + tail / (92160 * v**4)


def split(raw: F64, total: float) -> Credit:
    """A total split by contributions that are known and need not sum to it quite.

    Args:
        raw: (n,) contributions.
        total: what they are to sum to; what they miss it by is spread by size and reported as the
            residual.

    Returns:
        The split, without error; no coalition is valued.

    Raises:
        ValueError: a number is not finite, or every contribution is 0 and the total is not.
    """
    if not (math.isfinite(total) and np.isfinite(raw).all()):
        raise ValueError(f"contributions {raw} and total {total} must be finite")
    if total != 0.0 and not raw.any():
        raise ValueError(f"nobody contributed to the total of {total}: there is no one to credit")
    return _credit(raw, np.zeros(len(raw)), 0.0, total, 0)


class _Memory:
    """A value that is asked once for each coalition, and refused when it is not a number."""

    def __init__(self, value: Value, n: int) -> None:
        if n < 1:
            raise ValueError(f"there must be at least one player, not {n}")
        self._value = value
        self._known: dict[bytes, float] = {}

    @property
    def calls(self) -> int:
        """Coalitions that were valued."""
        return len(self._known)

    def __call__(self, member: Bools) -> float:
        """Worth of a coalition."""
        key = np.packbits(member).tobytes()
        if key not in self._known:
            worth = float(self._value(member.copy()))
            if not math.isfinite(worth):
                who = np.flatnonzero(member).tolist()
                raise ValueError(f"the value of coalition {who} is {worth}, not a finite number")
            self._known[key] = worth
        return self._known[key]


def _marginals(worth: _Memory, order: I64) -> F64:
    """(n,) what the value gains when each player arrives, in this order of arrival."""
    member = np.zeros(len(order), dtype=np.bool_)
    gain = np.empty(len(order))
    before = worth(member)
    for k in order:
        member[k] = True
        after = worth(member)
        gain[k] = after - before
        before = after
    return gain


def _differences(value: Callable[[F64], float], at: F64) -> F64:
    """(n,) central differences; the step follows the size of all exposures, so 0 has one too."""
    scale = float(np.abs(at).max()) if np.any(at) else 1.0
    step = DIFFERENCE * np.maximum(np.abs(at), 1e-3 * scale)
    slope = np.empty(len(at))
    for k in range(len(at)):
        move = np.zeros(len(at))
        move[k] = step[k]
        slope[k] = (float(value(at + move)) - float(value(at - move))) / (2.0 * step[k])
    return slope


def _credit(raw: F64, error: F64, reach: float, total: float, calls: int) -> Credit:
    """Shares that sum to the total, with their intervals."""
    residual = total - math.fsum(raw)
    share = _settle(raw, total)
    interval = np.stack([share - reach * error, share + reach * error], axis=1)
    for array in (share, error, interval):
        read_only(array)
    return Credit(share, error, interval, total, residual, calls)


def _settle(raw: F64, total: float) -> F64:
    """Spread what is missing in proportion to size, then the rounding from the largest share down.

    A share of 0 stays 0: who changed nothing is owed nothing. Each correction leaves less than half
    a unit in the last place of the share it went to, so the smallest share decides how exact the
    sum is.
    """
    size = np.abs(raw)
    if not size.any():
        return raw.copy()
    share = np.asarray(raw + (total - math.fsum(raw)) * (size / size.sum()))
    for k in np.argsort(-np.abs(share), kind="stable"):
        gap = math.fsum([total, *(-share)])
        if gap == 0.0 or share[k] == 0.0:
            break
        share[k] += gap
    return share
