"""The laws. Asserted on every live day, and properties of the test suite.

1. Postings of each event sum to zero per commodity, exactly.
2. The pods' lots are the broker's lots, per asset.
3. The sum of pod NAV and reserve is fund NAV.
4. replay(journal) = book, bit for bit.
5. Causality of every pod (research/cards.py).
6. A closed pod holds nothing and never trades.
7. Same inputs, same order ids and journal hash (the chain).
8. After `decide` every cap holds.
9. Attribution parts sum to the change of NAV: residual 0 micros (attribution/tensor.py).
"""

import numpy as np

from podshop.domain.book import Book
from podshop.domain.error import LawBroken
from podshop.domain.event import Event, OnPaper
from podshop.domain.money import I64
from podshop.domain.order import Statement
from podshop.domain.pod import PodStatus
from podshop.domain.rules import Caps
from podshop.kernel import day as kernel
from podshop.ledger.postings import postings


def assert_laws(book: Book) -> None:
    """Assert the laws that a book alone can show: 3 and 6, and that its slots are in order.

    Raises:
        LawBroken: names the law and the figures.
    """
    total = int(book.nav_p.sum()) + book.reserve
    if total != book.nav:
        raise LawBroken(f"law 3: pods and centre are worth {total} micros, the fund {book.nav}")
    n = len(book.mark_n)
    if len(book.key_s):
        if (np.diff(book.key_s) <= 0).any():
            raise LawBroken("slots are not in ascending order")
        if book.status_p.max(initial=0) < PodStatus.CLOSING:
            return
        status_s = book.status_p[book.key_s // n]
        if (status_s == PodStatus.CLOSED).any():
            pod = int(book.key_s[np.argmax(status_s == PodStatus.CLOSED)]) // n
            raise LawBroken(f"law 6: closed pod {pod} holds or wants something")
        if (book.want_s[status_s == PodStatus.CLOSING] != 0).any():
            raise LawBroken("law 6: a closing pod wants to hold something")


def assert_caps(book: Book, caps: Caps) -> None:
    """Assert law 8 for the caps that are the fund's: on one name, and on leverage.

    Args:
        book: the book after `decide`.
        caps: the caps.

    Raises:
        LawBroken: names what is wanted and the cap.
    """
    if len(book.key_s) == 0 or not (np.isfinite(caps.ticker) or np.isfinite(caps.leverage)):
        return
    value_n, nav = np.abs(_net(book, book.want_s)) * book.mark_n, max(0, book.nav)
    if np.isfinite(caps.ticker) and (value_n > (most := int(caps.ticker * nav))).any():
        asset = int(np.argmax(value_n))
        raise LawBroken(f"law 8: asset {asset} is wanted for {value_n[asset]} micros, cap {most}")
    if np.isfinite(caps.leverage) and value_n.sum() > int(caps.leverage * nav):
        raise LawBroken(
            f"law 8: all names are wanted for {value_n.sum()} micros, cap {caps.leverage:g} x NAV"
        )


def assert_statement(book: Book, statement: Statement) -> None:
    """Assert law 2: the pods' lots and the fund's cash are the broker's.

    Raises:
        LawBroken: names the first asset that differs.
    """
    net_n = _net(book, book.lots_s)
    if (net_n != statement.lots_n).any():
        asset = int(np.argmax(net_n != statement.lots_n))
        raise LawBroken(
            f"law 2: the pods hold {net_n[asset]} lots of asset {asset}, "
            f"the broker {statement.lots_n[asset]}"
        )
    cash = int(book.cash_p.sum()) + book.reserve
    if cash != statement.cash:
        raise LawBroken(f"law 2: the books have {cash} micros of cash, the broker {statement.cash}")


def _net(book: Book, amount_s: I64) -> I64:
    """(N,) sums of the slots' amounts by asset."""
    short_n, net_n = np.empty_like(book.mark_n), np.empty_like(book.mark_n)
    kernel.short_nb(book.key_s, amount_s, len(net_n), short_n, net_n)
    return net_n


def assert_balanced(event: Event) -> None:
    """Assert law 1: the postings of an event sum to zero per commodity.

    Raises:
        LawBroken: names the event and the commodity.
    """
    if isinstance(event, OnPaper):
        for told in event.events:
            assert_balanced(told)
    sums: dict[str, int] = {}
    for posting in postings(event):
        sums[posting.commodity] = sums.get(posting.commodity, 0) + posting.amount
    for commodity, amount in sums.items():
        if amount != 0:
            kind = type(event).__name__
            raise LawBroken(f"law 1: {kind} leaves {amount} of {commodity} unbalanced")
