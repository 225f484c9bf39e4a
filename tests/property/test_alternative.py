"""Alternative data: nothing later changes what was known, order and repetition do not matter."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshop.domain.money import F64
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

DAYS = np.array(
    [d for d in np.arange("2024-01-02", "2024-04-01", dtype="datetime64[D]") if np.is_busday(d)]
)
NAMES = tuple("ABCDEF")
FIGURES = ("shares", "price", "low", "high", "days_to_cover", "short")
TITLES = ["A beats estimates", "A beats the estimates", "B cuts guidance", "C names treasurer"]


def made(seed: int, count: int = 120) -> pl.DataFrame:
    """Rows with the columns of every table, by dice."""
    rng = np.random.default_rng(seed)

    def pick(values: list) -> list:
        return [values[i] for i in rng.integers(0, len(values), count)]

    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    known = [start + dt.timedelta(minutes=int(m)) for m in rng.integers(0, 90 * 1440, count)]
    dates = [
        (m - dt.timedelta(days=int(d))).date()
        for m, d in zip(known, rng.integers(0, 2, count), strict=True)
    ]
    real = {
        name: rng.uniform(1.0, 1e5, count).round()
        for name in (*FIGURES, "call_volume", "put_volume")
    }
    return pl.DataFrame(
        {
            **real,
            "symbol": pick(list(NAMES)),
            "total": real["short"] * 2.0,
            "eps": rng.normal(1.0, 1.0, count),
            "eps_estimated": rng.normal(1.0, 1.0, count),
            "date": dates,
            "transaction_date": dates,
            "period_end": pick([dt.date(2023, 9, 30), dt.date(2023, 12, 31)]),
            "manager_id": pick(["m1", "m2"]),
            "put_call": pick(["", "", "Put"]),
            "accession": pick([f"a{i}" for i in range(12)]),
            "line": list(range(count)),
            "insider_id": pick(["i1", "i2", "i3"]),
            "role": pick(["CEO", "Director", None]),
            "code": pick(["P", "S", "A"]),
            "planned": pick([True, False, None]),
            "chamber": pick(["senate", "house"]),
            "member": pick(["x", "y"]),
            "owner": pick(["self", "spouse"]),
            "side": pick(["buy", "sale"]),
            "title": pick(TITLES),
            "known_at": pl.Series(known, dtype=pl.Datetime("us", "UTC")),
        }
        # One filing is known at one moment, by one manager, for one quarter.
    ).with_columns(pl.col("known_at", "manager_id", "period_end").first().over("accession"))


def summed(formula: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[pl.DataFrame], F64]:
    return lambda rows: accumulate(formula(rows), DAYS, NAMES, 10.0).value


def smart(rows: pl.DataFrame) -> F64:
    flow = accumulate(insiders.events(rows), DAYS, NAMES, 10.0)
    level = carry(shorts.days_to_cover(rows), DAYS, NAMES)
    return score({"flow": Component(flow, 1.0, 10.0), "level": Component(level, 0.5, 20.0)})


FORMULAS: dict[str, Callable[[pl.DataFrame], F64]] = {
    "insiders": summed(insiders.events),
    "congress": summed(congress.events),
    "options": summed(options.events),
    "thirteenf": summed(thirteenf.events),
    "surprises": summed(earnings.surprises),
    "interest": lambda rows: carry(shorts.interest_change(rows), DAYS, NAMES).value,
    "cover": lambda rows: carry(shorts.days_to_cover(rows), DAYS, NAMES).value,
    "ratio": lambda rows: carry(shorts.volume_ratio(rows), DAYS, NAMES).value,
    "landmine": lambda rows: earnings.landmines(rows, DAYS, NAMES, 7),
    "sentiment": lambda rows: sentiment.daily(sentiment.events(rows), DAYS, NAMES),
    "smart_money": smart,
}
every_formula = pytest.mark.parametrize("name", FORMULAS)
seeds = st.integers(0, 10_000)


@every_formula
@given(seed=seeds, t=st.integers(0, len(DAYS) - 1))
def test_what_becomes_known_later_changes_nothing_earlier(name: str, seed: int, t: int) -> None:
    rows = made(seed)
    close = closes(pl.Series(DAYS)).to_list()[t]
    later = pl.col("known_at") > close
    whole = FORMULAS[name](rows)[: t + 1]
    np.testing.assert_array_equal(FORMULAS[name](rows.filter(~later))[: t + 1], whole)
    scrambled = rows.with_columns(
        shares=pl.when(later).then(pl.col("shares") * 7.0 + 1.0).otherwise("shares"),
        eps=pl.when(later).then(-pl.col("eps")).otherwise("eps"),
    )
    np.testing.assert_array_equal(FORMULAS[name](scrambled)[: t + 1], whole)


@every_formula
@given(seed=seeds)
def test_order_and_repetition_of_rows_do_not_matter(name: str, seed: int) -> None:
    rows = made(seed)
    whole = FORMULAS[name](rows)
    mixed = pl.concat([rows, rows]).sample(fraction=1.0, shuffle=True, seed=seed)
    np.testing.assert_array_equal(FORMULAS[name](mixed), whole)


@given(seed=seeds)
def test_scores_stay_in_their_range(seed: int) -> None:
    rows = made(seed)
    for name in ("smart_money", "sentiment", "landmine"):
        values = FORMULAS[name](rows)
        assert not np.isinf(values).any()
        assert np.nanmax(np.abs(values)) <= 1.0


def test_every_formula_says_something() -> None:
    rows = made(1, 600)
    for name, formula in FORMULAS.items():
        assert (np.nan_to_num(formula(rows)) != 0.0).any(), name


def test_what_is_loud_and_unknown_is_nan_and_not_zero() -> None:
    nothing = Known(np.full((3, 2), np.nan), np.full((3, 2), np.nan))
    assert np.isnan(score({"a": Component(nothing, 1.0, 5.0)})).all()
