"""What a row of the table of metrics says."""

from collections.abc import Callable
from dataclasses import dataclass

from podshop.domain.money import F64
from podshop.research.metrics.sample import Sample

Z95 = 1.6448536269514722
"""95 % quantile of the normal distribution."""
UP, NO, EVEN = True, False, None
"""Higher is better; lower is better; neither."""

SPELT = {
    "1m": "1 month",
    "1y": "1 year",
    "3m": "3 months",
    "3y": "3 years",
    "5y": "5 years",
    "6m": "6 months",
    "10y": "10 years",
    "36m": "36 months",
    "ann": "a year",
    "autocorr": "autocorrelation",
    "avg": "average",
    "bera": "Bera",
    "burke": "Burke",
    "cagr": "CAGR",
    "calmar": "Calmar",
    "cdar": "CDaR",
    "cornish": "Cornish",
    "cvar": "CVaR",
    "dev": "deviation",
    "fisher": "Fisher",
    "gauss": "normal",
    "geo": "geometric",
    "jarque": "Jarque",
    "k": "K",
    "kappa3": "Kappa 3",
    "kelly": "Kelly",
    "lo": "Lo",
    "m2": "M²",
    "martin": "Martin",
    "mertens": "Mertens",
    "mtd": "month to date",
    "obs": "observations",
    "omega": "Omega",
    "n": "number of",
    "psr": "probabilistic Sharpe",
    "qtd": "quarter to date",
    "r2": "R²",
    "rachev": "Rachev",
    "se": "standard error",
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "starr": "STARR",
    "sterling": "Sterling",
    "t": "t-statistic",
    "treynor": "Treynor",
    "var": "VaR",
    "vol": "volatility",
    "ytd": "year to date",
}
"""Words of a metric's name as a person reads them, where they are short or somebody's name."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table of metrics.

    Attributes:
        name: key in `compute`'s answer.
        group: return, trailing, risk, drawdown, ratio, days, months, benchmark.
        unit: fraction (0.01 is 1 %), ratio, days, years, count.
        formula: in the letters that the package's docstring explains.
        convention: what this row settles that books differ on.
        source: where the formula comes from.
        higher_is_better: None where neither is.
        value: P series -> (P, 1) figures, or one for all; not finite where it is not defined.
    """

    name: str
    group: str
    unit: str
    formula: str
    convention: str
    source: str
    higher_is_better: bool | None
    value: Callable[[Sample], F64 | float]

    @property
    def label(self) -> str:
        """The name as a person reads it."""
        return " ".join(SPELT.get(word, word) for word in self.name.split("_"))
