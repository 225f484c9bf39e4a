"""The cards that every pod must pass before a fund runs on it: law 5, no pod looks ahead.

1 `asked_twice`  it answers at all, in numbers, within its gross, only for what has a price, and the
                 same when asked again
2 `shortened`    given only the last `lookback_days` rows, its last row does not change
3 `cut`          given nothing after a day, its row of that day does not change
4 `scrambled`    given other prices after a day, its rows up to that day do not change

Rows are compared as the fund stores them, in float32, and must be equal bit for bit. Cards 2 to 4
are played on a few random days on which the pod wishes for something. Card 4 uses the stretch of
history around the day, long enough for the pod's lookback on both sides, so that the price of a
check hardly grows with the length of the history.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from podshop.domain.error import PodError
from podshop.domain.market import Panel
from podshop.domain.money import F32, F64, Bools, read_only
from podshop.domain.pod import Pod
from podshop.research.wishing import ask, speaking_days

MARGIN_DAYS = 64
"""Rows beyond the lookback that a stretch of history has."""


def check_pod(pod: Pod, panel: Panel, seed: int, samples: int = 3) -> None:
    """Play all cards on one pod.

    Args:
        pod: the pod.
        panel: history to play on.
        seed: decides the days and the scrambled prices.
        samples: days to play cards 2 to 4 on.

    Raises:
        PodError: names the pod, the day and the symbol, and what is wrong: what it threw, not a
            number, gross above its declaration, no price, not the same twice, looks ahead, needs
            more history than its lookback.
    """
    rows = speaking_days(pod, panel, 0)
    wishes = asked_twice(pod, panel, rows)
    rng = np.random.default_rng(seed)
    spoken = np.flatnonzero(rows & (wishes != 0.0).any(axis=1))
    candidates = spoken if len(spoken) else np.flatnonzero(rows)
    for t in rng.choice(candidates, size=min(samples, len(candidates)), replace=False):
        shortened(pod, panel, wishes, int(t))
        scrambled(pod, panel, rows, wishes, int(t), rng)


def asked_twice(pod: Pod, panel: Panel, rows: Bools) -> F32:
    """Card 1: ask for the whole history, and again for its last stretch.

    Args:
        pod: the pod.
        panel: history.
        rows: (T,) rows that will be read.

    Returns:
        (T, N) its wishes; 0 on the rows that are not read.
    """
    wishes = np.where(rows[:, None], ask(pod, panel, rows), np.float32(0.0))
    unpriced = (wishes != 0.0) & np.isnan(panel.close)
    if unpriced.any():
        t, n = divmod(int(unpriced.argmax()), wishes.shape[1])
        raise PodError(
            f"{_name(pod)} wishes for {wishes[t, n]:.6g} of {panel.assets.symbols[n]} on "
            f"{panel.days[t]}, when it has no price; wish 0 where panel.close is NaN"
        )
    start = max(0, len(panel) - pod.lookback_days - MARGIN_DAYS)
    stretch = panel.rows(start, len(panel))
    once, again = (ask(pod, stretch, rows[start:]) for _ in range(2))
    _same(pod, stretch, rows[start:], once, again, "does not say the same twice")
    return wishes


def shortened(pod: Pod, panel: Panel, wishes: F32, t: int) -> None:
    """Card 2: the row of day t from the last `lookback_days` rows alone; then card 3 tells why not.

    Args:
        pod: the pod.
        panel: history.
        wishes: (T, N) its wishes over the whole of it.
        t: row to play on.
    """
    few = panel.rows(max(0, t + 1 - pod.lookback_days), t + 1)
    what = f"{_name(pod)} needs more history than its lookback of {pod.lookback_days} rows"
    try:
        got = _last(pod, few)
    except PodError as error:
        cut(pod, panel, wishes, t)  # where the whole past does not help either, that is the news
        raise PodError(f"{what}: given no more on {panel.days[t]}, it fails: {error}") from error
    if np.array_equal(got, wishes[t]):
        return
    cut(pod, panel, wishes, t)
    n = int((got != wishes[t]).argmax())
    raise PodError(
        f"{what}: on {panel.days[t]} it wishes for {wishes[t, n]:.6g} of "
        f"{panel.assets.symbols[n]}, but for {got[n]:.6g} when given no more; raise lookback(p), "
        "or use bounded windows"
    )


def cut(pod: Pod, panel: Panel, wishes: F32, t: int) -> None:
    """Card 3: the row of day t from everything up to day t and nothing later."""
    got = _last(pod, panel.rows(0, t + 1))
    if np.array_equal(got, wishes[t]):
        return
    n = int((got != wishes[t]).argmax())
    raise PodError(
        f"{_name(pod)} looks ahead: on {panel.days[t]} it wishes for {wishes[t, n]:.6g} of "
        f"{panel.assets.symbols[n]}, but for {got[n]:.6g} when later days are not there"
    )


def scrambled(
    pod: Pod, panel: Panel, rows: Bools, wishes: F32, t: int, rng: np.random.Generator
) -> None:
    """Card 4: rows up to day t when other prices follow.

    Args:
        pod: the pod.
        panel: history.
        rows: (T,) rows that will be read.
        wishes: (T, N) its wishes over the whole of it.
        t: row after which everything is scrambled.
        rng: dice.
    """
    reach = pod.lookback_days + MARGIN_DAYS
    start, stop = max(0, t + 1 - pod.lookback_days - reach), min(len(panel), t + 1 + reach)
    # Rows before the first whole lookback may differ because history was taken away.
    first = start + pod.lookback_days - 1 if start else 0
    stretch = panel.rows(start, stop)
    read = rows[start:stop].copy()
    read[: first - start] = False
    read[t + 1 - start :] = False
    if not read.any():
        return
    true = wishes[start:stop]
    plain = ask(pod, stretch, read)
    what = "needs more history than its lookback, or looks far ahead: with the days around it"
    _same(pod, stretch, read, true, plain, what)
    try:
        got = ask(pod, scramble(stretch, t - start, rng), read)
    except PodError as error:
        raise PodError(
            f"{_name(pod)} looks ahead: with other prices after {panel.days[t]} its earlier wishes "
            f"fail: {error}"
        ) from error
    _same(pod, stretch, read, true, got, f"looks ahead: with other prices after {panel.days[t]}")


def scramble(panel: Panel, t: int, rng: np.random.Generator) -> Panel:
    """Keep rows 0..t of a panel and make up the rest: other prices, gaps, actions, departures."""
    future = slice(t + 1, len(panel))
    count, names = len(panel) - t - 1, panel.close.shape[1]

    def other(values: F64, low: float, high: float, holes: Bools | None = None) -> F64:
        made = np.array(values)
        made[future] = rng.uniform(low, high, size=made[future].shape)
        if holes is not None:
            made[future][holes] = np.nan
        read_only(made)
        return made

    gone = rng.random((count, names)) < 0.1
    prices: dict[str, Any] = {}
    for name in ("open", "high", "low", "close", "returns"):
        bounds = (-0.5, 0.9) if name == "returns" else (1.0, 500.0)
        prices[name] = other(getattr(panel, name), *bounds, gone)
    signals = {}
    for name, values in panel.signals.items():
        made = values.copy()
        made[future] = np.where(gone, np.nan, rng.uniform(-1.0, 1.0, size=(count, names)))
        read_only(made)
        signals[name] = made
    return replace(
        panel,
        **prices,
        signals=signals,
        volume=other(panel.volume, 0.0, 1e7),
        dividend=other(panel.dividend, 0.0, 2.0),
        split=other(panel.split, 0.5, 2.0),
        index=other(panel.index, 0.1, 50.0),
        rate_t=other(panel.rate_t, 0.0, 0.001),
        benchmark_t=other(panel.benchmark_t, 10.0, 5000.0),
    )


def _last(pod: Pod, panel: Panel) -> F32:
    """Its wishes of the last row."""
    rows = np.zeros(len(panel), dtype=np.bool_)
    rows[-1] = True
    last: F32 = ask(pod, panel, rows)[-1]
    return last


def _same(pod: Pod, panel: Panel, rows: Bools, want: F32, got: F32, what: str) -> None:
    """Refuse wishes that differ on the rows that are read."""
    wrong = (want != got) & rows[:, None]
    if wrong.any():
        t, n = divmod(int(wrong.argmax()), wrong.shape[1])
        raise PodError(
            f"{_name(pod)} {what}, on {panel.days[t]} it wishes for {got[t, n]:.6g} of "
            f"{panel.assets.symbols[n]} instead of {want[t, n]:.6g}"
        )


def _name(pod: Pod) -> str:
    """How a pod is called in a complaint."""
    return f"pod {pod.id!r} (strategy {pod.strategy!r})"
