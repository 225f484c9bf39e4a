"""A simulated market: its tables as a store would hold them, its panel, and its truth.

1 lives      who is listed when (`lives.py`)
2 weather    regimes, volatility, factor returns (`returns.py`)
3 u          standardised specific returns with planted alphas (`alphas.py`)
4 events     earnings, news, insiders, short positions, ends: what they do to returns
5 returns    compounded block by block with style loadings
6 prices     raw closes, splits, dividends (`actions.py`); bars (`bars.py`)
7 accounts   statements and announcements (`fundamentals.py`, `statements.py`)
8 tables     everything as rows (`listing.py`), faults last (`faults.py`)

Every subject has a random stream of its own, no step uses more than one thread of its own or sums
in an order that depends on threads: a world follows from its arguments, to the last bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from podshop.domain.error import ConfigError
from podshop.domain.market import Panel
from podshop.domain.money import F32, F64, Days
from podshop.market.panel import from_arrays
from podshop.simulator import actions, alternative, fundamentals, listing, statements
from podshop.simulator import alphas as planted
from podshop.simulator import bars as sessions_of
from podshop.simulator import lives as lifetimes
from podshop.simulator import news as press_of
from podshop.simulator import reporting as reports
from podshop.simulator import returns as moves
from podshop.simulator import volatility as protection
from podshop.simulator.alphas import Alpha
from podshop.simulator.faults import plant
from podshop.simulator.sessions import SESSIONS_YEAR, sessions
from podshop.simulator.streams import stream
from podshop.simulator.truth import Truth

if TYPE_CHECKING:
    from podshop.adapters.stores.market import MarketStore

SOURCE = "Simulated: no such market exists (podshop.simulator)."


@dataclass(frozen=True, slots=True)
class Settings:
    """The parameters of a world, by subject.

    Attributes:
        demography: listings, ends, symbols.
        climate: market, factors, specific volatility.
        habits: splits and dividends.
        tape: bars, volumes, spreads.
        reporting: earnings and statements.
        press: news.
        signs: insiders and short positions.
        implied: VIX and its futures.
    """

    demography: lifetimes.Demography = field(default_factory=lifetimes.Demography)
    climate: moves.Climate = field(default_factory=moves.Climate)
    habits: actions.Habits = field(default_factory=actions.Habits)
    tape: sessions_of.Tape = field(default_factory=sessions_of.Tape)
    reporting: reports.Reporting = field(default_factory=reports.Reporting)
    press: press_of.Press = field(default_factory=press_of.Press)
    signs: alternative.Signs = field(default_factory=alternative.Signs)
    implied: protection.Implied = field(default_factory=protection.Implied)


@dataclass(frozen=True, slots=True)
class World:
    """A simulated market.

    Attributes:
        seed: what it was drawn with.
        settings: its parameters.
        tables: frames by the names and columns of `market.tables`, with security_id.
        prices: exact closes, lots outstanding, splits, dividends.
        bars: (T, N) bars before faults.
        rate_t: (T,) three-month rate a year.
        index_t: (T,) level of the capitalisation-weighted index.
        truth: what was planted.
    """

    seed: int
    settings: Settings
    tables: Mapping[str, pl.DataFrame]
    prices: actions.Prices
    bars: sessions_of.Bars
    rate_t: F64
    index_t: F64
    truth: Truth

    def panel(self) -> Panel:
        """The bars as pods see them, named by security_id, without faults."""
        made, shape = self.prices, self.bars.close.shape
        sectors = [lifetimes.SECTORS[s] for s in self.truth.lives.sector_n]
        return from_arrays(
            self.truth.days,
            self.truth.lives.ids,
            self.bars.close,
            self.bars.open,
            high=self.bars.high,
            low=self.bars.low,
            volume=self.bars.volume,
            dividend=actions.dense(made.paid_t, made.paid_n, made.paid_e, shape, 0.0),
            split=actions.dense(made.split_t, made.split_n, made.split_e, shape, 1.0),
            sectors=sectors,
            rate=self.rate_t,
            benchmark=self.index_t,
            source=SOURCE,
        )

    def half_spread_bps(self) -> F64:
        """(T, N) half the quoted spread, 1e-4 of the price; see `bars.half_spread_bps`."""
        return sessions_of.half_spread_bps(self.bars, self.truth.volatility(), self.settings.tape)

    def write(self, store: "MarketStore") -> int:
        """Put all tables into a market store, and the truth into its folder `truth`.

        Returns:
            The store's version.
        """
        with store.writing() as writer:
            for name, frame in self.tables.items():
                writer.put(name, frame)
            version = writer.commit()
        self.truth.write(Path(store.folder) / "truth")
        return version


def simulate(
    names: int = 3000,
    years: float = 10,
    seed: int = 7,
    *,
    alphas: tuple[Alpha, ...] = planted.DEFAULT,
    faults: int = 0,
    start: str = "2015-01-02",
    settings: Settings | None = None,
) -> World:
    """Draw a market.

    Args:
        names: securities in all; about seven in ten trade at any time.
        years: of 252 sessions.
        seed: not negative; the same arguments give the same bytes.
        alphas: what is planted in specific returns.
        faults: bad ticks of each kind of `faults.KINDS`.
        start: first day.
        settings: the rest.

    Raises:
        ConfigError: too few names or sessions, or alphas that cannot live together.
    """
    rows = round(years * SESSIONS_YEAR)
    if names < 2 or rows < 2 * moves.BLOCK or seed < 0:
        raise ConfigError(
            "simulate: at least 2 names, 42 sessions, and a seed that is not negative"
        )
    told = settings or Settings()
    days = sessions(np.datetime64(start), rows)
    truth, course = _returns(names, days, seed, alphas, told)
    prices = actions.prices(course, truth.lives, seed, told.habits)
    bars = sessions_of.bars(prices, truth.volatility(), truth.u_tn, seed, told.tape)
    rate_t, index_t = _rate(rows, seed), _index(truth, course)
    tables = _tables(truth, course, prices, bars, rate_t, index_t, seed, told)
    spoilt, kept, wrong = plant(tables["bars"], tables["splits"], faults, seed)
    tables |= {"bars": spoilt, "splits": kept}
    whole = truth.with_faults(wrong)
    return World(seed, told, tables, prices, bars, rate_t, index_t, whole)


def _returns(
    names: int, days: Days, seed: int, alphas: tuple[Alpha, ...], told: Settings
) -> tuple[Truth, moves.Course]:
    """Everything up to total returns."""
    rows = len(days)
    who = told.demography
    lives = lifetimes.draw(names, days, seed, who)
    weather = moves.climate(rows, seed, told.climate)
    made = moves.structure(weather, names, seed, told.climate)
    signal = planted.signals(alphas, rows, names, seed)
    freedom = told.climate.specific_freedom
    u_tn = planted.specific(alphas, signal, (rows, names), seed, freedom)
    calm_tn = moves.calms(lives, rows, who.offer_calm)
    event_tn = np.zeros((rows, names), dtype=np.float32)
    quarters = reports.quarters(lives, days, seed, told.reporting)
    reports.add_surprises(event_tn, quarters, made.volatility_n, told.reporting)
    written = press_of.headlines(lives, rows, seed, told.press)
    press_of.add_tones(event_tn, written, made.volatility_n, told.press)
    done = alternative.doings(lives, days, seed, told.signs)
    alternative.add_signs(event_tn, done, made.volatility_n, told.signs)
    event_tn *= calm_tn
    moves.add_ends(event_tn, lives, who.distress_drop, who.distress_sessions, who.offer_premium)
    course = moves.compound(weather, made, lives, u_tn, calm_tn, event_tn, seed)
    truth = Truth(
        days=days,
        lives=lives,
        climate=told.climate,
        weather=weather,
        structure=made,
        loading_bkn=course.loading_bkn,
        returns_tn=course.returns_tn,
        u_tn=u_tn,
        calm_tn=calm_tn,
        event_tn=event_tn,
        alphas=alphas,
        signals=signal,
        quarters=quarters,
        reporting=told.reporting,
        headlines=written,
        press=told.press,
        doings=done,
        signs=told.signs,
        faults=(),
    )
    return truth, course


def _tables(
    truth: Truth,
    course: moves.Course,
    prices: actions.Prices,
    bars: sessions_of.Bars,
    rate_t: F64,
    index_t: F64,
    seed: int,
    told: Settings,
) -> dict[str, pl.DataFrame]:
    """All tables of the store."""
    days, lives, made = truth.days, truth.lives, truth.quarters
    names = listing.names_of(len(lives.ids), seed)
    lots_qn = _lots_at(prices.lots_tn, days, made.end_q)
    cash = prices.paid_e * prices.lots_tn[prices.paid_t, prices.paid_n]
    paid_qn = fundamentals.by_quarter(
        days, made.end_q, prices.paid_t, prices.paid_n, cash, len(lives.ids)
    )
    books = fundamentals.accounts(
        made, course, truth.structure, lots_qn, paid_qn, seed, told.reporting
    )
    vix_t = protection.vix(truth.weather, told.climate, seed, told.implied)
    curve = protection.futures_curve(truth.weather, vix_t, told.climate, days, told.implied)
    indices = [
        protection.index_table("VIX", vix_t, days, seed, 0.03),
        protection.index_table("SPX", index_t, days, seed, 0.004),
    ]
    done, close_tn = truth.doings, bars.close
    return {
        "securities": listing.securities(lives, days, names),
        "symbols": listing.symbols(lives, days),
        "bars": listing.bars(bars, lives, days),
        "splits": listing.splits(prices, lives, days),
        "dividends": listing.dividends(prices, lives, days, told.habits),
        **statements.tables(books, made, lives, days, seed, told.reporting),
        "earnings": statements.earnings(books, made, lives),
        "news": press_of.table(truth.headlines, lives, names, days),
        "insider_trades": alternative.insider_trades(done, lives, days, close_tn, seed),
        "short_interest": alternative.short_interest(
            done, lives, days, prices, bars.volume, told.signs
        ),
        "rates": listing.rates(rate_t, days),
        "factor_returns": listing.factor_returns(truth, rate_t),
        "indices": pl.concat(indices),
        "futures_curve": curve,
    }


def _lots_at(lots_tn: F32, days: Days, end_q: Days) -> F64:
    """(Q, N) lots outstanding at the ends of quarters."""
    row = np.maximum(np.searchsorted(days, end_q, side="right") - 1, 0)
    return np.rint(lots_tn[row].astype(np.float64))


def _rate(rows: int, seed: int) -> F64:
    """(T,) three-month rate: reverts to 3 % a year with a half-life of three years, not below 0."""
    shock = stream(seed, "rates").standard_normal(rows)
    phi, level = 2.0 ** (-1.0 / (3 * SESSIONS_YEAR)), 0.02
    out = np.empty(rows)
    for t in range(rows):
        out[t] = max(level, 0.0)
        level = 0.03 + phi * (level - 0.03) + 0.0005 * shock[t]
    return np.round(out, 6)


def _index(truth: Truth, course: moves.Course) -> F64:
    """(T,) index of all listed names, weighted by their value the session before, 2000 at first."""
    listed = truth.lives.listed(len(truth.days))
    value_n = np.exp(course.log_value_n)
    level, out = 2000.0, np.empty(len(truth.days))
    for t in range(len(out)):
        if t:
            held = value_n * (listed[t] & listed[t - 1])
            growth = 1.0 + truth.returns_tn[t].astype(np.float64)
            level *= float((held * growth).sum() / held.sum())
            value_n *= growth
        out[t] = level
    return out
