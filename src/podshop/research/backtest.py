"""The backtest: the day of `cycle.py` in a loop, with the simulated broker at its end.

Two ways of recording, one result. "full" goes through every session with every event, sealed in the
hash chain (and written to a journal when a file is given). "fast" lets the kernel run through quiet
sessions (nobody speaks, nothing to fill, no limit near) in one compiled call and keeps no journal;
the books, fills and parts are equal to the last micro, by test.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from podshop.adapters.brokers.sim import SimBroker, eve
from podshop.adapters.sources import load
from podshop.adapters.stores.sqlite import SqliteJournal
from podshop.attribution.tensor import parts, payoff
from podshop.capital import risk_capital
from podshop.cycle import decide, settle, step, watch
from podshop.domain.book import HISTORY_DAYS, Book, but, open_book
from podshop.domain.error import DataError
from podshop.domain.event import CycleOpened, Event, FundOpened, Part
from podshop.domain.market import Market, Panel
from podshop.domain.money import I64, Bools, Days
from podshop.domain.pod import PodStatus, WishBook
from podshop.domain.rules import Rules, Tripwire, due, periods
from podshop.kernel import day as kernel
from podshop.ledger.entry import GENESIS, seal
from podshop.ledger.replay import apply, opening
from podshop.market.quotes import data_hash, quotes, row_hash
from podshop.research.admission import known
from podshop.research.cards import check_pod
from podshop.research.run import Run
from podshop.research.tape import Tape
from podshop.research.wishing import gather
from podshop.trading.fill import open_account

NEAR = 1e-12
"""Drawdown short of a rung at which a limit is asked, which then decides by its own arithmetic."""

Progress = Callable[[int, int], None]


class Chain:
    """A journal that keeps only its head: proves that two runs are the same without storing
    them.
    """

    def __init__(self) -> None:
        self.head, self.next_seq = GENESIS, 0

    def append(self, events: tuple[Event, ...], cycle: int) -> None:
        """Seal the events of one cycle."""
        for event in events:
            self.head = seal(event, self.next_seq, cycle, self.head).hash
            self.next_seq += 1


def backtest(
    rules: Rules,
    panel: Panel | None = None,
    *,
    wishes: WishBook | None = None,
    journal: Path | None = None,
    record: str = "full",
    progress: Progress | None = None,
) -> Run:
    """Run a fund over history.

    Args:
        rules: the fund.
        panel: prices; the rules' own source when None.
        wishes: ready-made wishes instead of asking the pods (benchmarks).
        journal: file for the journal; replaced when present. Needs record = "full".
        record: "full" (events, hash chain, attribution by asset) or "fast" (quiet sessions in one
            compiled call, no journal, attribution by pod; pods are not put through their cards).
        progress: called with (sessions done, sessions in all).

    Returns:
        The run: frames of everything that happened, and a summary.

    Raises:
        DataError: no sessions in the range.
        PodError: a pod broke its contract; the fund does not run on it.
        LawBroken: a law does not hold.
    """
    if record not in ("full", "fast") or (journal is not None and record == "fast"):
        raise ValueError('record is "full" or "fast", and a journal needs "full"')
    panel = (
        load(rules.market.source, rules.market.path, rules.market.feeds) if panel is None else panel
    )
    market = quotes(panel)
    start, stop = traded_rows(rules, panel)
    if wishes is None:
        if record == "full":
            for pod in rules.pods:
                check_pod(pod, panel.rows(0, stop), seed=0)
        wishes = gather(rules.pods, panel.rows(0, stop), start)
    if record == "fast":
        return _fast(rules, panel, market, wishes, start, stop, progress)
    return _full(rules, panel, market, wishes, start, stop, journal, progress)


def traded_rows(rules: Rules, panel: Panel) -> tuple[int, int]:
    """The rows [start, stop) of the panel that the fund trades."""
    first, last = rules.market.start, rules.market.end
    start = 0 if first is None else int(np.searchsorted(panel.days, first))
    stop = len(panel) if last is None else int(np.searchsorted(panel.days, last, side="right"))
    if stop - start < 2:
        raise DataError(
            f"no sessions to trade: the data covers {panel.days[0]}..{panel.days[-1]}, "
            f"the fund file asks for {first or 'the beginning'}..{last or 'the end'}"
        )
    return start, stop


def fund_opened(rules: Rules, market: Market, start: int) -> FundOpened:
    """The first journal entry: whose fund, on what data."""
    return FundOpened(
        rules.capital,
        rules.pod_ids(),
        market.assets.symbols,
        market.assets.sectors,
        rules.hash,
        data_hash(market.until(start)),
    )


def _broker(rules: Rules, market: Market, start: int) -> SimBroker:
    account = open_account(rules.capital, len(market.assets))
    return SimBroker(
        rules.costs, rules.flows, account, day=eve(rules.market.start, market.days[start])
    )


def _session_days(market: Market, start: int, stop: int) -> I64:
    return market.days[start:stop].astype("datetime64[D]").astype(np.int64)


def _full(
    rules: Rules,
    panel: Panel,
    market: Market,
    wishes: WishBook,
    start: int,
    stop: int,
    path: Path | None,
    progress: Progress | None,
) -> Run:
    if path is not None:
        for old in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            old.unlink(missing_ok=True)
    chain = Chain() if path is None else SqliteJournal(path, durable=False)
    tape = Tape.blank(_session_days(market, start, stop), len(rules.pods), detail=True)
    first = fund_opened(rules, market, start)
    chain.append((first,), -1)
    tape.hear(0, (first,), 0)
    admitted = known(rules)
    if admitted:
        tape.hear(0, admitted, chain.next_seq)
        chain.append(admitted, -1)
    book, broker = opening(first), _broker(rules, market, start)
    for t in range(start, stop):
        today = market.until(t)
        before = book
        book, plan = step(
            book,
            broker.facts(today),
            today,
            wishes.on(t),
            rules,
            due(rules.allocator.when, market.days, start, t),
            row_hash(market, t),
        )
        tape.hear(t - start, plan.events, chain.next_seq)
        tape.explain(t - start, payoff(before, plan.events, book))
        tape.close(t - start, book)
        chain.append(plan.events, book.cycle)
        broker.submit(plan.orders)
        if progress is not None:
            progress(t - start + 1, stop - start)
    if isinstance(chain, SqliteJournal):
        chain.close()
    return Run(rules, panel, market, start, stop, tape, chain.head, book)


def _fast(
    rules: Rules,
    panel: Panel,
    market: Market,
    wishes: WishBook,
    start: int,
    stop: int,
    progress: Progress | None,
) -> Run:
    tape = Tape.blank(_session_days(market, start, stop), len(rules.pods), detail=False)
    book = open_book(len(rules.pods), len(market.assets), rules.capital)
    broker = _broker(rules, market, start)
    busy = _busy_days(rules, market, wishes, start)
    course = _Course(rules, market, broker, tape, *busy, start, stop)
    t = start
    while t < stop:
        before = book
        events: list[Event] = []
        if t == start or _awake(book, course, t):
            today = market.until(t)
            book, events = settle(_dated(book, market, t), broker.facts(today), today, rules)
            tripped = _restless(book, rules)
        else:
            book, t, tripped = _quiet(book, course, t)
            before, today = book, market
            if (sweep := risk_capital.swept(book, rules)) is not None:
                book, events = apply(sweep, book), [sweep]
        if tripped or course.decides_t[t]:
            today = market.until(t) if today is market else today
            allocation = due(rules.allocator.when, market.days, start, t)
            book, plan = decide(book, today, wishes.on(t), rules, allocation)
            events += plan.events
            broker.submit(plan.orders)
        if events:
            tape.hear(t - start, tuple(events), -1)
            tape.credit(t - start, parts(before, tuple(events), book))
        tape.close(t - start, book)
        t += 1
        if progress is not None:
            progress(t - start, stop - start)
    return Run(rules, panel, market, start, stop, tape, None, book)


@dataclass(frozen=True, slots=True)
class _Course:
    """What a fast run goes through: who, on what, from where to where, and its loud days."""

    rules: Rules
    market: Market
    broker: SimBroker
    tape: Tape
    decides_t: Bools
    wakes_t: Bools
    start: int
    stop: int


def _dated(book: Book, market: Market, t: int) -> Book:
    return apply(CycleOpened(_day_number(market, t), book.cycle + 1, ""), book)


def _day_number(market: Market, t: int) -> int:
    """Session t as days since 1970-01-01."""
    return int(market.days[t].astype("datetime64[D]").astype(np.int64))


def _busy_days(rules: Rules, market: Market, wishes: WishBook, start: int) -> tuple[Bools, Bools]:
    """(T,) days on which something is decided whatever happens, and days on which flows arrive."""
    spoken_t: Bools = np.asarray(wishes.speaks_tp.any(axis=1))
    days = market.days[: len(spoken_t)]
    decides_t = spoken_t | _due_days(rules.allocator.when, days, start)
    if rules.lifecycle is not None:  # audits and reviews
        decides_t |= _due_days("quarter", days, start)
    wakes_t = np.zeros(len(market), dtype=np.bool_)
    for flow in rules.flows:
        t = int(np.searchsorted(market.days, flow.day))
        if t < len(market):
            wakes_t[t] = True
    if rules.costs.management_fee > 0.0:
        month_t = market.days.astype("datetime64[M]")
        wakes_t[1:] |= month_t[1:] != month_t[:-1]
    return decides_t, wakes_t


def _due_days(when: str, days: Days, start: int) -> Bools:
    """(T,) rows for which `due` says yes, all at once."""
    due_t = np.full(len(days), when == "daily")
    if when not in ("daily", "never"):
        number_t = periods(when, days)
        due_t[1:] = number_t[1:] != number_t[:-1]
        due_t[:start] = False
    due_t[start] = True
    return due_t


def _awake(book: Book, course: _Course, t: int) -> bool:
    """True when session t has something to settle beyond accruals and marks."""
    if course.wakes_t[t] or (book.want_s != book.lots_s).any():
        return True
    if (book.borne_p != book.nominal_p).any():
        return True
    if book.life is not None and book.life.paper is not None:
        return True  # pods on paper trade every day, which the kernel knows nothing of
    if not course.rules.netting and (book.lots_s < 0).any():
        return True  # the kernel shares one borrow fee; pods that are apart pay one each
    return _stirs(book, course.market, t, t + 1) == t


def _restless(book: Book, rules: Rules) -> bool:
    """True when the close of a settled day leaves something to decide though nobody speaks: lots
    to trade, a pod to close, a halt, or a limit that may act.
    """
    wire = watch(book, rules)
    if wire is None or book.halted or book.blocked or (book.want_s != book.lots_s).any():
        return True
    if (book.status_p == PodStatus.CLOSING).any():
        return True
    if book.life is not None and book.life.paper is not None:
        return True
    near = (book.drawdown_p >= wire.drawdown_p - NEAR).any()
    near |= book.drawdown >= wire.fund_drawdown - NEAR
    return bool(near or (wire.recovery_p & (book.unit_p >= book.peak_p)).any())


def _stirs(book: Book, market: Market, t0: int, t1: int) -> int:
    """First row in [t0, t1) in which a held asset splits, leaves or has no price; t1 when none
    does.
    """
    eventful = any(d.start_t[t0] < d.start_t[t1] for d in (market.splits, market.delistings))
    if not eventful and market.traded_tn[t0:t1].all():
        return t1
    held_n = np.zeros(len(book.mark_n), dtype=np.bool_)
    held_n[kernel.assets_nb(book.key_s, len(held_n))] = True
    first = t1
    for daily in (market.splits, market.delistings):
        a, b = daily.start_t[t0], daily.start_t[t1]
        hit = np.flatnonzero(held_n[daily.asset[a:b]])
        if len(hit):
            first = min(first, int(np.searchsorted(daily.start_t, a + hit[0], side="right")) - 1)
    silent = np.flatnonzero((held_n & ~market.traded_tn[t0:first]).any(axis=1))
    return t0 + int(silent[0]) if len(silent) else first


def _wire(book: Book, rules: Rules) -> Tripwire | None:
    """`watch`, and a look at every new peak of a pod whose gains do not all stay with it."""
    wire = watch(book, rules)
    if wire is None:
        return None
    leaves_p = np.array([pod.keep < 1.0 for pod in rules.pods])
    return replace(wire, recovery_p=wire.recovery_p | leaves_p)


def _window(book: Book, course: _Course, t: int) -> int:
    """First row after the quiet sessions that begin at t: ends after a day that decides, before
    one that wakes.
    """
    ahead = np.flatnonzero(course.decides_t[t : course.stop])
    end = t + int(ahead[0]) + 1 if len(ahead) else course.stop
    woken = np.flatnonzero(course.wakes_t[t:end])
    end = t + int(woken[0]) if len(woken) else end
    return _stirs(book, course.market, t, end)


def _quiet(book: Book, course: _Course, t: int) -> tuple[Book, int, bool]:
    """Run through quiet sessions from row t. Gives the book, the last row done, and whether a
    limit may act.
    """
    rules, market, tape = course.rules, course.market, course.tape
    wire = _wire(book, rules)
    end = _window(book, course, t) if wire is not None else t + 1
    if wire is None:
        none = np.full(len(book.unit_p), np.inf)
        wire = Tripwire(none, none < 0, -np.inf)
    borrow_tn, interest_t, cash_t = course.broker.rest(market, t, end)
    mark_n, cash_p, nav_p = book.mark_n.copy(), book.cash_p.copy(), book.nav_p.copy()
    nominal_p, unit_p, peak_p = book.nominal_p.copy(), book.unit_p.copy(), book.peak_p.copy()
    fund, fund_f = np.array([book.reserve, book.nav]), np.array([book.fund_unit, book.fund_peak])
    days, pods, at = end - t, len(book.nav_p), slice(t - course.start, end - course.start)
    return_tp, gain_t = np.empty((days, pods)), np.empty(days)
    part_tpk = np.empty((days, pods, 4), dtype=np.int64)
    centre_tk, fund_t = np.empty((days, 3), dtype=np.int64), np.empty((days, 2), dtype=np.int64)
    done, stopped = kernel.quiet_nb(
        _slots(book),
        (
            market.mark_tn[t:end],
            market.dividends.start_t[t : end + 1],
            market.dividends.asset,
            market.dividends.value,
            borrow_tn,
            interest_t,
            market.rate_t[t:end],
            market.year_t[t:end] * (rules.costs.debit_spread_bps_year * 1e-4),
        ),
        (mark_n, cash_p, nav_p, nominal_p, unit_p, peak_p),
        fund,
        fund_f,
        (wire.drawdown_p, wire.recovery_p, wire.fund_drawdown),
        (
            tape.nav_dp[at],
            tape.unit_dp[at],
            tape.nominal_dp[at],
            return_tp,
            part_tpk,
            centre_tk,
            fund_t,
            gain_t,
        ),
    )
    last = t + done - 1
    course.broker.rested(market, last, int(cash_t[done - 1]))
    at = slice(t - course.start, last + 1 - course.start)
    _record_quiet(tape, at, book, part_tpk, centre_tk)
    tape.nav_d[at], tape.cash_d[at] = fund_t[:done, 1], cash_t[:done]
    growth = np.concatenate(([book.fund_unit], 1.0 + gain_t[:done]))
    tape.unit_d[at] = np.multiply.accumulate(growth)[1:]  # one product a day, as the fold does
    book = but(
        _compounded(book, fund_t[:done, 1], rules),
        day=_day_number(market, last),
        cycle=book.cycle + done,
        mark_n=mark_n,
        cash_p=cash_p,
        nav_p=nav_p,
        nominal_p=nominal_p,
        borne_p=nominal_p,
        unit_p=unit_p,
        peak_p=peak_p,
        returns_hp=np.concatenate((book.returns_hp, return_tp[:done]))[-HISTORY_DAYS:],
        fund_returns_h=np.concatenate((book.fund_returns_h, gain_t[:done]))[-HISTORY_DAYS:],
        rate_h=np.concatenate((book.rate_h, market.rate_t[t : last + 1]))[-HISTORY_DAYS:],
        reserve=int(fund[0]),
        nav=int(fund[1]),
        fund_unit=float(fund_f[0]),
        fund_peak=float(fund_f[1]),
        cursor=str(market.days[last]),
    )
    return book, last, stopped


def _compounded(book: Book, nav_t: I64, rules: Rules) -> Book:
    """The book with what stays at risk after quiet sessions that closed at these NAVs."""
    if rules.keep == 1.0:
        return book
    skimmed, mark = risk_capital.quiet(book, nav_t.tolist(), rules.keep)
    return but(book, skimmed=skimmed, mark=mark)


def _slots(book: Book) -> tuple[I64, I64, I64, I64]:
    """What the kernel carries through quiet sessions: offsets per pod, assets, lots, short lots."""
    n, pods = len(book.mark_n), len(book.nav_p)
    short_n, net_n = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    kernel.short_nb(book.key_s, book.lots_s, n, short_n, net_n)
    start_p = np.searchsorted(book.key_s, np.arange(pods + 1) * n)
    return start_p, kernel.assets_nb(book.key_s, n), book.lots_s, short_n


def _record_quiet(tape: Tape, at: slice, book: Book, part_tpk: I64, centre_tk: I64) -> None:
    """Write the quiet sessions' parts and states; what the kernel wrote beyond them comes later."""
    done = at.stop - at.start
    for k, part in enumerate((Part.PRICE, Part.DIVIDEND, Part.BORROW, Part.INTEREST)):
        tape.part_dpk[at, :-1, part] = part_tpk[:done, :, k]
    for k, part in enumerate((Part.DIVIDEND, Part.BORROW, Part.INTEREST)):
        tape.part_dpk[at, -1, part] = centre_tk[:done, k]
    tape.keep_dp[at], tape.status_dp[at] = book.keep_p, book.status_p
