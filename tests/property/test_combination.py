"""Combining alphas: nothing of row t knows row t + 1, and what predicts gets the weight."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshop.attribution.combination import (
    Rule,
    combined,
    information_coefficients,
    trailing_weights,
)
from podshop.attribution.learned_combination import (
    Fit,
    Ridge,
    Trees,
    learned_combination,
    permutation_importance,
)

Floats = npt.NDArray[np.float64]
IC = np.array([0.3, 0.1, 0.0])


def planted(days: int, names: int, seed: int, holes: float = 0.0) -> tuple[Floats, Floats]:
    """Signals of three alphas, and returns that follow them a session later by IC."""
    rng = np.random.default_rng(seed)
    signal_tkn = rng.standard_normal((days, 3, names))
    return_tn = rng.standard_normal((days, names))
    return_tn[1:] += np.einsum("k,tkn->tn", IC, signal_tkn[:-1])
    if holes:
        signal_tkn[rng.random(signal_tkn.shape) < holes] = np.nan
        return_tn[rng.random(return_tn.shape) < holes] = np.nan
    return signal_tkn, return_tn


Combine = Callable[[Floats, Floats], Floats]


def dynamic(rule: Rule) -> Combine:
    def combine(signal_tkn: Floats, return_tn: Floats) -> Floats:
        ic_tk = information_coefficients(signal_tkn, return_tn, names_least=5)
        return combined(signal_tkn, trailing_weights(ic_tk, 6, rule))

    return combine


def learned(signal_tkn: Floats, return_tn: Floats) -> Floats:
    return learned_combination(Ridge(), signal_tkn, return_tn, window=7, every=3).combined_tn


@pytest.mark.parametrize(
    "combine", [dynamic("mean"), dynamic("ratio"), dynamic("optimal"), learned]
)
@given(st.integers(8, 29), st.integers(0, 999), st.sampled_from((np.nan, 1e6)))
def test_nothing_that_comes_later_is_known(
    combine: Combine, cut: int, seed: int, later: float
) -> None:
    signal_tkn, return_tn = planted(30, 12, seed, holes=0.05)
    whole = combine(signal_tkn, return_tn)
    signal_tkn, return_tn = signal_tkn.copy(), return_tn.copy()
    signal_tkn[cut + 1 :], return_tn[cut + 1 :] = later, later
    # The last row that is left must not change either; to the bit.
    np.testing.assert_array_equal(combine(signal_tkn, return_tn)[: cut + 1], whole[: cut + 1])
    assert not np.isnan(whole[cut]).all()


@given(st.integers(0, 999), st.sampled_from(("mean", "ratio", "optimal")), st.floats(0.0, 0.3))
def test_earned_weights_sum_to_one_and_none_is_below_the_smallest(
    seed: int, rule: Rule, smallest: float
) -> None:
    score_tk = np.random.default_rng(seed).normal(0.02, 0.1, (40, 3))
    score_tk[:20, 2] = np.nan
    weight_tk = trailing_weights(score_tk, 10, rule, smallest=smallest)
    assert np.isnan(weight_tk[:9]).all()
    np.testing.assert_allclose(weight_tk[9:].sum(axis=1), 1.0, atol=1e-12)
    assert (weight_tk[9:, :2] >= smallest - 1e-15).all()
    # The third has no whole window before row 29.
    assert (weight_tk[9:29, 2] == 0.0).all()


def test_the_best_ratio_of_the_sum_gives_twins_one_weight_between_them() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(0.05, 0.1, (2, 4_000))
    score_tk = np.stack([one, one + rng.normal(0.0, 0.01, 4_000), other], axis=1)
    by_ratio = trailing_weights(score_tk, 4_000, "ratio")[-1]
    optimal = trailing_weights(score_tk, 4_000, "optimal", shrink=0.05)[-1]
    assert by_ratio == pytest.approx([1 / 3] * 3, abs=0.03)
    assert optimal[2] == pytest.approx(0.5, abs=0.05)


def test_a_name_without_one_signal_is_judged_by_the_others() -> None:
    signal_tkn = np.array([[[1.0, np.nan, np.nan], [3.0, 3.0, np.nan]]])
    got = combined(signal_tkn, np.array([0.25, 0.75]))
    np.testing.assert_allclose(got, [[2.5, 3.0, np.nan]])
    # Books of two strategies are added the same way.
    books = np.array([[[0.5, -0.5], [0.1, 0.2]]])
    np.testing.assert_allclose(combined(books, np.array([[1.0, 2.0]])), [[0.7, -0.1]])
    assert combined(signal_tkn, np.array([[1.0, 0.0]]))[0, 1] == 0.0
    assert np.isnan(combined(signal_tkn, np.array([[np.nan, 1.0]]))).all()


def test_coefficients_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    signal_tkn, return_tn = planted(6, 50, 3, holes=0.1)
    signal_tkn = np.round(signal_tkn, 1)  # ties
    for ranked, judge in ((True, stats.spearmanr), (False, stats.pearsonr)):
        got = information_coefficients(signal_tkn, return_tn, ranked)
        assert np.isnan(got[0]).all()
        for t, k in np.ndindex(5, 3):
            both = ~(np.isnan(signal_tkn[t, k]) | np.isnan(return_tn[t + 1]))
            expected = judge(signal_tkn[t, k, both], return_tn[t + 1, both])[0]
            assert got[t + 1, k] == pytest.approx(expected, abs=1e-12)


def test_a_ridge_finds_what_is_planted_and_its_parts_are_its_score() -> None:
    signal_tkn, return_tn = planted(120, 100, 4)
    got = learned_combination(Ridge(penalty=0.0), signal_tkn, return_tn, window=100, every=10)
    assert got.fitted_t.tolist() == [100, 110]
    error = 1.0 / np.sqrt(100 * 100)
    np.testing.assert_allclose(got.scorers[0].coefficient_k, IC, atol=4 * error)  # type: ignore[attr-defined]
    assert np.isnan(got.combined_tn[:100]).all()
    np.testing.assert_allclose(got.part_tkn.sum(axis=1) + got.base_tn, got.combined_tn, atol=1e-15)
    half = learned_combination(Ridge(penalty=1.0), signal_tkn, return_tn, window=100, every=10)
    np.testing.assert_allclose(
        half.scorers[0].coefficient_k,  # type: ignore[attr-defined]
        got.scorers[0].coefficient_k / 2,  # type: ignore[attr-defined]
        atol=0.01,
    )


def test_a_ridge_shares_between_twins_and_ignores_a_constant() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal(500)
    fitted = Ridge(penalty=0.0)(np.stack([x, x, np.full(500, 3.0)], axis=1), 2.0 * x + 1.0)
    np.testing.assert_allclose(fitted.coefficient_k, [1.0, 1.0, 0.0], atol=1e-9)
    assert fitted.constant == pytest.approx(1.0, abs=1e-9)
    with pytest.raises(ValueError, match="0 or more"):
        Ridge(penalty=-1.0)(x[:, None], x)


@pytest.mark.parametrize("fit", [Ridge(), Trees(trees=20)])
def test_importance_ranks_alphas_as_they_were_planted(fit: Fit) -> None:
    if isinstance(fit, Trees):
        pytest.importorskip("lightgbm")
    signal_tkn, return_tn = planted(80, 150, 5)
    got = learned_combination(fit, signal_tkn, return_tn, window=60, every=60)
    np.testing.assert_allclose(
        (got.part_tkn.sum(axis=1) + got.base_tn)[60:], got.combined_tn[60:], atol=1e-12
    )
    told = permutation_importance(
        got.scorers[0], signal_tkn[60:], return_tn[60:], seed=1, repeats=4
    )
    assert told.full > 0.2
    assert told.lost_k[0] > told.lost_k[1] > told.lost_k[2]
    assert told.lost_k[0] > 10 * told.error_k[0]
    assert abs(told.lost_k[2]) < 0.02
    # The parts, dealt to nobody, say the same: money follows them, not the importance.
    size_k = np.nanstd(got.part_tkn, axis=(0, 2))
    assert size_k[0] > size_k[1] > size_k[2]


def test_what_cannot_be_combined_is_refused() -> None:
    signal_tkn, return_tn = planted(10, 5, 0)
    with pytest.raises(ValueError, match="window is 2 or more"):
        trailing_weights(return_tn, 1)
    with pytest.raises(ValueError, match="rule is"):
        trailing_weights(return_tn, 2, "best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="window and every"):
        learned_combination(Ridge(), signal_tkn, return_tn, window=0)
    scorer = Ridge()(signal_tkn[0].T, return_tn[1])
    with pytest.raises(ValueError, match="30 names"):
        permutation_importance(scorer, signal_tkn, return_tn, seed=0)
