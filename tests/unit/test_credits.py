"""Credits of a fund's pods: counted by hand, by all orders of arrival, from the command line."""

import csv
import json
import math
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.funds import Fund, Recipe, cook, plain, pod, steady

from podshop.desk import cli, credit_words
from podshop.desk.commands.credit import drawn, foretell, lasting
from podshop.domain.error import ConfigError
from podshop.domain.event import Part
from podshop.domain.money import MICROS
from podshop.research.coalitions import FundValue, fund_value
from podshop.research.credits import (
    METHODS,
    FundCredit,
    Worth,
    check,
    credit_pods,
    planned,
    risk_shares,
    whole,
)

BUSY = Recipe(seed=5, days=80, pods=3, ladder=None, stop=0.0, flows=((40, "deposit", 50_000),))
"""Three pods with costs, netting, interest, an allocation each month, and a deposit."""


def value_of(fund: Fund, skipped: int = 0) -> FundValue:
    return FundValue(fund.rules, fund.panel, fund.wishes, skipped)


def by_every_order(value: FundValue, pods: int) -> list[float]:
    """Shapley's value as its definition has it: the mean gain over all orders of arrival."""
    gain = [0] * pods
    known: dict[frozenset[int], int] = {}

    def worth(members: frozenset[int]) -> int:
        if members not in known:
            member = np.array([p in members for p in range(pods)])
            known[members] = value.profit(value.run(member))
        return known[members]

    for order in permutations(range(pods)):
        for place, p in enumerate(order):
            gain[p] += worth(frozenset(order[: place + 1])) - worth(frozenset(order[:place]))
    return [total / math.factorial(pods) for total in gain]


@pytest.fixture(scope="module")
def busy() -> FundCredit:
    return credit_pods(Worth(value_of(cook(BUSY))))


# --- what is credited -----------------------------------------------------------------------------


def test_pods_that_do_not_meet_are_credited_with_their_own_books() -> None:
    close = np.stack([np.linspace(100, 110, 40), np.linspace(100, 80, 40)], axis=1)
    fund = plain(close, pod("up", steady({0: 1.0})), pod("down", steady({1: 1.0})))
    credit = credit_pods(Worth(value_of(fund)))
    assert credit.own_p[0] > 0 > credit.own_p[1]
    for column in (credit.left_out_p, credit.shapley_p):
        assert column is not None
        assert column.tolist() == credit.own_p.tolist()
    assert (credit.idle, credit.interest, credit.centre) == (0, 0, 0)
    assert credit.profit == credit.own_p.sum()
    assert (credit.pods, credit.valuations, credit.samples) == (("up", "down"), 4, 0)


def test_shapley_is_the_mean_over_every_order_of_arrival_and_sums_to_the_micro(
    busy: FundCredit,
) -> None:
    value = value_of(cook(BUSY))
    expected_p = by_every_order(value, BUSY.pods)
    assert busy.shapley_p is not None
    assert busy.idle is not None
    assert np.abs(busy.shapley_p - expected_p).max() < 1.0
    assert int(busy.shapley_p.sum()) == busy.profit - busy.idle
    assert busy.idle > 0  # interest, so that the test is of something
    assert busy.shapley_p.tolist() != busy.own_p.tolist()


def test_own_books_and_the_centre_are_the_profit_of_the_fund(busy: FundCredit) -> None:
    run = cook(BUSY).run()
    assert busy.profit == run.summary["profit_micros"]
    assert int(busy.own_p.sum()) + busy.centre == busy.profit
    assert busy.interest == int(run.tape.part_dpk[:, :-1, Part.INTEREST].sum())


def test_left_out_is_what_the_fund_makes_without_the_pod(busy: FundCredit) -> None:
    value = value_of(cook(BUSY))
    assert busy.left_out_p is not None
    for p in range(BUSY.pods):
        without = value.profit(value.run(np.arange(BUSY.pods) != p))
        assert busy.left_out_p[p] == busy.profit - without


def test_credits_of_two_spans_sum_to_those_of_the_whole(busy: FundCredit) -> None:
    fund = cook(BUSY)
    early = replace(fund.rules, market=replace(fund.rules.market, end=fund.panel.days[29]))
    spans = (FundValue(early, fund.panel, fund.wishes), value_of(fund, 30))
    one, two = (credit_pods(Worth(value)) for value in spans)
    assert (one.sessions, two.sessions) == (30, 50)
    assert (one.last, two.first) == tuple(fund.panel.days[29:31])
    assert one.profit + two.profit == busy.profit
    for name in ("own_p", "left_out_p"):
        summed = getattr(one, name) + getattr(two, name)
        assert summed.tolist() == getattr(busy, name).tolist()
    assert one.shapley_p is not None
    assert two.shapley_p is not None
    assert busy.shapley_p is not None
    assert np.abs(one.shapley_p + two.shapley_p - busy.shapley_p).max() <= 2


def test_risk_is_shared_by_covariance_and_a_hedge_is_below_zero() -> None:
    r = np.random.default_rng(3)
    bold = r.normal(0.0, 1_000.0, 300)
    profit_tp = np.stack([bold, -0.3 * bold + r.normal(0.0, 50.0, 300), np.zeros(300)], axis=1)
    credit = risk_shares(profit_tp)
    total_t = profit_tp.sum(axis=1)
    expected = total_t.std(ddof=1) * math.sqrt(252)
    assert credit.share.sum() == pytest.approx(expected)
    share = [np.cov(profit_tp[:, p], total_t)[0, 1] / total_t.var(ddof=1) for p in range(3)]
    assert credit.share / expected == pytest.approx(share)
    assert credit.share[1] < 0.0
    assert risk_shares(np.zeros((10, 2))).share.tolist() == [0.0, 0.0]


def test_the_sample_sums_and_its_interval_holds_the_truth(busy: FundCredit) -> None:
    worth = Worth(value_of(cook(BUSY)))
    sample = credit_pods(worth, ("shapley",), samples=40, seed=1)
    assert sample.shapley_p is not None
    assert sample.reach_p is not None
    assert sample.idle is not None
    assert int(sample.shapley_p.sum()) == sample.profit - sample.idle
    assert busy.shapley_p is not None
    assert (np.abs(sample.shapley_p - busy.shapley_p) <= 2 * sample.reach_p + MICROS).all()
    assert sample.reach_p.max() > 0
    again = credit_pods(worth, ("shapley",), samples=40, seed=1)
    assert again.shapley_p is not None
    assert again.shapley_p.tolist() == sample.shapley_p.tolist()
    assert (sample.left_out_p, sample.risk_p, sample.samples) == (None, None, 40)


@given(
    st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=8),
    st.lists(st.floats(-0.999, 0.999), min_size=8, max_size=8),
)
def test_shares_become_whole_micros_that_sum(parts: list[int], shift: list[float]) -> None:
    share = np.array(parts, dtype=float) + np.array(shift[: len(parts)])
    share[0] += round(math.fsum(share)) - math.fsum(share)
    total = round(math.fsum(share))
    made = whole(share, total)
    assert int(made.sum()) == total
    assert np.abs(made - share).max() < 1.0 + 1e-3
    assert whole(np.array([0.0, 2.5, -0.5]), 2)[0] == 0
    large = np.array([2.0**60, -(2.0**55), 0.0])  # where floats no longer hold single micros
    assert int(whole(large, 2**60 - 2**55 + 3).sum()) == 2**60 - 2**55 + 3


# --- how much is to be done -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("methods", "samples"),
    [
        (("own",), 0),
        (("own", "euler"), 0),
        (("own", "leave-one-out"), 0),
        (("own", "shapley"), 0),
        (METHODS, 0),
        (METHODS, 5),
        (("own", "shapley"), 5),
    ],
)
def test_never_more_backtests_than_were_planned(methods: tuple[str, ...], samples: int) -> None:
    worth = Worth(value_of(cook(BUSY)))
    told: list[int] = []
    worth.tell(told.append)
    credit = credit_pods(worth, methods, samples, 7)
    most = planned(BUSY.pods, methods, samples)
    assert told == list(range(2, credit.valuations + 1))
    assert credit.valuations <= most <= 8
    if samples == 0:
        assert credit.valuations == most


def test_many_pods_are_sampled_and_few_are_not() -> None:
    assert drawn(12, METHODS, None) == 0
    assert drawn(13, METHODS, None) == 10
    assert drawn(3, METHODS, 7) == 7
    assert drawn(13, ("own", "euler"), 7) == 0
    assert planned(330, METHODS, 10) == 1 + 330 + 1 + 20 * 329


def test_long_work_is_foretold_with_what_is_quicker(capsys: pytest.CaptureFixture[str]) -> None:
    foretell(6_911, 2.0, 330, 10)
    told = capsys.readouterr().err
    assert "up to 6,911 backtests of 2 s each: 4 hours at most" in told
    assert "10 pairs of orders" in told
    assert "--samples 5 (3,622), --method leave-one-out (331), --method euler (1);" in told
    foretell(331, 2.0, 330, 0)
    assert "Fewer backtests: --method euler (1);" in capsys.readouterr().err
    foretell(8, 1.0, 3, 0)
    assert capsys.readouterr().err == "up to 8 backtests of 1 s each: 8 seconds at most\n"
    assert [lasting(s) for s in (89, 90, 5_401, 129_600)] == [
        "89 seconds", "2 minutes", "2 hours", "2 days",
    ]  # fmt: skip


# --- what is refused ------------------------------------------------------------------------------


def test_one_pod_too_many_and_unknown_methods_are_refused() -> None:
    with pytest.raises(ConfigError, match="this fund has one, which earned it all"):
        check(1, METHODS, 0)
    with pytest.raises(ConfigError, match="13 pods have 8"):
        check(13, METHODS, 0)
    check(13, ("own", "leave-one-out"), 0)
    with pytest.raises(ValueError, match="no method is called \\['guess'\\]"):
        check(3, ("guess",), 0)


def test_days_outside_what_the_fund_trades_are_refused() -> None:
    fund = cook(BUSY)
    days = fund.panel.days
    kept = fund_value(fund.rules, fund.panel, days[20], days[40])
    assert (kept.skipped, kept.rules.market.end) == (20, days[40])
    assert kept.rules.hash == fund.rules.hash
    wrong = ((days[0] - 1, None), (None, days[-1] + 1), (days[9], days[9]), (days[9], days[5]))
    for first, last in wrong:
        with pytest.raises(ConfigError, match=f"trades from {days[0]} to {days[-1]}, credit is"):
            fund_value(fund.rules, fund.panel, first, last)


# --- the command line -----------------------------------------------------------------------------

FUND = """\
[fund]
name = "three"
capital = 1_000_000

[market]
source = "embedded"
start = 2012-01-03
end = 2012-03-30

[[pod]]
id = "reversion"
uncertified = "a test"
strategy = "reversion"

[[pod]]
id = "trend"
uncertified = "a test"
strategy = "trend"

[[pod]]
id = "neutral"
uncertified = "a test"
strategy = "neutral"
"""


@pytest.fixture
def three(tmp_path: Path) -> Path:
    (tmp_path / "fund.toml").write_text(FUND)
    return tmp_path


@pytest.mark.slow
@pytest.mark.usefixtures("embedded")
def test_credit_from_the_command_line(three: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = three / "credit.csv"
    assert cli.main(["credit", str(three), "--json", "--out", str(table)]) == 0
    told = capsys.readouterr()
    credit = json.loads(told.out)
    assert "asking 3 pods" in told.err
    assert "up to 8 backtests" in told.err
    assert (credit["fund"], credit["backtests"], credit["seed"]) == ("three", 8, None)
    assert (credit["first"], credit["last"]) == ("2012-01-03", "2012-03-30")
    sums, rows = credit["sums"], credit["pods"]
    assert sums["own_micros"]["residual"] == sums["shapley_micros"]["residual"] == 0
    assert sums["left_out_micros"]["total"] is None
    shapley = sum(row["shapley_micros"] for row in rows)
    assert shapley == credit["profit_micros"] - credit["idle_micros"]
    own = sum(row["own_micros"] for row in rows)
    assert own + credit["centre_micros"] == credit["profit_micros"]
    assert sum(row["risk_share"] for row in rows) == pytest.approx(1.0)
    written = list(csv.DictReader(table.read_text().splitlines()))
    assert [int(row["shapley_micros"]) for row in written] == [r["shapley_micros"] for r in rows]
    assert cli.main(["credit", str(three), "--samples", "5", "--first", "2012-02-01"]) == 0
    told = capsys.readouterr()
    assert "three, 2012-02-01 to 2012-03-30, 42 sessions, USD" in told.out
    assert "residual 0 micros" in told.out
    assert "It is no split and does not sum" in told.out
    assert "5 pairs of drawn orders" in told.out
    assert "\x1b" not in told.out


@pytest.mark.slow
@pytest.mark.usefixtures("embedded")
def test_one_way_of_crediting_shows_only_that(
    three: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["credit", str(three), "--method", "euler", "--last", "2012-01-31"]) == 0
    told = capsys.readouterr()
    assert "risk a year" in told.out
    assert "Shapley" not in told.out
    assert "backtests" not in told.err
    assert cli.main(["credit", str(three), "--last", "2013-01-31"]) == 2
    assert "choose a first and a last day within" in capsys.readouterr().err


def test_the_command_line_knows_the_methods() -> None:
    assert (*METHODS, "all") == credit_words.METHODS


def test_credit_refuses_what_cannot_be_credited(
    three: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["credit", str(three), "--method", "guess"]) == 2
    assert "invalid choice: 'guess'" in capsys.readouterr().err
    for few in ("4", "many", "-5"):
        assert cli.main(["credit", str(three), f"--samples={few}"]) == 2
        assert "no whole number of 5 or more" in capsys.readouterr().err
    assert cli.main(["credit", str(three), "--seed=-1"]) == 2
    assert "no whole number of 0 or more" in capsys.readouterr().err
    assert cli.main(["credit", str(three), "--out", str(three / "no" / "x.csv")]) == 2
    assert "no file in a folder that exists" in capsys.readouterr().err
    (three / "fund.toml").write_text(FUND[: FUND.index('[[pod]]\nid = "trend"')])
    assert cli.main(["credit", str(three)]) == 2
    assert "this fund has one, which earned it all" in capsys.readouterr().err
