"""Leverage of the fund and beta of the pods: after every decision they hold, and loose caps change
nothing.
"""

from dataclasses import replace

import numpy as np
import pytest
from tests.funds import Fund, Session, cook, limit, live, plain, random_recipe, steady
from tests.funds import pod as pod_of

from podshop.market.quotes import quotes
from podshop.risk import beta, leverage, ticker
from podshop.risk.action import base_p
from podshop.trading import sizing


def with_limits(fund: Fund, *more: object) -> Fund:
    """The fund under further limits."""
    return replace(fund, rules=replace(fund.rules, limits=(*fund.rules.limits, *more)))


def sized(session: Session, fund: Fund) -> np.ndarray:
    """(P,) pods that spoke on a day."""
    return fund.wishes.on(session.t).speaks_p


@pytest.mark.parametrize("seed", range(12))
def test_leverage_holds_after_every_decision(seed: int) -> None:
    most, free = (0.05, 0.1, 0.3)[seed % 3], cook(random_recipe(seed))
    fund = with_limits(free, limit(leverage, leverage.Params(max=most)))
    for session in live(fund):
        book = session.book
        if sized(session, fund).any():
            gross = sizing.leverage_of(book, book.key_s, book.want_s)
            assert gross <= int(most * book.nav)
    wanted = [
        sizing.leverage_of(s.book, s.book.key_s, s.book.want_s) > most * s.book.nav
        for s in live(free)
    ]
    assert (fund.run(record="fast").book.digest() != free.run(record="fast").book.digest()) or not (
        any(wanted)
    )


@pytest.mark.parametrize("seed", range(12))
def test_beta_of_the_pods_that_spoke_holds(seed: int) -> None:
    most = (0.05, 0.2)[seed % 2]
    fund = with_limits(cook(random_recipe(seed)), limit(beta, beta.Params(max=most, days=60)))
    for session in live(fund):
        book, spoke_p = session.book, sized(session, fund)
        if book.halted or not spoke_p.any():
            continue
        beta_n = sizing.betas(session.market, 60)
        found_p = np.abs(sizing.pod_betas(book, book.key_s, book.want_s, beta_n))
        over_p = spoke_p & (book.closed_day_p < 0) & (found_p > base_p(book) * most + 1.0)
        assert not over_p.any()


@pytest.mark.parametrize("seed", range(6))
def test_caps_that_are_never_reached_change_nothing(seed: int) -> None:
    fund = cook(random_recipe(seed))
    loose = with_limits(
        fund,
        limit(leverage, leverage.Params(max=1e6)),
        limit(beta, beta.Params(max=1e6, days=60)),
    )
    assert loose.run(record="fast").book.digest() == fund.run(record="fast").book.digest()


@pytest.mark.parametrize("seed", range(6))
def test_fast_is_full_under_these_caps(seed: int) -> None:
    fund = with_limits(
        cook(random_recipe(seed)),
        limit(leverage, leverage.Params(max=0.4)),
        limit(beta, beta.Params(max=0.1, days=60)),
    )
    assert fund.run(record="fast").book.digest() == fund.run(record="full").book.digest()


def wobbling(names: int, days: int = 200) -> np.ndarray:
    """(T, N) closes of names that all move with one market, with a beta of about 1."""
    rng = np.random.default_rng(0)
    market = rng.normal(0.0, 0.01, days)[:, None]
    return 100.0 * np.cumprod(1.0 + market + rng.normal(0.0, 0.002, (days, names)), axis=0)


def betas_of(close: np.ndarray) -> np.ndarray:
    """Betas at the last close."""
    return sizing.betas(quotes(plain(close, pod_of("a", steady({1: 1.0}), "daily")).panel), 126)


def test_beta_is_the_slope_on_the_mean_of_all_names() -> None:
    close = wobbling(10)
    returns = close[-126:] / close[-127:-1] - 1.0
    told = betas_of(close)
    for n in range(10):
        slope = np.polyfit(returns.mean(axis=1), returns[:, n], 1)[0]
        assert told[n] == pytest.approx(slope, abs=1e-5)  # the market's returns are float32


def test_beta_is_of_names_that_have_a_price() -> None:
    close = wobbling(10)
    alone = betas_of(close)
    wide = np.column_stack([close, np.full((200, 10), np.nan)])
    wide[-2:, 10:] = 100.0  # listed yesterday
    wide[:-6, 0] = np.nan  # listed six days ago
    told = betas_of(wide)
    assert told[1:10] == pytest.approx(alone[1:], abs=0.05)
    assert told[0] == 1.0
    assert (told[10:] == 1.0).all()


def test_a_fund_that_owes_more_than_it_has_holds_nothing_under_a_cap() -> None:
    close = np.full((12, 2), 100.0)
    close[5:, 0] = 450.0  # more than quadruples while a pod is short of it
    pods = (pod_of("short", steady({0: -1.0}), "daily"), pod_of("long", steady({1: 1.0}), "daily"))
    made = plain(close, *pods, schedule="month")
    for module, params in ((leverage, leverage.Params(max=2.0)), (ticker, ticker.Params(max=1.0))):
        sessions = list(live(with_limits(made, limit(module, params))))
        assert sessions[-1].book.nav < 0
        assert not sessions[-1].book.want_s.any()
