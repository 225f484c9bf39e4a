"""Checks on the days that a name has: missing, extra, used again, past its end, too old."""

import numpy as np
import polars as pl

from podshop.domain.money import Days
from podshop.market.quality.findings import found, none
from podshop.market.quality.params import Params


def calendar(bars: pl.DataFrame, sessions: Days) -> pl.DataFrame:
    """Check 2: days without a session that have bars (`warn`), sessions that a name lacks (`note`).

    A lack is dated by the session after it; before a name's first and after its last bar there is
    none.
    """
    days = pl.DataFrame({"date": sessions}, schema={"date": pl.Date})
    extra = bars.join(days, on="date", how="anti")
    lo, hi = (days["date"].min(), days["date"].max()) if len(sessions) else (None, None)
    extra = extra.filter(pl.col("date").is_between(lo, hi)) if lo is not None else extra.clear()
    ghosts = found(extra, "calendar", "warn", pl.lit("the exchange was closed on this day"))
    numbered = days.sort("date").with_row_index("_t")
    inside = bars.join(numbered, on="date").sort("security_id", "date")
    after = (
        pl.col("_t").cast(pl.Int64) - pl.col("_t").shift(1).over("security_id").cast(pl.Int64) - 1
    )
    gaps = inside.with_columns(_gap=after, _last=pl.col("date").shift(1).over("security_id"))
    gaps = gaps.filter(pl.col("_gap") > 0)
    text = pl.format("{} sessions without a bar since {}", "_gap", "_last")
    return pl.concat([ghosts, found(gaps, "calendar", "note", text)])


def reuse(bars: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Check 11: a long silence and another level of price: another company's bars? `warn`."""
    ordered = bars.sort("security_id", "date")
    silent = (pl.col("date") - pl.col("date").shift(1)).dt.total_days().over("security_id")
    level = (pl.col("close") / pl.col("close").shift(1)).over("security_id")
    far = (level > params.reuse_level) | (level < 1.0 / params.reuse_level)
    rows = ordered.with_columns(_silent=silent, _level=level).filter(
        (pl.col("_silent") > params.reuse_gap_days) & far
    )
    text = pl.format(
        "{} days without a bar, then {} times the price: another company's symbol?",
        "_silent",
        pl.col("_level").round(2),
    )
    return found(rows, "reuse", "warn", text)


def departures(bars: pl.DataFrame, securities: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Check 12: a name recorded as gone whose bars end long before, or go on after: `warn`."""
    ends = bars.group_by("security_id").agg(
        pl.col("symbol").sort_by("date").last(), date=pl.col("date").max()
    )
    gone = ends.join(securities.select("security_id", "delisted"), on="security_id")
    off = (pl.col("delisted") - pl.col("date")).dt.total_days()
    rows = gone.drop_nulls("delisted").filter((off > params.departure_days) | (off < 0))
    text = pl.format("recorded as delisted on {}, last bar on {}", "delisted", "date")
    return found(rows, "departure", "warn", text)


def freshness(
    bars: pl.DataFrame,
    securities: pl.DataFrame,
    sessions: Days,
    today: np.datetime64,
    params: Params,
) -> pl.DataFrame:
    """Check 13: names, or the whole feed, behind the last session before `today`.

    The feed is stale, `stop`, when fewer than `feed_share` of the live names have the last session;
    a single name behind the others is a `warn`.

    Args:
        bars: all bars.
        securities: who is delisted.
        sessions: sessions of the exchange, up to today or further.
        today: the day on which the last session should be there.
        params: thresholds.
    """
    past = sessions[sessions <= today]
    if len(past) == 0 or bars.is_empty():
        return none()
    gone = securities.drop_nulls("delisted").select("security_id")
    ends = (
        bars.join(gone, on="security_id", how="anti")
        .group_by("security_id")
        .agg(pl.col("symbol").sort_by("date").last(), date=pl.col("date").max())
    )
    last = ends.get_column("date").to_numpy().astype("datetime64[D]")
    lag = len(past) - np.searchsorted(past, last, side="right")
    # Names that fell silent long before the others have left, whatever nobody recorded.
    live = lag <= lag.min() + params.silent_sessions
    behind = lag >= params.fresh_sessions
    stale_feed = (live & ~behind).sum() < params.feed_share * live.sum()
    rows = ends.with_columns(_lag=pl.Series(lag, dtype=pl.Int64)).filter(pl.Series(behind))
    severity = "stop" if stale_feed else "warn"
    text = pl.format("the last bar is {} sessions behind {}", "_lag", pl.lit(str(past[-1])))
    return found(rows, "freshness", severity, text)
