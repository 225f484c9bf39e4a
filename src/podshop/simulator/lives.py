"""The lives of securities: who is listed when, how it ends, and under which symbols it trades."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from podshop.domain.error import ConfigError
from podshop.domain.money import F64, I64, Bools, Days
from podshop.simulator.sessions import SESSIONS_YEAR
from podshop.simulator.streams import stream

SECTORS = (
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
)
STILL, MERGER, BANKRUPTCY = 0, 1, 2
REASONS = ("", "merger", "bankruptcy")
LETTERS = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


@dataclass(frozen=True, slots=True)
class Demography:
    """How often securities come, go and change their symbols.

    Attributes:
        listed_share: of all securities that trade on the first session; the others list later.
        mergers_year: takeovers a listed security and year. Doidge, Karolyi, Stulz (2015, The U.S.
            listing gap) find delistings of about 8 % a year after 1996, over half of them mergers.
        bankruptcies_year: delistings for poor performance a security and year: 1.2 % on the NYSE
            and 5.6 % on Nasdaq (Shumway, Warther 1998).
        delisting_return: mean of the last session's return in a bankruptcy: -30 % on the NYSE
            (Shumway 1997), -55 % on Nasdaq (Shumway, Warther 1998).
        distress_sessions: sessions before a bankruptcy on which the price decays.
        distress_drop: mean total fall over them, log points.
        offer_sessions: least and most sessions from a takeover's announcement to its end.
        offer_premium: mean jump on the announcement, fraction; about 30 % (Betton, Eckbo, Thorburn
            2008, Corporate takeovers).
        offer_calm: share of its usual moves that a target still makes after the announcement.
        changes_year: symbol changes a security and year.
        reuse_share: share of later listings that take the symbol of a security that is gone.
        rest_sessions: least sessions before a symbol is used again.
    """

    listed_share: float = 0.72
    mergers_year: float = 0.035
    bankruptcies_year: float = 0.02
    delisting_return: float = -0.45
    distress_sessions: int = 126
    distress_drop: float = 1.6
    offer_sessions: tuple[int, int] = (40, 120)
    offer_premium: float = 0.30
    offer_calm: float = 0.12
    changes_year: float = 0.006
    reuse_share: float = 0.15
    rest_sessions: int = 60

    def __post_init__(self) -> None:
        """Refuse rates that are none."""
        rates = (self.mergers_year, self.bankruptcies_year, self.changes_year)
        if not 0.0 < self.listed_share <= 1.0 or min(rates) < 0.0 or sum(rates) > 1.0:
            raise ConfigError("demography: listed_share is in (0, 1], rates a year are in [0, 1]")


@dataclass(frozen=True, slots=True)
class Lives:
    """Who trades when.

    Attributes:
        ids: N permanent ids.
        first_n: (N,) row of the first session.
        last_n: (N,) row of the last session; T - 1 for those that still trade.
        reason_n: (N,) STILL, MERGER or BANKRUPTCY.
        offer_n: (N,) row of the session on which a takeover becomes known; T where there is none.
        delisting_return_n: (N,) return of the last session of a bankruptcy; 0 elsewhere.
        sector_n: (N,) number in SECTORS.
        symbols: (name number, symbol, first row, last row) of every symbol interval.
    """

    ids: tuple[str, ...]
    first_n: I64
    last_n: I64
    reason_n: I64
    offer_n: I64
    delisting_return_n: F64
    sector_n: I64
    symbols: tuple[tuple[int, str, int, int], ...]

    def listed(self, rows: int) -> Bools:
        """(T, N) True on the sessions on which a security trades."""
        t = np.arange(rows)[:, None]
        return np.asarray((t >= self.first_n) & (t <= self.last_n))

    def who(self, row_e: I64, n_e: I64) -> pl.DataFrame:
        """The columns security_id and symbol of names on sessions."""
        first = np.zeros(len(self.ids), dtype=np.int64)
        second = np.zeros(len(self.ids), dtype=np.int64)
        turn = np.full(len(self.ids), np.iinfo(np.int64).max)
        for i, (n, _, start, _) in enumerate(self.symbols):
            if i and self.symbols[i - 1][0] == n:
                second[n], turn[n] = i, start
            else:
                first[n] = i
        symbol_i = np.where(row_e >= turn[n_e], second[n_e], first[n_e])
        known = pl.Series("symbol", [symbol for _, symbol, _, _ in self.symbols], dtype=pl.String)
        ids = pl.Series("security_id", self.ids, dtype=pl.String)
        return pl.DataFrame([ids.gather(n_e), known.gather(symbol_i)])


def draw(names: int, days: Days, seed: int, p: Demography) -> Lives:
    """Draw the lives of N securities over T sessions."""
    rng = stream(seed, "lives")
    rows = len(days)
    first_n = np.where(
        np.arange(names) < round(names * p.listed_share),
        0,
        rng.integers(1, max(2, rows - SESSIONS_YEAR // 4), names),
    )
    hazard = (p.mergers_year + p.bankruptcies_year) / SESSIONS_YEAR
    span = rng.exponential(1.0 / max(hazard, 1e-12), names)
    least = max(p.distress_sessions, p.offer_sessions[1]) + 21
    end_n = np.minimum(first_n + least + span, 1e9).astype(np.int64)
    gone = end_n < rows - 21
    failed = rng.random(names) < p.bankruptcies_year / max(
        p.mergers_year + p.bankruptcies_year, 1e-12
    )
    reason_n = np.where(gone, np.where(failed, BANKRUPTCY, MERGER), STILL)
    last_n = np.where(gone, end_n, rows - 1)
    warning = rng.integers(p.offer_sessions[0], p.offer_sessions[1] + 1, names)
    loss = p.delisting_return * rng.uniform(0.6, 1.4, names)
    return Lives(
        ids=tuple(f"SIM{n:05d}" for n in range(names)),
        first_n=first_n,
        last_n=last_n,
        reason_n=reason_n,
        offer_n=np.where(reason_n == MERGER, last_n - warning, rows),
        delisting_return_n=np.where(reason_n == BANKRUPTCY, np.maximum(loss, -0.95), 0.0),
        sector_n=rng.integers(0, len(SECTORS), names),
        symbols=_symbols(first_n, last_n, rows, seed, p),
    )


def _symbols(
    first_n: I64, last_n: I64, rows: int, seed: int, p: Demography
) -> tuple[tuple[int, str, int, int], ...]:
    """Symbol intervals: own ones, changed ones, and ones that belonged to another before."""
    rng = stream(seed, "symbols")
    names = len(first_n)
    fresh = iter(_fresh(rng, 3 * names + 50))
    intervals: list[tuple[int, str, int, int]] = []
    dead: list[tuple[int, str]] = []
    for n in np.argsort(first_n, kind="stable"):
        start, stop = int(first_n[n]), int(last_n[n])
        rested = [d for d in dead if d[0] + p.rest_sessions <= start]
        if start > 0 and rested and rng.random() < p.reuse_share:
            dead.remove(rested[0])
            symbol = rested[0][1]
        else:
            symbol = next(fresh)
        years = (stop - start) / SESSIONS_YEAR
        if stop - start > 2 * p.rest_sessions and rng.random() < p.changes_year * years:
            turn = int(rng.integers(start + p.rest_sessions, stop - p.rest_sessions + 1))
            intervals.append((int(n), symbol, start, turn - 1))
            start, symbol = turn, next(fresh)
        intervals.append((int(n), symbol, start, stop))
        if stop < rows - 1:
            dead.append((stop, symbol))
            dead.sort()
    return tuple(sorted(intervals, key=lambda one: (one[0], one[2])))


def _fresh(rng: np.random.Generator, count: int) -> list[str]:
    """Distinct symbols of four letters, in random order."""
    codes = rng.choice(26**4, size=min(count, 26**4), replace=False)
    digits = (codes[:, None] // np.array([26**3, 26**2, 26, 1])) % 26
    return ["".join(row) for row in LETTERS[digits].tolist()]
