"""Statements become scores when they were known, not when they were about."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from podshop.adapters.sources import store as source
from podshop.adapters.stores.market import MarketStore
from podshop.data import fundamentals
from podshop.data.scores import make_scores
from podshop.simulator import simulate

MOMENT = pl.Datetime("us", "UTC")
# Four quarters of 2023, told about five weeks after their ends, at 17:00 in New York.
QUARTERS = [
    ("Q1", dt.date(2023, 3, 31), dt.date(2023, 5, 5)),
    ("Q2", dt.date(2023, 6, 30), dt.date(2023, 8, 4)),
    ("Q3", dt.date(2023, 9, 30), dt.date(2023, 11, 3)),
    ("Q4", dt.date(2023, 12, 31), dt.date(2024, 2, 2)),
]
SIZES = {"S1": 1.0, "S2": 2.0, "S3": 4.0}
"""Net income of a quarter, in millions; all three have the same lots and price.

Sales are ten times that: with less than half of the figures of value there would be no score.
"""


def after_close(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(22), tzinfo=dt.UTC)


def income(who: str, period: str, end: dt.date, filed: dt.date, net: float) -> dict[str, object]:
    return {
        "security_id": who,
        "symbol": who,
        "period": period,
        "period_end": end,
        "filed": filed,
        "known_at": after_close(filed),
        "net_income": net * 1e6,
        "revenue": net * 1e7,
        "weighted_shares": 1e6,
    }


def sessions() -> list[dt.date]:
    days = (dt.date(2023, 5, 1) + dt.timedelta(k) for k in range(400))
    return [d for d in days if d.weekday() < 5]


def filled(
    folder: Path,
    statements: list[dict[str, object]],
    splits: list[dict[str, object]] = [],  # noqa: B006 - never changed
) -> MarketStore:
    """A store with three names at 100, and these statements and splits."""
    store = MarketStore(folder)
    split = {(s["security_id"], s["date"]): s["ratio"] for s in splits}
    bars = []
    for who in SIZES:
        price = 100.0
        for day in sessions():
            price /= split.get((who, day), 1.0)
            bars.append({"security_id": who, "symbol": who, "date": day, "close": price})
    with store.writing() as writer:
        writer.put("bars", pl.DataFrame(bars))
        told = pl.DataFrame(statements, schema_overrides={"known_at": MOMENT})
        writer.put("income_statements", told)
        if splits:
            writer.put("splits", pl.DataFrame(splits))
        writer.commit()
    return store


def scored(store: MarketStore) -> dict[str, np.ndarray]:
    """Scores by name."""
    days = np.array(sessions(), dtype="datetime64[D]")
    return fundamentals.scores(store, days, tuple(SIZES))


def row(day: dt.date) -> int:
    """The first session after a day."""
    return int(np.searchsorted(np.array(sessions()), day, side="right"))


def quarters(who: str, told: list[tuple[str, dt.date, dt.date]]) -> list[dict[str, object]]:
    return [income(who, *quarter, SIZES[who]) for quarter in told]


def test_value_is_known_the_session_after_the_fourth_report(tmp_path: Path) -> None:
    statements = [row for who in SIZES for row in quarters(who, QUARTERS)]
    value = scored(filled(tmp_path, statements))["value"]
    first = row(QUARTERS[-1][2])
    assert np.isnan(value[:first]).all()
    assert (np.diff(value[first:], axis=1) > 0).all()


def test_a_fourth_quarter_told_only_within_the_year_is_the_year_less_the_others() -> None:
    end = [q[1] for q in QUARTERS]
    quarter = dict(zip(end[:3], (1.0, 2.0, 3.0), strict=True))
    year = {end[3]: 10.0}
    assert fundamentals._four_quarters(quarter, year) == 10.0
    later = {**quarter, dt.date(2024, 3, 31): 7.0}
    assert fundamentals._four_quarters(later, year) == 2.0 + 3.0 + 4.0 + 7.0
    assert fundamentals._four_quarters(quarter, {}) is None
    hole = {**dict.fromkeys((end[0], end[1], end[3]), 1.0), dt.date(2024, 3, 31): 1.0}
    assert fundamentals._four_quarters(hole, {}) is None


def test_a_restatement_changes_nothing_before_it_was_told(tmp_path: Path) -> None:
    statements = [row for who in SIZES for row in quarters(who, QUARTERS)]
    again = dt.date(2024, 3, 15)
    changed = [*statements, income("S1", "Q2", QUARTERS[1][1], again, 50.0)]
    before = scored(filled(tmp_path / "before", statements))["value"]
    after = scored(filled(tmp_path / "after", changed))["value"]
    since = row(again)
    np.testing.assert_array_equal(before[:since], after[:since])
    assert (after[since:, 0] > after[since:, 2]).all()
    assert (before[since:, 0] < before[since:, 2]).all()


def test_a_statement_without_a_moment_is_not_used(tmp_path: Path) -> None:
    statements = [row for who in SIZES for row in quarters(who, QUARTERS)]
    for statement in statements:
        if statement["security_id"] == "S1":
            statement["known_at"] = None
    value = scored(filled(tmp_path, statements))["value"]
    assert np.isnan(value[:, 0]).all()
    assert not np.isnan(value[-1, 1:]).any()


def test_a_split_does_not_change_the_size_of_a_company(tmp_path: Path) -> None:
    statements = [row for who in SIZES for row in quarters(who, QUARTERS[:1])]
    day = dt.date(2023, 7, 3)
    split = [{"security_id": "S2", "symbol": "S2", "date": day, "ratio": 4.0}]
    size = scored(filled(tmp_path, statements, split))["size"]
    known = size[row(QUARTERS[0][2]) :]
    np.testing.assert_allclose(known, -np.log(1e6 * 100.0), rtol=1e-12)


def test_what_is_older_than_a_year_and_its_filing_is_not_known(tmp_path: Path) -> None:
    """Only the first quarter is ever told; 285 sessions later it still counts, after 300 not."""
    statements = [row for who in SIZES for row in quarters(who, QUARTERS[:1])]
    store = filled(tmp_path, statements)
    days = np.arange(np.datetime64("2023-05-01"), np.datetime64("2024-12-31"))
    days = days[np.is_busday(days)]
    ids = tuple(SIZES)
    lots = fundamentals._lots(
        fundamentals._told(store, "income_statements"), store.frame("splits"), days, ids
    )
    first = int(np.flatnonzero(~np.isnan(lots[:, 0]))[0])
    assert (lots[first : first + fundamentals.STALE + 1] == 1e6).all()
    assert np.isnan(lots[first + fundamentals.STALE + 1 :]).all()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> MarketStore:
    made = MarketStore(tmp_path_factory.mktemp("world"))
    simulate(80, 3, seed=3).write(made)
    return made


@pytest.mark.slow
def test_the_store_of_a_simulated_market_has_all_four_in_its_panel(store: MarketStore) -> None:
    with store.writing() as writer:
        writer.put("scores", make_scores(store))
        writer.commit()
    panel = source.load(store.folder)
    for name in ("value", "quality", "growth", "size"):
        score = panel.signal(name)
        assert (~np.isnan(score[-1])).sum() > 40, name
        assert np.isnan(score[np.isnan(panel.close)]).all()


def test_no_score_changes_when_the_future_is_taken_away(store: MarketStore) -> None:
    bars = store.frame("bars")
    days = bars.get_column("date").unique().sort().to_numpy().astype("datetime64[D]")
    ids = tuple(bars.get_column("security_id").unique().sort().to_list())
    whole, t = fundamentals.scores(store, days, ids), 600
    # What became known later is still in the store; it must not be seen.
    short = fundamentals.scores(_until(store, days[t]), days[: t + 1], ids)
    for name, values in whole.items():
        assert (~np.isnan(values[t])).sum() > 30
        np.testing.assert_array_equal(short[name], values[: t + 1])


class _Until:
    """A store that ends after a day."""

    def __init__(self, store: MarketStore, day: np.datetime64) -> None:
        self.store = store
        self.day = day.item()

    def frame(self, table: str) -> pl.DataFrame:
        """Rows until the day."""
        rows = self.store.frame(table)
        if "known_at" in rows.columns:
            return rows.filter(pl.col("known_at").dt.date() <= self.day)
        return rows.filter(pl.col("date") <= self.day) if "date" in rows.columns else rows


def _until(store: MarketStore, day: np.datetime64) -> MarketStore:
    return _Until(store, day)  # type: ignore[return-value]
