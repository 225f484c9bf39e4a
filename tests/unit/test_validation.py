"""How much a backtest proves: the worked figures of the papers, and luck that is caught."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshop.research import validation as v

YEAR = 252
DAILY = 1.0 / math.sqrt(YEAR)
"""A Sharpe ratio of 1 a year, per day."""


def test_a_year_of_data_knows_a_sharpe_ratio_to_about_one() -> None:
    error = math.sqrt(v.sharpe_variance(DAILY, YEAR)) * math.sqrt(YEAR)
    # sqrt(252 * (1 + 0.5 / 252) / 251) = 1.0030; with n instead of n - 1 it is 1.0010.
    assert error == pytest.approx(math.sqrt((YEAR + 0.5) / (YEAR - 1)), rel=1e-12)
    assert error == pytest.approx(1.0, abs=0.004)


def test_the_track_record_of_the_paper() -> None:
    # A Sharpe of 1 against 0: 2.71 years; 2.9 with skew -1 and kurtosis 8; 2 against 1: 2.7;
    # 1.5 against 1: 10.9.
    years = [
        v.min_track_record(DAILY) / YEAR,
        v.min_track_record(DAILY, skew=-1.0, kurtosis=8.0) / YEAR,
        v.min_track_record(2 * DAILY, DAILY) / YEAR,
        v.min_track_record(1.5 * DAILY, DAILY) / YEAR,
    ]
    assert years == pytest.approx([2.71, 2.89, 2.73, 10.89], abs=0.02)
    assert v.min_track_record(DAILY, DAILY) == math.inf


@pytest.mark.parametrize(
    ("a_year", "skew", "kurtosis", "years"),
    [(252, 0.0, 3.0, 2.73), (52, 0.0, 3.0, 2.83), (12, 0.0, 3.0, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_the_track_records_of_the_paper_in_years(
    a_year: int, skew: float, kurtosis: float, years: float
) -> None:
    # Bailey, Lopez de Prado (2012), "The Sharpe Ratio Efficient Frontier": a Sharpe ratio of 2 a
    # year against 1, seen daily, weekly, monthly; the last with the shape of hedge funds' returns.
    one = 1.0 / math.sqrt(a_year)
    told = v.min_track_record(2 * one, one, skew, kurtosis) / a_year
    assert told == pytest.approx(years, abs=0.005)


def test_the_track_record_is_where_the_probability_reaches_the_confidence() -> None:
    n = math.ceil(v.min_track_record(DAILY, 0.0, -0.5, 5.0))
    assert v.probabilistic_sharpe(DAILY, n, 0.0, -0.5, 5.0) >= 0.95
    assert v.probabilistic_sharpe(DAILY, n - 2, 0.0, -0.5, 5.0) < 0.95


def test_the_best_of_fifty_worthless_trials_shows_a_sharpe_of_two_and_more() -> None:
    told = [v.expected_max_sharpe(n) for n in (5, 20, 50, 330)]
    assert told == pytest.approx([1.19, 1.90, 2.28, 2.93], abs=0.005)
    rng = np.random.default_rng(1)
    seen = rng.normal(size=(20_000, 50)).max(axis=1).mean()
    # The formula is the limit for many trials; of fifty the true figure is 2.249.
    assert seen == pytest.approx(v.expected_max_sharpe(50), abs=0.04)
    assert v.expected_max_sharpe(1) == 0.0
    with pytest.raises(ValueError, match="one trial"):
        v.expected_max_sharpe(0)


def test_a_sharpe_of_two_as_the_best_of_fifty_is_more_likely_luck() -> None:
    told = v.deflated_sharpe(2 * DAILY, YEAR, 50, 1.0 / YEAR)
    assert told == pytest.approx(0.392, abs=0.002)
    three = v.deflated_sharpe(2 * DAILY, 3 * YEAR, 50, 1.0 / (3 * YEAR))
    assert three == pytest.approx(0.88, abs=0.005)


def test_the_worked_example_of_the_deflated_sharpe_ratio() -> None:
    # Bailey, Lopez de Prado (2014), "The Deflated Sharpe Ratio", numerical example: SR 2.5 a year,
    # 100 trials with variance 1/2, five years of 250 days, skew -3, kurtosis 10: DSR about 0.90.
    told = v.deflated_sharpe(2.5 / math.sqrt(250), 1250, 100, 0.5 / 250, -3.0, 10.0)
    assert v.expected_max_sharpe(100, 0.5 / 250) == pytest.approx(0.1132, abs=2e-4)
    assert told == pytest.approx(0.9004, abs=2e-4)


@pytest.mark.parametrize(("trials", "skew", "kurtosis"), [(46, -3.0, 10.0), (88, 0.0, 3.0)])
def test_the_trials_after_which_the_example_is_no_longer_enough(
    trials: int, skew: float, kurtosis: float
) -> None:
    # The same example: 46 trials would have left 95 % (0.9505), 88 if returns had been normal.
    told = [
        v.deflated_sharpe(2.5 / math.sqrt(250), 1250, n, 0.5 / 250, skew, kurtosis)
        for n in (trials, trials + 1)
    ]
    assert told[0] == pytest.approx(0.9505, abs=5e-5)
    assert told[0] > told[1]


def test_five_years_allow_about_forty_five_trials() -> None:
    assert v.min_backtest_years(45) == pytest.approx(5.0, abs=0.05)
    assert v.min_backtest_years(45) < 2 * math.log(45)


def test_noise_is_overfitted_and_one_true_strategy_is_not() -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(0.0, 0.01, (1_000, 50))
    assert 0.25 < v.pbo(noise).probability < 0.75
    noise[:, 7] += 0.01 * 4.0 / math.sqrt(252)
    true = v.pbo(noise)
    assert true.probability < 0.02
    assert len(true.logits) == math.comb(10, 5)


@pytest.mark.parametrize(
    ("sharpe", "least", "most"), [(0.0, 1.0, 1.0), (1.0, 0.6, 0.85), (2.0, 0.0, 0.26)]
)
def test_the_three_cases_of_the_paper_on_overfitting(
    sharpe: float, least: float, most: float
) -> None:
    # Bailey et al. (2016), test cases 1 to 3: 1000 days of 100 trials in 8 blocks, each trial
    # centred so that its Sharpe ratio over the whole history is 0 and what is won in sample is lost
    # out of it; the last trial has 0, 1 or 2 a year. Full, high and low overfitting.
    for seed in range(5):
        x = np.random.default_rng(seed).standard_normal((1_000, 100))
        x = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
        x[:, -1] += sharpe * DAILY
        told = v.pbo(x, 8)
        assert least <= told.probability <= most
        assert len(told.logits) == 70


def test_sixteen_blocks_have_12870_splits() -> None:
    x = np.random.default_rng(0).standard_normal((64, 2))
    assert len(v.pbo(x, 16).logits) == 12_870


def test_a_rank_by_hand() -> None:
    # Two blocks, three trials: the best of the first half is the worst of the second and the other
    # way round, so w = 1 / 4 and logit = ln(1 / 3), twice.
    first = np.array([[3.0, 2.0, 1.0], [3.1, 2.2, 1.3]])
    logits = v.pbo(np.concatenate([first, first[:, ::-1]]), 2).logits
    best = [int(np.argmax(h.mean(axis=0) / h.std(axis=0))) for h in (first, first[:, ::-1])]
    assert best == [0, 2]
    assert logits == pytest.approx([math.log(1 / 3)] * 2)


def test_a_window_of_one_return_over_and_over_has_no_sharpe_ratio() -> None:
    days = np.arange("2015-01-01", "2024-01-01", dtype="datetime64[D]")
    for fold in v.walk_forward(np.full(len(days), 0.001), days):
        assert (fold.train_sharpe, fold.test_sharpe, fold.passed) == (0.0, 0.0, False)


def test_copies_of_one_strategy_are_never_better_than_the_median() -> None:
    one = np.random.default_rng(2).normal(0.0, 0.01, (100, 1))
    assert v.pbo(np.repeat(one, 4, axis=1), 4).logits.tolist() == [0.0] * 6


@pytest.mark.parametrize(("rows", "trials", "blocks"), [(100, 5, 3), (10, 5, 10), (100, 1, 10)])
def test_what_cannot_be_cut_is_refused(rows: int, trials: int, blocks: int) -> None:
    with pytest.raises(ValueError, match=r"blocks|two trials"):
        v.pbo(np.zeros((rows, trials)), blocks)


def test_walk_forward_passes_what_keeps_four_fifths_of_its_sharpe() -> None:
    days = np.arange("2015-01-01", "2024-01-01", dtype="datetime64[D]")
    wave = np.where(np.arange(len(days)) % 2 == 0, 0.011, -0.009)
    weaker = np.where(days >= np.datetime64("2022-01-01"), wave - 0.0005, wave)
    kept, lost = v.walk_forward(weaker, days)
    assert kept.passed
    assert not lost.passed
    assert lost.test_sharpe == pytest.approx(0.0005 / 0.01, rel=0.01)
    with pytest.raises(ValueError, match="overlaps"):
        v.walk_forward(wave, days, [("2015-01-01", "2020-01-01", "2020-01-01", "2021-01-01")])
    with pytest.raises(ValueError, match="two observations"):
        v.walk_forward(wave, days, [("2001-01-01", "2001-06-30", "2020-01-01", "2021-01-01")])


def test_rolling_windows_follow_each_other_and_stay_inside() -> None:
    days = np.arange("2016-02-29", "2022-03-01", dtype="datetime64[D]")
    windows = v.rolling_windows(days)
    assert windows[0] == ("2016-02-29", "2019-02-28", "2019-03-01", "2020-02-29")
    assert len(windows) == 3
    for window in windows:
        assert list(window) == sorted(window)
        assert np.datetime64(window[3]) <= days[-1]


@given(st.integers(30, 300), st.integers(2, 8), st.integers(1, 10), st.integers(0, 10))
def test_no_training_row_knows_a_tested_one(n: int, folds: int, label: int, embargo: int) -> None:
    tested = []
    for train, test in v.purged_folds(n, folds, label, embargo):
        tested += test.tolist()
        assert not set(train) & set(test)
        reach = {row + ahead for row in train for ahead in range(label + 1)}
        assert not reach & set(test)
        seen = {row + ahead for row in test for ahead in range(label + 1)}
        assert not seen & set(train)
        assert not set(train) & set(range(test[-1] + 1, test[-1] + 1 + embargo))
    assert sorted(tested) == list(range(n))


def test_the_bootstrap_covers_the_true_sharpe_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    inside = 0
    for seed in range(100):
        returns = rng.normal(0.1 * 0.01, 0.01, 500)
        ratios = v.bootstrap_sharpe(returns, samples=300, block=5.0, seed=seed)
        low, high = np.quantile(ratios, [0.05, 0.95])
        inside += low <= 0.1 <= high
    assert 80 <= inside <= 98  # 90 expected, three standard errors of a binomial are 9
    assert (np.diff(ratios) >= 0).all()


def test_choosing_anew_takes_the_best_of_each_training_window() -> None:
    days = np.arange("2010-01-01", "2014-01-01", dtype="datetime64[D]")
    year = days.astype("datetime64[Y]").astype(int) + 1970
    swing = np.where(np.arange(len(days)) % 2 == 0, 0.01, -0.01)
    first = swing + np.where(year == 2010, 0.002, np.where(year == 2011, -0.001, 0.0))
    second = swing + np.where(year == 2011, 0.003, np.where(year == 2012, 0.001, 0.0))
    trials = np.stack([first, second], axis=1)
    windows = (
        ("2010-01-01", "2010-12-31", "2011-01-01", "2011-12-31"),
        ("2011-01-01", "2011-12-31", "2012-01-01", "2012-12-31"),
    )
    chosen = v.walk_forward_choice(trials, days, windows)
    assert chosen.picks == (0, 1)
    tested = np.concatenate([first[year == 2011], second[year == 2012]])
    assert chosen.outside == pytest.approx(tested.mean() / tested.std(ddof=1))
    with pytest.raises(ValueError, match="one window"):
        v.walk_forward_choice(trials, days, ())
