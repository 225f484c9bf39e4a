"""Spreads inside groups of related instruments: hedge, distance from the mean, who stands against
whom.

As in `factors.window`, each row is made of its own bounded window and added up anew, from the
oldest row to the newest, so that a row is the same bit for bit however much history there is.

One file on purpose: numba's cache does not notice a change in a function of another file.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from podshop.domain.money import F64, I64, Bools
from podshop.factors.window import JIT, dense


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of columns, packed: those of group g are `member[start_g[g]:start_g[g + 1]]`.

    Attributes:
        start_g: (G + 1,) offsets.
        member: numbers of columns, each at most once.
    """

    start_g: I64
    member: I64


@dataclass(frozen=True, slots=True)
class Spreads:
    """What is known of each name against its group.

    Attributes:
        score: (T, N) distance of the spread from its mean in standard deviations; negative = cheap;
            NaN where there is none.
        beta: (T, N) value of the group's mean that hedges a value of 1 in the name.
        weight: (T, N) what the name counts in the group's mean; 0 for nothing.
    """

    score: F64
    beta: F64
    weight: F64


def packed(groups: Sequence[Sequence[int]]) -> Groups:
    """Pack groups of column numbers; each column may be in one group only."""
    start_g = np.cumsum([0, *(len(group) for group in groups)]).astype(np.int64)
    return Groups(start_g, np.array([n for group in groups for n in group], dtype=np.int64))


def group_spreads(
    returns: F64, groups: Groups, hedge: int, length: int, least: float, correlation: float
) -> Spreads:
    """How far each name has strayed from the hedge-weighted mean of its group's other names.

    At row t, with the hedge made of the `hedge` rows that end `length` rows earlier:

        weight w_m = 1 / std(r_m); the group's mean of the others: y_k = sum w_m r_mk / sum w_m
        beta = cov(r, y) / var(y), of the same rows

    and then, over the last `length` rows, which the hedge has not seen,

        spread s_k = s_(k-1) + r_k - beta y_k;  score = (s_t - mean(s)) / std(s)

    This is the distance method of Gatev, Goetzmann, Rouwenhorst 2006 (Review of Financial Studies
    19) with a hedge ratio in place of a dollar against a dollar.

    Args:
        returns: (T, N) daily total returns.
        groups: columns that belong together; others have no score.
        hedge: rows of the hedge's window.
        length: rows of the spread.
        least: share of the rows of either window that must be known.
        correlation: smallest correlation with the mean, in the hedge's window, of a name that is
            related at all; what is below has no score.

    Raises:
        ValueError: a window is too short to estimate anything.
    """
    if hedge < 10 or length < 10:
        raise ValueError(f"windows of at least 10 rows, not {hedge} and {length}")
    made = np.full((3, *returns.shape), np.nan)
    needed = (math.ceil(least * hedge), math.ceil(least * length))
    windows = (hedge, length)
    spreads_nb(dense(returns), groups.start_g, groups.member, windows, needed, correlation, made)
    return Spreads(made[0], made[1], np.nan_to_num(made[2]))


def opened(enter: Bools, leave: Bools, length: int) -> I64:
    """Rows since a position was opened; -1 where none is.

    As `window.latch`: entered within the last `length` rows and not left since, leaving wins.

    Args:
        enter: (T, N) signals to open.
        leave: (T, N) signals to close.
        length: rows looked back on, the row itself included.
    """
    age = np.full(enter.shape, -1, dtype=np.int64)
    opened_nb(np.ascontiguousarray(enter), np.ascontiguousarray(leave), length, age)
    return age


def hedged(size: F64, age: I64, spreads: Spreads, groups: Groups, priced: Bools) -> F64:
    """Positions and what stands against them, by the hedge of the row in which each was opened.

    So a position costs nothing while it is held, however the estimates move.

    Args:
        size: (T, N) value of each position, signed.
        age: (T, N) rows since it was opened, -1 for none.
        spreads: betas and weights.
        groups: as `spreads` was made with.
        priced: (T, N) True where a name can be traded; a position whose name, or whose whole group,
            cannot be is left out.

    Returns:
        (T, N) sums of positions and hedges.
    """
    out = np.zeros(size.shape)
    hedged_nb(
        dense(size),
        age,
        dense(spreads.beta),
        dense(spreads.weight),
        groups.start_g,
        groups.member,
        np.ascontiguousarray(priced),
        out,
    )
    return out


@njit(**JIT)
def spreads_nb(
    x: F64,
    start_g: I64,
    member: I64,
    rows: tuple[int, int],
    needed: tuple[int, int],
    correlation: float,
    made: F64,
) -> None:
    """Weights of a group's names, sums of the group on each row, then each name against the rest.

    Rows 0 to H - 1 of the window are the hedge's, rows H to H + L - 1 the spread's. `made` is
    scores, betas and weights, (3, T, N).
    """
    days = len(x)
    hedge, length = rows
    score, beta, weight = made[0], made[1], made[2]
    total, mass = np.empty(hedge + length), np.empty(hedge + length)
    for t in range(hedge + length - 1, days):
        view = x[t - hedge - length + 1 : t + 1]
        for g in range(len(start_g) - 1):
            names = member[start_g[g] : start_g[g + 1]]
            total[:], mass[:] = 0.0, 0.0
            for n in names:
                w = inverse_std_nb(view[:hedge, n], needed[0])
                weight[t, n] = w
                for k in range(hedge + length):
                    if not math.isnan(view[k, n]):
                        total[k] += w * view[k, n]
                        mass[k] += w
            for n in names:
                if weight[t, n] > 0.0:
                    score[t, n], beta[t, n] = against_nb(
                        view[:, n], total, mass, weight[t, n], hedge, needed, correlation
                    )


@njit(**JIT)
def inverse_std_nb(x: F64, least: int) -> float:
    """1 / standard deviation (ddof 1); 0 where too little is known or nothing moved."""
    count, mean, square = 0, 0.0, 0.0
    for value in x:
        if not math.isnan(value):
            mean += value
            count += 1
    if count < max(least, 2):
        return 0.0
    mean /= count
    for value in x:
        if not math.isnan(value):
            square += (value - mean) * (value - mean)
    return 1.0 / math.sqrt(square / (count - 1)) if square > 0.0 else 0.0


@njit(**JIT)
def against_nb(
    x: F64,
    total: F64,
    mass: F64,
    own: float,
    hedge: int,
    needed: tuple[int, int],
    correlation: float,
) -> tuple[float, float]:
    """Score and beta of one name against the rest of its group; NaN where there are none."""
    rows = len(x)
    rest = np.empty(rows)
    for k in range(rows):
        others = mass[k] - own
        # What is left of the sum when the only other name is missing is rounding, not a name.
        sound = not math.isnan(x[k]) and others > 1e-9 * own
        rest[k] = (total[k] - own * x[k]) / others if sound else np.nan
    slope, related = slope_nb(x[:hedge], rest[:hedge], needed[0])
    if not (slope > 0.0 and related >= correlation):
        return np.nan, np.nan
    spread = np.empty(rows - hedge)
    count, level = 0, 0.0
    for k in range(hedge, rows):
        if not math.isnan(rest[k]):
            level += x[k] - slope * rest[k]
            spread[count] = level
            count += 1
    if count < max(needed[1], 2) or math.isnan(rest[rows - 1]):
        return np.nan, np.nan
    mean, square = 0.0, 0.0
    for k in range(count):
        mean += spread[k]
    mean /= count
    for k in range(count):
        square += (spread[k] - mean) * (spread[k] - mean)
    if square <= 0.0:
        return np.nan, np.nan
    return (level - mean) / math.sqrt(square / (count - 1)), slope


@njit(**JIT)
def slope_nb(x: F64, y: F64, least: int) -> tuple[float, float]:
    """Slope of x on y, and their correlation; NaN where too little is known or one stood still."""
    count, mean_x, mean_y = 0, 0.0, 0.0
    for k in range(len(x)):
        if not math.isnan(y[k]):
            mean_x += x[k]
            mean_y += y[k]
            count += 1
    if count < max(least, 2):
        return np.nan, np.nan
    mean_x /= count
    mean_y /= count
    both, own_x, own_y = 0.0, 0.0, 0.0
    for k in range(len(x)):
        if not math.isnan(y[k]):
            both += (x[k] - mean_x) * (y[k] - mean_y)
            own_x += (x[k] - mean_x) * (x[k] - mean_x)
            own_y += (y[k] - mean_y) * (y[k] - mean_y)
    if own_x <= 0.0 or own_y <= 0.0:
        return np.nan, np.nan
    return both / own_y, both / math.sqrt(own_x * own_y)


@njit(**JIT)
def opened_nb(enter: Bools, leave: Bools, length: int, age: I64) -> None:
    """Look back from each row until something was said."""
    days, names = enter.shape
    for t in range(days):
        for n in range(names):
            for k in range(t, max(t - length, -1), -1):
                if leave[k, n]:
                    break
                if enter[k, n]:
                    age[t, n] = t - k
                    break


@njit(**JIT)
def hedged_nb(
    size: F64,
    age: I64,
    beta: F64,
    weight: F64,
    start_g: I64,
    member: I64,
    priced: Bools,
    out: F64,
) -> None:
    """Each position, and beta times its value spread over the others by their weights."""
    for t in range(len(size)):
        for g in range(len(start_g) - 1):
            names = member[start_g[g] : start_g[g + 1]]
            for n in names:
                if age[t, n] < 0 or not priced[t, n] or math.isnan(size[t, n]):
                    continue
                k = t - age[t, n]
                others = 0.0
                for m in names:
                    if m != n and priced[t, m]:
                        others += weight[k, m]
                if not (others > 0.0 and beta[k, n] > 0.0):
                    continue
                out[t, n] += size[t, n]
                for m in names:
                    if m != n and priced[t, m]:
                        out[t, m] -= size[t, n] * beta[k, n] * weight[k, m] / others
