"""Risk capital: how much of what was made stays at risk, for the fund and for each pod.

For the fund it is the recursion of `compounding.capital_path` in whole micros, on the fund's own
NAV at every close: the risk capital is what allocation shares out, the rest of the NAV was skimmed
and waits with the centre. Of the owner's money, what comes in is capital; what goes out is taken
from the skimmed gains as far as they reach and from the capital after that. So a flow is neither
gain nor loss, and the drawdown of the risk capital is the same for every share that is kept.

For a pod the nominal capital is what it risks: what is above its mark and does not stay is swept to
the centre at the close (`swept`), and waits there for the next allocation.
"""

from collections.abc import Iterable

import numpy as np

from podshop.domain.book import Book
from podshop.domain.event import Compounded, Swept
from podshop.domain.pod import PodStatus
from podshop.domain.rules import Rules


def compounded(before: Book, after: Book, flows: Iterable[int], keep: float | None) -> Compounded:
    """Bring the risk capital through a session.

    Args:
        before: the book after the session before.
        after: the book at the close.
        flows: micros that the owner paid in, or took out (negative), in the session.
        keep: share of the gains above the high-water mark that stays at risk: 1 full, 0 half
            compounding; None for a fixed capital.

    Returns:
        What is skimmed in all (negative: a debt to the risk capital) and the high-water mark.
    """
    skimmed, mark, nav = before.skimmed, before.mark or before.nav, before.nav
    moved = 0
    for flow in flows:
        risk, moved = nav - skimmed, moved + flow
        taken = min(-flow, max(skimmed, 0)) if flow < 0 else 0
        skimmed -= taken
        nav += flow
        grown = risk + flow + taken
        mark = max(grown, mark * grown // risk) if risk > 0 else grown
    profit = after.nav - before.nav - moved
    return earned(nav - skimmed, skimmed, mark, profit, keep)


def earned(risk: int, skimmed: int, mark: int, profit: int, keep: float | None) -> Compounded:
    """What a profit or loss does to the risk capital.

    Args:
        risk: risk capital, micros.
        skimmed: what was skimmed before, micros.
        mark: high-water mark of the risk capital, micros.
        profit: of the session, micros.
        keep: as in `compounded`.
    """
    raw = risk + profit
    if keep is None:
        return Compounded(skimmed + profit, mark)
    if raw <= mark:
        return Compounded(skimmed + min(raw, 0), mark)
    stays = int((raw - mark) * keep)
    return Compounded(skimmed + raw - mark - stays, mark + stays)


def quiet(book: Book, navs: Iterable[int], keep: float | None) -> tuple[int, int]:
    """(skimmed, mark) after sessions without flows.

    Args:
        book: the book before them.
        navs: NAV at each of their closes, micros.
        keep: as in `compounded`.
    """
    skimmed, mark, nav = book.skimmed, book.mark or book.nav, book.nav
    for close in navs:
        told = earned(nav - skimmed, skimmed, mark, close - nav, keep)
        skimmed, mark, nav = told.skimmed, told.mark, close
    return skimmed, mark


def swept(book: Book, rules: Rules) -> Swept | None:
    """Take the gains that do not compound from pods that are at their high-water mark.

    The same recursion for a pod: its nominal capital is what it risks, and what is above the mark
    goes to the centre but for the share that it keeps. Losses it follows by itself, and what an
    allocation gives or takes moves the mark along.

    Args:
        book: the book at the close.
        rules: the fund's rules.
    """
    keep_p = np.array([pod.keep for pod in rules.pods])
    above_p = book.nominal_p - book.mark_p
    over_p = (keep_p < 1.0) & (above_p > 0) & (book.mark_p > 0) & (book.unit_p >= book.peak_p)
    over_p &= book.status_p < PodStatus.CLOSING
    pods = np.flatnonzero(over_p)
    if len(pods) == 0:
        return None
    gone = above_p[pods] - np.floor(above_p[pods] * keep_p[pods]).astype(np.int64)
    moved = np.floor(gone * book.keep_p[pods]).astype(np.int64)
    return Swept(pods, book.nominal_p[pods] - gone, moved)
