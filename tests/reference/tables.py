"""The market and the pods' voices once more, read from a panel into lists of Python numbers."""

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
from tests.funds import Fund

M = 1_000_000


@dataclass
class Tables:
    """The market of a panel as lists of Python numbers, one row a session."""

    days: list[dt.date]
    mark: list[list[int]]
    price: list[list[int]]
    traded: list[list[bool]]
    volume: list[list[int | None]]
    dividend: list[dict[int, int]]
    split: list[dict[int, int]]
    gone: list[list[int]]
    ret: list[list[float]]
    rate: list[float]
    years: list[float]
    sector: list[str]


def micros(price: float) -> int:
    """A price in micros, half up; nothing for no price."""
    return 0 if math.isnan(price) else math.floor(price * M + 0.5)


def after_split(mark: int, ratio: int) -> int:
    """A mark in new lots, half up."""
    return (mark * M + ratio // 2) // ratio


def toward_zero(exact: int) -> int:
    """Whole lots in millionths of lots."""
    return exact // M if exact >= 0 else -(-exact // M)


def read(fund: Fund) -> Tables:
    """Read the panel: prices, and what follows from them alone."""
    panel = fund.panel
    n, rows = len(panel.assets), len(panel)
    close, opens, volume = panel.close.tolist(), panel.open.tolist(), panel.volume.tolist()
    div, split = panel.dividend.tolist(), panel.split.tolist()
    days = [d.astype(object) for d in panel.days]
    silent = [panel.gone_days] * n
    last, known = [0] * n, [math.nan] * n
    out = Tables(days, [], [], [], [], [], [], [], [], panel.rate_t.tolist(), [], [])
    for t in range(rows):
        traded = [not math.isnan(close[t][i]) for i in range(n)]
        ratio = {i: micros(split[t][i]) for i in range(n) if micros(split[t][i]) != M}
        last = list(last)
        for i, r in ratio.items():
            last[i] = after_split(last[i], r)
        last = [micros(close[t][i]) if traded[i] else last[i] for i in range(n)]
        row = opens[t] if panel.opens else close[t]
        out.mark.append(last)
        out.price.append([micros(row[i]) if traded[i] else 0 for i in range(n)])
        out.traded.append(traded)
        out.volume.append([None if math.isnan(v) else math.floor(v + 0.5) for v in volume[t]])
        out.dividend.append({i: micros(div[t][i]) for i in range(n) if micros(div[t][i])})
        out.split.append(ratio)
        silent = [0 if traded[i] else silent[i] + 1 for i in range(n)]
        out.gone.append([i for i in range(n) if silent[i] == panel.gone_days])
        growth = [(close[t][i] + div[t][i]) * split[t][i] / known[i] - 1.0 for i in range(n)]
        out.ret.append([0.0 if math.isnan(g) else float(np.float32(g)) for g in growth])
        known = [close[t][i] if traded[i] else known[i] for i in range(n)]
        out.years.append((days[t] - days[t - 1]).days / 365.0 if t else 0.0)
    out.sector = list(panel.assets.sectors)
    return out


def first_of(schedule: str, days: list[dt.date], start: int, t: int) -> bool:
    """Whether row t is the first session of its period; the first traded row always is."""
    if t == start or schedule in ("daily", "never"):
        return t == start or schedule == "daily"
    return period(schedule, days[t]) != period(schedule, days[t - 1])


def period(schedule: str, day: dt.date) -> tuple[int, int]:
    """Name of the week, month or quarter of a day."""
    if schedule == "week":
        return day.isocalendar().year, day.isocalendar().week
    return day.year, day.month if schedule == "month" else (day.month - 1) // 3


def speech(fund: Fund) -> dict[int, tuple[list[bool], list[dict[int, float]]]]:
    """For every row: which pods speak, and the wish of each that stands."""
    days = [d.astype(object) for d in fund.panel.days]
    raw = [np.asarray(pod.wishes(fund.panel, pod.params)) for pod in fund.rules.pods]
    rows = [[[float(np.float32(x)) for x in row] for row in table.tolist()] for table in raw]
    standing: list[dict[int, float]] = [{} for _ in raw]
    out = {}
    for t in range(fund.recipe.start, len(days)):
        speaks = []
        for p, pod in enumerate(fund.rules.pods):
            says = first_of(
                "daily" if pod.when == "change" else pod.when, days, fund.recipe.start, t
            )
            if pod.when == "change" and t > fund.recipe.start:
                says = rows[p][t] != rows[p][t - 1]
            if says:
                standing[p] = {i: x for i, x in enumerate(rows[p][t]) if x}
            speaks.append(says)
        out[t] = speaks, list(standing)
    return out
