"""Optimisers on factor models of 50, 500 and 3,000 names, beside skfolio; one line of JSON.

python -m benchmarks.optimise [rounds]
"""

import json
import sys
import time
import warnings
from dataclasses import replace
from functools import partial

import numpy as np

from podshop.optimise import Problem, RiskModel, solve

FACTORS = 20
SIZES = (50, 500, 3000)


def market(names):
    """Forecasts and risk of a market: one strong factor, nineteen weak ones."""
    r = np.random.default_rng(7)
    exposure = r.normal(0.0, 0.5, (names, FACTORS))
    exposure[:, 0] = 1.0 + 0.2 * r.normal(size=names)
    factor = np.diag(r.uniform(0.0005, 0.004, FACTORS))
    factor[0, 0] = 0.03
    risk = RiskModel(exposure, factor, r.uniform(0.02, 0.2, names))
    return Problem(
        objective="minimum_variance",
        risk=risk,
        alpha_n=r.normal(0.03, 0.05, names),
        low_n=np.zeros(names),
        high_n=np.full(names, 0.3 if names < 100 else 0.05),
    )


def asked(names):
    """What is measured, by name."""
    plain = market(names)
    held = np.full(names, 1.0 / names)
    sector = np.arange(names) % 11
    share = np.bincount(sector, held)
    limits = {
        "current_n": held,
        "turnover": 0.3,
        "cost_n": np.full(names, 0.001),
        "sector_n": sector,
        "sector_low_s": share - 0.05,
        "sector_high_s": share + 0.05,
    }
    neutral = {
        "low_n": np.full(names, -0.05 if names > 100 else -0.3),
        "high_n": np.full(names, 0.05 if names > 100 else 0.3),
        "net": (0.0, 0.0),
        "gross": 2.0,
        "factor_low_k": np.full(FACTORS, -0.01),
        "factor_high_k": np.full(FACTORS, 0.01),
    }
    cap = 1.3 * solve(plain).volatility
    return {
        "min variance": plain,
        "max Sharpe": replace(plain, objective="max_sharpe"),
        "Kelly, half": replace(plain, objective="kelly", fraction=0.5),
        "Kelly, long and short, factor neutral": replace(plain, objective="kelly", **neutral),
        "Kelly, sectors, turnover, cost": replace(plain, objective="kelly", **limits),
        "max Sharpe, sectors, turnover, cost": replace(plain, objective="max_sharpe", **limits),
        "max return, no cap on risk": replace(plain, objective="max_return"),
        "max return, volatility capped": replace(plain, objective="max_return", volatility_max=cap),
        "risk parity": replace(plain, objective="risk_parity"),
        "risk parity, caps that bind": replace(
            plain, objective="risk_parity", high_n=np.full(names, 1.2 / names)
        ),
        "hierarchical": replace(plain, objective="hierarchical"),
        "simple": replace(plain, objective="simple", net=(0.0, 1.0)),
        "nothing fits: turnover gives way": replace(
            plain,
            objective="kelly",
            **(
                limits
                | {
                    "turnover": 0.01,
                    "sector_low_s": share + 0.01,
                    "sector_high_s": share + 0.1,
                    "net": (1.0, 1.2),
                }
            ),
        ),
    }


def judge(problem, what):
    """The same by skfolio, factor form; None where it has no such thing or takes minutes."""
    from skfolio.optimization import MeanRisk, ObjectiveFunction, RiskBudgeting
    from skfolio.prior import BasePrior, FactorModel, ReturnDistribution

    risk, names = problem.risk, len(problem.low_n)
    label = np.array([f"n{n}" for n in range(names)])
    full = risk.exposure_nk @ risk.factor_kk @ risk.exposure_nk.T + np.diag(risk.specific_n)
    model = FactorModel(
        observations=np.array(["a", "b"]),
        asset_names=label,
        factor_names=np.array([f"f{k}" for k in range(FACTORS)]),
        factor_families=None,
        loading_matrix=risk.exposure_nk,
        exposures=None,
        factor_covariance=risk.factor_kk,
        factor_mu=np.zeros(FACTORS),
        factor_returns=None,
        idio_covariance=risk.specific_n,
        idio_mu=None,
        idio_returns=None,
        idio_variances=None,
    )
    told = ReturnDistribution(
        mu=problem.alpha_n, covariance=full, returns=np.zeros((2, names)), factor_model=model
    )

    class Given(BasePrior):
        def __init__(self):
            pass

        def fit(self, X, y=None, **_):
            self.return_distribution_ = told
            return self

    bounds = {"min_weights": problem.low_n, "max_weights": problem.high_n}
    goal = {
        "min variance": ObjectiveFunction.MINIMIZE_RISK,
        "max Sharpe": ObjectiveFunction.MAXIMIZE_RATIO,
        "Kelly, half": ObjectiveFunction.MAXIMIZE_UTILITY,
    }
    if what in goal:
        optimiser = MeanRisk(
            objective_function=goal[what], risk_aversion=1.0, prior_estimator=Given(), **bounds
        )
    elif what in {"risk parity", "risk parity, caps that bind"}:
        optimiser = RiskBudgeting(prior_estimator=Given(), **bounds)
    else:
        return None
    return lambda: optimiser.fit(np.zeros((2, names))).weights_


def timed(work):
    """Wall and processor seconds, and the result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def main(rounds="5"):
    """Measure both in turn and print."""
    warnings.simplefilter("ignore")
    rows = []
    for names in SIZES:
        for what, problem in asked(names).items():
            theirs = judge(problem, what)
            solve(problem)
            ours, others = [], []
            for n in range(int(rounds)):
                ours.append(timed(partial(solve, problem)))
                if theirs is not None and n < 3:
                    others.append(timed(theirs))
            found = ours[-1][2]
            row = {"names": names, "what": what, "status": found.status, "solver": found.solver}
            row |= {"held": int((np.abs(found.weight_n) > 1e-8).sum()), "tries": len(found.chain)}
            row |= {"wall_s": float(np.median([w for w, _, _ in ours]))}
            row |= {"cpu_s": float(np.median([c for _, c, _ in ours]))}
            if others:
                weight = np.asarray(others[-1][2])
                row |= {"skfolio_wall_s": float(np.median([w for w, _, _ in others]))}
                row |= {"skfolio_cpu_s": float(np.median([c for _, c, _ in others]))}
                row |= {"apart": float(np.abs(weight - found.weight_n).max())}
                row |= {"volatility": found.volatility}
                row |= {"skfolio_volatility": problem.risk.volatility(weight)}
            rows.append(row)
    print(json.dumps({"factors": FACTORS, "rounds": int(rounds), "rows": rows}))


if __name__ == "__main__":
    main(*sys.argv[1:2])
