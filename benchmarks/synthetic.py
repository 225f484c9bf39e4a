"""Seeded markets and wishes for the benchmarks: no file, no network, the same numbers on every machine.

`market` draws a panel of N names over T business days: a market factor, sector factors and own noise,
prices in cents, opens, volumes, sectors; quarterly dividends on request. `wishes` draws what P pods
wish for, week after week, straight into a packed `WishBook`.
"""

import numpy as np
from numba import njit

from podshop.domain.market import Panel
from podshop.domain.pod import WishBook
from podshop.domain.rules import periods
from podshop.market.panel import from_arrays

SECTORS = 11
START = np.datetime64("2014-01-01")


def business_days(count: int) -> np.ndarray:
    """The first `count` business days from START."""
    days = START + np.arange(count * 7 // 5 + 14)
    return days[np.is_busday(days)][:count]


def market(
    names: int = 3_000,
    days: int = 2_520,
    seed: int = 7,
    dividends: bool = True,
    rate: float = 0.02,
) -> Panel:
    """A panel of raw prices: opens, closes, volumes, sectors; dividends a quarter on half the names.

    Every name trades about 300 million a day whatever its price, so that the volume cap seldom binds
    and a week's trades are done in a day.
    """
    rng = np.random.default_rng(seed)
    sector = np.arange(names) % SECTORS
    beta = rng.uniform(0.6, 1.4, names)
    own = rng.uniform(0.012, 0.026, names)
    close = np.empty((days, names))
    opened = np.empty((days, names))
    log_price = np.log(rng.uniform(20.0, 200.0, names))
    for t in range(days):
        common = 0.009 * rng.standard_normal() + 0.0003
        sectors = 0.004 * rng.standard_normal(SECTORS)
        noise = own * rng.standard_normal(names)
        moved = beta * common + sectors[sector] + noise - 0.4 * own**2
        gap = 0.25 * moved + 0.002 * rng.standard_normal(names)
        opened[t] = np.exp(log_price + gap)
        log_price += moved
        close[t] = np.exp(log_price)
    np.maximum(np.round(close, 2, out=close), 0.01, out=close)
    np.maximum(np.round(opened, 2, out=opened), 0.01, out=opened)
    volume = np.round(3e8 * np.exp(0.5 * rng.standard_normal((days, names))) / close)
    paid = None
    if dividends:
        paid = np.zeros((days, names))
        for n in range(0, names, 2):
            at = np.arange(int(rng.integers(0, 63)), days, 63)
            paid[at, n] = np.round(0.004 * close[at, n], 2)
    return from_arrays(
        business_days(days),
        [f"N{n:04d}" for n in range(names)],
        close,
        open=opened,
        volume=volume,
        dividend=paid,
        sectors=[f"sector {s:02d}" for s in sector],
        rate=rate,
        source="Synthetic prices of benchmarks/synthetic.py.",
    )


def wishes(panel: Panel, pods: int, held: int, seed: int = 11, skill: float = 0.045) -> WishBook:
    """What the pods wish for: about `held` names each, a tenth of them replaced a week, weights drifting.

    Every pod speaks on the first session of each week. A random pod loses its costs and is fired by
    its ladder, and an empty fund is a fast fund; so each pod is given a little knowledge of the week to
    come (`skill`; 0.045 makes Sharpe ratios of about 3.5 after costs), which keeps nearly all of them
    hired and funded. One pod in twenty is given none.
    """
    number = periods("week", panel.days)
    week_t = np.flatnonzero(np.append(True, number[1:] != number[:-1]))
    rows = len(week_t)
    ahead = np.zeros((rows, len(panel.assets)))
    last = len(panel) - 1
    begin, end = np.minimum(week_t + 1, last), np.minimum(np.append(week_t[1:], last) + 1, last)
    ahead[:] = np.log(panel.open[end] / panel.open[begin])
    ahead -= ahead.mean(axis=1, keepdims=True)
    ahead /= ahead.std(axis=1, keepdims=True) + 1e-12
    skill_p = np.where(np.arange(pods) % 20 == 19, 0.0, skill)
    rng = np.random.default_rng(seed)
    row_ptr, asset_w, weight_w = _draw(rng, ahead, pods, held, skill_p)
    latest_tp = np.repeat(
        (np.arange(rows)[:, None] * pods + np.arange(pods)).astype(np.int32),
        np.diff(np.append(week_t, len(panel))),
        axis=0,
    )
    speaks_tp = np.zeros((len(panel), pods), dtype=np.bool_)
    speaks_tp[week_t] = True
    return WishBook(latest_tp, row_ptr, asset_w, weight_w, speaks_tp)


@njit(cache=True)
def _draw(rng, ahead, pods, held, skill_p):
    """Rows week * pods + pod: ascending assets, weights whose absolute values sum to 1."""
    weeks, names = ahead.shape
    row_ptr = np.zeros(weeks * pods + 1, np.int64)
    asset_w = np.empty(weeks * pods * held, np.int32)
    weight_w = np.empty(weeks * pods * held, np.float32)
    view = np.zeros((pods, names))
    own = np.zeros((pods, held), np.int64)
    for p in range(pods):
        for j in range(held):
            i = rng.integers(0, names)
            while view[p, i] != 0.0:
                i = rng.integers(0, names)
            view[p, i] = rng.normal()
            own[p, j] = i
    k = 0
    for w in range(weeks):
        for p in range(pods):
            if w > 0:
                for j in range(held // 10):
                    old = rng.integers(0, held)
                    i = rng.integers(0, names)
                    while view[p, i] != 0.0:
                        i = rng.integers(0, names)
                    view[p, own[p, old]] = 0.0
                    own[p, old] = i
                    view[p, i] = rng.normal()
            gross = 0.0
            for j in range(held):
                i = own[p, j]
                fresh = rng.normal() + skill_p[p] * 3.0 * ahead[w, i]
                view[p, i] = 0.9 * view[p, i] + 0.3 * fresh
                gross += abs(view[p, i])
            for i in np.sort(own[p]):
                asset_w[k] = i
                weight_w[k] = view[p, i] / gross
                k += 1
            row_ptr[w * pods + p + 1] = k
    return row_ptr, asset_w, weight_w
