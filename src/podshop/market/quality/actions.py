"""Checks on splits and dividends.

A split that was not applied looks like a crash, and crashes near 1/2 happen; the ratio alone is
right half of the time (AES 2001-09-26 fell 49 % on news, TRMB 2007-02-26 split). What tells them
apart: a split OPENS at its ratio and stays there, and it is no news: no more money changes hands
than on other days. A crash trades many times its usual money, moves all day and bounces.
"""

import math

import numpy as np
import polars as pl

from podshop.market.actions import adjusted_closes, adjustments
from podshop.market.quality.findings import found, none
from podshop.market.quality.params import Params

RATIOS = tuple(
    sorted(
        {
            p / q
            for p, q in (
                (2, 1),
                (3, 1),
                (3, 2),
                (4, 1),
                (5, 1),
                (4, 3),
                (5, 2),
                (5, 4),
                (10, 1),
                (20, 1),
            )
        }
    )
)
"""Lots after one lot before of the splits that companies make; reverse ones are inverses."""

SIMPLE = np.unique(
    [
        ratio
        for p in range(1, 51)
        for q in ((1, 2, 3, 4, 5, 20) if p > 1 else (1,))
        for ratio in (p / q, q / p)
    ]
)
"""Ratios that are no surprise in a record of splits."""


def splits_not_applied(study: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Check 3: a gap that is a split nobody recorded, or a record of one that never happened.

    Needs opens. `stop` when gap, close, the next five sessions (as many as there are: on the last
    day of a feed nothing can contradict yet) and the money traded all agree; `warn` when only the
    gap and the money do, or nobody knows the volume. The return from a bad tick is no split: what
    undoes the session before is left to the outliers.

    Args:
        study: as `bars.studied` gives it.
        params: thresholds.
    """
    gap_room = pl.max_horizontal(params.gap_sigmas * pl.col("sigma"), pl.lit(params.gap_least))
    room = pl.max_horizontal(params.close_sigmas * pl.col("sigma"), pl.lit(params.close_least))
    quiet = (pl.col("money") < params.money_ratio).fill_null(value=True)
    undone = (pl.col("lr") + pl.col("last")).abs() < params.spike_left * pl.col("lr").abs()
    step = quiet & ~undone.fill_null(value=False)
    frames = []
    # A recorded split that did not happen shows as its inverse, so both directions are tried.
    for ratio in (*RATIOS, *(1.0 / r for r in RATIOS)):
        log = math.log(ratio)
        # A gap that ordinary days of this name make is no evidence.
        clear = abs(log) > 2.0 * room
        near = clear & step & ((pl.col("gap") + log).abs() < gap_room)
        holds = ((pl.col("lr") + log - pl.col("market")).abs() < room) & (
            (pl.col("after").abs() < room).fill_null(value=True)
        )
        rows = study.filter(near.fill_null(value=False)).with_columns(
            _holds=holds.fill_null(value=False) & pl.col("money").is_not_null(),
            _ratio=pl.lit(ratio),
            _off=(pl.col("gap") + log).abs(),
        )
        frames.append(rows)
    rows = pl.concat(frames).sort("security_id", "date", "_off")
    rows = rows.unique(["security_id", "date"], keep="first", maintain_order=True)
    recorded = (pl.col("split") - 1.0).abs() > 1e-9
    missing = pl.format(
        "opens at {} of the last close with {} times the usual money: a split of {} for 1 that is "
        "not among the splits?",
        pl.col("gap").exp().round(4),
        pl.col("money").round(2),
        pl.col("_ratio").round(4),
    )
    false = pl.format(
        "a split of {} for 1 is recorded, but the price did not follow it", pl.col("split").round(4)
    )
    severity = pl.when(pl.col("_holds")).then(pl.lit("stop")).otherwise(pl.lit("warn"))
    return found(rows, "split", severity, pl.when(recorded).then(false).otherwise(missing))


def identity(
    bars: pl.DataFrame,
    splits: pl.DataFrame,
    dividends: pl.DataFrame,
    adjusted: pl.DataFrame,
    params: Params,
) -> pl.DataFrame:
    """Check 4: returns by our actions against the vendor's adjusted closes.

    `note` up to a hundredth of a per cent (rounded dividends), `warn` up to a per cent, above it an
    action is missing on one side: `stop`. The rounding of the adjusted closes themselves (six
    decimals) is allowed for.
    """
    if adjusted.is_empty():
        return none()
    mine = bars.join(adjusted.select("security_id").unique(), on="security_id", how="semi")
    both = (
        adjusted_closes(mine, adjustments(mine, splits, dividends))
        .rename({"adj_close": "_mine"})
        .join(
            adjusted.select("security_id", "date", "symbol", "adj_close"),
            on=["security_id", "date"],
        )
        .sort("security_id", "date")
    )

    def growth(name: str) -> pl.Expr:
        return (pl.col(name) / pl.col(name).shift(1)).over("security_id") - 1.0

    apart = both.with_columns(
        _apart=(growth("_mine") - growth("adj_close")).abs(),
        _room=params.identity + 1.2e-6 / pl.col("adj_close"),
    ).filter(pl.col("_apart") > pl.col("_room"))
    severity = (
        pl.when(pl.col("_apart") > 1e-2)
        .then(pl.lit("stop"))
        .when(pl.col("_apart") > 1e-4)
        .then(pl.lit("warn"))
        .otherwise(pl.lit("note"))
    )
    text = pl.format("our return and the vendor's adjusted one differ by {}", pl.col("_apart"))
    return found(apart, "identity", severity, text)


def odd_actions(study: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Check 7: dividends of a large share of the price, splits in ratios nobody makes: `warn`.

    Mergers and spin-offs are often recorded so.
    """
    # A dividend is per lot after the split, the last close per lot before it.
    share = pl.col("dividend") * pl.col("split") / pl.col("before")
    large = study.filter(share > params.dividend_share)
    paid = found(
        large,
        "dividend",
        "warn",
        pl.format(
            "a dividend of {} at a last close of {}: a merger or spin-off?", "dividend", "before"
        ),
    )
    splits = study.filter((pl.col("split") - 1.0).abs() > 1e-9)
    ratio_r = splits.get_column("split").to_numpy()
    off_r = np.abs(ratio_r[:, None] / SIMPLE - 1.0).min(axis=1, initial=np.inf)
    odd = splits.filter(pl.Series(off_r >= 1e-3, dtype=pl.Boolean))
    text = pl.format("a split of {} for 1: a spin-off or stock dividend?", "split")
    return pl.concat([paid, found(odd, "ratio", "warn", text)])
