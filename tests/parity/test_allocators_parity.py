"""Allocators against skfolio and scikit-learn: the same formula, written by somebody else."""

from typing import Any

import numpy as np
import pytest

from podshop.capital import hrp, inverse_volatility, kelly, minimum_variance, risk_parity
from podshop.capital.evidence import correlation, deviation, long_only

SEEDS = range(6)


@pytest.fixture(scope="module")
def skfolio() -> Any:
    pytest.importorskip("skfolio", reason="skfolio is not installed")
    from skfolio import optimization

    return optimization


def pods(seed: int, count: int = 9, days: int = 200) -> Any:
    """Returns of pods of different volatility with something in common."""
    r = np.random.default_rng(seed)
    common = r.normal(0.0, 0.006, (days, 3)) @ r.normal(0.3, 0.5, (3, count))
    return common + r.normal(0.0004, 10.0 ** r.uniform(-2.5, -1.7, count), (days, count))


@pytest.mark.parametrize("seed", SEEDS)
def test_risk_parity(skfolio: Any, seed: int) -> None:
    x = pods(seed)
    tight = {"tol_gap_rel": 1e-11, "tol_gap_abs": 1e-11, "tol_feas": 1e-11}
    theirs = skfolio.RiskBudgeting(solver_params=tight).fit(x).weights_
    ours = risk_parity.weights(np.corrcoef(x.T), deviation(x))
    assert ours == pytest.approx(theirs, abs=2e-5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("count", [2, 3, 9, 40])
def test_hierarchical_risk_parity(skfolio: Any, seed: int, count: int) -> None:
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.seriation import HierarchicalSeriation

    x = pods(seed, count)
    x = x[:, np.argsort(x.std(axis=0))]  # scipy puts the pod named first first; we the calmer one
    tree = HierarchicalClustering(linkage_method=LinkageMethod.SINGLE)
    order = HierarchicalSeriation(hierarchical_clustering_estimator=tree, optimal_ordering=False)
    theirs = skfolio.HierarchicalRiskParity(seriation_estimator=order).fit(x).weights_
    shuffle = np.random.default_rng(seed).permutation(count)
    ours = hrp.weights(np.corrcoef(x[:, shuffle].T), deviation(x[:, shuffle]))
    assert ours == pytest.approx(theirs[shuffle], rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_minimum_variance(skfolio: Any, seed: int) -> None:
    x = pods(seed) * 16.0  # numbers of a year: their solver stops at an absolute gap
    tight = {"tol_gap_rel": 1e-10, "tol_gap_abs": 1e-10, "tol_feas": 1e-10}
    theirs = skfolio.MeanRisk(solver_params=tight).fit(x).weights_
    ours = minimum_variance.weights(np.corrcoef(x.T), deviation(x))
    assert ours == pytest.approx(theirs, abs=2e-5)
    assert (ours == 0.0).any() == (theirs < 1e-5).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_inverse_volatility(skfolio: Any, seed: int) -> None:
    x = pods(seed)
    theirs = skfolio.InverseVolatility().fit(x).weights_
    ours = 1.0 / deviation(x)
    assert ours / ours.sum() == pytest.approx(theirs, rel=1e-12)
    assert inverse_volatility.Params().lookback_days == 126


@pytest.mark.parametrize("count", [1, 2, 9, 60])
def test_shrunk_correlations(count: int) -> None:
    covariance = pytest.importorskip("sklearn.covariance")
    x = pods(count, count, 80)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs, share = covariance.ledoit_wolf(z, assume_centered=True)
    assert correlation(x) == pytest.approx(theirs, abs=1e-12)
    assert count < 9 or 0.0 < share < 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_long_only_bets_and_kelly(seed: int) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    x = pods(seed)
    corr, dev = correlation(x), deviation(x)
    sharpe = x.mean(axis=0) / dev
    # min |Lz - L^-1 s|^2 over z >= 0 with C = L'L is the same problem.
    root = np.linalg.cholesky(corr).T
    theirs = optimize.nnls(root, np.linalg.solve(root.T, sharpe))[0]
    assert (theirs == 0.0).any() or seed != 0
    assert long_only(corr, sharpe) == pytest.approx(theirs, abs=1e-10)
    assert kelly.targets(x, 0.5, False) == pytest.approx(0.5 * theirs / dev, abs=1e-8)
