"""What is asked of an optimiser: forecasts, risk, what is held, limits and costs.

Weights are fractions of NAV. Forecasts are arithmetic returns of a year above what idle cash earns,
so that cash needs no name of its own: what is not in `net` is cash.
"""

import re
from dataclasses import dataclass

import numpy as np

from podshop.domain.money import F64, I64
from podshop.optimise.risk_model import RiskModel

Range = tuple[float, float]
"""Least and most."""


_FLOATS = (
    *("low_n", "high_n", "alpha_n", "current_n", "sector_low_s", "sector_high_s", "factor_low_k"),
    *("factor_high_k", "beta_n", "cost_n", "impact_n", "budget_n", "scenario_tn", "target_n"),
)
"""Arrays that are read as floats, whatever they came as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One choice of weights w for N names with K factors.

    A limit on the trade of one name is a bound around what is held. Turnover and costs count from
    `current_n`; the cash leg of a trade is not a trade.

    Attributes:
        objective: the file of `podshop.optimise` that says what is wanted: minimum_variance,
            max_sharpe, max_return, risk_parity, kelly, hierarchical, nearest or simple.
        risk: factor model of the N names, a year.
        low_n, high_n: (N,) bounds, finite. Shorts are allowed where low is negative.
        alpha_n: (N,) forecasts above cash, a year. Needed by max_sharpe, max_return, kelly, simple.
        current_n: (N,) weights held now; nothing where it is left out.
        net: least and most sum of weights; (0.95, 0.95) keeps 5 % cash.
        gross: most sum of |w|.
        sector_n: (N,) sector of each name, 0 to S - 1.
        sector_low_s, sector_high_s: (S,) least and most weight of each sector.
        factor_low_k, factor_high_k: (K,) least and most exposure B'w to each factor; infinite where
            a factor is free. Both 0: neutral.
        beta_n, beta: (N,) betas, and least and most beta of the portfolio.
        turnover: most sum of |w - current|, both ways: selling 5 % to buy 5 % is 0.10.
        cost_n: (N,) cost of trading, as a fraction of the traded value.
        impact_n: (N,) a cost that grows with the square: impact * trade^2, fractions of NAV.
        horizon_years: how long a trade is expected to be held; its cost is spread over that.
        volatility_max: most volatility of a year.
        fraction: of full Kelly; the aversion to variance is 1 / fraction.
        budget_n: (N,) shares of risk for risk parity, positive; equal where left out.
        scenario_tn: (T, N) returns above cash for the exact Kelly, arithmetic, one period each.
        target_n: (N,) what `nearest` comes close to.
    """

    objective: str
    risk: RiskModel
    low_n: F64
    high_n: F64
    alpha_n: F64 | None = None
    current_n: F64 | None = None
    net: Range = (1.0, 1.0)
    gross: float | None = None
    sector_n: I64 | None = None
    sector_low_s: F64 | None = None
    sector_high_s: F64 | None = None
    factor_low_k: F64 | None = None
    factor_high_k: F64 | None = None
    beta_n: F64 | None = None
    beta: Range = (-np.inf, np.inf)
    turnover: float | None = None
    cost_n: F64 | None = None
    impact_n: F64 | None = None
    horizon_years: float = 1.0
    volatility_max: float | None = None
    fraction: float = 1.0
    budget_n: F64 | None = None
    scenario_tn: F64 | None = None
    target_n: F64 | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be asked, by the name of what is wrong."""
        if not re.fullmatch(r"[a-z][a-z_]*", self.objective):
            raise ValueError(f"objective {self.objective!r} is not the name of a file")
        for name in _FLOATS:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        self._check_names()
        self._check_limits()
        self._check_numbers()

    @property
    def names(self) -> int:
        """N."""
        return len(self.risk.specific_n)

    @property
    def held_n(self) -> F64:
        """(N,) weights held now, zeros where nothing was said."""
        return np.zeros(self.names) if self.current_n is None else self.current_n

    def needs(self, *fields: str) -> None:
        """Refuse to go on without what this objective needs.

        Raises:
            ValueError: one of the fields was left out.
        """
        for name in fields:
            if getattr(self, name) is None:
                raise ValueError(f"{self.objective} needs {name}")

    def _check_names(self) -> None:
        """Arrays over names fit the risk model and hold numbers."""
        per_name = ("low_n", "high_n", "alpha_n", "current_n", "beta_n", "cost_n", "impact_n")
        for name in (*per_name, "budget_n", "target_n"):
            values = getattr(self, name)
            if values is None:
                continue
            if values.shape != (self.names,):
                raise ValueError(
                    f"{name} must be ({self.names},) as the risk model, not {values.shape}"
                )
            if not np.isfinite(values).all():
                first = int(np.flatnonzero(~np.isfinite(values))[0])
                raise ValueError(f"{name}[{first}] is {values[first]}; it must be finite")
        crossed = np.flatnonzero(self.low_n > self.high_n)
        if len(crossed):
            n = int(crossed[0])
            raise ValueError(f"bounds of name {n} cross: {self.low_n[n]} > {self.high_n[n]}")
        for name in ("cost_n", "impact_n"):
            values = getattr(self, name)
            if values is not None and (values < 0.0).any():
                raise ValueError(f"{name} holds a negative cost")
        if self.budget_n is not None and not (self.budget_n > 0.0).all():
            raise ValueError("budget_n: every share of risk must be above 0")
        if self.scenario_tn is not None:
            shape = self.scenario_tn.shape
            if len(shape) != 2 or shape[1] != self.names or shape[0] == 0:
                raise ValueError(f"scenario_tn must be (T, {self.names}) with T > 0, not {shape}")
            if not np.isfinite(self.scenario_tn).all():
                raise ValueError("scenario_tn holds NaN or infinity")

    def _check_limits(self) -> None:
        """Limits over sectors, factors and beta come in pairs and fit."""
        if self.sector_n is not None:
            self._check_sectors(self.sector_n)
        elif self.sector_low_s is not None or self.sector_high_s is not None:
            raise ValueError("limits of sectors need sector_n: which name is in which")
        factors = self.risk.exposure_nk.shape[1]
        _pair("factor", self.factor_low_k, self.factor_high_k, factors)
        if self.beta_n is None and self.beta != (-np.inf, np.inf):
            raise ValueError("a limit of beta needs beta_n")

    def _check_sectors(self, sector_n: I64) -> None:
        """Every name has a sector, every sector its limits."""
        if sector_n.shape != (self.names,) or not np.issubdtype(sector_n.dtype, np.integer):
            raise ValueError(f"sector_n must be ({self.names},) whole numbers")
        if self.sector_low_s is None or self.sector_high_s is None:
            raise ValueError("sector_n needs sector_low_s and sector_high_s")
        count = len(self.sector_low_s)
        _pair("sector", self.sector_low_s, self.sector_high_s, count)
        if sector_n.min() < 0 or sector_n.max() >= count:
            raise ValueError(f"sector_n must lie between 0 and {count - 1}, the limits given")

    def _check_numbers(self) -> None:
        """Single numbers are in their range."""
        for name in ("net", "beta"):
            low, high = getattr(self, name)
            if not (low <= high and low < np.inf and high > -np.inf):
                raise ValueError(f"{name} needs least <= most, not {(low, high)}")
        for name in ("gross", "turnover"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value < np.inf:
                raise ValueError(f"{name} must be finite and not negative, not {value}")
        for name in ("volatility_max", "horizon_years", "fraction"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < np.inf:
                raise ValueError(f"{name} must be finite and above 0, not {value}")


def _pair(what: str, low: F64 | None, high: F64 | None, count: int) -> None:
    """Refuse limits that come alone, do not fit or cross."""
    if low is None and high is None:
        return
    if low is None or high is None:
        raise ValueError(f"{what} limits need both a low and a high array (infinite: no limit)")
    if low.shape != (count,) or high.shape != (count,):
        raise ValueError(f"{what} limits must be ({count},), not {low.shape} and {high.shape}")
    if not (low <= high).all():
        raise ValueError(f"{what} limits cross or hold NaN")
