"""Months, years, crises, rolling windows and tails, counted by hand on short series."""

import numpy as np
import pytest

from podshop.research import periods
from podshop.research.metrics import compute


def business_days(first: str, count: int) -> np.ndarray:
    return np.busday_offset(first, np.arange(count), roll="forward").astype("datetime64[D]")


def dice(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0004, 0.01, count)


def test_months_of_two_sessions_each() -> None:
    days = np.array(["2019-11-04", "2019-11-05", "2020-01-02", "2020-01-03"], "datetime64[D]")
    found = periods.months(days, np.array([0.10, 0.10, -0.50, 1.00]))
    assert found.years == (2019, 2020)
    assert found.returns[0, 10] == pytest.approx(0.21)
    assert found.returns[1, 0] == pytest.approx(0.0)
    assert np.isnan(found.returns).sum() == 22
    assert found.whole.tolist() == pytest.approx([0.21, 0.0])


def test_months_compound_to_their_years_and_to_the_whole() -> None:
    days, r = business_days("2014-03-10", 1_500), dice(1_500)
    found = periods.months(days, r)
    years = periods.calendar_years(days, r, np.full(1_500, np.nan))
    assert [int(year.name) for year in years] == list(found.years)
    assert found.whole.tolist() == pytest.approx([year.strategy for year in years])
    assert np.prod(1 + found.whole) == pytest.approx(np.prod(1 + r))


def test_a_year_without_sessions_has_no_return() -> None:
    days = np.array(["2018-12-31", "2020-01-02"], "datetime64[D]")
    found = periods.months(days, np.array([0.01, 0.02]))
    assert found.years == (2018, 2019, 2020)
    assert np.isnan(found.whole[1])


def test_a_year_beside_its_benchmark() -> None:
    days = np.array(["2020-01-02", "2020-01-03", "2021-01-04", "2021-01-05"], "datetime64[D]")
    r, b = np.array([-0.10, 0.20, 0.01, 0.01]), np.array([0.05, -0.02, np.nan, 0.01])
    first, second = periods.calendar_years(days, r, b)
    assert first.strategy == pytest.approx(0.9 * 1.2 - 1)
    assert first.benchmark == pytest.approx(1.05 * 0.98 - 1)
    assert first.difference == pytest.approx(0.9 * 1.2 - 1.05 * 0.98)
    assert first.drawdown == pytest.approx(0.10)
    assert first.benchmark_drawdown == pytest.approx(0.02)
    sharpe = 0.05 / np.std([-0.1, 0.2], ddof=1) * np.sqrt(252)
    assert first.sharpe == pytest.approx(sharpe)
    assert second.strategy == pytest.approx(1.01**2 - 1)
    assert np.isnan(second.benchmark)
    assert np.isnan(second.difference)
    assert np.isnan(second.benchmark_drawdown)


def test_crises_inside_the_data_only() -> None:
    days = business_days("2020-02-03", 800)
    r = np.zeros(800)
    inside = (days >= np.datetime64("2020-02-20")) & (days <= np.datetime64("2020-03-23"))
    r[inside] = -0.01
    found = periods.crises(days, r, np.where(inside, -0.02, 0.0))
    assert [crisis.name for crisis in found] == ["COVID crash", "Inflation of 2022"]
    covid = found[0]
    assert covid.sessions == inside.sum()
    assert (str(covid.first), str(covid.last)) == ("2020-02-20", "2020-03-23")
    assert covid.strategy == pytest.approx(0.99**covid.sessions - 1)
    assert covid.drawdown == pytest.approx(1 - 0.99**covid.sessions)
    assert covid.benchmark == pytest.approx(0.98**covid.sessions - 1)
    assert found[1].strategy == 0.0
    cut = days <= np.datetime64("2022-10-11")
    assert len(periods.crises(days[cut], r[cut], r[cut])) == 1


def test_every_crisis_is_found_in_a_long_history_and_falls_in_order() -> None:
    days = business_days("1999-01-04", 7_000)
    found = periods.crises(days, dice(7_000), np.full(7_000, np.nan))
    assert [c.name for c in found] == [name for name, _, _ in periods.CRISES]
    assert [c.first for c in found] == sorted(c.first for c in found)


def test_falls_deepest_first_with_their_recovery() -> None:
    days = business_days("2020-01-02", 6)
    r = np.array([-0.05, 1 / 0.95 - 1, 0.10, -0.20, 0.125, 0.05])
    deep, shallow = periods.falls(days, r)
    assert deep.depth == pytest.approx(0.20)
    assert (deep.begin, deep.trough, deep.end) == (days[3], days[3], None)
    assert (deep.down, deep.up) == (1, 2)
    assert shallow.depth == pytest.approx(0.05)
    assert (shallow.begin, shallow.end, shallow.down, shallow.up) == (days[0], days[1], 1, 1)
    assert len(periods.falls(days, r, most=1)) == 1


def test_the_last_window_has_the_metrics_of_its_sessions() -> None:
    r, b = dice(300), dice(300, seed=2)
    for window in periods.WINDOWS:
        found = periods.rolling(r, b, window, rf=0.02)
        alone = compute(r[-window:], b[-window:], rf=0.02)
        assert np.isnan(found.total[: window - 1]).all()
        assert np.isfinite(found.total[window - 1 :]).all()
        assert found.total[-1] == pytest.approx(alone["total_return"])
        assert found.volatility[-1] == pytest.approx(alone["vol_ann"])
        assert found.sharpe[-1] == pytest.approx(alone["sharpe"])
        assert found.beta[-1] == pytest.approx(alone["beta"])


def test_windows_that_cannot_be_judged_are_empty() -> None:
    still = periods.rolling(np.full(70, 0.001), np.full(70, np.nan), 63)
    assert np.isnan(still.sharpe).all()
    assert still.volatility[-1] == 0.0
    assert np.isnan(still.beta).all()
    assert np.isnan(periods.rolling(dice(10), dice(10), 63).total).all()


def test_tails_of_a_hundred_and_one_returns() -> None:
    r = np.arange(-50, 51) / 1_000
    rows = {row.share: row for row in periods.tails(r, np.where(r < 0, np.nan, r))}
    assert rows[0.05].quantile == pytest.approx(-0.045)
    assert rows[0.05].beyond == pytest.approx(-0.0475)
    assert rows[0.95].beyond == pytest.approx(0.0475)
    assert rows[0.5].normal == pytest.approx(0.0)
    assert rows[0.95].normal == pytest.approx(1.6448536 * np.std(r, ddof=1))
    assert rows[0.5].benchmark == pytest.approx(0.025)
    assert np.isnan(rows[0.5].beyond)


def test_sessions_far_from_the_mean() -> None:
    r = np.concatenate([np.zeros(98), [0.10, -0.10]])
    assert [(k, far) for k, far, _ in periods.beyond_sigma(r)] == [(2, 2), (3, 2), (4, 2)]
    assert next(periods.beyond_sigma(r))[2] == pytest.approx(4.55, abs=0.01)
