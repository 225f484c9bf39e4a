"""Leverage of the fund and beta of the pods: after every decision they hold, and loose caps change
nothing.
"""

from dataclasses import replace

import numpy as np
import pytest
from tests.funds import Fund, Session, cook, limit, live, random_recipe

from podshop.risk import beta, leverage
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


def test_beta_is_the_slope_on_the_mean_of_all_names() -> None:
    rng = np.random.default_rng(5)
    fund = cook(random_recipe(3))
    session = list(live(fund))[-1]
    returns_nt = session.market.returns_nt[:, -60:].astype(np.float64)
    mean_t = returns_nt.mean(axis=0)
    told = sizing.betas(session.market, 60)
    for n in rng.integers(0, len(returns_nt), 3):
        assert told[n] == pytest.approx(np.polyfit(mean_t, returns_nt[n], 1)[0], abs=1e-9)
    assert told.mean() == pytest.approx(1.0)
