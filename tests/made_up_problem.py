"""Problems for the optimisers: a market of a few factors, from a seed."""

from typing import Any

import numpy as np

from podshop.optimise import Problem, RiskModel


def risk_of(names: int, factors: int, r: np.random.Generator) -> RiskModel:
    """A factor model with one strong factor, the market, and weaker ones."""
    exposure_nk = r.normal(0.0, 0.6, (names, factors))
    exposure_nk[:, 0] = 1.0 + r.normal(0.0, 0.2, names)
    mixed_kk = r.normal(0.0, 0.02, (factors, factors))
    factor_kk = mixed_kk @ mixed_kk.T + np.diag(r.uniform(0.0005, 0.004, factors))
    factor_kk[0, 0] += 0.03
    return RiskModel(exposure_nk, factor_kk, r.uniform(0.01, 0.15, names))


def problem(
    objective: str, names: int = 12, factors: int = 3, seed: int = 0, **fields: Any
) -> Problem:
    """Long only, fully invested, at most 30 % in a name, unless fields say otherwise."""
    r = np.random.default_rng(seed)
    risk = risk_of(names, factors, r)
    asked = {
        "risk": risk,
        "low_n": np.zeros(names),
        "high_n": np.full(names, max(0.3, 2.0 / names)),
        "alpha_n": r.normal(0.04, 0.05, names),
    }
    return Problem(objective=objective, **(asked | fields))


def covariance(risk: RiskModel) -> np.ndarray:
    """The full covariance, for judges that need one."""
    full_nn: np.ndarray = risk.exposure_nk @ risk.factor_kk @ risk.exposure_nk.T
    return full_nn + np.diag(risk.specific_n)
