"""Combining K alphas by a learner: fitted on what was known, applied to what comes.

1. Examples are (session, name): the K signals of row t - 1 and the return of row t.
2. Every `every` sessions a scorer is fitted on the examples whose returns are known, of the last
   `window` sessions.
3. It scores the signals of its own row and of the rows up to the next fit.

A scorer says what each alpha adds to each score, and the parts sum to the score. So the question
"who earned it" survives the learner: the parts are the K alphas that `virtual_books` asks for. How
much the score would lose without an alpha is `permutation_importance`; it is for watching, and no
money should follow it.

Sources: Hoerl, Kennard (1970) for the ridge; Breiman (2001) for importance by permutation;
Lundberg, Lee (2017) for the parts of a tree's score.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from podshop.attribution.combination import NAMES_LEAST, information_coefficients
from podshop.domain.error import ConfigError
from podshop.domain.money import F64, I64, read_only


class Scorer(Protocol):
    """A fitted combination."""

    def parts(self, signal_ek: F64) -> F64:
        """(E, K + 1) what each alpha adds to each score, and last what nobody adds.

        Args:
            signal_ek: (E, K) signals of E examples.
        """
        ...


Fit = Callable[[F64, F64], Scorer]
"""(E, K) signals and (E,) returns to a scorer."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear score.

    Attributes:
        coefficient_k: (K,) of the signals.
        constant: of every score.
    """

    coefficient_k: F64
    constant: float

    def parts(self, signal_ek: F64) -> F64:
        """(E, K + 1) coefficient times signal, and the constant."""
        constant_e = np.full((len(signal_ek), 1), self.constant)
        return np.hstack([signal_ek * self.coefficient_k, constant_e])


@dataclass(frozen=True, slots=True)
class Ridge:
    """The fit of a linear score: least squares with a penalty on the coefficients.

    coefficients = inverse(Z'Z / E + penalty * I) Z'y / E, with Z the signals less their means over
    their deviations, so that the penalty means the same for every alpha.

    Attributes:
        penalty: 0 is least squares; at 1 an alpha alone has half of its coefficient left.
    """

    penalty: float = 0.1

    def __call__(self, signal_ek: F64, return_e: F64) -> Linear:
        """Fit; an alpha that never moves gets a coefficient of 0.

        Raises:
            ValueError: the penalty is negative.
        """
        if not self.penalty >= 0.0:
            raise ValueError(f"a penalty is 0 or more, not {self.penalty}")
        mean_k, deviation_k = signal_ek.mean(axis=0), signal_ek.std(axis=0)
        moving_k = deviation_k > 1e-12 * np.abs(signal_ek).max(axis=0, initial=1e-300)
        coefficient_k = np.zeros(signal_ek.shape[1])
        z_ek = (signal_ek[:, moving_k] - mean_k[moving_k]) / deviation_k[moving_k]
        gram_kk = z_ek.T @ z_ek / len(z_ek) + self.penalty * np.eye(z_ek.shape[1])
        told_k = z_ek.T @ (return_e - return_e.mean()) / len(z_ek)
        # Least squares, because without a penalty two alphas may be the same.
        solved_k = np.linalg.lstsq(gram_kk, told_k, rcond=1e-10)[0]
        coefficient_k[moving_k] = solved_k / deviation_k[moving_k]
        return Linear(coefficient_k, float(return_e.mean() - mean_k @ coefficient_k))


@dataclass(frozen=True, slots=True)
class Trees:
    """The fit of boosted trees, by LightGBM.

    Attributes:
        trees, leaves: how many, and of how many leaves each.
        shrinkage: of each tree.
        leaf_share: least share of the examples in a leaf.
        seed: of what the learner draws.
    """

    trees: int = 100
    leaves: int = 8
    shrinkage: float = 0.05
    leaf_share: float = 0.01
    seed: int = 0

    def __call__(self, signal_ek: F64, return_e: F64) -> "Grown":
        """Grow the trees; the same for the same examples on the same machine.

        Raises:
            ConfigError: LightGBM is not installed.
        """
        try:
            import lightgbm
        except (ImportError, OSError) as error:  # OSError: its OpenMP library is missing
            raise ConfigError(
                f"a combination by trees needs LightGBM, which cannot be imported ({error})\n"
                "  -> pip install podshop[research]"
            ) from error
        settings = {
            "objective": "regression",
            "num_leaves": self.leaves,
            "learning_rate": self.shrinkage,
            "min_data_in_leaf": max(1, int(self.leaf_share * len(return_e))),
            "feature_pre_filter": False,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        data = lightgbm.Dataset(signal_ek, return_e, params=settings)
        return Grown(lightgbm.train(settings, data, num_boost_round=self.trees).predict)


@dataclass(frozen=True, slots=True)
class Grown:
    """A score by trees.

    Attributes:
        predict: of the booster.
    """

    predict: Callable[..., object]

    def parts(self, signal_ek: F64) -> F64:
        """(E, K + 1) Shapley values of each score, exact for trees, and the mean score."""
        told = self.predict(signal_ek, pred_contrib=True, num_threads=1)
        return np.asarray(told, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class LearnedCombination:
    """What a learner made of K alphas, session by session.

    Attributes:
        combined_tn: (T, N) scores; NaN before the first fit and where a signal is missing.
        part_tkn: (T, K, N) what each alpha adds to them; they and the base sum to the score.
        base_tn: (T, N) what nobody adds.
        fitted_t: rows of the fits.
        scorers: one a fit.
    """

    combined_tn: F64
    part_tkn: F64
    base_tn: F64
    fitted_t: I64
    scorers: tuple[Scorer, ...]


def learned_combination(
    fit: Fit, signal_tkn: F64, return_tn: F64, window: int, every: int = 21
) -> LearnedCombination:
    """Combine alphas by a learner that is fitted again and again on the past only.

    Args:
        fit: such as `Ridge()` or `Trees()`.
        signal_tkn: (T, K, N) signals known at each close; NaN = none, and the name is left out.
        return_tn: (T, N) returns of each session; NaN = none.
        window: sessions of returns to fit on.
        every: sessions from fit to fit.

    Returns:
        The scores of every row from `window` on. Row t uses signals up to t and returns up to t.

    Raises:
        ValueError: window or every is below 1, or shapes differ.
        ConfigError: the learner is not installed.
    """
    days, alphas, names = signal_tkn.shape
    if window < 1 or every < 1 or return_tn.shape != (days, names):
        raise ValueError(f"window and every are 1 or more and returns of shape {(days, names)}")
    part_tkn = np.full((days, alphas + 1, names), np.nan)
    fitted: list[int] = []
    scorers: list[Scorer] = []
    for t in range(window, days, every):
        known_ek, told_e = examples(signal_tkn[t - window : t], return_tn[t - window + 1 : t + 1])
        if not len(told_e):
            continue
        scorer = fit(known_ek, told_e)
        fitted.append(t)
        scorers.append(scorer)
        ahead = slice(t, min(t + every, days))
        part_tkn[ahead] = _scored(scorer, signal_tkn[ahead])
    combined_tn = part_tkn.sum(axis=1)
    for array in (combined_tn, part_tkn):
        read_only(array)
    return LearnedCombination(
        combined_tn, part_tkn[:, :-1], part_tkn[:, -1], np.array(fitted, np.int64), tuple(scorers)
    )


def examples(signal_tkn: F64, next_tn: F64) -> tuple[F64, F64]:
    """Signals with the returns that came after them, where both are known.

    Args:
        signal_tkn: (T, K, N) signals.
        next_tn: (T, N) row t holds the return after the signals of row t.

    Returns:
        (E, K) signals and (E,) returns.
    """
    known_tn = ~(np.isnan(signal_tkn).any(axis=1) | np.isnan(next_tn))
    return np.moveaxis(signal_tkn, 1, 2)[known_tn], next_tn[known_tn]


@dataclass(frozen=True, slots=True)
class Importance:
    """What a score loses when one alpha's signals are dealt out anew among the names.

    Attributes:
        full: mean information coefficient of the score.
        lost_k: (K,) what it loses without what alpha k knows, mean over repeats.
        error_k: (K,) standard deviation over repeats over sqrt(repeats): of the dealing, not of
            the history.
    """

    full: float
    lost_k: F64
    error_k: F64


def permutation_importance(
    scorer: Scorer,
    signal_tkn: F64,
    return_tn: F64,
    seed: int,
    repeats: int = 10,
    names_least: int = NAMES_LEAST,
) -> Importance:
    """How much the score's coefficient owes to each alpha, on sessions it was not fitted on.

    Args:
        scorer: a fitted combination.
        signal_tkn: (T, K, N) signals of later sessions.
        return_tn: (T, N) their returns.
        seed: of the dealing.
        repeats: dealings of each alpha, at least 2.
        names_least: names without which a session does not count.

    Returns:
        The importance. Alphas that say the same replace one another and look unimportant.

    Raises:
        ValueError: fewer than two repeats, or no session has enough names.
    """
    if repeats < 2:
        raise ValueError("needs two repeats at least")
    rng = np.random.default_rng(seed)
    full = _mean_coefficient(scorer, signal_tkn, return_tn, names_least)
    if np.isnan(full):
        raise ValueError(f"no session has {names_least} names with signals and a return")
    lost_rk = np.empty((repeats, signal_tkn.shape[1]))
    for r, k in np.ndindex(lost_rk.shape):
        dealt = _dealt(signal_tkn, k, rng)
        lost_rk[r, k] = full - _mean_coefficient(scorer, dealt, return_tn, names_least)
    error_k = lost_rk.std(axis=0, ddof=1) / np.sqrt(repeats)
    return Importance(full, lost_rk.mean(axis=0), error_k)


def _scored(scorer: Scorer, signal_tkn: F64) -> F64:
    """(T, K + 1, N) parts of the scores; NaN where a signal is missing."""
    days, alphas, names = signal_tkn.shape
    part_tnk = np.full((days, names, alphas + 1), np.nan)
    known_tn = ~np.isnan(signal_tkn).any(axis=1)
    if known_tn.any():
        part_tnk[known_tn] = scorer.parts(np.moveaxis(signal_tkn, 1, 2)[known_tn])
    return np.moveaxis(part_tnk, 2, 1)


def _mean_coefficient(scorer: Scorer, signal_tkn: F64, return_tn: F64, names_least: int) -> float:
    """Mean rank coefficient of the score; NaN when no session has one."""
    score_tn = _scored(scorer, signal_tkn).sum(axis=1)
    told_t = information_coefficients(score_tn[:, None], return_tn, names_least=names_least)[:, 0]
    told_t = told_t[~np.isnan(told_t)]
    return float(told_t.mean()) if len(told_t) else float("nan")


def _dealt(signal_tkn: F64, k: int, rng: np.random.Generator) -> F64:
    """The signals with those of alpha k dealt out anew within each session."""
    dealt = signal_tkn.copy()
    for t in range(len(dealt)):
        known_n = np.flatnonzero(~np.isnan(signal_tkn[t]).any(axis=0))
        dealt[t, k, known_n] = signal_tkn[t, k, rng.permutation(known_n)]
    return dealt
