"""Weeks, months, quarters and years of a series, by the calendar or, without one, by counting.

With days, a week starts on Monday, and a span is every calendar week, month, quarter or year in
which there is a return; the first and the last may be parts. Without days, a year is N
observations, a quarter N / 4, a month N / 12, a week N / 52, rounded, at least one, counted from
the end; the first may be a part, and nothing is known "to date".
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from podshop.domain.money import F64, I64, Bools, Days

MONTHS = {"week": 12 / 52, "month": 1, "quarter": 3, "year": 12}
"""How many months a span has."""


@dataclass(frozen=True)
class Spans:
    """Where the weeks, months, quarters and years of a series begin.

    Attributes:
        n: observations.
        periods: observations a year.
        days: (n,) their days, ascending; None when they are not known.
    """

    n: int
    periods: float
    days: Days | None = None

    def starts(self, span: str) -> I64:
        """First row of each "week", "month", "quarter" or "year"."""
        if self.days is None:
            length = max(round(self.periods * MONTHS[span] / 12), 1)
            first = self.n % length
            starts = np.arange(first, self.n, length)
            return np.concatenate(([0], starts)) if first else starts
        number = self._number(span)
        return np.flatnonzero(np.concatenate(([True], number[1:] != number[:-1])))

    def _number(self, span: str) -> I64:
        """(n,) a number for the calendar span of each day."""
        assert self.days is not None
        if span == "week":  # 1970-01-01 was a Thursday
            return (self.days.astype(np.int64) + 3) // 7
        return self.days.astype("datetime64[M]").astype(np.int64) // int(MONTHS[span])

    def last(self, months: int) -> int | None:
        """First row of the last so many months; None when the series does not reach back so far.

        By the calendar the months end on the last day: a year to 2020-02-28 starts after
        2019-02-28. It is there when the first return is from at most a week later.
        """
        if self.days is None:
            rows = round(self.periods * months / 12)
            return self.n - rows if 0 < rows <= self.n else None
        end = self.days[-1]
        month = end.astype("datetime64[M]")
        then = month - months
        last_day = (then + 1).astype("datetime64[D]") - 1
        after = min(then.astype("datetime64[D]") + (end - month.astype("datetime64[D]")), last_day)
        slack = math.ceil(365 / self.periods) + 5  # the value before the first return is older
        if self.days[0] > after + slack:
            return None
        return int(np.searchsorted(self.days, after, side="right"))

    @cached_property
    def years(self) -> float:
        """Calendar years; NaN without days.

        From the first day to the last, and once more the mean step, for the return of the first.
        """
        if self.days is None or self.n < 2:
            return math.nan
        steps = int((self.days[-1] - self.days[0]).astype(np.int64))
        return steps * self.n / (self.n - 1) / 365.25

    def only(self, kept: Bools) -> "Spans":
        """The spans of the rows that are kept."""
        days = None if self.days is None else self.days[kept]
        return Spans(int(np.count_nonzero(kept)), self.periods, days)


def compounded(r: F64, starts: I64) -> F64:
    """(P, k) compound return of each span of the (P, n) returns."""
    return np.multiply.reduceat(1.0 + r, starts, axis=-1) - 1.0
