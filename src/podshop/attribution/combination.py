"""Combining K alphas into one, without knowing what comes: by weights that are given or earned.

Two levels. At strategy level the books of K strategies are added, with K weights a day, and each
strategy has spent its own optimisation before. At factor level the K signals of every name are
added, K x N numbers a day, and one book is optimised for their sum. `combined` does either; what a
learner does with the signals instead is in `learned_combination.py`.

Everything of row t is known at the close of t. A signal of row t is judged by the return of row
t + 1, so an information coefficient stands in the row in which its return is known, and weights of
row t use rows up to t. They are for the book that is held from t to t + 1.

Sources: Grinold, Kahn (2000), chapter 14; Qian, Hua, Sorensen (2007), chapter 7, for the weights by
mean and covariance of coefficients.
"""

import math
from typing import Literal

import numpy as np

from podshop.domain.money import F64

Rule = Literal["mean", "ratio", "optimal"]

NAMES_LEAST = 30
"""Names without which a cross-sectional correlation says nothing."""


def combined(alpha_tkn: F64, weight_tk: F64) -> F64:
    """The weighted sum of signals or of books.

    Args:
        alpha_tkn: (T, K, N) signals, or books of K strategies; NaN where an alpha has no opinion.
        weight_tk: (T, K) weights, or (K,) for static ones; a row of NaN = not known yet.

    Returns:
        (T, N) sums. Where an alpha has no opinion on a name its weight is shared by the others in
        proportion to size; NaN where nobody has one or the weights are not known.

    Raises:
        ValueError: the shapes do not fit.
    """
    days, alphas, _ = alpha_tkn.shape
    weight_tk = np.broadcast_to(np.asarray(weight_tk, dtype=np.float64), (days, alphas))
    known_tkn = ~np.isnan(alpha_tkn)
    total_tn = np.einsum("tk,tkn->tn", weight_tk, np.where(known_tkn, alpha_tkn, 0.0))
    size_tk = np.abs(weight_tk)
    heard_tn = np.einsum("tk,tkn->tn", size_tk, known_tkn.astype(np.float64))
    # Weights of 0 count as heard: a name that only they speak of has a sum of 0.
    share_tn = np.divide(
        heard_tn,
        size_tk.sum(axis=1)[:, None],
        out=np.ones_like(total_tn),
        where=size_tk.sum(axis=1)[:, None] > 0.0,
    )
    unknown_t = np.asarray(np.isnan(weight_tk).any(axis=1))
    silent_tn = ~known_tkn.any(axis=1) | unknown_t[:, None]
    share_tn[share_tn == 0.0] = 1.0
    return np.where(silent_tn, np.nan, total_tn / share_tn)


def information_coefficients(
    signal_tkn: F64, return_tn: F64, ranked: bool = True, names_least: int = NAMES_LEAST
) -> F64:
    """Correlation across names of yesterday's signals with today's returns.

    Args:
        signal_tkn: (T, K, N) signals known at each close; NaN = none.
        return_tn: (T, N) returns of each session, best what factors do not explain; NaN = none.
        ranked: by ranks (Spearman, ties averaged), else by values (Pearson).
        names_least: names with both; fewer give NaN.

    Returns:
        (T, K) coefficients; row t judges the signals of row t - 1. The first row is NaN.
    """
    days, alphas, _ = signal_tkn.shape
    coefficient_tk = np.full((days, alphas), np.nan)
    for t in range(1, days):
        for k in range(alphas):
            coefficient_tk[t, k] = _correlation(
                signal_tkn[t - 1, k], return_tn[t], ranked, names_least
            )
    return coefficient_tk


def trailing_weights(
    score_tk: F64, window: int, rule: Rule = "ratio", shrink: float = 0.5, smallest: float = 0.0
) -> F64:
    """Weights earned over the last sessions; they sum to 1.

    With m the means of the scores over the window, s their deviations and C their covariance:

        mean      max(0, m)
        ratio     max(0, m / s), the information or Sharpe ratio
        optimal   max(0, inverse((1 - shrink) C + shrink diag(C)) m), the best ratio of the sum

    Args:
        score_tk: (T, K) information coefficients, or returns of K strategies, each known at the
            close of its row; NaN = none.
        window: sessions, at least 2.
        rule: what is earned.
        shrink: of correlations towards zero, for "optimal", in (0, 1].
        smallest: least weight of an alpha with a score, so that none is written off for good; at
            most 1 / K.

    Returns:
        (T, K) weights of the book that is held after row t. NaN in rows before the window is full;
        0 for an alpha without a whole window; equal among the others when none has earned any.

    Raises:
        ValueError: an argument is out of range.
    """
    days, alphas = score_tk.shape
    if window < 2 or not 0.0 < shrink <= 1.0 or not 0.0 <= smallest * alphas <= 1.0:
        raise ValueError("window is 2 or more, shrink in (0, 1], smallest in [0, 1 / K]")
    if rule not in ("mean", "ratio", "optimal"):
        raise ValueError(f'rule is "mean", "ratio" or "optimal", not {rule!r}')
    weight_tk = np.full((days, alphas), np.nan)
    for t in range(window - 1, days):
        score_wk = score_tk[t - window + 1 : t + 1]
        there_k = ~np.isnan(score_wk).any(axis=0)
        if not there_k.any():
            continue
        weight_tk[t] = 0.0
        earned_k = _earned(score_wk[:, there_k], rule, shrink)
        weight_tk[t, there_k] = _floored(earned_k, smallest)
    return weight_tk


def _earned(score_wk: F64, rule: Rule, shrink: float) -> F64:
    """(K,) what a window of scores earns, not negative."""
    mean_k = score_wk.mean(axis=0)
    if rule == "mean":
        return np.asarray(np.maximum(mean_k, 0.0))
    cov_kk = np.atleast_2d(np.cov(score_wk, rowvar=False))
    deviation_k = np.sqrt(np.diag(cov_kk))
    steady_k = deviation_k <= 1e-12 * np.abs(mean_k).max(initial=1e-300)
    # A score that never moves has no ratio: it counts as one that is as uncertain as it is large.
    deviation_k = np.where(steady_k, np.maximum(np.abs(mean_k), 1e-300), deviation_k)
    if rule == "ratio":
        return np.asarray(np.maximum(mean_k / deviation_k, 0.0))
    shrunk_kk = (1.0 - shrink) * cov_kk
    np.fill_diagonal(shrunk_kk, deviation_k**2)
    scaled_kk = shrunk_kk / np.outer(deviation_k, deviation_k)
    best_k = np.linalg.solve(scaled_kk, mean_k / deviation_k) / deviation_k
    return np.asarray(np.maximum(best_k, 0.0))


def _floored(earned_k: F64, smallest: float) -> F64:
    """Weights that sum to 1, none below the smallest."""
    total = float(earned_k.sum())
    count = len(earned_k)
    share_k = earned_k / total if total > 0.0 else np.full(count, 1.0 / count)
    return np.asarray(smallest + (1.0 - count * smallest) * share_k)


def _correlation(x_n: F64, y_n: F64, ranked: bool, names_least: int) -> float:
    """Correlation over the names that have both; NaN of too few or of a constant."""
    both_n = ~(np.isnan(x_n) | np.isnan(y_n))
    if int(both_n.sum()) < max(names_least, 2):
        return math.nan
    x_n, y_n = x_n[both_n], y_n[both_n]
    if ranked:
        x_n, y_n = _ranks(x_n), _ranks(y_n)
    x_n, y_n = x_n - x_n.mean(), y_n - y_n.mean()
    scale = math.sqrt(float(x_n @ x_n) * float(y_n @ y_n))
    return float(x_n @ y_n) / scale if scale > 0.0 else math.nan


def _ranks(x_n: F64) -> F64:
    """Ranks from 0; ties share their average."""
    ordered, place, count = np.unique(x_n, return_inverse=True, return_counts=True)
    last = np.cumsum(count) - 1
    average = last - (count - 1) / 2.0
    return np.asarray(average[place.reshape(len(x_n))]) if len(ordered) else x_n
