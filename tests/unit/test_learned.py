"""The learned pod: what it looks at, what it learns from, and that it learns nothing from noise."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.learned_market import QUICK, noise

import podshop
from podshop.domain.error import ConfigError, DataError
from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.market.panel import from_arrays
from podshop.pods import learned
from podshop.research.cards import scramble
from podshop.research.model_card import rank_ic

SEEN = replace(QUICK, signals=("left", "right"))


@pytest.fixture(scope="module")
def dull() -> Panel:
    return noise(1)


@pytest.fixture(scope="module")
def planted() -> Panel:
    return noise(2, edge=0.001)


def coefficients(panel: Panel, p: learned.Params, late: int = 0, ahead: int = 21) -> F64:
    """Mean rank IC over the sessions after each refit; `late` moves the training rows forward."""
    out = []
    for start, _ in learned.spans(panel.days, p):
        at = np.arange(start, min(start + ahead, len(panel) - 1 - p.horizon_days))
        if not len(at):
            continue
        rows = learned.training_rows(start, p) + late
        model = learned.train(*learned.examples(panel, p, rows), p)
        assert model is not None
        score = learned.predict(model, learned.features(panel, p, at))
        out.append(rank_ic(score, learned.target(panel, p, at)).mean())
    return np.array(out)


def error(x: F64) -> float:
    return float(x.std(ddof=1) / np.sqrt(len(x)))


# --- what it learns -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_it_finds_what_no_straight_line_sees(seed: int) -> None:
    planted = noise(seed, edge=0.001)
    found = coefficients(planted, SEEN)
    assert found.mean() > 0.07
    assert found.mean() > 3.0 * error(found)
    gain = found - coefficients(planted, QUICK)
    assert gain.mean() > 3.0 * error(gain), "without the signals it knows less"
    at = np.arange(200, 650)
    straight = planted.signal("left")[at].astype(np.float64)
    alone = rank_ic(straight, learned.target(planted, SEEN, at))
    assert abs(alone.mean()) < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_nothing_in_noise(seed: int) -> None:
    found = coefficients(noise(10 + seed, days=1000), SEEN)
    assert len(found) >= 10
    assert abs(found.mean()) < 3.0 * error(found)
    assert abs(found.mean()) < 0.04


def test_without_the_purge_it_would_find_something_in_noise() -> None:
    # Slow features and long returns: yesterday's example is nearly today's, its return reaches
    # beyond the refit, and a model that learnt it seems to foresee. That is what the purge is for.
    slow = replace(
        QUICK,
        horizon_days=42,
        train_days=63,
        step_days=1,
        year_days=126,
        leaves=31,
        leaf_share=0.005,
    )
    slow = replace(slow, ridge=0.0, refit="month", embargo_days=0)
    panel = noise(20, days=900)
    honest = coefficients(panel, slow, ahead=10)
    leaking = coefficients(panel, slow, late=slow.horizon_days + 1, ahead=10)
    assert abs(honest.mean()) < 3.0 * error(honest)
    assert leaking.mean() > 0.15
    assert leaking.mean() > 5.0 * error(leaking)


# --- when, and on what ----------------------------------------------------------------------------


def test_refits_are_the_first_sessions_of_their_periods(dull: Panel) -> None:
    first = [str(day) for day in dull.days[learned.refits(dull.days, QUICK)][:4]]
    assert first == ["2018-04-02", "2018-07-02", "2018-10-01", "2019-01-01"]
    monthly = dull.days[learned.refits(dull.days, replace(QUICK, refit="month"))][:3]
    assert [str(day) for day in monthly] == ["2018-02-01", "2018-03-01", "2018-04-02"]
    yearly = dull.days[learned.refits(dull.days, replace(QUICK, refit="year"))]
    assert [str(day) for day in yearly] == ["2019-01-01", "2020-01-01"]


def test_no_return_learnt_from_reaches_the_refit(dull: Panel) -> None:
    p = SEEN
    start, _ = learned.spans(dull.days, p)[3]
    last = start - 1 - p.embargo_days
    assert learned.training_rows(start, p)[-1] + 1 + p.horizon_days == last
    rng = np.random.default_rng(0)
    text = told(dull, start, p)
    assert told(scramble(dull, last, rng), start, p) == text
    assert told(scramble(dull, last - 1, rng), start, p) != text, "the day before is learnt from"


def test_a_refit_is_the_same_on_its_own_stretch_of_history(dull: Panel) -> None:
    p = SEEN
    start, _ = learned.spans(dull.days, p)[3]
    first = start + 1 - learned.reach(p)
    assert told(dull.rows(first, start + 1), start - first, p) == told(dull, start, p)


def test_a_refit_waits_for_its_whole_window(dull: Panel) -> None:
    p = SEEN
    starts = [start for start, _ in learned.spans(dull.days, p)]
    assert starts == [t for t in learned.refits(dull.days, p) if t >= learned.reach(p) - 1]
    wishes = learned.wishes(dull, p)
    assert (wishes[: starts[0]] == 0.0).all()
    assert (wishes[starts[0] :] != 0.0).any(axis=1).all()


def told(panel: Panel, start: int, p: learned.Params) -> str:
    model = learned.fit(panel, start, p)
    assert model is not None
    text: str = model.model_to_string()
    return text


# --- what it looks at -----------------------------------------------------------------------------


def test_features_are_ranks_of_what_they_say(dull: Panel) -> None:
    p, at = SEEN, np.array([100, 300])
    known = learned.features(dull, p, at)
    names = learned.feature_names(p)
    assert known.shape == (2, 60, len(names))
    assert np.abs(known).max() <= 0.5
    close, returns = dull.close, dull.returns
    volume = dull.volume * close
    for r, t in enumerate(at):
        year = slice(t - 41, t + 1)
        by_hand = {
            "momentum_42_5": close[t - 5] / close[t - 42],
            "rate_21": close[t] / close[t - 21],
            "volatility_21": returns[t - 20 : t + 1].std(axis=0),
            "beta_42": [np.cov(x, returns[year].mean(axis=1))[0, 1] for x in returns[year].T],
            "high_42": close[t] / close[year].max(axis=0),
            "volume_5_42": volume[t - 4 : t + 1].mean(axis=0) / volume[year].mean(axis=0),
            "signal_left": dull.signal("left")[t],
        }
        for name, values in by_hand.items():
            x = np.asarray(values)
            below, equal = (x[:, None] > x).sum(axis=1), (x[:, None] == x).sum(axis=1)
            expected = (below + equal / 2.0) / 60 - 0.5
            np.testing.assert_allclose(known[r, :, names.index(name)], expected, atol=1e-12)


def test_what_is_not_known_counts_as_the_middle_and_the_young_take_no_part() -> None:
    rng = np.random.default_rng(3)
    close = 20.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (120, 5)), axis=0))
    close[:100, 4] = np.nan
    days = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-01") + 120)
    known = learned.features(from_arrays(days, list("ABCDE"), close), QUICK, np.array([119]))[0]
    assert np.isnan(known[4]).all()
    assert (known[:4, learned.feature_names(QUICK).index("volume_5_42")] == 0.0).all()
    assert not np.isnan(known[:4]).any()


def test_the_target_starts_at_the_next_close() -> None:
    close = np.full((40, 3), 10.0)
    close[21:, 0] = 20.0  # jumps between the closes of rows 20 and 21: too early to have
    close[31:, 1] = 11.0  # row 31 is the last that counts
    close[32:, 2] = 30.0  # too late
    days = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-01") + 40)
    ranks = learned.target(from_arrays(days, list("ABC"), close), QUICK, np.array([20]))[0]
    np.testing.assert_allclose(ranks, [-1 / 6, 1 / 3, -1 / 6])


def test_a_signal_that_is_not_there_is_named(dull: Panel) -> None:
    with pytest.raises(DataError, match='no signal "centre"'):
        learned.wishes(dull, replace(QUICK, signals=("centre",)))


# --- what it wishes -------------------------------------------------------------------------------


def test_it_owes_as_much_as_it_holds(planted: Panel) -> None:
    wishes = learned.wishes(planted, SEEN)[-1]
    assert (wishes > 0.0).sum() == (wishes < 0.0).sum() == 6
    assert wishes.sum() == 0.0
    assert np.abs(wishes).sum() == pytest.approx(1.0, abs=1e-4)
    alone = learned.wishes(planted, replace(SEEN, short=False, gross=0.8))[-1]
    assert set(np.flatnonzero(alone)) == set(np.flatnonzero(wishes > 0.0))
    assert alone.sum() == pytest.approx(0.8, abs=1e-4)


def test_a_model_that_says_the_same_of_all_holds_nothing(dull: Panel) -> None:
    assert (learned.wishes(dull, replace(QUICK, leaf_share=1.0)) == 0.0).all()


def test_too_few_examples_train_nothing(dull: Panel) -> None:
    assert (learned.wishes(dull, replace(QUICK, examples_least=100_000)) == 0.0).all()


def test_without_lightgbm_it_says_what_to_install(
    dull: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(ConfigError, match=r"pip install podshop\[research\]"):
        learned.wishes(dull, QUICK)


def test_a_fund_file_can_set_it(tmp_path: Path) -> None:
    fund = tmp_path / "fund.toml"
    fund.write_text(
        '[fund]\nname = "f"\ncapital = 1_000_000\n[market]\nsource = "embedded"\n'
        '[[pod]]\nid = "a"\nstrategy = "learned"\n'
        'params = { refit = "year", signals = ["sentiment"], rate_days = [5, 10], short = false }\n'
    )
    (pod,) = podshop.load(fund).pods
    assert pod.params == learned.Params(
        refit="year", signals=("sentiment",), rate_days=(5, 10), short=False
    )
    fund.write_text(fund.read_text().replace('"year"', '"decade"'))
    with pytest.raises(ConfigError, match="refit"):
        podshop.load(fund)
