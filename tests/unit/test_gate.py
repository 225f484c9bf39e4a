"""The gate: every criterion at its edge, what cannot be told, and what many trials cost."""

import math
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from podshop.domain.money import F64, Days
from podshop.research import validation
from podshop.research.gate import Criterion, Evidence, judge, loss_after_choice
from podshop.rulebook.strategy import GateSection

YEAR = 252
GATE = GateSection()


def sessions(count: int) -> Days:
    """Weekdays from 2012 on."""
    return np.busday_offset("2012-01-02", np.arange(count), roll="forward").astype("datetime64[D]")


def drawn(sharpe: float, count: int, seed: int = 1) -> F64:
    """Returns of exactly this Sharpe ratio a year and 1 % a day of deviation."""
    x = np.random.default_rng(seed).standard_normal(count)
    x = (x - x.mean()) / x.std(ddof=1)
    return 0.01 * (x + sharpe / math.sqrt(YEAR))


def evidence(returns: F64, trials: F64 | None = None, **more: Any) -> Evidence:
    """Evidence on returns, alone or with trials beside them."""
    both = returns[:, None] if trials is None else np.column_stack([returns, trials])
    told = {"made": both.shape[1], **more}
    return Evidence(sessions(len(returns)), returns, both, **told)


def several(sharpe: float = 1.2, years: int = 10, others: int = 5) -> Evidence:
    """A strategy with some trials that show less and vary a little."""
    count = years * YEAR
    columns = [drawn(sharpe - 0.1 * k, count, seed=k + 2) for k in range(others)]
    fund = {"twin": 0.3 * drawn(sharpe, count) + drawn(0.0, count, 50)}
    return evidence(drawn(sharpe, count), np.column_stack(columns), pods=fund)


def criterion(given: Evidence, name: str, gate: GateSection = GATE) -> Criterion:
    """One criterion of the verdict."""
    return next(c for c in judge(given, gate).criteria if c.name == name)


# --- edges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "asks", "better"),
    [
        ("sharpe", "more than", -1.0),
        ("max_drawdown", "less than", 1.0),
        ("win_days", "more than", -1.0),
        ("out_of_sample", "at least", -1.0),
        ("deflated_sharpe", "at least", -1.0),
        ("overfit", "at most", 1.0),
        ("correlation", "less than", 1.0),
    ],
)
def test_a_criterion_turns_exactly_at_its_limit(name: str, asks: str, better: float) -> None:
    given = several()
    figure = criterion(given, name).figure
    assert math.isfinite(figure)

    def passes(limit: float) -> bool:
        return criterion(given, name, GATE.model_copy(update={name: limit})).passed

    assert criterion(given, name).asks == asks
    assert passes(figure) is (asks in ("at least", "at most"))
    assert passes(math.nextafter(figure, better * math.inf))
    assert not passes(math.nextafter(figure, -better * math.inf))


def test_the_track_record_turns_where_the_history_is_as_long_as_it_must_be() -> None:
    # 1.645^2 observations of a Sharpe ratio s need about (1.645 / s)^2: 2.71 years at 1 a year.
    for years, enough in ((2.6, False), (2.8, True)):
        told = criterion(evidence(drawn(1.0, round(years * YEAR))), "track_record")
        assert told.passed is enough
        assert told.figure == pytest.approx(2.71, abs=0.1)
        assert told.limit == pytest.approx(years, abs=0.01)


def test_a_good_strategy_passes_everything_and_each_failure_fails_it() -> None:
    given = several(1.6, 12)
    assert [c.name for c in judge(given, GATE).criteria if not c.passed] == []
    assert judge(given, GATE).passed
    strict = GATE.model_copy(update={"sharpe": 9.0})
    assert [c.name for c in judge(given, strict).criteria if not c.passed] == ["sharpe"]
    assert not judge(given, strict).passed


def test_what_is_told_decides_nothing() -> None:
    one = drawn(1.6, 12 * YEAR)
    given = evidence(one, np.column_stack([one] * 3))
    assert criterion(given, "pbo").figure == 1.0  # a copy is never better than the median
    assert criterion(given, "pbo").passed
    assert judge(given, GATE).passed


# --- what cannot be told --------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.0, 0.001])
@pytest.mark.parametrize("count", [2, 30, 5 * YEAR])
def test_returns_that_never_move_prove_nothing(level: float, count: int) -> None:
    still = np.full(count, level)
    verdict = judge(evidence(still, np.column_stack([still, still])), GATE)
    assert not verdict.passed
    for name in ("sharpe", "out_of_sample", "deflated_sharpe", "track_record"):
        told = next(c for c in verdict.criteria if c.name == name)
        assert not told.passed
        assert not math.isfinite(told.figure)
    plain = next(c for c in verdict.as_plain() if c["name"] == "sharpe")
    assert plain["figure"] is None


@given(
    st.integers(1, 800),
    st.sampled_from([0.0, -1.0, 2.0, 30.0]),
    st.integers(1, 4),
    st.integers(0, 99),
)
def test_what_has_no_figure_is_never_passed(
    count: int, sharpe: float, trials: int, seed: int
) -> None:
    x = np.random.default_rng(seed).standard_normal((count, trials)) * 0.01 + sharpe * 6e-4
    for told in judge(Evidence(sessions(count), x[:, 0], x, trials), GATE).criteria:
        if math.isnan(told.figure):
            assert told.asks == "told" or not told.passed


def test_fewer_years_than_windows_is_not_passed() -> None:
    short = criterion(evidence(drawn(3.0, 3 * YEAR)), "out_of_sample")
    assert math.isnan(short.figure)
    assert not short.passed
    assert "less than 4 years" in short.words
    assert criterion(evidence(drawn(3.0, 5 * YEAR)), "out_of_sample").passed
    quick = GATE.model_copy(update={"train_years": 1, "test_years": 1})
    assert criterion(evidence(drawn(3.0, 3 * YEAR)), "out_of_sample", quick).passed


def test_what_lost_in_training_has_nothing_left_to_compare() -> None:
    told = criterion(evidence(drawn(-1.0, 8 * YEAR)), "out_of_sample")
    assert math.isnan(told.figure)
    assert not told.passed


def test_out_of_sample_by_hand() -> None:
    # Constant Sharpe ratios by calendar year: training years at +a, tested year at +b.
    days = np.arange("2012-01-01", "2016-01-01", dtype="datetime64[D]")
    mean = np.where(days < np.datetime64("2015-01-01"), 0.002, 0.001)
    wave = mean + np.where(np.arange(len(days)) % 2 == 0, 0.01, -0.01)
    told = criterion(Evidence(days, wave, wave[:, None], 1), "out_of_sample")
    # The odd days of 2015 add 0.01 / 365 to its mean.
    assert told.figure == pytest.approx((0.001 + 0.01 / 365) / 0.002, rel=0.002)


# --- trials ---------------------------------------------------------------------------------------


@given(
    st.integers(0, 50), st.integers(1, 8), st.integers(1, 500), st.integers(0, 500), st.booleans()
)
def test_more_trials_never_raise_the_deflated_sharpe(
    seed: int, same: int, made: int, more: int, alike: bool
) -> None:
    x = np.random.default_rng(seed).standard_normal((300, same)) * 0.01 + 0.0008
    if alike:
        x = x[:, :1] + 0.01 * x
    made = max(made, same)
    before, after = (
        criterion(Evidence(sessions(300), x[:, 0], x, m), "deflated_sharpe").figure
        for m in (made, made + more)
    )
    assert after <= before


def test_trials_on_other_sessions_count_too() -> None:
    one = drawn(1.0, 4 * YEAR)
    alone = criterion(evidence(one), "deflated_sharpe")
    hidden = criterion(evidence(one, made=50), "deflated_sharpe")
    assert alone.passed
    assert not hidden.passed
    luck = validation.deflated_sharpe(
        1.0 / math.sqrt(YEAR), 4 * YEAR, 50, 1.0 / (4 * YEAR - 1), 0.0, 3.0
    )
    assert hidden.figure == pytest.approx(luck, abs=0.02)  # but for the sample's skew


def test_identical_trials_are_one() -> None:
    one = drawn(1.2, 8 * YEAR)
    copies = evidence(one, np.column_stack([one] * 20))
    alone, many = (criterion(x, "deflated_sharpe").figure for x in (evidence(one), copies))
    assert many == pytest.approx(alone, rel=1e-12)


def test_choosing_among_noise_loses_in_about_half_and_one_true_trial_does_not() -> None:
    noise = np.random.default_rng(3).normal(0.0, 0.01, (2_000, 12))
    assert 0.2 < loss_after_choice(noise) < 0.8
    noise[:, 4] += 0.002
    assert loss_after_choice(noise) == 0.0
    # Every trial loses in each half: whatever is chosen loses.
    assert loss_after_choice(np.abs(noise) * -1.0) == 1.0


def test_one_trial_has_no_choice_to_judge_and_is_told_so() -> None:
    verdict = judge(evidence(drawn(1.5, 8 * YEAR)), GATE)
    assert {"overfit", "pbo"}.isdisjoint(c.name for c in verdict.criteria)
    assert any("one trial only" in warning for warning in verdict.warnings)
    assert any(
        "trading costs 3.00%" in w
        for w in judge(evidence(drawn(1.5, 8 * YEAR), cost_year=0.03), GATE).warnings
    )


# --- correlation ----------------------------------------------------------------------------------


def waves(count: int) -> tuple[F64, F64]:
    """Two series of mean 0 and equal size that have nothing to do with each other."""
    at = 2.0 * np.pi * np.arange(count) / count
    return np.sin(at), np.cos(at)


def test_correlation_by_hand() -> None:
    a, b = waves(504)
    told = criterion(evidence(a, pods={"x": 3.0 * a + 4.0 * b, "y": -a}), "correlation")
    assert told.figure == pytest.approx(0.6, abs=1e-12)  # 3 / sqrt(9 + 16)
    assert not told.passed
    assert '"x"' in told.words
    opposite = criterion(evidence(a, pods={"y": -a}), "correlation")
    assert opposite.figure == pytest.approx(-1.0)
    assert opposite.passed


def test_correlation_is_of_common_days() -> None:
    a, b = waves(504)
    half = np.where(np.arange(504) < 252, np.nan, a)
    assert criterion(evidence(a, pods={"x": half}), "correlation").figure == pytest.approx(1.0)
    few = np.where(np.arange(504) < 504 - 62, np.nan, a)
    assert criterion(evidence(a, pods={"x": few}), "correlation").passed is False
    idle = criterion(evidence(a, pods={"cash": np.zeros(504)}), "correlation")
    assert (idle.figure, idle.passed) == (0.0, True)
    assert criterion(evidence(b), "correlation").passed


def test_correlation_on_too_few_days_cannot_be_told() -> None:
    one = drawn(1.0, 4 * YEAR)
    short = np.full(4 * YEAR, np.nan)
    short[-60:] = np.random.default_rng(3).standard_normal(60)
    told = criterion(evidence(one, pods={"new": short, "other": -one}), "correlation")
    assert not told.passed
    assert '"new"' in told.words


# --- windows of one's own -------------------------------------------------------------------------


def windows(*texts: str) -> GateSection:
    """A gate with these windows."""
    days = [[date.fromisoformat(day) for day in text.split()] for text in texts]
    return GateSection.model_validate({"windows": tuple(tuple(d) for d in days)})


def test_a_window_outside_of_history_is_not_passed_and_named() -> None:
    gate = windows(
        "2012-01-01 2013-12-31 2014-01-01 2014-12-31", "1990-01-01 1991-01-01 1991-02-01 1992-01-01"
    )
    told = criterion(evidence(drawn(1.0, 4 * YEAR)), "out_of_sample", gate)
    assert not told.passed
    assert "1990-01-01" in told.words


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (("2012-01-01 2014-01-01 2013-01-01 2014-06-01",), "follow each other"),
        (("2012-01-01 2012-12-31 2014-12-31 2013-01-01",), "follow each other"),
        (
            (
                "2012-01-01 2012-12-31 2013-01-01 2013-12-31",
                "2012-01-01 2012-12-31 2013-12-31 2014-12-31",
            ),
            "two windows test 2013-12-31",
        ),
    ],
)
def test_windows_that_test_what_they_know_are_refused(texts: tuple[str, ...], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        windows(*texts)
