"""Learn from ranked characteristics which names will do better than the others next month.

Economics: momentum, reversal, calm and attention each tell a little about the next month, more in
some combinations than in others. Boosted trees find combinations without being told (Gu, Kelly, Xiu
2020, "Empirical asset pricing via machine learning", Review of Financial Studies 33), and miss
nothing that worked by chance, which is why there is so much discipline around them.

1 `features`       what is known of each name at a close: rates of change, volatility, beta, the
                   distance from the high, volume, signals; as ranks among the names of the day
2 `target`         what is learnt: the rank of the return from the next close over `horizon_days`
3 `refits`         when: the first session of each quarter (month, year)
4 `training_rows`  on what: `train_days` sessions, the newest so old that its return was complete
                   `embargo_days` before the session ahead of the refit; counted back from the refit
5 `fit`            LightGBM: few leaves, strong shrinkage, one thread, every seed fixed
6 `wishes`         long the best names by the model of the latest refit, short the worst

A refit depends on the calendar and on rows before it, all of them in bounded windows, so a pod with
nothing but its last `lookback` rows trains the very same model.

Fails when what worked in the training years does not go on: turns of the market, crowded factors.
It has many parameters, and every one that is chosen on a backtest makes that backtest worth less.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from podshop.domain.error import ConfigError
from podshop.domain.market import Panel
from podshop.domain.money import F64, I64, Bools, Days
from podshop.domain.rules import periods
from podshop.factors import cross_section, window

if TYPE_CHECKING:
    from lightgbm import Booster

FIELDS = ("index", "returns", "close", "volume")
WHEN = "month"

LONGEST = {"month": 31, "quarter": 92, "year": 366}
"""Sessions that a period between two refits can have at most, on a market that never closes."""


@dataclass(frozen=True)
class Params:
    """What it looks at, how it learns, what it holds.

    Attributes:
        rate_days: sessions of the rates of change.
        volatility_days: sessions of the volatilities.
        skip_days: newest sessions that the momentum leaves out; also the short window of volume.
        year_days: sessions of momentum, beta, the high and the long window of volume.
        signals: names of the panel's signals to look at as well.
        horizon_days: sessions of the return that is learnt.
        train_days: sessions of the training window.
        step_days: sessions from one training row to the next.
        embargo_days: further sessions left out between the last known return and the refit.
        refit: how often the model is trained: "month", "quarter" or "year".
        examples_least: (name, session) pairs that a training needs.
        trees: trees of the model.
        leaves: leaves of a tree.
        leaf_share: smallest share of the examples in a leaf.
        shrinkage: what each tree counts (LightGBM's learning_rate).
        ridge: L2 penalty on the leaves, in examples (lambda_l2).
        feature_share: share of the features that a tree may look at.
        seed: of the choice of features.
        short: also be short the worst names, as much as long the best.
        names: names to hold at most on a side.
        share: largest share of the names with a score to hold on a side.
        gross: sum of |weight|.
    """

    rate_days: tuple[int, ...] = (5, 21, 63, 126, 252)
    volatility_days: tuple[int, ...] = (21, 63, 252)
    skip_days: int = 21
    year_days: int = 252
    signals: tuple[str, ...] = ()
    horizon_days: int = 21
    train_days: int = 756
    step_days: int = 5
    embargo_days: int = 5
    refit: Literal["month", "quarter", "year"] = "quarter"
    examples_least: int = 500
    trees: int = 100
    leaves: int = 8
    leaf_share: float = 0.01
    shrinkage: float = 0.05
    ridge: float = 100.0
    feature_share: float = 0.5
    seed: int = 1
    short: bool = True
    names: int = 50
    share: float = 0.1
    gross: float = 1.0

    def __post_init__(self) -> None:
        """Refuse windows, models and portfolios that cannot be."""
        for name in ("rate_days", "volatility_days"):
            least = 1 if name == "rate_days" else 5
            windows: tuple[int, ...] = getattr(self, name)
            if not windows or min(windows) < least or len(set(windows)) < len(windows):
                raise ValueError(f"{name} must be different windows of at least {least} sessions")
        if "" in self.signals or len(set(self.signals)) < len(self.signals):
            raise ValueError("signals must be different names of signals")
        if not 1 <= self.skip_days < self.year_days or self.year_days < 20:
            raise ValueError("skip_days at least 1 and less than year_days, which is at least 20")
        if self.refit not in LONGEST:
            raise ValueError(f'refit must be "month", "quarter" or "year", not "{self.refit}"')
        self._refuse_training()
        if not (0.0 < self.share <= 0.5 and self.gross > 0.0 and self.names >= 1):
            raise ValueError("names must be at least 1, share in (0, 0.5], gross above 0")

    def _refuse_training(self) -> None:
        """Refuse numbers that no model can be trained with."""
        for name, least in (
            ("horizon_days", 1),
            ("train_days", 1),
            ("step_days", 1),
            ("embargo_days", 0),
            ("examples_least", 20),
            ("trees", 1),
            ("leaves", 2),
            ("ridge", 0.0),
            ("seed", 0),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}")
        for name in ("leaf_share", "shrinkage", "feature_share"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie in (0, 1]")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def history(p: Params) -> int:
    """Rows that the features of one row depend on, the row itself included."""
    return max(*p.rate_days, *p.volatility_days, p.year_days) + 1


def reach(p: Params) -> int:
    """Rows that a refit depends on, the refit's own row included."""
    return p.horizon_days + 2 + p.embargo_days + p.train_days - 1 + history(p)


def lookback(p: Params) -> int:
    """What a refit depends on, and the longest time since."""
    return LONGEST[p.refit] - 1 + reach(p)


# --- what is known, and what is learnt ------------------------------------------------------------


def feature_names(p: Params) -> tuple[str, ...]:
    """Names of the features, in the order of the last axis of `features`."""
    return (
        f"momentum_{p.year_days}_{p.skip_days}",
        *(f"rate_{days}" for days in p.rate_days),
        *(f"volatility_{days}" for days in p.volatility_days),
        f"beta_{p.year_days}",
        f"high_{p.year_days}",
        f"volume_{p.skip_days}_{p.year_days}",
        *(f"signal_{name}" for name in p.signals),
    )


def features(panel: Panel, p: Params, at: I64) -> F64:
    """Ranks of each name's characteristics among the names of the day.

    A name takes part when it has a price and a past of `year_days`. A characteristic that is not
    known counts as the middle, 0 (Gu, Kelly, Xiu 2020, section 2.1).

    Args:
        panel: history.
        p: parameters.
        at: (R,) rows, ascending, each at least `history(p)` - 1.

    Returns:
        (R, N, F) ranks in [-0.5, 0.5]; NaN for a name that does not take part.

    Raises:
        DataError: the panel lacks one of `p.signals`.
    """
    out = np.empty((len(at), panel.close.shape[1], len(feature_names(p))))
    if not len(at):
        return out
    start = int(at[0]) - history(p) + 1
    stretch, rows = panel.rows(start, int(at[-1]) + 1), at - start
    absent = np.isnan(stretch.close[rows]) | np.isnan(stretch.index[rows - p.year_days])
    for f, raw in enumerate(_characteristics(stretch, p, rows)):
        ranks = cross_section.rank(np.where(absent, np.nan, raw)) - 0.5
        out[:, :, f] = np.where(absent, np.nan, np.nan_to_num(ranks))
    return out


def _characteristics(panel: Panel, p: Params, at: I64) -> list[F64]:
    """(R, N) each, in the order of `feature_names`."""
    rows = window.rows_of(at, len(panel))
    index, year = panel.index, p.year_days
    found = [index[at - p.skip_days] / index[at - year]]
    found += [index[at] / index[at - days] for days in p.rate_days]
    for days in p.volatility_days:
        found.append(window.rolling_std(panel.returns, days, _most(days), rows)[at])
    market_t = cross_section.mean(panel.returns)
    found.append(window.rolling_beta(panel.returns, market_t, year, _most(year), rows)[at])
    found.append(index[at] / window.rolling_max(index, year, _most(year), rows)[at])
    found.append(_volume_trend(panel, p, rows)[at])
    found += [panel.signal(name)[at].astype(np.float64) for name in p.signals]
    return found


def _volume_trend(panel: Panel, p: Params, rows: Bools) -> F64:
    """Money traded a session lately over money traded a session in the year; NaN if unknown."""
    money = panel.close * panel.volume  # a split changes both, and not their product
    lately = window.rolling_mean(money, p.skip_days, _most(p.skip_days), rows)
    usual = window.rolling_mean(money, p.year_days, _most(p.year_days), rows)
    trend = np.full(money.shape, np.nan)
    np.divide(lately, usual, out=trend, where=usual > 0.0)
    return trend


def _most(days: int) -> int:
    """Four fifths of a window must be known."""
    return math.ceil(0.8 * days)


def target(panel: Panel, p: Params, at: I64) -> F64:
    """Rank of the return that a position decided at row t and held `horizon_days` would have.

    From the close of t + 1, the first at which it could stand, to `horizon_days` later. A name that
    leaves on the way keeps its last price.

    Args:
        panel: history that goes on past the rows.
        p: parameters.
        at: (R,) rows; the last needs `horizon_days` + 1 rows after it.

    Returns:
        (R, N) ranks in [-0.5, 0.5] among the names with a price at row t; NaN for the others.
    """
    entry = at + 1
    ahead = panel.index[entry + p.horizon_days] / panel.index[entry]
    return cross_section.rank(np.where(np.isnan(panel.close[at]), np.nan, ahead)) - 0.5


# --- when and on what -----------------------------------------------------------------------------


def refits(days: Days, p: Params) -> I64:
    """Rows of the first sessions of each period; the first row of a panel is none, as nobody knows
    what came before it.
    """
    if p.refit == "year":
        number = days.astype("datetime64[Y]").astype(np.int64)
    else:
        number = periods(p.refit, days)
    return 1 + np.flatnonzero(number[1:] != number[:-1])


def training_rows(refit: int, p: Params) -> I64:
    """Rows that a refit learns from, ascending; negative where the panel is too short.

    The return of row s ends with row s + 1 + horizon. The newest row is the last whose return ends
    before the refit's session, less the embargo: a purged walk forward (Lopez de Prado 2018,
    "Advances in financial machine learning", chapter 7).
    """
    newest = refit - p.horizon_days - 2 - p.embargo_days
    return np.arange(newest, newest - p.train_days, -p.step_days)[::-1]


def spans(days: Days, p: Params) -> list[tuple[int, int]]:
    """Rows [refit, next refit) of each model that has a whole training window."""
    starts = [int(t) for t in refits(days, p) if t + 1 >= reach(p)]
    return list(pairwise([*starts, len(days)]))


# --- the model ------------------------------------------------------------------------------------


def examples(panel: Panel, p: Params, at: I64) -> tuple[F64, F64]:
    """Features and targets of the names and rows that have both.

    Args:
        panel: history.
        p: parameters.
        at: (R,) rows, with `history(p)` - 1 rows before them and the horizon after them.

    Returns:
        (E, F) ranks, and (E,) ranks.
    """
    known, learnt = features(panel, p, at), target(panel, p, at)
    both = ~np.isnan(known[:, :, 0] + learnt)
    return known[both], learnt[both]


def train(known: F64, learnt: F64, p: Params) -> "Booster | None":
    """Boosted trees on these examples.

    Args:
        known: (E, F) features.
        learnt: (E,) targets.
        p: parameters.

    Returns:
        The model, the same for the same examples on the same machine; None with fewer examples
        than `examples_least`.

    Raises:
        ConfigError: LightGBM is not installed.
    """
    if len(learnt) < p.examples_least:
        return None
    try:
        import lightgbm
    except (ImportError, OSError) as error:  # OSError: its OpenMP library is missing
        raise ConfigError(
            f"the learned pod needs LightGBM, which cannot be imported ({error})\n"
            "  -> pip install podshop[research]"
        ) from error
    settings = {
        "objective": "regression",
        "num_leaves": p.leaves,
        "learning_rate": p.shrinkage,
        "min_data_in_leaf": max(1, int(p.leaf_share * len(learnt))),
        "lambda_l2": p.ridge,
        "feature_fraction": p.feature_share,
        "max_bin": 63,
        "feature_pre_filter": False,
        "seed": p.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(known, learnt, feature_name=list(feature_names(p)), params=settings)
    return lightgbm.train(settings, data, num_boost_round=p.trees)


def fit(panel: Panel, refit: int, p: Params) -> "Booster | None":
    """The model of one refit, from rows before it.

    Args:
        panel: history.
        refit: row of the refit, at least `reach(p)` - 1.
        p: parameters.
    """
    return train(*examples(panel.rows(0, refit), p, training_rows(refit, p)), p)


def predict(model: "Booster", known: F64) -> F64:
    """What a model expects: (R, N) ranks from (R, N, F) features, NaN where there are none."""
    score = np.full(known.shape[:2], np.nan)
    there = ~np.isnan(known[:, :, 0])
    if there.any():
        score[there] = np.asarray(model.predict(known[there], num_threads=1))
    return score


# --- what it wishes -------------------------------------------------------------------------------


def wishes(panel: Panel, p: Params, days: Bools | None = None) -> F64:
    """Long the names that the model of the latest refit expects most of, short the others.

    Args:
        panel: history.
        p: parameters.
        days: (T,) rows that will be read; the others stay 0. None = all.

    Returns:
        (T, N) fractions of the pod's capital; 0 before the first whole training window.

    Raises:
        ConfigError: LightGBM is not installed.
        DataError: the panel lacks one of `p.signals`.
    """
    weights = np.zeros(panel.close.shape)
    for start, stop in spans(panel.days, p):
        at = window.asked(None if days is None else days[:stop], stop, start)
        model = fit(panel, start, p) if len(at) else None
        if model is not None:
            weights[at] = _positions(predict(model, features(panel, p, at)), p)
    return weights


def _positions(score: F64, p: Params) -> F64:
    """Equal weights at both ends of the scores; equal scores at both ends cancel."""
    known_t = cross_section.known(score)
    least_t = np.minimum(known_t // 2 if p.short else known_t, 1)
    size_t = np.clip((known_t * p.share).astype(np.int64), least_t, p.names)
    sides = cross_section.top(score, size_t).astype(np.float64)
    if p.short:
        sides -= cross_section.top(-score, size_t)
    each_t = p.gross / np.maximum(size_t * (2 if p.short else 1), 1)
    return cross_section.grain(sides * each_t[:, None], ~np.isnan(score))
