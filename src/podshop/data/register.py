"""Who is who: a vendor's symbol on a day into a security with an id that never changes.

    1 a symbol on a day belongs to the security whose interval of that symbol holds the day
    2 before a symbol's first interval it is that interval's security: vendors give a company's
      whole history under its present symbol
    3 after an interval that was closed (delisted, renamed) it is a new security: the symbol is
      used again
    4 an unknown symbol is a new security

An id is made of the symbol and day under which a security was first seen, `WM@1998-01-02`, and
stays even when earlier history arrives. Which symbol a security had on a day, its intervals tell.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from podshop.adapters.stores.market import MarketStore
from podshop.adapters.stores.rows import schema

ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class Interval:
    """A security's symbol from one day to another; `last` is None while it has it."""

    security_id: str
    symbol: str
    first: date
    last: date | None

    def holds(self, day: date) -> bool:
        """True when the security had the symbol on that day."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(slots=True)
class Register:
    """The intervals of all securities, and what is known of each."""

    by_symbol: dict[str, list[Interval]] = field(default_factory=dict)
    by_id: dict[str, list[Interval]] = field(default_factory=dict)
    facts: dict[str, dict[str, object]] = field(default_factory=dict)

    @classmethod
    def of(cls, store: MarketStore) -> "Register":
        """What a store knows."""
        register = cls()
        for row in store.frame("symbols").sort("symbol", "first").iter_rows(named=True):
            register._add(Interval(**row))
        for row in store.frame("securities").iter_rows(named=True):
            register.facts[row["security_id"]] = dict(row)
        return register

    def identify(
        self,
        frame: pl.DataFrame,
        day: str = "date",
        *,
        of_the_day: bool = False,
        witness: bool = True,
    ) -> pl.DataFrame:
        """Give every row its security, and the symbol that the security had on the row's day.

        Args:
            frame: rows with `symbol` and a date or moment.
            day: name of that column.
            of_the_day: True when the symbols are those of the rows' days, so that rule 2 is none:
                a symbol before its first interval was another company's.
            witness: False when such a row does not prove that the security was listed on its day
                (a report, a headline), so that its interval is not extended back to it.

        Returns:
            The rows, in their order, with `security_id` and the symbol of the day.
        """
        dates = pl.col(day).dt.date() if frame.schema[day] != pl.Date else pl.col(day)
        rows = frame.with_columns(_day=dates).with_row_index("_row")
        spans = [
            (symbol, start, found.security_id, found.symbol)
            for (symbol,), mine in rows.select("symbol", "_day").group_by("symbol")
            for start, found in self._spans(
                str(symbol), mine.get_column("_day"), of_the_day, witness
            )
        ]
        columns = {"symbol": pl.String, "_day": pl.Date, "security_id": pl.String}
        known = pl.DataFrame(spans, schema={**columns, "_then": pl.String}, orient="row")
        return (
            rows.drop("security_id", strict=False)
            .sort("_day")
            .join_asof(known.sort("_day"), on="_day", by="symbol", check_sortedness=False)
            .sort("_row")
            .with_columns(symbol=pl.col("_then"))
            .drop("_row", "_day", "_then")
        )

    def rename(self, old: str, new: str, day: date) -> bool:
        """A security changes its symbol: it has the new one from `day` on.

        A change that is known already, or of a symbol that nobody has, changes nothing. Where only
        the new symbol is known, with history from before the change, that was the old one's.

        Returns:
            False where the new symbol is another security's on that day, so that nobody can tell.
        """
        holder = self.holder(old, day - ONE_DAY)
        taken = self.holder(new, day)
        if holder is None and taken is not None and taken.first < day:
            self._add(Interval(taken.security_id, old, taken.first, day - ONE_DAY))
            taken.first = day
            return True
        if holder is None or holder.last is not None:
            return True
        if taken is not None and taken.security_id != holder.security_id:
            return False
        holder.last = day - ONE_DAY
        if taken is None:
            self._add(Interval(holder.security_id, new, day, None))
        return True

    def holder(self, symbol: str, day: date) -> Interval | None:
        """The interval of whoever had the symbol on that day."""
        return next((i for i in self.by_symbol.get(symbol, []) if i.holds(day)), None)

    def claim(self, security_id: str, symbol: str, first: date, last: date | None) -> None:
        """Say that a security had a symbol from one day to another; said again, it is no news."""
        mine = self.by_id.get(security_id, [])
        if not any(i.symbol == symbol and i.first == first for i in mine):
            self._add(Interval(security_id, symbol, first, last))

    def symbol_on(self, security_id: str, day: date) -> str | None:
        """The symbol that a security had on a day."""
        return next((i.symbol for i in self.by_id.get(security_id, []) if i.holds(day)), None)

    def delist(self, symbol: str, day: date, reason: str = "") -> None:
        """A security leaves the market: `day` is its last."""
        for interval in self.by_symbol.get(symbol, []):
            if interval.holds(day):
                interval.last = day
                self.describe(interval.security_id, delisted=day, delist_reason=reason or None)

    def describe(self, security_id: str, **facts: object) -> None:
        """Remember what is said of a security; an empty value does not wipe out a known one."""
        known = self.facts.setdefault(security_id, {"security_id": security_id})
        known.update({name: value for name, value in facts.items() if value is not None})

    def latest(self, symbol: str) -> str | None:
        """The security that had the symbol last; None when nobody ever had it."""
        intervals = self.by_symbol.get(symbol)
        return intervals[-1].security_id if intervals else None

    def symbols(self) -> pl.DataFrame:
        """The table of symbols."""
        rows = [
            (i.security_id, i.symbol, i.first, i.last)
            for symbol in sorted(self.by_symbol)
            for i in self.by_symbol[symbol]
        ]
        return pl.DataFrame(rows, schema=schema("symbols"), orient="row")

    def securities(self) -> pl.DataFrame:
        """The table of securities; `listed` is the first day under any symbol."""
        columns = schema("securities")
        rows = []
        for security_id in sorted(self.by_id):
            listed = min(i.first for i in self.by_id[security_id])
            facts: dict[str, object] = {"listed": listed, **self.facts.get(security_id, {})}
            facts["security_id"] = security_id
            rows.append({name: facts.get(name) for name in columns})
        return pl.DataFrame(rows, schema=columns)

    def _spans(
        self, symbol: str, days: pl.Series, of_the_day: bool, witness: bool
    ) -> list[tuple[date, Interval]]:
        """Stretches of days under a symbol that belong together: first day and interval of each."""
        ordered: list[date] = days.unique().sort().to_list()
        spans = []
        at = 0
        while at < len(ordered):
            day = ordered[at]
            found = self._resolve(symbol, day, of_the_day, witness)
            mine = self.by_symbol.get(symbol, [])
            next_first = [i.first - ONE_DAY for i in mine if i.first > day]
            ends = [*next_first, *([found.last] if found.last is not None else [])]
            spans.append((day, found))
            at = bisect_right(ordered, min(ends)) if ends else len(ordered)
        return spans

    def _resolve(self, symbol: str, day: date, of_the_day: bool, witness: bool) -> Interval:
        intervals = self.by_symbol.get(symbol, [])
        for interval in intervals:
            if interval.holds(day):
                return interval
        later = next((i for i in intervals if i.first > day), None)
        if later is not None and not of_the_day:
            return self._then(later.security_id, day, witness)
        if not witness and intervals:
            return intervals[-1]  # said of the one that had the symbol last
        last = None if later is None else later.first - ONE_DAY
        return self._add(Interval(f"{symbol}@{day}", symbol, day, last))

    def _then(self, security_id: str, day: date, witness: bool) -> Interval:
        """The interval of a security on a day; a witness extends its first one back to its day."""
        mine = self.by_id[security_id]
        for interval in mine:
            if interval.holds(day):
                return interval
        earliest = min(mine, key=lambda i: i.first)
        if witness:
            earliest.first = min(earliest.first, day)
        return earliest

    def _add(self, interval: Interval) -> Interval:
        for index, key in ((self.by_symbol, interval.symbol), (self.by_id, interval.security_id)):
            index.setdefault(key, []).append(interval)
            index[key].sort(key=lambda i: i.first)
        return interval
