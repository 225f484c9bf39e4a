"""When companies report: ends of quarters, announcements, filings, and what prices do about them.

The surprise z of a quarter is standard normal: earnings are expected * (1 + surprise * z) where
they are positive. At the first session that can act on the announcement the name's return gets
`reaction` * z of its daily specific volatility, and over the `drift_sessions` after it another
`drift` * z, spread evenly (Bernard, Thomas 1989, Journal of Accounting Research 27). So the
correlation of z with the drift in standardised specific returns is

    drift / sqrt(drift_sessions + drift^2)
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.money import F32, F64, I64, Bools, Days
from podshop.simulator.lives import Lives
from podshop.simulator.returns import add_spread
from podshop.simulator.sessions import weekday_after
from podshop.simulator.streams import stream


@dataclass(frozen=True, slots=True)
class Reporting:
    """How late, how surprising, how often wrong.

    Attributes:
        quarter_lag_days: median and 95th percentile of days from a quarter's end to its 10-Q; as
            collected dates of S&P 500 companies are: 37 and 45.
        year_lag_days: the same of the 10-K: 60 and 90.
        announced_before_days: most days by which the announcement precedes the filing.
        morning_share: of announcements before the open; the others come after the close.
        december_share: of companies whose fiscal year ends in December; about three in four.
        surprise: standard deviation of earnings around what was expected, fraction.
        reaction: return on the announcement for z = 1, in daily specific volatilities.
        drift: return over `drift_sessions` after it for z = 1, in daily specific volatilities.
        drift_sessions: sessions of the drift.
        restated_share: of reports that are restated later.
        restated_days: least and most days from the filing to the restatement.
        restated_by: standard deviation of the change, as a fraction of the quarter's revenue.
    """

    quarter_lag_days: tuple[float, float] = (37.0, 45.0)
    year_lag_days: tuple[float, float] = (60.0, 90.0)
    announced_before_days: int = 10
    morning_share: float = 0.4
    december_share: float = 0.75
    surprise: float = 0.12
    reaction: float = 2.0
    drift: float = 1.0
    drift_sessions: int = 40
    restated_share: float = 0.02
    restated_days: tuple[int, int] = (60, 400)
    restated_by: float = 0.01


@dataclass(frozen=True, slots=True)
class Quarters:
    """Every quarter of every name, (Q, N), whether or not anybody hears of it.

    Attributes:
        end_q: (Q,) last days of calendar quarters.
        fiscal_qn: 1..4, the quarter of the company's fiscal year.
        year_qn: fiscal year, named after the calendar year in which it ends.
        surprise_qn: z.
        filed_qn: day of the filing.
        announced_qn: day of the announcement.
        row_qn: first session that can act on the announcement; T where it is beyond the data.
        morning_qn: True where it comes before the open.
        heard_qn: True where the name is listed on that session, and the filing falls into the data.
    """

    end_q: Days
    fiscal_qn: I64
    year_qn: I64
    surprise_qn: F64
    filed_qn: Days
    announced_qn: Days
    row_qn: I64
    morning_qn: Bools
    heard_qn: Bools


def quarters(lives: Lives, days: Days, seed: int, p: Reporting) -> Quarters:
    """Draw when everybody reports."""
    rng = stream(seed, "reports")
    names = len(lives.ids)
    months = np.arange(
        (days[0] - np.timedelta64(100, "D")).astype("datetime64[M]"),
        days[-1].astype("datetime64[M]"),
    )
    months = months[(months.astype(np.int64) % 12 + 1) % 3 == 0]
    end_q = (months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    month_q = months.astype(np.int64) % 12 + 1
    shape = (len(end_q), names)
    closing = np.where(rng.random(names) < p.december_share, 12, rng.choice([3, 6, 9], names))
    turn = (month_q[:, None] - closing) % 12 // 3
    calendar_year = months.astype(np.int64) // 12 + 1970
    year_qn = calendar_year[:, None] + (month_q[:, None] > closing)
    fiscal_qn = np.where(turn == 0, 4, turn)
    annual = fiscal_qn == 4
    noise = rng.standard_normal(shape)
    lag = np.where(annual, _lag(noise, p.year_lag_days), _lag(noise, p.quarter_lag_days))
    lag = np.clip(np.rint(lag), 12, 380).astype(np.int64)
    filed_qn = weekday_after(np.broadcast_to(end_q[:, None], shape), lag)
    early = rng.integers(0, p.announced_before_days + 1, shape)
    announced_qn = weekday_after(np.broadcast_to(end_q[:, None], shape), np.maximum(lag - early, 8))
    announced_qn = np.minimum(announced_qn, filed_qn)
    morning_qn = rng.random(shape) < p.morning_share
    # On a holiday there is no open or close to be before or after: the next session acts.
    row_qn = np.where(
        morning_qn,
        np.searchsorted(days, announced_qn, side="left"),
        np.searchsorted(days, announced_qn, side="right"),
    )
    heard = (row_qn > lives.first_n) & (row_qn <= lives.last_n) & (announced_qn >= days[0])
    heard &= filed_qn <= days[np.minimum(lives.last_n, len(days) - 1)]
    return Quarters(
        end_q,
        fiscal_qn,
        year_qn,
        rng.standard_normal(shape),
        filed_qn,
        announced_qn,
        row_qn,
        morning_qn,
        heard,
    )


def _lag(noise: F64, median_and_p95: tuple[float, float]) -> F64:
    """Log-normal days with this median and 95th percentile (1.6449 is that of the normal)."""
    median, p95 = median_and_p95
    return np.asarray(median * np.exp(noise * np.log(p95 / median) / 1.6448536269514722))


def add_surprises(event_tn: F32, made: Quarters, volatility_n: F32, p: Reporting) -> None:
    """Add the reaction to every announcement, and the drift after it, in place."""
    q, n = np.nonzero(made.heard_qn)
    row = made.row_qn[q, n]
    size = made.surprise_qn[q, n] * volatility_n[n]
    add_spread(event_tn, row, n, p.reaction * size, 1)
    add_spread(event_tn, row + 1, n, p.drift * size, p.drift_sessions)
