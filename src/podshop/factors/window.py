"""Trailing windows and cross-sections, compiled; each row is computed from its own window only.

Row t of every trailing function comes from rows t-length+1..t, added up from the oldest to the
newest, never by updating the sum of the row before. A running sum would carry the rounding of
everything that came before the window; computed freshly, a row is the same bit for bit whether the
history is whole, cut after it, or begins with its window. For the same reason nothing here calls
exp, log or a matrix product, whose last bit may depend on where in an array a number stands.

NaN: a value that is not known is left out of its window. A row is NaN before the first whole
window, and where fewer than `least` values of the window are known (by default all must be).
Cross-sections leave NaN out of the row's statistics and give NaN back in its place.

One file on purpose: numba's cache does not notice a change in a function of another file.
"""

import math

import numpy as np
from numba import njit

from podshop.domain.money import F64, I64, Bools

JIT = {"cache": True, "nogil": True}
COLUMNS = 256
"""Names that are worked on together, so that their window stays in the processor's cache."""


def asked(days: Bools | None, count: int, first: int) -> I64:
    """Numbers of the rows to answer: those asked for (None = all), from row `first` on."""
    rows = np.arange(count) if days is None else np.flatnonzero(days)
    return rows[rows >= first]


def rows_of(at: I64, count: int) -> Bools:
    """(count,) True on the rows with these numbers."""
    rows = np.zeros(count, dtype=np.bool_)
    rows[at] = True
    return rows


# --- trailing windows -----------------------------------------------------------------------------


def rolling_sum(x: F64, length: int, least: int | None = None, rows: Bools | None = None) -> F64:
    """Sum of the known values of the last `length` rows.

    Args:
        x: (T, N).
        length: rows in the window.
        least: known values needed; None = all.
        rows: (T,) rows wanted; the others stay NaN. None = all.

    Returns:
        (T, N).
    """
    return _weighted(x, np.ones(length), least, rows, False)


def rolling_mean(x: F64, length: int, least: int | None = None, rows: Bools | None = None) -> F64:
    """Mean of the known values of the last `length` rows; arguments as in `rolling_sum`."""
    return _weighted(x, np.ones(length), least, rows, True)


def exponential_mean(
    x: F64, span: float, length: int, least: int | None = None, rows: Bools | None = None
) -> F64:
    """Mean with weights that fall by the factor 1 - 2 / (span + 1) a row into the past.

    Weights end after `length` rows; three spans hold 99.8 % of them. Arguments as in `rolling_sum`.
    """
    decay = np.full(length, 1.0 - 2.0 / (span + 1.0))
    decay[0] = 1.0
    newest_last = np.cumprod(decay)[::-1].copy()
    return _weighted(x, newest_last, least, rows, True)


def rolling_std(x: F64, length: int, least: int | None = None, rows: Bools | None = None) -> F64:
    """Standard deviation (ddof 1) of the known values; arguments as in `rolling_sum`."""
    out = np.full(x.shape, np.nan)
    std_nb(dense(x), length, _needed(length, least, 2), _wanted(x, rows), out)
    return out


def rolling_min(x: F64, length: int, least: int | None = None, rows: Bools | None = None) -> F64:
    """Smallest known value of the window; arguments as in `rolling_sum`."""
    out = np.full(x.shape, np.nan)
    min_nb(dense(x), length, _needed(length, least, 1), _wanted(x, rows), out)
    return out


def rolling_max(x: F64, length: int, least: int | None = None, rows: Bools | None = None) -> F64:
    """Largest known value of the window; arguments as in `rolling_sum`."""
    return -rolling_min(-x, length, least, rows)


def rolling_beta(
    x: F64, market_t: F64, length: int, least: int | None = None, rows: Bools | None = None
) -> F64:
    """Slope of each column on a (T,) series, over the rows of the window where both are known.

    Returns:
        (T, N) covariance / variance; NaN where the market stood still. Arguments as `rolling_sum`.
    """
    out = np.full(x.shape, np.nan)
    beta_nb(dense(x), dense(market_t), length, _needed(length, least, 2), _wanted(x, rows), out)
    return out


def residual_score(
    x: F64, peers: F64, length: int, least: int | None = None, slowest: float = 0.9667
) -> tuple[F64, F64]:
    """How far each name has strayed from its peers, in standard deviations of the spread.

    Regress a name's returns on its peers' over the window; add up the residuals to a spread; fit
    the spread as x' = a + b x + noise. Its mean is m = a / (1 - b), its standard deviation
    sigma = std(noise) / sqrt(1 - b^2). As residuals add up to zero, the spread ends at 0 and the
    score is -m / sigma (Avellaneda, Lee 2010, "Statistical arbitrage in the US equities market",
    Quantitative Finance 10, appendix A).

    Args:
        x: (T, N) returns.
        peers: (T, N) returns of what each name is compared with.
        length: rows in the window.
        least: rows needed where both are known; None = all.
        slowest: largest b; a spread that returns more slowly than this has no score.

    Returns:
        (T, N) score: negative = cheap against its peers; NaN = none.
        (T, N) beta against the peers.
    """
    score, beta = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    needed = _needed(length, least, 10)
    residual_nb(dense(x), dense(peers), length, needed, slowest, score, beta)
    return score, beta


def latch(enter: Bools, leave: Bools, length: int) -> Bools:
    """Where a position is open: entered within the last `length` rows and not left since.

    What a machine with a memory would say is thus read off a bounded window: no state to carry, and
    no position older than `length` rows after its last entry signal. Leaving wins over entering.

    Args:
        enter: (T, N) signals to open.
        leave: (T, N) signals to close.
        length: rows looked back on, the row itself included.

    Returns:
        (T, N).
    """
    out = np.zeros(enter.shape, dtype=np.bool_)
    latch_nb(np.ascontiguousarray(enter), np.ascontiguousarray(leave), length, out)
    return out


def _weighted(x: F64, weight_l: F64, least: int | None, rows: Bools | None, mean: bool) -> F64:
    """Weighted sum or mean of the last rows."""
    out = np.full(x.shape, np.nan)
    needed = _needed(len(weight_l), least, 1)
    weighted_nb(dense(x), weight_l, needed, mean, _wanted(x, rows), out)
    return out


def dense(x: F64) -> F64:
    """One memory layout, and read-only, so that there is one compiled version of each loop."""
    view = np.ascontiguousarray(x, dtype=np.float64).view()
    view.flags.writeable = False
    return view


def _wanted(x: F64, rows: Bools | None) -> Bools:
    """The rows to compute."""
    return np.ones(len(x), dtype=np.bool_) if rows is None else np.ascontiguousarray(rows)


def _needed(length: int, least: int | None, floor: int) -> int:
    """Known values that a window needs."""
    if length < 1 or (least is not None and least > length):
        raise ValueError(f"a window of {length} rows cannot hold {least} values")
    return max(length if least is None else least, floor)


@njit(**JIT)
def weighted_nb(x: F64, weight_l: F64, least: int, mean: bool, rows: Bools, out: F64) -> None:
    """Weighted sum (or mean) over the window; weights run from the oldest row to the newest."""
    days, names = x.shape
    length = len(weight_l)
    total, mass, count = np.empty(COLUMNS), np.empty(COLUMNS), np.empty(COLUMNS)
    for first in range(0, names, COLUMNS):
        width = min(COLUMNS, names - first)
        for t in range(length - 1, days):
            if not rows[t]:
                continue
            total[:], mass[:], count[:] = 0.0, 0.0, 0.0
            for k in range(length):
                w = weight_l[k]
                row = x[t - length + 1 + k, first : first + width]
                for j in range(width):
                    known = not math.isnan(row[j])
                    total[j] += w * row[j] if known else 0.0
                    mass[j] += w if known else 0.0
                    count[j] += 1.0 if known else 0.0
            for j in range(width):
                if count[j] >= least and mass[j] > 0.0:
                    out[t, first + j] = total[j] / mass[j] if mean else total[j]


@njit(**JIT)
def std_nb(x: F64, length: int, least: int, rows: Bools, out: F64) -> None:
    """Standard deviation, ddof 1, in two passes: first the mean, then the squares around it."""
    days, names = x.shape
    total, square, count = np.empty(COLUMNS), np.empty(COLUMNS), np.empty(COLUMNS)
    for first in range(0, names, COLUMNS):
        width = min(COLUMNS, names - first)
        for t in range(length - 1, days):
            if not rows[t]:
                continue
            total[:], square[:], count[:] = 0.0, 0.0, 0.0
            for k in range(t - length + 1, t + 1):
                row = x[k, first : first + width]
                for j in range(width):
                    known = not math.isnan(row[j])
                    total[j] += row[j] if known else 0.0
                    count[j] += 1.0 if known else 0.0
            for j in range(width):
                total[j] /= max(count[j], 1.0)
            for k in range(t - length + 1, t + 1):
                row = x[k, first : first + width]
                for j in range(width):
                    off = row[j] - total[j]
                    square[j] += off * off if not math.isnan(off) else 0.0
            for j in range(width):
                if count[j] >= least:
                    out[t, first + j] = math.sqrt(square[j] / (count[j] - 1.0))


@njit(**JIT)
def min_nb(x: F64, length: int, least: int, rows: Bools, out: F64) -> None:
    """Smallest known value of the window."""
    days, names = x.shape
    low, count = np.empty(COLUMNS), np.empty(COLUMNS)
    for first in range(0, names, COLUMNS):
        width = min(COLUMNS, names - first)
        for t in range(length - 1, days):
            if not rows[t]:
                continue
            low[:], count[:] = np.inf, 0.0
            for k in range(t - length + 1, t + 1):
                row = x[k, first : first + width]
                for j in range(width):
                    low[j] = row[j] if row[j] < low[j] else low[j]
                    count[j] += 1.0 if not math.isnan(row[j]) else 0.0
            for j in range(width):
                if count[j] >= least:
                    out[t, first + j] = low[j]


@njit(**JIT)
def beta_nb(x: F64, market_t: F64, length: int, least: int, rows: Bools, out: F64) -> None:
    """Covariance with the market over the market's variance, both around their means."""
    days, names = x.shape
    count, mean, level = np.empty(COLUMNS), np.empty(COLUMNS), np.empty(COLUMNS)
    both, own = np.empty(COLUMNS), np.empty(COLUMNS)
    for first in range(0, names, COLUMNS):
        width = min(COLUMNS, names - first)
        for t in range(length - 1, days):
            if not rows[t]:
                continue
            count[:], mean[:], level[:], both[:], own[:] = 0.0, 0.0, 0.0, 0.0, 0.0
            for k in range(t - length + 1, t + 1):
                row, m = x[k, first : first + width], market_t[k]
                for j in range(width):
                    known = not math.isnan(row[j] + m)
                    mean[j] += row[j] if known else 0.0
                    level[j] += m if known else 0.0
                    count[j] += 1.0 if known else 0.0
            for j in range(width):
                mean[j] /= max(count[j], 1.0)
                level[j] /= max(count[j], 1.0)
            for k in range(t - length + 1, t + 1):
                row, m = x[k, first : first + width], market_t[k]
                for j in range(width):
                    known = not math.isnan(row[j] + m)
                    up = m - level[j]
                    both[j] += up * (row[j] - mean[j]) if known else 0.0
                    own[j] += up * up if known else 0.0
            for j in range(width):
                if count[j] >= least and own[j] > 0.0:
                    out[t, first + j] = both[j] / own[j]


@njit(**JIT)
def residual_nb(
    x: F64, peers: F64, length: int, least: int, slowest: float, score: F64, beta: F64
) -> None:
    """Score of the spread of each name against its peers; see `residual_score`."""
    days, names = x.shape
    y, z = np.empty(length), np.empty(length)
    for t in range(length - 1, days):
        for n in range(names):
            count, mean_y, mean_z = 0, 0.0, 0.0
            for k in range(t - length + 1, t + 1):
                if not math.isnan(x[k, n] + peers[k, n]):
                    y[count], z[count] = x[k, n], peers[k, n]
                    mean_y += y[count]
                    mean_z += z[count]
                    count += 1
            if count < least:
                continue
            mean_y /= count
            mean_z /= count
            both, own = 0.0, 0.0
            for k in range(count):
                both += (y[k] - mean_y) * (z[k] - mean_z)
                own += (z[k] - mean_z) * (z[k] - mean_z)
            if own <= 0.0:
                continue
            slope = both / own
            beta[t, n] = slope
            spread = 0.0
            for k in range(count):
                spread += (y[k] - mean_y) - slope * (z[k] - mean_z)
                y[k] = spread
            score[t, n] = spread_score_nb(y[:count], slowest)


@njit(**JIT)
def spread_score_nb(spread: F64, slowest: float) -> float:
    """-m / sigma of a spread that follows x' = a + b x + noise; NaN where it does not return."""
    pairs = len(spread) - 1
    mean_x, mean_y = 0.0, 0.0
    for k in range(pairs):
        mean_x += spread[k]
        mean_y += spread[k + 1]
    mean_x /= pairs
    mean_y /= pairs
    both, own, noise = 0.0, 0.0, 0.0
    for k in range(pairs):
        both += (spread[k] - mean_x) * (spread[k + 1] - mean_y)
        own += (spread[k] - mean_x) * (spread[k] - mean_x)
    if own <= 0.0:
        return np.nan
    b = both / own
    for k in range(pairs):
        off = (spread[k + 1] - mean_y) - b * (spread[k] - mean_x)
        noise += off * off
    if not (0.0 < b <= slowest) or noise <= 0.0:
        return np.nan
    sigma = math.sqrt(noise / (pairs - 2) / (1.0 - b * b))
    return -((mean_y - b * mean_x) / (1.0 - b)) / sigma


@njit(**JIT)
def latch_nb(enter: Bools, leave: Bools, length: int, out: Bools) -> None:
    """Look back from each row until something was said."""
    days, names = enter.shape
    for t in range(days):
        for n in range(names):
            for k in range(t, max(t - length, -1), -1):
                if leave[k, n]:
                    break
                if enter[k, n]:
                    out[t, n] = True
                    break


# --- cross-sections: loops of `cross_section.py` --------------------------------------------------


@njit(**JIT)
def abs_sum_nb(x: F64, out_t: F64) -> None:
    """Sum of |known values| of each row, from left to right."""
    days, names = x.shape
    for t in range(days):
        total = 0.0
        for n in range(names):
            if not math.isnan(x[t, n]):
                total += abs(x[t, n])
        out_t[t] = total


@njit(**JIT)
def mean_nb(x: F64, out_t: F64) -> None:
    """Mean of the known values of each row; NaN where there are none."""
    days, names = x.shape
    for t in range(days):
        total, count = 0.0, 0
        for n in range(names):
            if not math.isnan(x[t, n]):
                total += x[t, n]
                count += 1
        out_t[t] = total / count if count else np.nan


@njit(**JIT)
def zscore_nb(x: F64, out: F64) -> None:
    """(value - mean) / standard deviation (ddof 1) of the row; 0 where all values are equal."""
    days, names = x.shape
    mean_t = np.empty(days)
    mean_nb(x, mean_t)
    for t in range(days):
        square, count = 0.0, 0
        for n in range(names):
            off = x[t, n] - mean_t[t]
            if not math.isnan(off):
                square += off * off
                count += 1
        spread = math.sqrt(square / (count - 1)) if count > 1 else 0.0
        for n in range(names):
            off = x[t, n] - mean_t[t]
            # Equal values differ from their mean by its rounding; that is no information.
            out[t, n] = off / spread if spread > 1e-12 * abs(mean_t[t]) else 0.0 * off


@njit(**JIT)
def rank_nb(x: F64, out: F64) -> None:
    """(average rank - 1/2) / count, ascending in (0, 1); equal values share their rank."""
    for t in range(len(x)):
        known = np.flatnonzero(~np.isnan(x[t]))
        order = known[np.argsort(x[t][known], kind="mergesort")]
        i = 0
        while i < len(order):
            j = i
            while j + 1 < len(order) and x[t, order[j + 1]] == x[t, order[i]]:
                j += 1
            for k in range(i, j + 1):
                out[t, order[k]] = ((i + j) / 2.0 + 0.5) / len(order)
            i = j + 1


@njit(**JIT)
def neutralise_nb(x: F64, sector_n: I64, sectors: int, beta: F64, out: F64) -> None:
    """Residual of each row on sector dummies and beta: sector means off both, then one slope."""
    days, names = x.shape
    total, level, count = np.empty(sectors), np.empty(sectors), np.empty(sectors)
    for t in range(days):
        total[:], level[:], count[:] = 0.0, 0.0, 0.0
        for n in range(names):
            if not math.isnan(x[t, n] + beta[t, n]):
                total[sector_n[n]] += x[t, n]
                level[sector_n[n]] += beta[t, n]
                count[sector_n[n]] += 1.0
        both, own = 0.0, 0.0
        for n in range(names):
            s = sector_n[n]
            off = beta[t, n] - level[s] / max(count[s], 1.0)
            if not math.isnan(x[t, n] + off):
                out[t, n] = x[t, n] - total[s] / count[s]
                both += out[t, n] * off
                own += off * off
        slope = both / own if own > 0.0 else 0.0
        for n in range(names):
            s = sector_n[n]
            if not math.isnan(out[t, n]):
                out[t, n] -= slope * (beta[t, n] - level[s] / count[s])


@njit(**JIT)
def peers_nb(x: F64, sector_n: I64, sectors: int, least: int, out: F64) -> None:
    """Mean of the other names of the sector, or of all other names where the sector has too few."""
    days, names = x.shape
    total, count = np.empty(sectors), np.empty(sectors)
    for t in range(days):
        total[:], count[:] = 0.0, 0.0
        for n in range(names):
            if not math.isnan(x[t, n]):
                total[sector_n[n]] += x[t, n]
                count[sector_n[n]] += 1.0
        market, breadth = total.sum(), count.sum()
        for n in range(names):
            own = 0.0 if math.isnan(x[t, n]) else 1.0
            value = x[t, n] if own else 0.0
            s = sector_n[n]
            if count[s] - own >= least:
                out[t, n] = (total[s] - value) / (count[s] - own)
            elif breadth - own >= 1.0:
                out[t, n] = (market - value) / (breadth - own)


@njit(**JIT)
def top_nb(score: F64, size_t: I64, most: int, out: Bools) -> None:
    """Mark the `size` largest known scores of each row; of equal scores the first name wins."""
    days, names = score.shape
    best, who = np.empty(most), np.empty(most, dtype=np.int64)
    for t in range(days):
        size, held = size_t[t], 0
        for n in range(names):
            value = score[t, n]
            if size == 0 or math.isnan(value) or (held == size and value <= best[held - 1]):
                continue
            k = min(held, size - 1)
            held = min(held + 1, size)
            while k > 0 and best[k - 1] < value:
                best[k], who[k] = best[k - 1], who[k - 1]
                k -= 1
            best[k], who[k] = value, n
        for k in range(held):
            out[t, who[k]] = True
