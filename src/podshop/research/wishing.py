"""Ask the pods: every pod's wishes over a panel, checked and packed for the day loop.

A pod that throws, returns the wrong shape, NaN, a wish for something without a price, or more than
its declared gross is named in a `PodError`; the fund does not run on it.
"""

import inspect
from collections.abc import Sequence

import numpy as np

from podshop.domain.error import PodError
from podshop.domain.market import Panel
from podshop.domain.money import F32, F64, I64, Bools
from podshop.domain.pod import Pod, WishBook, Wishes
from podshop.domain.rules import periods
from podshop.factors.stop_loss import stopped


def speaking_days(pod: Pod, panel: Panel, start: int) -> Bools:
    """(T,) rows whose wish may be read: the first traded row, and the days that the schedule
    names.
    """
    speaks = np.ones(len(panel), dtype=np.bool_)
    if pod.when in ("week", "month"):
        number = periods(pod.when, panel.days)
        speaks[1:] = number[1:] != number[:-1]
    speaks[:start] = False
    speaks[start] = True
    return speaks


def ask(pod: Pod, panel: Panel, rows: Bools) -> F32:
    """Ask one pod for its weights.

    Args:
        pod: the pod.
        panel: history; the last row is the latest day known.
        rows: (T,) the rows that will be read.

    Returns:
        (T, N) float32 weights; 0 on rows not asked for.

    Raises:
        PodError: names the pod and what is wrong.
    """
    weights = np.zeros(panel.close.shape, dtype=np.float32)
    weights[rows] = _answer(pod, panel, rows)
    return weights


def _answer(pod: Pod, panel: Panel, rows: Bools) -> F32:
    """(K, N) the pod's weights on the rows that are asked for, checked."""
    try:
        wants_rows = len(inspect.signature(pod.wishes).parameters) > 2
        raw = pod.wishes(panel, pod.params, *([rows] if wants_rows else []))
    except Exception as error:
        raise PodError(
            f"pod {pod.id!r} (strategy {pod.strategy!r}) threw {type(error).__name__}: {error}"
        ) from error
    weights, at = np.asarray(raw), np.flatnonzero(rows)
    few = wants_rows and weights.shape == (len(at), panel.close.shape[1])
    if not (few or weights.shape == panel.close.shape) or weights.dtype.kind != "f":
        raise PodError(
            f"pod {pod.id!r} must give floats of shape {panel.close.shape}, "
            f"gave {weights.dtype} of shape {weights.shape}"
        )
    read = weights if few else weights[at]
    _check(pod, panel, read, at)
    return read.astype(np.float32)


def _check(pod: Pod, panel: Panel, read: F64, at: I64) -> None:
    """Refuse what is no wish; `read` has the rows with the numbers `at`."""
    bad = ~np.isfinite(read)
    if bad.any():
        t, i = (int(x[0]) for x in np.nonzero(bad))
        raise PodError(
            f"pod {pod.id!r} wished for {read[t, i]} of {panel.assets.symbols[i]} on "
            f"{panel.days[at[t]]}; "
            "wish 0 where there is nothing to say"
        )
    gross = np.abs(read).sum(axis=1)
    if len(gross) and gross.max() > pod.gross * (1 + 1e-6):
        t = int(np.argmax(gross))
        raise PodError(
            f"pod {pod.id!r} wished for a gross of {gross[t]:.4g} on {panel.days[at[t]]}, "
            f"more than the {pod.gross:g} it declares"
        )


def gather(pods: Sequence[Pod], panel: Panel, start: int) -> WishBook:
    """Collect every pod's wishes over a whole panel.

    Args:
        pods: the hired pods.
        panel: history.
        start: first traded row.
    """
    days = len(panel)
    latest_tp = np.full((days, len(pods)), -1, dtype=np.int32)
    speaks_tp = np.zeros((days, len(pods)), dtype=np.bool_)
    asset, weight, counts = [], [], []
    row = 0
    for p, pod in enumerate(pods):
        speaks = speaking_days(pod, panel, start)
        spoken = _answer(pod, panel, speaks)
        if pod.when == "change":  # it was asked for all rows from `start` on
            anew = np.append(True, (spoken[1:] != spoken[:-1]).any(axis=1))
            spoken, speaks[start:] = spoken[anew], anew
        at = np.flatnonzero(speaks)
        if pod.stop_loss:
            spoken, speaks = _with_stops(spoken, speaks, panel, pod.stop_loss)
            at = np.flatnonzero(speaks)
        t, i = np.nonzero(spoken)
        asset.append(i.astype(np.int32))
        weight.append(spoken[t, i])
        counts.append(np.bincount(t, minlength=len(at)))
        speaks_tp[:, p] = speaks
        latest_tp[at[0] :, p] = row - 1 + np.cumsum(speaks[at[0] :])
        row += len(at)
    row_ptr = np.concatenate(([0], np.cumsum(np.concatenate(counts)))).astype(np.int64)
    return WishBook(latest_tp, row_ptr, np.concatenate(asset), np.concatenate(weight), speaks_tp)


def _with_stops(spoken: F32, speaks: Bools, panel: Panel, limit: float) -> tuple[F32, Bools]:
    """The spoken rows with the stop-loss of positions, and the rows that speak then."""
    whole = np.zeros(panel.close.shape, dtype=np.float32)
    whole[speaks] = spoken
    weights, speaks = stopped(whole, speaks, panel.index, limit)
    return weights[speaks], speaks


def wishes_today(pods: Sequence[Pod], panel: Panel, start: int, t: int) -> Wishes:
    """The wishes that stand at the close of row t, asked the way live trading asks: of recent
    history only.

    Args:
        pods: the hired pods.
        panel: history; rows after t are not shown to the pods.
        start: first traded row.
        t: today.

    Returns:
        The same wishes that `gather(...).on(t)` gives.
    """
    asset, weight, ends = [], [], [0]
    speaks_p = np.zeros(len(pods), dtype=np.bool_)
    for p, pod in enumerate(pods):
        days = panel.rows(0, t + 1)
        if pod.stop_loss:  # what was entered when is known from the beginning only
            alone = gather((pod,), days, start).on(t)
            a, b = int(alone.begin_p[0]), int(alone.end_p[0])
            speaks_p[p] = alone.speaks_p[0]
            asset.append(alone.asset_w[a:b])
            weight.append(alone.weight_w[a:b])
            ends.append(ends[-1] + b - a)
            continue
        spoken = int(np.flatnonzero(speaking_days(pod, days, start))[-1])
        compares = pod.when == "change" and t > start
        first = max(0, spoken + 1 - pod.lookback_days - compares)
        rows = np.zeros(spoken + 1 - first, dtype=np.bool_)
        rows[-1 - compares :] = True
        weights = ask(pod, panel.rows(first, spoken + 1), rows)
        speaks_p[p] = spoken == t and not (compares and (weights[-1] == weights[-2]).all())
        i = np.flatnonzero(weights[-1])
        asset.append(i.astype(np.int32))
        weight.append(weights[-1][i])
        ends.append(ends[-1] + len(i))
    at = np.array(ends, dtype=np.int64)
    return Wishes(at[:-1], at[1:], np.concatenate(asset), np.concatenate(weight), speaks_p)
