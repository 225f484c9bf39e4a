"""Laws of compounding policies on any path of returns and flows."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshop.capital.compounding import CapitalPath, Flow, capital_path

CLOSE = 1e-9

a_return = st.one_of(
    st.floats(-0.3, 0.3),
    st.floats(-1.5, 3.0),
    st.sampled_from((0.0, -1.0, np.nan)),
)
mild = st.floats(-0.5, 0.5)
keeps = st.floats(0.0, 1.0)
policies = st.one_of(
    st.sampled_from((("fixed", None), ("full", None), ("half", None))),
    keeps.map(lambda keep: ("partial", keep)),
)


@st.composite
def deposits(draw: st.DrawFn, periods: int) -> list[Flow]:
    """Money paid in: never too much."""
    when = st.integers(0, periods - 1)
    kind = st.sampled_from(("capital", "income"))
    return draw(st.lists(st.builds(Flow, when, kind, st.floats(0.0, 500.0)), max_size=4))


@st.composite
def paths(draw: st.DrawFn, returns: Any = a_return) -> tuple[list[float], list[Flow]]:
    """Returns, and deposits somewhere in them."""
    r = draw(st.lists(returns, min_size=1, max_size=25))
    return r, draw(deposits(len(r)))


def paid(flows: list[Flow], t: int) -> float:
    """What flows in at the open of a period."""
    return sum(flow.amount for flow in flows if flow.t == t)


def close(a: Any, b: Any, path: CapitalPath) -> bool:
    """Equal to rounding, measured on the largest sums that the path ever held."""
    size = 1.0 + max(np.abs(x).max(initial=0.0) for x in (path.mark, path.skimmed, path.pnl))
    return bool(np.allclose(a, b, rtol=0.0, atol=CLOSE * size))


@given(paths(), policies)
def test_the_account_is_what_was_paid_in_and_what_was_made(path: Any, how: Any) -> None:
    r, flows = path
    got = capital_path(r, 100.0, *how, flows=flows)
    flow_t = np.array([paid(flows, t) for t in range(len(r))])
    before = 100.0 + np.cumsum(np.append(flow_t, 0.0))
    made = np.concatenate(([0.0], np.cumsum(got.pnl)))
    assert close(got.account, before + made, got)
    assert close(got.account, got.capital + got.skimmed, got)


@given(paths(), policies)
def test_capital_is_between_nothing_and_its_mark(path: Any, how: Any) -> None:
    got = capital_path(path[0], 100.0, *how, flows=path[1])
    assert (got.capital >= 0.0).all()
    assert (got.capital <= got.mark).all()


@given(st.lists(a_return, min_size=1, max_size=25), keeps)
def test_the_drawdown_follows_the_returns_and_not_the_share_kept(
    r: list[float], keep: float
) -> None:
    got = capital_path(r, 100.0, "partial", keep)
    ratio, want = 1.0, [0.0]
    for x in r:
        ratio = ratio if np.isnan(x) else max(0.0, min(1.0, ratio * (1.0 + x)))
        want.append(1.0 - ratio)
    assert got.drawdown == pytest.approx(want, abs=CLOSE)


@given(st.lists(a_return, min_size=1, max_size=25))
def test_half_compounding_never_risks_more_than_the_start(r: list[float]) -> None:
    got = capital_path(r, 100.0, "half")
    assert (got.capital <= 100.0).all()
    assert (got.mark == 100.0).all()
    gained = np.array(r)[~np.isnan(r)]
    if (gained >= -1.0).all():
        assert (np.diff(got.skimmed) >= 0.0).all(), "what is skimmed is safe"


@given(paths(st.floats(-1.0, 3.0)))
def test_full_compounding_skims_nothing(path: Any) -> None:
    r, flows = path
    flows = [flow for flow in flows if flow.kind == "capital"]
    assert (capital_path(r, 100.0, "full", flows=flows).skimmed == 0.0).all()


@given(paths(), keeps, keeps)
def test_who_keeps_more_has_more_at_risk(path: Any, one: float, other: float) -> None:
    r, flows = path
    less = capital_path(r, 100.0, "partial", min(one, other), flows)
    more = capital_path(r, 100.0, "partial", max(one, other), flows)
    assert (less.capital <= more.capital * (1.0 + CLOSE) + CLOSE).all()


@given(paths(), policies, st.floats(1e-3, 1e6))
def test_twice_the_money_is_twice_of_everything(path: Any, how: Any, k: float) -> None:
    r, flows = path
    one = capital_path(r, 100.0, *how, flows=flows)
    scaled = [Flow(flow.t, flow.kind, k * flow.amount) for flow in flows]
    many = capital_path(r, 100.0 * k, *how, flows=scaled)
    for name in ("capital", "mark", "skimmed", "account", "pnl"):
        assert close(getattr(one, name), getattr(many, name) / k, one), name
    assert many.multiplier == pytest.approx(one.multiplier, rel=1e-6, abs=CLOSE)


@given(st.lists(mild, min_size=2, max_size=20), policies, st.floats(-0.9, 5.0), st.data())
def test_a_flow_makes_no_drawdown_and_heals_none(
    r: list[float], how: Any, part: float, data: st.DataObject
) -> None:
    t = data.draw(st.integers(0, len(r) - 1))
    quiet = capital_path(r, 100.0, *how)
    flow = Flow(t, "capital", part * float(quiet.capital[t]))
    moved = capital_path(r, 100.0, *how, flows=[flow])
    assert moved.drawdown == pytest.approx(quiet.drawdown, abs=CLOSE)
    assert moved.capital[t:] == pytest.approx((1.0 + part) * quiet.capital[t:], rel=1e-6)
    income = capital_path(r, 100.0, *how, flows=[Flow(t, "income", 50.0)])
    assert (income.capital == quiet.capital).all(), "income leaves the risk as it is"
    assert (income.mark == quiet.mark).all()


@given(paths(), policies, st.sampled_from((0.0, np.nan)), st.data())
def test_a_period_without_a_return_changes_nothing(
    path: Any, how: Any, nothing: float, data: st.DataObject
) -> None:
    r, flows = path
    at = data.draw(st.integers(0, len(r)))
    one = capital_path(r, 100.0, *how, flows=flows)
    later = [Flow(flow.t + (flow.t >= at), flow.kind, flow.amount) for flow in flows]
    two = capital_path([*r[:at], nothing, *r[at:]], 100.0, *how, flows=later)
    for name in ("capital", "mark", "skimmed", "account"):
        kept = np.delete(getattr(two, name), at)
        # Flows fall due at the open of the period after the quiet one.
        assert (kept[:at] == getattr(one, name)[:at]).all(), name
        assert (kept[at:] == getattr(one, name)[at:]).all(), name
