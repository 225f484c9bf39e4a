"""Styles and what they are worth: planted skill is found, none is not, and nothing looks ahead."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from tests.unit.test_strategy import panel

from podshop.domain.error import ConfigError, DataError
from podshop.factors import cross_section, style
from podshop.factors.logarithm import log
from podshop.factors.ranks import bucket_means, correlation, ordered
from podshop.reports.factor import render, words
from podshop.research.factor import HALF_LIVES, evaluate, forward, half_lives
from podshop.research.scores import STYLES, score_of

Floats = npt.NDArray[np.float64]


def days(count: int) -> npt.NDArray[np.datetime64]:
    """Consecutive days."""
    return np.datetime64("2010-01-01") + np.arange(count)


def planted(
    seed: int, ic: float = 0.05, half: float = 10.0, rows: int = 1_500, names: int = 200
) -> tuple[Floats, Floats]:
    """A signal that halves in `half` sessions, and the index of returns it has that IC with."""
    r = np.random.default_rng(seed)
    keep = 2.0 ** (-1.0 / half)
    signal = np.zeros((rows, names))
    signal[0] = r.normal(size=names)
    for t in range(1, rows):
        signal[t] = keep * signal[t - 1] + np.sqrt(1 - keep**2) * r.normal(size=names)
    returns = np.zeros((rows, names))
    noise = r.normal(size=(rows - 1, names))
    returns[1:] = 0.01 * (ic * signal[:-1] + np.sqrt(1 - ic**2) * noise)
    return signal, np.cumprod(1.0 + returns, axis=0)


def holed(seed: int, rows: int = 40, names: int = 25) -> tuple[Floats, Floats]:
    """Two tables with ties and unknown cells."""
    r = np.random.default_rng(seed)
    x, y = r.integers(0, 6, (2, rows, names)).astype(float)
    x[r.random(x.shape) < 0.2] = np.nan
    y[r.random(y.shape) < 0.2] = np.nan
    return x, y


# --- parity ---------------------------------------------------------------------------------------


@given(seed=st.integers(0, 500), ahead=st.integers(0, 5))
def test_rank_correlation_is_scipys(seed: int, ahead: int) -> None:
    x, y = holed(seed)
    ours = correlation(ordered(x), ordered(y), ahead)
    for t in range(len(x) - ahead):
        both = ~np.isnan(x[t]) & ~np.isnan(y[t + ahead])
        a, b = x[t, both], y[t + ahead, both]
        if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
            assert np.isnan(ours[t])
        else:
            assert ours[t] == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)
    assert np.isnan(ours[len(x) - ahead :]).all()


def test_quantile_means_are_pandas() -> None:
    r = np.random.default_rng(3)
    x, y = r.normal(size=(2, 30, 50))
    bucket = cross_section.buckets(x, 5)
    ours = bucket_means(bucket, y, 5)
    for t in range(len(x)):
        theirs = pd.Series(y[t]).groupby(pd.qcut(x[t], 5, labels=False)).mean()
        np.testing.assert_allclose(ours[t], theirs.to_numpy(), rtol=1e-12)


def test_the_logarithm_is_numpys_to_the_last_place_but_two_and_the_same_anywhere() -> None:
    r = np.random.default_rng(0)
    x = np.exp(r.uniform(-300, 300, 10_001))
    np.testing.assert_allclose(log(x), np.log(x), rtol=5e-16, atol=0)
    for k in (1, 2, 3, 5, 7):
        np.testing.assert_array_equal(log(x[:k]), log(x)[:k])
        np.testing.assert_array_equal(log(x[-k:]), log(x)[-k:])
    assert np.isnan(log(np.array([0.0, -1.0, np.nan]))).all()
    assert log(np.array([np.inf]))[0] == np.inf


def test_tails_are_pulled_in_to_numpys_quantiles() -> None:
    x, _ = holed(7)
    ours = cross_section.winsorise_tails(x, 0.1)
    for t in range(len(x)):
        known = x[t, ~np.isnan(x[t])]
        low, high = np.quantile(known, [0.1, 0.9])
        np.testing.assert_allclose(ours[t], np.clip(x[t], low, high))


# --- styles ---------------------------------------------------------------------------------------


def test_qsmom_is_the_difference_of_two_rates_of_change() -> None:
    index = panel(days=300).index
    t = 280
    want = index[t] / index[t - 252] - index[t] / index[t - 21]
    np.testing.assert_allclose(style.qsmom(index)[t], want)
    smooth = style.qsmom(index, 60, 5, smooth=30)
    np.testing.assert_allclose(smooth[t], style.qsmom(index, 60, 5)[t - 29 : t + 1].mean(axis=0))


def test_a_composite_judges_by_what_is_known() -> None:
    r = np.random.default_rng(1)
    a, b, c = r.normal(size=(3, 4, 30))
    weights = {"a": 0.4, "b": 0.3, "c": 0.3}
    whole = style.composite({"a": a, "b": b, "c": c}, weights)
    z = {k: cross_section.zscore(x) for k, x in {"a": a, "b": b, "c": c}.items()}
    np.testing.assert_allclose(whole, 0.4 * z["a"] + 0.3 * z["b"] + 0.3 * z["c"])
    c[0, 0] = np.nan
    z = {k: cross_section.zscore(x) for k, x in {"a": a, "b": b, "c": c}.items()}
    got = style.composite({"a": a, "b": b, "c": c}, weights)
    assert got[0, 0] == pytest.approx((0.4 * z["a"][0, 0] + 0.3 * z["b"][0, 0]) / 0.7)
    a[0, 1] = c[0, 1] = np.nan
    assert np.isnan(style.composite({"a": a, "b": b, "c": c}, weights)[0, 1])
    with pytest.raises(ValueError, match="one weight for each"):
        style.composite({"a": a}, {"b": 1.0})


def test_value_quality_growth_and_size_have_the_right_side() -> None:
    worth = np.tile([100.0, 200.0, 400.0], (300, 1))
    figure = np.tile([10.0, 10.0, 10.0], (300, 1))
    assert (np.diff(style.value(worth, earnings=figure)[-1]) < 0).all()
    assert (np.diff(style.size(worth)[-1]) < 0).all()
    rich = np.tile([5.0, 10.0, 20.0], (300, 1))
    assets = np.full((300, 3), 100.0)
    assert (np.diff(style.quality(earnings=rich, book=assets)[-1]) > 0).all()
    assert (np.diff(style.quality(assets=assets, debt=rich)[-1]) < 0).all()
    growing = np.linspace(1.0, 2.0, 300)[:, None] * np.array([[1.0, 1.0, 1.0]])
    growing[:, 1] **= 2.0
    growing[:, 2] **= 3.0
    assert (np.diff(style.growth(revenue=growing)[-1]) > 0).all()
    for made in (style.value, style.quality, style.growth):
        with pytest.raises((ValueError, TypeError)):
            made(worth) if made is style.value else made()  # type: ignore[operator]


@pytest.mark.parametrize("name", STYLES)
@pytest.mark.parametrize("t", [430, 460, 499])
def test_a_style_is_the_same_without_its_future_and_without_its_far_past(name: str, t: int) -> None:
    market = panel(days=500, names=15)
    whole = STYLES[name](market)[t]
    assert not np.isnan(whole).all()
    np.testing.assert_array_equal(STYLES[name](market.rows(0, t + 1))[-1], whole)
    longest = 252 + 126 + 1
    shortened = STYLES[name](market.rows(t + 1 - longest, t + 1))[-1]
    np.testing.assert_array_equal(shortened, whole)


# --- evaluation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_planted_skill_is_found_within_two_errors(seed: int) -> None:
    signal, index = planted(seed, ic=0.05)
    found = evaluate(signal, index, days(len(signal)), horizons=(1, 10))
    first = found.horizons[0]
    # Spearman's correlation of two normals is a little below Pearson's: 6 / pi asin(rho / 2).
    true = 6.0 / np.pi * np.arcsin(0.05 / 2.0)
    assert abs(first.ic - true) < 3.0 * first.error
    assert first.ic > 10 * first.error
    assert found.quantiles.spread > 5 * found.quantiles.spread_error
    assert (np.diff(found.quantiles.mean) > 0).all()


@pytest.mark.slow
def test_the_half_lifes_interval_covers_the_truth() -> None:
    covered = []
    for seed in range(12):
        signal, index = planted(seed, ic=0.08, half=8.0, rows=1_000, names=120)
        decay = evaluate(signal, index, days(len(signal)), horizons=(1,)).decay
        covered.append(decay.low <= 8.0 <= decay.high)
    assert sum(covered) >= 9  # of 12 at 95 %: fewer happens once in 3,000 times


def test_no_skill_is_within_its_error() -> None:
    found = []
    for seed in range(20):
        r = np.random.default_rng([seed, 9])
        score = r.normal(size=(600, 60))
        index = np.cumprod(1 + 0.01 * r.normal(size=(600, 60)), axis=0)
        skill = evaluate(score, index, days(600), horizons=(1, 21)).horizons
        found.append([abs(s.ic) < 1.96 * s.error for s in skill])
    assert np.array(found).mean() >= 0.8  # of 40 at 95 %: fewer happens once in 5,000 times
    assert "Nothing is known" in next(
        words(evaluate(np.zeros((600, 60)) + r.normal(size=(600, 60)), index, days(600)))
    )


def test_a_score_that_sees_the_future_shows_and_shifting_it_kills_it() -> None:
    r = np.random.default_rng(4)
    index = np.cumprod(1 + 0.01 * r.normal(size=(500, 80)), axis=0)
    seer = forward(index, 1)
    seer = np.nan_to_num(seer) + 0.01 * r.normal(size=seer.shape)
    assert evaluate(seer, index, days(500), horizons=(1,)).horizons[0].ic > 0.5
    late = np.roll(seer, 2, axis=0)
    skill = evaluate(late, index, days(500), horizons=(1,)).horizons[0]
    assert abs(skill.ic) < 4 * skill.error


def test_sectors_are_judged_by_themselves() -> None:
    signal, index = planted(1, ic=0.1, rows=600, names=60)
    signal[:, 30:] = np.random.default_rng(0).normal(size=(600, 30))
    sectors = ["skilled"] * 30 + ["blind"] * 30
    found = evaluate(signal, index, days(600), sectors=sectors).sectors
    assert found["skilled"].ic > 5 * found["skilled"].error
    assert abs(found["blind"].ic) < 4 * found["blind"].error


def test_the_fit_of_a_clean_decay_is_exact_and_of_none_unknown() -> None:
    ic = 0.05 * 2.0 ** (-np.arange(42) / 13.0)
    found = half_lives(np.stack([ic, -ic, np.full(42, 0.05)]), np.full(42, 0.01))
    assert found[0] == pytest.approx(13.0, rel=0.01)
    assert np.isnan(found[1])
    assert found[2] == HALF_LIVES[-1]  # what does not fade at all


def test_what_cannot_be_judged_is_named() -> None:
    score = np.ones((50, 5))
    with pytest.raises(DataError, match="on no day have 30 names"):
        evaluate(score, score, days(50))
    with pytest.raises(DataError, match="differ"):
        evaluate(score, np.ones((50, 6)), days(50))


def test_scores_are_asked_for_by_name() -> None:
    market = panel(days=300)
    both = score_of("momentum:0.7,reversal:0.3", market)
    parts = {"momentum": score_of("momentum", market), "reversal": score_of("reversal", market)}
    np.testing.assert_array_equal(both, style.composite(parts, {"momentum": 0.7, "reversal": 0.3}))
    with pytest.raises(ConfigError, match="scores here: momentum"):
        score_of("magic", market)
    with pytest.raises(ConfigError, match="with its weight"):
        score_of("momentum:x", market)


def test_the_page_needs_nothing_from_outside() -> None:
    signal, index = planted(2, rows=400, names=60)
    page = render(evaluate(signal, index, days(400), sectors=["a"] * 30 + ["b"] * 30), "made up")
    outside = page.replace("http://www.w3.org", "")
    assert "<script src" not in outside
    assert "Within sectors" in page
    assert "made up" in page


def test_names_that_left_are_not_judged_and_keep_their_last_return() -> None:
    index = np.cumprod(np.full((10, 2), 1.1), axis=0)
    priced = np.ones((10, 2), dtype=bool)
    priced[6:, 1], index[6:, 1] = False, index[5, 1]
    later = forward(index, 3, priced)
    assert later[4, 1] == pytest.approx(0.1)  # a session was left to earn
    assert np.isnan(later[5:, 1]).all()
    np.testing.assert_allclose(later[:7, 0], 1.1**3 - 1.0)


def test_a_market_with_departures_gives_the_skill_of_those_who_trade() -> None:
    signal, index = planted(3, ic=0.1, rows=600, names=120)
    priced = np.ones(signal.shape, dtype=bool)
    priced[100:, 60:], index[100:, 60:] = False, index[99, 60:]
    found = evaluate(signal, index, days(600), priced=priced, horizons=(1,))
    alone = evaluate(signal[100:, :60], index[100:, :60], days(500), horizons=(1,))
    assert found.names == 60
    np.testing.assert_array_equal(found.ic_t[100:], alone.ic_t)


@pytest.mark.slow
def test_the_simulators_planted_alphas_are_found() -> None:
    from podshop.simulator import simulate
    from podshop.simulator.alphas import Alpha

    world = simulate(300, 4, seed=5, alphas=(Alpha("good", 0.05, 8.0), Alpha("noise", 0.0, 8.0)))
    truth, priced = world.truth, ~np.isnan(world.panel().close)
    # Specific returns, so that the market's and the sectors' moves do not drown the signal.
    index = np.cumprod(1.0 + 0.01 * np.nan_to_num(truth.u_tn.astype(np.float64)), axis=0)
    index = np.maximum(index, 1e-6)
    found = {
        name: evaluate(
            truth.signals[name].astype(np.float64),
            index,
            truth.days,
            priced=priced,
            horizons=(1,),
        )
        for name in ("good", "noise")
    }
    good, noise = (found[name].horizons[0] for name in ("good", "noise"))
    assert abs(good.ic - truth.true_rank_ic("good")) < 3.0 * good.error
    assert good.ic > 5.0 * good.error
    assert abs(noise.ic) < 3.0 * noise.error
    assert "right way round" in next(words(found["good"]))
    assert "Nothing is known" in next(words(found["noise"]))


@pytest.mark.slow
def test_the_half_lifes_interval_covers_the_simulators_truth() -> None:
    from podshop.simulator.alphas import Alpha, signals, specific

    planted_one, shape, covered = (Alpha("good", 0.05, 8.0),), (800, 150), []
    for seed in range(20):
        signal = signals(planted_one, *shape, seed)
        u = specific(planted_one, signal, shape, seed, 5.0).astype(np.float64)
        index = np.cumprod(1.0 + 0.01 * u, axis=0)
        found = evaluate(signal["good"].astype(np.float64), index, days(800), horizons=(1,))
        covered.append(found.decay.low <= 8.0 <= found.decay.high)
    assert sum(covered) >= 16  # of 20 at 95 %: fewer happens once in 400 times
