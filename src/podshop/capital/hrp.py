"""Hierarchical risk parity: like pods share with each other before they share with the rest.

Source: Lopez de Prado, "Building diversified portfolios that outperform out of sample" (2016).

1. distance sqrt((1 - correlation) / 2); single linkage joins the nearest pods, then groups.
2. the order of the leaves puts like beside like.
3. halve that order again and again; each half gets capital in inverse proportion to the variance of
   its inverse-variance portfolio.

Pods are put in order of volatility first: where two pods join, the calmer one stands first, so the
result does not hang on the order in which a fund file names them. Equal until the window is full; a
pod that never moved counts as the average pod.
"""

from dataclasses import dataclass

import numpy as np

from podshop.capital.bounds import bounds, check, share_out
from podshop.capital.evidence import check_window, correlation, deviation, score
from podshop.domain.book import Book
from podshop.domain.money import F64, I64


@dataclass(frozen=True)
class Params:
    """Window and bounds.

    Attributes:
        lookback_days: sessions in the window of correlations and volatility, at most 252.
        min, max: least and largest share of a living pod, fraction of fund NAV.
        cash: share that always stays with the centre, fraction of fund NAV.
    """

    lookback_days: int = 126
    min: float = 0.0
    max: float = 0.40
    cash: float = 0.10

    def __post_init__(self) -> None:
        """Refuse a window or bounds that cannot be."""
        check_window(self.lookback_days)
        check(self.min, self.max, self.cash)


def weights(correlation_kk: F64, deviation_k: F64) -> F64:
    """Weights by recursive bisection.

    Args:
        correlation_kk: (K, K) correlations.
        deviation_k: (K,) standard deviations, > 0.

    Returns:
        (K,) weights > 0 that sum to 1.
    """
    calm = np.argsort(deviation_k, kind="stable")
    correlation_kk, deviation_k = correlation_kk[np.ix_(calm, calm)], deviation_k[calm]
    covariance_kk = correlation_kk * np.outer(deviation_k, deviation_k)
    weight_k = np.ones(len(deviation_k))
    groups = [leaves(np.sqrt(np.maximum(0.5 * (1.0 - correlation_kk), 0.0)))]
    while groups:
        group = groups.pop()
        if len(group) < 2:
            continue
        left, right = np.split(group, [len(group) // 2])
        one, other = _variance(covariance_kk, left), _variance(covariance_kk, right)
        weight_k[left] *= other / (one + other)
        weight_k[right] *= one / (one + other)
        groups += [left, right]
    back = np.empty_like(weight_k)
    back[calm] = weight_k
    return back


def leaves(distance_kk: F64) -> I64:
    """The order of the leaves of the single-linkage tree.

    The tree is the minimum spanning tree (Prim), its edges taken from the shortest on. Where two
    groups join, the one that formed earlier stands first, single pods before groups.

    Args:
        distance_kk: (K, K) distances.

    Returns:
        (K,) pods, like beside like.
    """
    pods = len(distance_kk)
    group_of = list(range(pods))
    members = {k: [k] for k in range(pods)}
    for name, (a, b) in enumerate(_spanning_tree(distance_kk), start=pods):
        first, second = sorted((group_of[a], group_of[b]))
        members[name] = members.pop(first) + members.pop(second)
        for k in members[name]:
            group_of[k] = name
    return np.array(members[group_of[0]], dtype=np.int64)


def _spanning_tree(distance_kk: F64) -> list[tuple[int, int]]:
    """Edges of the minimum spanning tree, shortest first."""
    pods = len(distance_kk)
    near = distance_kk[0].copy()
    through = np.zeros(pods, dtype=np.int64)
    outside = np.ones(pods, dtype=np.bool_)
    outside[0] = False
    edges = []
    for _ in range(pods - 1):
        k = int(np.argmin(np.where(outside, near, np.inf)))
        edges.append((float(near[k]), int(through[k]), k))
        outside[k] = False
        closer = outside & (distance_kk[k] < near)
        near[closer], through[closer] = distance_kk[k][closer], k
    return [(a, b) for _, a, b in sorted(edges, key=lambda edge: edge[0])]


def _variance(covariance_kk: F64, group: I64) -> float:
    """Variance of a group's inverse-variance portfolio."""
    inside = covariance_kk[np.ix_(group, group)]
    inverse = 1.0 / np.diag(inside)
    weight = inverse / inverse.sum()
    return float(weight @ inside @ weight)


def shares(book: Book, p: Params) -> F64:
    """Share fund NAV by hierarchical risk parity.

    Returns:
        (P,) fractions of fund NAV summing to at most 1 - cash; 0 for pods that are closing or
        closed.
    """

    def weigh(returns_tk: F64) -> F64:
        return weights(correlation(returns_tk), deviation(returns_tk))

    score_p = score(book, p.lookback_days, weigh)
    return share_out(book, score_p, bounds(book, p.min, p.max, p.cash))
