"""Securities, symbols, bars and actions as rows of the store's tables."""

import numpy as np
import polars as pl

from podshop.domain.money import F64, Days
from podshop.simulator.actions import Habits, Prices
from podshop.simulator.bars import Bars
from podshop.simulator.lives import REASONS, SECTORS, STILL, Lives
from podshop.simulator.returns import STYLES
from podshop.simulator.sessions import moments
from podshop.simulator.streams import stream
from podshop.simulator.truth import Truth

SOURCE = "simulator"
FIRST = ("Alder", "Birch", "Cedar", "Dover", "Elm", "Fern", "Granite", "Harbor", "Iris", "Juniper")
SECOND = (
    "Systems",
    "Foods",
    "Energy",
    "Bank",
    "Labs",
    "Motors",
    "Metals",
    "Homes",
    "Water",
    "Media",
)


def names_of(count: int, seed: int) -> list[str]:
    """Company names: two words and a number, so that no two are equal."""
    rng = stream(seed, "company names")
    a, b = rng.integers(0, len(FIRST), count), rng.integers(0, len(SECOND), count)
    return [f"{FIRST[a[n]]} {SECOND[b[n]]} {n}" for n in range(count)]


def securities(lives: Lives, days: Days, names: list[str]) -> pl.DataFrame:
    """One row a security; `delisted` is the day of its last bar."""
    gone = lives.reason_n != STILL
    delisted = pl.Series("delisted", days[lives.last_n])
    reason = pl.Series("delist_reason", REASONS, dtype=pl.String).gather(lives.reason_n)
    count = len(lives.ids)
    return pl.DataFrame(
        {
            "security_id": lives.ids,
            "name": names,
            "exchange": ["NYSE"] * count,
            "type": ["common"] * count,
            "currency": ["USD"] * count,
            "country": ["US"] * count,
            "cik": [f"{n:010d}" for n in range(count)],
            "sector": pl.Series(SECTORS, dtype=pl.String).gather(lives.sector_n),
            "listed": days[lives.first_n],
            "delisted": delisted,
            "delist_reason": reason,
            "gone": gone,
        }
    ).select(
        pl.exclude("gone", "delisted", "delist_reason"),
        pl.when("gone").then("delisted").alias("delisted"),
        pl.when("gone").then("delist_reason").alias("delist_reason"),
    )


def symbols(lives: Lives, days: Days) -> pl.DataFrame:
    """Symbol intervals; `last` is empty where the security still trades under it."""
    n, symbol, first, last = zip(*lives.symbols, strict=True)
    frame = pl.DataFrame(
        {
            "security_id": [lives.ids[i] for i in n],
            "symbol": symbol,
            "first": days[np.array(first)],
            "last": days[np.array(last)],
            "still": np.array(last) == len(days) - 1,
        }
    )
    ended = pl.when(~pl.col("still")).then("last").alias("last")
    return frame.select("security_id", "symbol", "first", ended)


def bars(made: Bars, lives: Lives, days: Days) -> pl.DataFrame:
    """All bars, by security and date."""
    listed = np.ascontiguousarray(lives.listed(len(days)).T)
    n, t = np.nonzero(listed)
    prices = {
        name: getattr(made, name).T[listed] for name in ("open", "high", "low", "close", "volume")
    }
    who = lives.who(t, n)
    return who.with_columns(
        pl.Series("date", days[t]),
        **{name: pl.Series(name, values) for name, values in prices.items()},
        source=pl.lit(SOURCE),
    )


def splits(prices: Prices, lives: Lives, days: Days) -> pl.DataFrame:
    """All splits, reverse ones too."""
    return (
        lives.who(prices.split_t, prices.split_n)
        .with_columns(
            pl.Series("date", days[prices.split_t]),
            pl.Series("ratio", prices.split_e),
            source=pl.lit(SOURCE),
        )
        .sort("security_id", "date")
    )


def dividends(prices: Prices, lives: Lives, days: Days, p: Habits) -> pl.DataFrame:
    """All dividends by ex-date, with the days on which they were declared, recorded and paid."""
    row = prices.paid_t
    paid = np.busday_offset(days[row], p.paid_sessions, roll="forward")
    recorded = np.busday_offset(days[row], 1, roll="forward")
    return (
        lives.who(row, prices.paid_n)
        .with_columns(
            pl.Series("date", days[row]),
            pl.Series("amount", prices.paid_e),
            pl.Series("record_date", recorded),
            pl.Series("payment_date", paid),
            pl.Series("declared_date", days[np.maximum(row - p.declared_sessions, 0)]),
            source=pl.lit(SOURCE),
        )
        .sort("security_id", "date")
    )


def rates(rate_t: F64, days: Days) -> pl.DataFrame:
    """The three-month rate of every session, known at 18:00."""
    return pl.DataFrame(
        {
            "series": ["DTB3"] * len(days),
            "date": days,
            "value": rate_t,
            "known_at": moments(days, np.full(len(days), 18 * 3600)),
            "source": [SOURCE] * len(days),
        }
    )


def factor_returns(truth: Truth, rate_t: F64) -> pl.DataFrame:
    """Daily returns of the market, without interest, and of the styles, known at 20:00."""
    days = truth.days
    columns = {"market": truth.weather.market_t - rate_t / 252.0}
    columns |= {style: truth.structure.style_tk[:, k] for k, style in enumerate(STYLES)}
    known = moments(days, np.full(len(days), 20 * 3600))
    return pl.concat(
        pl.DataFrame(
            {
                "factor": [name] * len(days),
                "frequency": ["daily"] * len(days),
                "date": days,
                "value": values,
                "known_at": known,
                "source": [SOURCE] * len(days),
            }
        )
        for name, values in columns.items()
    )
