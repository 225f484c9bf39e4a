"""Bad ticks on request: what was planted where is returned, so that a gate can be judged.

Each kind falls on names and days of its own, so that every fault is there alone:

    split      a split that is in no table: the bars jump, the table of splits has lost its row
    bar        a high below the low
    stale      the close before, session after session, with volume 0
    unit       all prices of one session 100 times too high
    missing    sessions without a row in the middle of a listing
    duplicate  a row twice, with a different close
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from podshop.domain.error import ConfigError
from podshop.domain.money import I64, Bools
from podshop.simulator.streams import stream

KINDS = ("split", "bar", "stale", "unit", "missing", "duplicate")
RUN = 6
"""Sessions of a stale or missing run."""
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault.

    Attributes:
        kind: one of KINDS.
        security_id: whose.
        first, last: days that are wrong.
        detail: what a person should read.
    """

    kind: str
    security_id: str
    first: date
    last: date
    detail: str


def plant(
    bars: pl.DataFrame, splits: pl.DataFrame, count: int, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame, tuple[Fault, ...]]:
    """Spoil bars and splits with `count` faults of every kind.

    Args:
        bars: sorted by security_id and date.
        splits: of the same securities.
        count: faults of each kind; fewer splits where there are fewer.
        seed: of the world.

    Returns:
        The spoilt bars (sorted as before) and splits, and the faults by kind and place.

    Raises:
        ConfigError: there are fewer long listed names than faults.
    """
    if count == 0:
        return bars, splits, ()
    rng = stream(seed, "faults")
    ids = bars.get_column("security_id")
    start = np.flatnonzero(np.append(True, (ids != ids.shift(1)).to_numpy()[1:]))
    length = np.diff(np.append(start, len(ids)))
    long = np.flatnonzero(length > 20 * RUN)
    wanted = count * (len(KINDS) - 1)
    lost = _lost_splits(rng, splits, count)
    known = set(lost.get_column("security_id"))
    free = [i for i in long if ids[int(start[i])] not in known]
    if len(free) < wanted:
        raise ConfigError(
            f"{count} faults of each kind need {wanted} names listed for {20 * RUN} sessions; "
            f"there are {len(free)}"
        )
    at = rng.choice(np.array(free), wanted, replace=False)
    row_f = start[at] + 2 * RUN + (rng.random(wanted) * (length[at] - 5 * RUN)).astype(np.int64)
    faults = [
        Fault("split", who, day, day, f"split of {ratio:g} is not in the table")
        for who, day, ratio in lost.select("security_id", "date", "ratio").iter_rows()
    ]
    spoilt, told = _spoil(bars, row_f.reshape(len(KINDS) - 1, count))
    kept = splits.join(lost, on=["security_id", "date"], how="anti")
    return spoilt, kept, tuple(faults + told)


def _lost_splits(rng: np.random.Generator, splits: pl.DataFrame, count: int) -> pl.DataFrame:
    """Splits that the table will not have, at most one a name."""
    single = splits.sort("security_id", "date").unique(
        "security_id", keep="first", maintain_order=True
    )
    chosen = rng.permutation(single.height)[:count]
    lost: pl.DataFrame = single[np.sort(chosen).tolist()]
    return lost


def _spoil(bars: pl.DataFrame, row_kf: I64) -> tuple[pl.DataFrame, list[Fault]]:
    """Spoil the rows chosen for each kind but splits; gives what was done."""
    values = {name: bars.get_column(name).to_numpy().copy() for name in (*PRICES, "volume")}
    bad, stale, unit, missing, twice = row_kf
    high, low = values["high"][bad].copy(), values["low"][bad].copy()
    values["high"][bad] = np.minimum(0.99 * low, low - 0.01)
    values["low"][bad] = np.maximum(high, low + 0.01)
    for ahead in range(RUN):
        for name in PRICES:
            values[name][stale + ahead] = values["close"][stale - 1]
        values["volume"][stale + ahead] = 0.0
    for name in PRICES:
        values[name][unit] *= 100.0
    keep: Bools = np.ones(len(bars), dtype=np.bool_)
    for ahead in range(RUN):
        keep[missing + ahead] = False
    spoilt = bars.with_columns(**{name: pl.Series(name, v) for name, v in values.items()})
    again = spoilt[np.sort(twice).tolist()].with_columns(close=pl.col("low"))
    whole = pl.concat([spoilt.filter(pl.Series(keep)), again])
    who, day = bars.get_column("security_id"), bars.get_column("date")
    told = [
        Fault(kind, who[int(r)], day[int(r)], day[int(r) + span - 1], detail)
        for kind, rows, span, detail in (
            ("bar", bad, 1, "high is below low"),
            ("stale", stale, RUN, "close stands still with volume 0"),
            ("unit", unit, 1, "prices are 100 times too high"),
            ("missing", missing, RUN, "sessions without a bar"),
            ("duplicate", twice, 1, "two rows with different closes"),
        )
        for r in rows
    ]
    return whole.sort("security_id", "date", maintain_order=True), told
