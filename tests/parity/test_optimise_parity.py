"""Optimisers against skfolio: the same problem, written by somebody else."""

from typing import Any

import numpy as np
import pytest
from tests.made_up_problem import covariance, problem

from podshop.optimise import Problem, solve

SEEDS = range(5)
TIGHT = {"tol_gap_rel": 1e-9, "tol_gap_abs": 1e-9, "tol_feas": 1e-9}


@pytest.fixture(scope="module")
def skfolio() -> Any:
    pytest.importorskip("skfolio", reason="skfolio is not installed")
    import skfolio
    import skfolio.optimization
    import skfolio.prior

    return skfolio


def prior_of(skfolio: Any, asked: Problem) -> Any:
    """Our forecasts and risk, in place of what skfolio estimates from returns."""

    class Given(skfolio.prior.BasePrior):  # type: ignore[misc]
        def __init__(self) -> None:
            pass

        def fit(self, X: Any, y: Any = None, **_: Any) -> Any:
            self.return_distribution_ = skfolio.prior.ReturnDistribution(
                mu=asked.alpha_n, covariance=covariance(asked.risk), returns=np.asarray(X)
            )
            return self

    return Given()


def theirs(skfolio: Any, asked: Problem, **options: Any) -> np.ndarray:
    """Weights by skfolio's mean-risk optimiser under the same bounds."""
    optimiser = skfolio.optimization.MeanRisk(
        prior_estimator=prior_of(skfolio, asked),
        min_weights=asked.low_n,
        max_weights=asked.high_n,
        solver_params=TIGHT,
        **options,
    )
    weight: np.ndarray = optimiser.fit(np.zeros((2, asked.names))).weights_
    return weight


@pytest.mark.parametrize("seed", SEEDS)
def test_minimum_variance(skfolio: Any, seed: int) -> None:
    asked = problem("minimum_variance", 40, 5, seed)
    weight = theirs(skfolio, asked)
    assert solve(asked).weight_n == pytest.approx(weight, abs=2e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_max_sharpe(skfolio: Any, seed: int) -> None:
    asked = problem("max_sharpe", 40, 5, seed)
    ratio = skfolio.optimization.ObjectiveFunction.MAXIMIZE_RATIO
    weight = theirs(skfolio, asked, objective_function=ratio)
    found = solve(asked)
    assert found.weight_n == pytest.approx(weight, abs=1e-4)  # the top is flat
    judged = float(asked.alpha_n @ weight) / asked.risk.volatility(weight)  # type: ignore[operator]
    assert found.expected / found.volatility >= judged - 1e-8


@pytest.mark.parametrize("seed", SEEDS)
def test_max_return_under_a_cap_on_volatility(skfolio: Any, seed: int) -> None:
    asked = problem("max_return", 40, 5, seed, volatility_max=0.17)
    most = skfolio.optimization.ObjectiveFunction.MAXIMIZE_RETURN
    weight = theirs(skfolio, asked, objective_function=most, max_standard_deviation=0.17)
    assert solve(asked).weight_n == pytest.approx(weight, abs=2e-5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fraction", [1.0, 0.25])
def test_kelly(skfolio: Any, seed: int, fraction: float) -> None:
    asked = problem("kelly", 40, 5, seed, fraction=fraction)
    utility = skfolio.optimization.ObjectiveFunction.MAXIMIZE_UTILITY
    weight = theirs(skfolio, asked, objective_function=utility, risk_aversion=0.5 / fraction)
    assert solve(asked).weight_n == pytest.approx(weight, abs=2e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_sectors_and_turnover(skfolio: Any, seed: int) -> None:
    names = 40
    held = np.full(names, 1.0 / names)
    asked = problem(
        "minimum_variance",
        names,
        5,
        seed,
        sector_n=np.arange(names) % 2,
        sector_low_s=np.array([0.6, 0.0]),
        sector_high_s=np.array([1.0, 1.0]),
        net=(0.9, 0.9),
        low_n=np.full(names, -0.05),
    )
    weight = theirs(
        skfolio,
        asked,
        budget=0.9,
        groups=[[("even", "odd")[n % 2] for n in range(names)]],
        linear_constraints=["even >= 0.6"],
    )
    assert solve(asked).weight_n == pytest.approx(weight, abs=2e-5)
    # Their limit of turnover is one for each name; ours for the sum. As a bound they are one.
    near = problem("minimum_variance", names, 5, seed, low_n=held - 0.01, high_n=held + 0.01)
    wide = problem("minimum_variance", names, 5, seed)
    weight = theirs(skfolio, wide, previous_weights=held, max_turnover=0.01)
    assert solve(near).weight_n == pytest.approx(weight, abs=2e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_costs_in_proportion_to_the_trade(skfolio: Any, seed: int) -> None:
    names = 40
    held = np.full(names, 1.0 / names)
    asked = problem("kelly", names, 5, seed, current_n=held, cost_n=np.full(names, 0.01))
    utility = skfolio.optimization.ObjectiveFunction.MAXIMIZE_UTILITY
    weight = theirs(
        skfolio,
        asked,
        objective_function=utility,
        risk_aversion=0.5,
        previous_weights=held,
        transaction_costs=0.01,
    )
    assert solve(asked).weight_n == pytest.approx(weight, abs=2e-5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("capped", [False, True])
def test_risk_parity(skfolio: Any, seed: int, capped: bool) -> None:
    names = 20
    high = np.full(names, 1.15 / names if capped else 1.0)
    asked = problem("risk_parity", names, 4, seed, high_n=high)
    optimiser = skfolio.optimization.RiskBudgeting(
        prior_estimator=prior_of(skfolio, asked), max_weights=high, solver_params=TIGHT
    )
    weight = optimiser.fit(np.zeros((2, names))).weights_
    found = solve(asked)
    assert found.weight_n == pytest.approx(weight, abs=5e-5)
    assert (found.weight_n > high - 1e-7).any() == capped


@pytest.mark.parametrize("seed", SEEDS)
def test_exact_kelly_beside_a_general_solver(seed: int) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    r = np.random.default_rng(seed)
    scenario = r.normal(0.002, 0.03, (300, 5))
    bounds = {"low_n": np.zeros(5), "high_n": np.full(5, 0.6), "net": (0.0, 1.0)}
    asked = problem("kelly", 5, 2, seed, scenario_tn=scenario, **bounds)

    def loss(weight: np.ndarray) -> float:
        return -float(np.log1p(scenario @ weight).mean()) * 1e3

    judge = optimize.minimize(
        loss,
        np.full(5, 0.1),
        bounds=[(0.0, 0.6)] * 5,
        constraints={"type": "ineq", "fun": lambda weight: 1.0 - weight.sum()},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    ours = solve(asked).weight_n
    assert loss(ours) <= loss(judge.x) + 1e-6
    assert ours == pytest.approx(judge.x, abs=2e-3)
