"""Insiders and short sellers: what they do, when it is known, and what it says about returns.

An open-market purchase by an insider (code P, not planned) is filed one or two sessions later,
after the close of its row f. Over the sessions f + 1 ... f + `insider_sessions` the name's return
gets `insider_effect` of its daily specific volatility, spread evenly. Sales are mostly planned and
say nothing. Short interest is x, an AR(1) of variance 1 from settlement to settlement; from the
session after its publication to that of the next one each session's standardised return gets
-short_ic * x:

    mean after a purchase = insider_effect / insider_sessions a session
    corr(x, next session's standardised return) = -short_ic / sqrt(1 + short_ic^2)
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from podshop.domain.money import F32, F64, I64, Bools, Days
from podshop.simulator.actions import Prices
from podshop.simulator.lives import Lives
from podshop.simulator.returns import add_spread
from podshop.simulator.sessions import SESSIONS_YEAR, moments
from podshop.simulator.streams import stream

ROLES = ("director", "chief executive", "chief financial officer", "ten percent owner")


@dataclass(frozen=True, slots=True)
class Signs:
    """How often, and how telling.

    Attributes:
        buys_year: open-market purchases by insiders a name and year.
        sells_year: sales; there are about twice as many (Lakonishok, Lee 2001, Review of Financial
            Studies 14, who also find that purchases tell and sales do not).
        insider_effect: return over `insider_sessions` after a purchase, in daily volatilities.
        insider_sessions: its span.
        planned_share: of sales under a plan of Rule 10b5-1.
        short_ic: correlation of short interest with the next session's standardised return, turned
            round (Boehmer, Jones, Zhang 2008, Journal of Finance 63: the heavily shorted do worse).
        short_half_life_days: sessions in which x loses half of its memory.
        short_share: median lots sold short over lots outstanding; 2 to 4 % in US stocks.
        published_sessions: sessions from settlement to publication, about eight business days.
    """

    buys_year: float = 0.8
    sells_year: float = 1.6
    insider_effect: float = 1.0
    insider_sessions: int = 60
    planned_share: float = 0.7
    short_ic: float = 0.006
    short_half_life_days: float = 60.0
    short_share: float = 0.03
    published_sessions: int = 8


@dataclass(frozen=True, slots=True)
class Doings:
    """What insiders and short sellers did.

    Attributes:
        traded_i: session of each insider's trade.
        filed_i: session after whose close it was filed.
        n_i: name.
        bought_i: True for purchases.
        planned_i: True under a plan.
        settled_s: (S,) sessions of settlement of short interest.
        published_s: (S,) sessions after whose close it is known.
        short_sn: (S, N) x.
    """

    traded_i: I64
    filed_i: I64
    n_i: I64
    bought_i: Bools
    planned_i: Bools
    settled_s: I64
    published_s: I64
    short_sn: F64


def doings(lives: Lives, days: Days, seed: int, p: Signs) -> Doings:
    """Draw trades and positions."""
    rng = stream(seed, "insiders")
    rows, names = len(days), len(lives.ids)
    expected = (p.buys_year + p.sells_year) / SESSIONS_YEAR * rows * names
    count = int(rng.poisson(expected))
    row, n = rng.integers(0, rows, count), rng.integers(0, names, count)
    bought = rng.random(count) < p.buys_year / max(p.buys_year + p.sells_year, 1e-12)
    planned = ~bought & (rng.random(count) < p.planned_share)
    filed = row + rng.integers(1, 3, count)
    inside = (row >= lives.first_n[n]) & (filed < lives.last_n[n])
    order = np.flatnonzero(inside)[np.argsort(filed[inside], kind="stable")]
    settled = _settlements(days)
    published = settled + p.published_sessions
    settled, published = settled[published < rows], published[published < rows]
    draw = stream(seed, "shorts")
    x = draw.standard_normal((len(settled), names))
    for s in range(1, len(settled)):
        phi = 2.0 ** (-(settled[s] - settled[s - 1]) / p.short_half_life_days)
        x[s] = phi * x[s - 1] + np.sqrt(1.0 - phi * phi) * x[s]
    return Doings(
        row[order], filed[order], n[order], bought[order], planned[order], settled, published, x
    )


def _settlements(days: Days) -> I64:
    """Rows of the last sessions up to every 15th and every month's end."""
    months = np.unique(days.astype("datetime64[M]"))
    ends = (months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    middles = months.astype("datetime64[D]") + np.timedelta64(14, "D")
    wanted = np.sort(np.concatenate((middles, ends)))
    wanted = wanted[(wanted >= days[0]) & (wanted <= days[-1])]
    return np.unique(np.searchsorted(days, wanted, side="right") - 1).astype(np.int64)


def add_signs(event_tn: F32, done: Doings, volatility_n: F32, p: Signs) -> None:
    """Add what purchases and short positions do to returns, in place."""
    row, n = done.filed_i[done.bought_i], done.n_i[done.bought_i]
    total = p.insider_effect * volatility_n[n]
    add_spread(event_tn, row + 1, n, total, p.insider_sessions)
    ends = np.append(done.published_s[1:], len(event_tn) - 1)
    for s, (start, end) in enumerate(zip(done.published_s, ends, strict=True)):
        push = (-p.short_ic * done.short_sn[s] * volatility_n).astype(np.float32)
        event_tn[start + 1 : end + 1] += push


def insider_trades(
    done: Doings, lives: Lives, days: Days, close_tn: F64, seed: int
) -> pl.DataFrame:
    """Lines of Form 4, one a filing."""
    rng = stream(seed, "forms")
    count = len(done.n_i)
    lots = np.rint(np.exp(7.5 + rng.standard_normal(count)))
    after = np.rint(lots * np.exp(1.5 + 0.5 * rng.standard_normal(count))) + lots
    role = rng.integers(0, len(ROLES), count)
    person = 10 * done.n_i + rng.integers(0, 6, count)
    number = pl.Series("number", np.arange(count)).cast(pl.String).str.zfill(8)
    who = pl.Series("person", person).cast(pl.String).str.zfill(10)
    codes = pl.Series("code", ["S", "P"], dtype=pl.String)
    return lives.who(done.filed_i, done.n_i).with_columns(
        moments(days[done.filed_i], rng.integers(16 * 3600 + 1800, 21 * 3600 + 1800, count)),
        pl.Series("transaction_date", days[done.traded_i]),
        who.alias("insider_id"),
        pl.format("Insider {}", who).alias("insider"),
        pl.Series("role", ROLES, dtype=pl.String).gather(role),
        codes.gather(done.bought_i.astype(np.int64)),
        pl.Series("shares", np.where(done.bought_i, lots, -lots)),
        pl.Series("price", close_tn[done.traded_i, done.n_i]),
        pl.Series("shares_after", after),
        pl.Series("planned", done.planned_i),
        pl.format("SIM4-{}", number).alias("accession"),
        direct=pl.lit(True),
        line=pl.lit(1, dtype=pl.Int64),
        source=pl.lit("simulator"),
    )


def short_interest(
    done: Doings, lives: Lives, days: Days, prices: Prices, volume_tn: F64, p: Signs
) -> pl.DataFrame:
    """Short positions at every settlement, known at 18:00 of the day of publication."""
    listed = (done.settled_s[:, None] >= lives.first_n) & (
        done.published_s[:, None] <= lives.last_n
    )
    s, n = np.nonzero(listed)
    row = done.settled_s[s]
    share = np.minimum(p.short_share * np.exp(0.7 * done.short_sn[s, n]), 0.5)
    lots = np.rint(share * prices.lots_tn[row, n])
    window = 10
    total = np.zeros(len(row))
    seen = np.zeros(len(row))
    for back in range(window):
        at = np.maximum(row - back, 0)
        day = volume_tn[at, n]
        known = ~np.isnan(day) & (row >= back)
        total += np.where(known, day, 0.0)
        seen += known
    average = total / np.maximum(seen, 1.0)
    published = days[done.published_s[s]]
    return lives.who(row, n).with_columns(
        pl.Series("date", days[row]),
        moments(published, np.full(len(s), 18 * 3600)),
        pl.Series("shares", lots),
        pl.Series("average_volume", average),
        pl.Series("days_to_cover", np.clip(lots / average, 1.0, 999.99)),
        source=pl.lit("simulator"),
    )
