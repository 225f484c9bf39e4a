"""A slow twin of Carver's framework in plain numpy: one name, one rule, one day at a time.

Written from the formulas of "Systematic Trading" and "Advanced Futures Trading Strategies", without
a look at the pod's code: exponential means are sums over their weights, correlations are numpy's,
and the buffered position is carried forward from the first day.
"""

import math

import numpy as np

from podshop.domain.money import F64, Days


def weighted_mean(x: F64, span: int, least: int) -> float:
    """Exponential mean of the last three spans of x, newest last; NaN of too few known values."""
    recent = x[-3 * span :][::-1]
    weight = (1.0 - 2.0 / (span + 1.0)) ** np.arange(len(recent))
    known = ~np.isnan(recent)
    if known.sum() < least:
        return math.nan
    return float((weight[known] * recent[known]).sum() / weight[known].sum())


def volatility(returns: F64, long_days: int) -> F64:
    """(T,) daily volatility of one name."""
    sigma = np.full(len(returns), np.nan)
    blend = np.full(len(returns), np.nan)
    for t in range(len(returns)):
        past = returns[: t + 1]
        mean = weighted_mean(past, 32, 32)
        if not math.isnan(mean):
            sigma[t] = math.sqrt(max(weighted_mean((past - mean) ** 2, 32, 32), 0.0))
            ten_years = sigma[max(0, t - long_days + 1) : t + 1]
            blend[t] = max(0.7 * sigma[t] + 0.3 * np.nanmean(ten_years), 0.001)
    return blend


def ewmac(index: F64, daily: F64, fast: int, scalar: float) -> F64:
    """(T,) forecast of one name and speed."""
    out = np.full(len(index), np.nan)
    for t in range(len(index)):
        quick = weighted_mean(index[: t + 1], fast, fast)
        slow = weighted_mean(index[: t + 1], 4 * fast, 4 * fast)
        raw = (quick - slow) / (index[t] * daily[t]) * scalar
        out[t] = raw if math.isnan(raw) else min(max(raw, -20.0), 20.0)
    return out


def breakout(index: F64, days: int, scalar: float) -> F64:
    """(T,) forecast of one name."""
    raw = np.full(len(index), np.nan)
    out = raw.copy()
    for t in range(days - 1, len(index)):
        window = index[t - days + 1 : t + 1]
        if not np.isnan(window).any() and window.max() > window.min():
            middle = (window.max() + window.min()) / 2.0
            raw[t] = 40.0 * (index[t] - middle) / (window.max() - window.min())
        smooth = weighted_mean(raw[: t + 1], days // 4, 1)
        out[t] = smooth if math.isnan(smooth) else min(max(smooth * scalar, -20.0), 20.0)
    return out


def multiplier(samples: F64, weight: F64) -> float:
    """1 / sqrt(w' rho w) of (samples, K), negative correlations as 0, at most 2.5."""
    held = np.flatnonzero(weight > 0.0)
    if len(held) == 0:
        return 1.0
    rho = np.eye(len(held))
    for a, i in enumerate(held):
        for b, j in enumerate(held):
            both = ~np.isnan(samples[:, i] + samples[:, j])
            if a != b:
                enough = both.sum() >= 26
                pair = np.corrcoef(samples[both, i], samples[both, j])[0, 1] if enough else 1.0
                rho[a, b] = max(pair, 0.0)
    w = weight[held] / weight[held].sum()
    return float(min(max(1.0 / math.sqrt(w @ rho @ w), 1.0), 2.5))


def month_starts(days: Days) -> list[int]:
    """Rows that begin a month."""
    month = days.astype("datetime64[M]")
    return [t for t in range(1, len(days)) if month[t] != month[t - 1]]


def growth(returns: F64, weights: F64, rate: F64, late: int) -> F64:
    """(T,) growth of a book that earns on the weights of `late` rows before, and on idle cash."""
    out = np.ones(len(returns))
    for t in range(late, len(returns)):
        held = weights[t - late]
        out[t] += np.nansum(held * returns[t]) + (1.0 - held.sum()) * rate[t]
    return out


def buffered(target: F64, width: F64, change: F64) -> F64:
    """(T,) lots of one name, carried forward; NaN targets leave them alone."""
    out, held = np.full(len(target), np.nan), math.nan
    for t in range(len(target)):
        held *= change[t]
        if math.isnan(target[t]):
            continue
        if math.isnan(held):
            held = target[t]
        held = min(max(held, target[t] - width[t]), target[t] + width[t])
        out[t] = held
    return out
