"""Point in time: for any symbol and day, nothing that became known later is ever visible."""

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from podshop.adapters.stores.market import MarketStore
from podshop.market.visibility import closes, early, first_rows

NEW_YORK = ZoneInfo("America/New_York")
FIRST = dt.date(2020, 2, 24)  # over the change to summer time of 2020-03-08
DAYS = [FIRST + dt.timedelta(days=i) for i in range(30) if (FIRST.weekday() + i) % 7 < 5]
SESSIONS = np.array(DAYS, dtype="datetime64[D]")

BEGINNING = dt.datetime(2020, 2, 20, tzinfo=dt.UTC)
moments = st.integers(0, 42 * 86_400).map(lambda s: BEGINNING + dt.timedelta(seconds=s))
reports = st.tuples(
    st.sampled_from(["A", "B"]),
    st.sampled_from([dt.date(2019, 9, 30), dt.date(2019, 12, 31), dt.date(2020, 3, 31)]),
    moments,
    st.integers(1, 10**6),
)


def close_of(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(16), NEW_YORK).astimezone(dt.UTC)


@given(st.lists(moments, min_size=1, max_size=40))
def test_a_row_counts_from_the_first_close_at_or_after_its_moment(known: list) -> None:
    series = pl.Series(known, dtype=pl.Datetime("us", "UTC"))
    for moment, row in zip(known, first_rows(series, SESSIONS), strict=True):
        expected = next((t for t, day in enumerate(DAYS) if close_of(day) >= moment), len(DAYS))
        assert row == expected


def test_closes_are_four_in_new_york_in_winter_and_summer() -> None:
    told = closes(pl.Series([dt.date(2020, 1, 2), dt.date(2020, 7, 2)])).to_list()
    assert [moment.hour for moment in told] == [21, 20]


def test_short_sessions_are_those_of_the_exchange_and_no_early_one_is_missed() -> None:
    from podshop.adapters.calendar import early_closes, sessions

    first, last = np.datetime64("1998-01-01"), np.datetime64("2026-11-01")
    days = sessions(first, last)
    true = np.isin(days, early_closes(first, last))
    assert not (true & ~early(days)).any()
    assert (early(days) & ~true).sum() <= 3  # taken for short, and was not: a delay, no look ahead
    assert closes(pl.Series([dt.date(2023, 11, 24)])).to_list()[0].hour == 18


@given(st.lists(reports, max_size=25))
def test_nothing_known_later_is_visible_and_the_newest_known_is(rows: list) -> None:
    frame = pl.DataFrame(
        {
            "security_id": [r[0] for r in rows],
            "symbol": [r[0] for r in rows],
            "period_end": pl.Series([r[1] for r in rows], dtype=pl.Date),
            "period": ["Q" for _ in rows],
            "known_at": pl.Series([r[2] for r in rows], dtype=pl.Datetime("us", "UTC")),
            "revenue": pl.Series([float(r[3]) for r in rows], dtype=pl.Float64),
        }
    )
    with TemporaryDirectory() as folder:
        store = MarketStore(Path(folder))
        with store.writing() as writer:
            writer.put("income_statements", frame)
            writer.commit()
        kept = store.frame("income_statements").rows(named=True)
        seen = store.statements_at("income_statements", SESSIONS)
    told = {(row["security_id"], row["date"]): row for row in seen.rows(named=True)}
    for name in ("A", "B"):
        for day in DAYS:
            known = [r for r in kept if r["security_id"] == name and r["known_at"] <= close_of(day)]
            best = max(known, key=lambda r: (r["period_end"], r["known_at"]), default=None)
            mine = told.get((name, day))
            assert (mine is None) == (best is None)
            if mine is not None and best is not None:
                assert mine["known_at"] <= close_of(day)
                assert (mine["period_end"], mine["revenue"]) == (
                    best["period_end"],
                    best["revenue"],
                )
