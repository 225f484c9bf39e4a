"""The table `scores`, made of a store's other tables.

smart_money, sentiment and earnings_landmine of alternative data; value, quality, growth and size of
statements and prices.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from podshop.adapters.stores.market import MarketStore
from podshop.data import fundamentals
from podshop.domain.money import F32, F64, Days
from podshop.market.alternative import (
    congress,
    earnings,
    insiders,
    options,
    sentiment,
    shorts,
    thirteenf,
)
from podshop.market.alternative.scores import Known, accumulate, carry
from podshop.market.alternative.smart_money import Component, score
from podshop.market.visibility import closes

LANDMINE_DAYS = 7
"""Calendar days ahead in which an expected announcement raises the flag."""

FLOWS = {
    "insiders": ("insider_trades", insiders.events, 1.0, 40.0),
    "congress": ("congress_trades", congress.events, 0.25, 40.0),
    "thirteenf": ("holdings", thirteenf.events, 0.75, 63.0),
    "options": ("options_activity", options.events, 0.5, 3.0),
    "surprises": ("earnings", earnings.surprises, 1.0, 40.0),
}
"""Components that add up: table, formula, weight, half-life in sessions."""

LEVELS = {
    "interest_change": ("short_interest", shorts.interest_change, 0.5, 20.0),
    "days_to_cover": ("short_interest", shorts.days_to_cover, 0.5, 20.0),
    "short_volume": ("short_volume", shorts.volume_ratio, 0.25, 3.0),
}
"""Components of which the last is what counts: likewise."""


def signals(store: MarketStore, days: Days, ids: tuple[str, ...]) -> Mapping[str, F32 | F64]:
    """Every score that the store has the data for.

    Args:
        store: the market store.
        days: (T,) sessions.
        ids: N security ids.

    Returns:
        (T, N) arrays by name, NaN where nothing is known.
    """
    parts = dict(_components(store, days, ids))
    made: dict[str, F32 | F64] = {"smart_money": score(parts)} if parts else {}
    news, calendar = _rows(store, "news"), _rows(store, "earnings")
    if news.height:
        made["sentiment"] = sentiment.daily(sentiment.events(news), days, ids)
    if calendar.height:
        made["earnings_landmine"] = earnings.landmines(calendar, days, ids, LANDMINE_DAYS)
    return made | fundamentals.scores(store, days, ids)


def make_scores(store: MarketStore) -> pl.DataFrame:
    """The rows of the table `scores` for all sessions and securities that have bars.

    Put them with `with store.writing() as w: w.put("scores", make_scores(store)); w.commit()`.

    Returns:
        security_id, date, score, value, known_at (the close of the session).
    """
    bars = store.frame("bars")
    days = bars.get_column("date").unique().sort()
    ids = tuple(bars.get_column("security_id").unique().sort().to_list())
    moments = closes(days)
    frames = [
        pl.DataFrame(
            schema={
                "security_id": pl.String,
                "symbol": pl.String,
                "date": pl.Date,
                "score": pl.String,
                "value": pl.Float64,
                "known_at": pl.Datetime("us", "UTC"),
            }
        )
    ]
    symbols = dict(
        bars.sort("date").group_by("security_id").agg(pl.col("symbol").last()).iter_rows()
    )
    for name, values in signals(store, days.to_numpy().astype("datetime64[D]"), ids).items():
        t, n = np.nonzero(~np.isnan(values))
        frames.append(
            pl.DataFrame(
                {
                    "security_id": [ids[i] for i in n],
                    "symbol": [symbols[ids[i]] for i in n],
                    "date": days.gather(t),
                    "score": [name] * len(t),
                    "value": values[t, n].astype(np.float64),
                    "known_at": moments.gather(t),
                },
                schema=frames[0].schema,
            )
        )
    return pl.concat(frames)


def _components(
    store: MarketStore, days: Days, ids: tuple[str, ...]
) -> Iterator[tuple[str, Component]]:
    """The components whose tables have rows."""
    for name, (table, formula, weight, half_life) in FLOWS.items():
        rows = _rows(store, table)
        if rows.height:
            # The sum fades already, so its age must not fade it twice.
            total = accumulate(formula(rows), days, ids, half_life)
            fresh = Known(total.value, total.age * 0.0)
            yield name, Component(fresh, weight, half_life)
    for name, (table, formula, weight, half_life) in LEVELS.items():
        rows = _rows(store, table)
        if rows.height:
            yield name, Component(carry(formula(rows), days, ids), weight, half_life)


def _rows(store: MarketStore, table: str) -> pl.DataFrame:
    """A table under permanent ids in place of symbols; rows of nobody known are left out."""
    rows = store.frame(table).drop_nulls(["security_id"])
    return rows.with_columns(symbol=pl.col("security_id"))
