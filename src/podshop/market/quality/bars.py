"""Checks on the bars themselves: impossible, stale, far out, in another unit, twice there.

Trailing figures of a session are made of the sessions before it alone.
"""

import polars as pl

from podshop.market.quality.findings import found
from podshop.market.quality.params import Params

PRICES = ("open", "high", "low", "close")
FEW = 5
"""Names below which a day has no market to compare with."""


def impossible(bars: pl.DataFrame) -> pl.Series:
    """Why each bar cannot be; "" for those that can (check 1).

    A price must be finite and positive, a high not below a low, open and close between them, a
    volume not negative. Prices that are not given are not judged.
    """
    reason = pl.lit("")
    for name in reversed(PRICES):
        price = pl.col(name)
        bad = price.is_not_null() & ~(price.is_finite() & (price > 0.0)).fill_null(value=False)
        reason = pl.when(bad).then(pl.lit(f"{name} is not a positive number")).otherwise(reason)
    for name in ("open", "close"):
        # Rounding may leave a close a hair outside; a thousandth of the price may be that.
        slack = pl.col("close") * 1e-3
        out = (pl.col(name) > pl.col("high") + slack) | (pl.col(name) < pl.col("low") - slack)
        text = pl.lit(f"{name} is outside the day's high and low")
        reason = pl.when((reason == "") & out.fill_null(value=False)).then(text).otherwise(reason)
    crossed = (pl.col("high") < pl.col("low")).fill_null(value=False)
    reason = pl.when(crossed).then(pl.lit("the high is below the low")).otherwise(reason)
    volume = pl.col("volume")
    bad = volume.is_not_null() & ~(volume.is_finite() & (volume >= 0.0)).fill_null(value=False)
    reason = pl.when((reason == "") & bad).then(pl.lit("the volume is no number")).otherwise(reason)
    missing = pl.lit(None, dtype=pl.Float64)
    absent = [missing.alias(n) for n in (*PRICES, "volume") if n not in bars.columns]
    return bars.with_columns(absent).select(reason.alias("reason")).to_series()


def order_of_prices(bars: pl.DataFrame) -> pl.DataFrame:
    """Check 1: impossible bars, `stop`."""
    wrong = bars.with_columns(_reason=impossible(bars)).filter(pl.col("_reason") != "")
    return found(wrong, "impossible bar", "stop", pl.col("_reason"))


def duplicates(bars: pl.DataFrame) -> pl.DataFrame:
    """Check 9: a security that has a day twice, `stop`: nobody knows which is right."""
    twice = bars.group_by("security_id", "date").agg(pl.col("symbol").first(), n=pl.len())
    twice = twice.filter(pl.col("n") > 1)
    return found(twice, "duplicate", "stop", pl.format("the day is there {} times", "n"))


def studied(bars: pl.DataFrame, splits: pl.DataFrame, dividends: pl.DataFrame) -> pl.DataFrame:
    """The bars with what the checks compare, sorted by security and day.

    Adds: before (last close), split, dividend, lr and gap (log total return of the close, and of
    the open, against the last close, after what is known to have happened), sigma (robust daily
    deviation of lr, 60 sessions before), money (close times lots over its median of 20 sessions
    before), lots (over the median of 60), market (the day's median lr), after (log mean level of
    the five sessions from the next on, as many as there are, against this close), last (the lr
    before), back (the next lr).
    """
    key = ["security_id", "date"]
    joined = (
        bars.unique(key, keep="first", maintain_order=True)
        .join(splits.select(*key, split="ratio").unique(key), on=key, how="left")
        .join(dividends.select(*key, dividend="amount").unique(key), on=key, how="left")
        .with_columns(pl.col("split").fill_null(1.0), pl.col("dividend").fill_null(0.0))
        .sort(key)
    )
    by = "security_id"
    paid = (pl.col("close") + pl.col("dividend")) * pl.col("split")
    opened = (pl.col("open") + pl.col("dividend")) * pl.col("split")
    turnover = pl.col("close") * pl.col("volume")
    first = joined.with_columns(before=pl.col("close").shift(1).over(by)).with_columns(
        lr=(paid / pl.col("before")).log(), gap=(opened / pl.col("before")).log(), turn=turnover
    )
    trailing = first.with_columns(
        sigma=_before("lr", 60, 20, absolute=True) * 1.4826,
        money=pl.col("turn") / _before("turn", 20, 5),
        lots=pl.col("volume") / _before("volume", 60, 20),
        level=pl.col("lr").fill_null(0.0).cum_sum().over(by),
    )
    ahead = pl.mean_horizontal(*(pl.col("level").shift(-k).over(by) for k in range(1, 6)))
    return trailing.with_columns(
        # Of a few names the median is one of themselves, and no market.
        market=pl.when(pl.col("lr").count().over("date") >= FEW)
        .then(pl.col("lr").median().over("date"))
        .otherwise(0.0),
        after=ahead - pl.col("level"),
        last=pl.col("lr").shift(1).over(by),
        back=pl.col("lr").shift(-1).over(by),
    )


def _before(column: str, sessions: int, least: int, absolute: bool = False) -> pl.Expr:
    """Median of a column over the sessions before this one."""
    value = pl.col(column).abs() if absolute else pl.col(column)
    return value.rolling_median(sessions, min_samples=least).shift(1).over("security_id")


def stale(bars: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Check 5: the same close again and again without a trade, `warn`; dated by its first day."""
    ordered = bars.sort("security_id", "date")
    same = (pl.col("close") == pl.col("close").shift(1)) & (pl.col("volume") == 0.0)
    runs = ordered.with_columns(_same=same.over("security_id").fill_null(value=False))
    runs = runs.with_columns(_run=(~pl.col("_same")).cum_sum().over("security_id"))
    long = (
        runs.filter(pl.col("_same"))
        .group_by("security_id", "_run", maintain_order=True)
        .agg(pl.col("symbol").first(), pl.col("date").first(), pl.col("close").first(), n=pl.len())
        .filter(pl.col("n") >= params.stale_days)
    )
    text = pl.format("{} sessions at {} without a trade: a halt, or a feed that died", "n", "close")
    return found(long, "stale", "warn", text)


def outliers(study: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Check 6: returns far beyond the name's own and the day's, `note`; taken back, `warn`."""
    own = (pl.col("lr") - pl.col("market")).abs()
    far = (own > params.outlier_mads * pl.col("sigma")) & (own > params.outlier_return)
    left = (pl.col("lr") + pl.col("back")).abs()
    spike = (own > params.spike_return) & (left < params.spike_left * own)
    spike &= pl.col("back").abs() > params.outlier_mads * pl.col("sigma")
    rows = study.filter((far | spike).fill_null(value=False))
    spiked = spike.fill_null(value=False)
    text = pl.format("a return of {} %", ((pl.col("lr").exp() - 1.0) * 100.0).round(1))
    text = pl.when(spiked).then(text + pl.lit(", taken back in the next session")).otherwise(text)
    severity = pl.when(spiked).then(pl.lit("warn")).otherwise(pl.lit("note"))
    return found(rows, "outlier", severity, text)


def volume_jumps(study: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Check 8: volumes in another unit for good: the median of five sessions jumps, `note`.

    One busy session is news; a level that jumps fiftyfold and stays is lots for hundreds.
    """
    level = pl.col("volume").rolling_median(5, min_samples=5).shift(-4).over("security_id")
    usual = _before("volume", 60, 20)
    ratio = level / usual
    jumps = study.with_columns(_ratio=ratio).filter(
        (pl.col("split") == 1.0)
        & (
            (pl.col("_ratio") > params.volume_ratio)
            | (pl.col("_ratio") < 1.0 / params.volume_ratio)
        )
    )
    first = jumps.unique(["security_id"], keep="first", maintain_order=True)
    text = pl.format("volumes are {} times what they were", pl.col("_ratio").round(3))
    return found(first, "volume", "note", text)
