"""A simulated world: bars that can be, accounts that add up, truth that is really there."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from podshop import Panel
from podshop.adapters.stores.market import MarketStore
from podshop.domain.error import ConfigError
from podshop.simulator import World, data_simulate, simulate
from podshop.simulator.alphas import Alpha, rank_ic
from podshop.simulator.faults import KINDS
from podshop.simulator.lives import BANKRUPTCY, MERGER
from podshop.simulator.news import BAD, GOOD, NEUTRAL

PRINT = """
import hashlib, sys
from podshop.simulator import simulate
world = simulate(60, 1, 5, faults=1)
digest = hashlib.sha256()
for name in sorted(world.tables):
    digest.update(world.tables[name].write_csv().encode())
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(400, 6, seed=3)


def test_bars_are_possible(world: World) -> None:
    bars = world.tables["bars"]
    low, high = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
    assert bars.filter((pl.col("low") > low) | (pl.col("high") < high)).is_empty()
    assert bars.filter(pl.col("low") <= 0).is_empty()
    assert bars.filter(pl.col("volume") < 1).is_empty()


def test_raw_prices_and_actions_give_the_total_return(world: World) -> None:
    panel, truth = world.panel(), world.truth.returns_tn
    before = np.vstack([np.full(panel.close.shape[1], np.nan), panel.close[:-1]])
    known = ~np.isnan(panel.returns)
    # Each close is rounded by half a cent, or half of a hundredth of one below 1.
    now, then = (np.where(x < 1.0, 0.5e-4, 0.5e-2) for x in (panel.close, before))
    allowed = 1.02 * (now * panel.split + then * (panel.returns + 1.0)) / before + 1e-6
    # A float32 return is right to 1e-7, an exact price may have been lifted to its least.
    wrong = np.abs(panel.returns - truth)[known] > allowed[known] + 1e-6
    assert (panel.split != 1.0).sum() > 20
    assert (panel.dividend > 0.0).sum() > 500
    assert wrong.mean() < 1e-5


def test_the_arrays_and_the_table_make_the_same_panel(world: World) -> None:
    frame = world.tables["bars"].drop("symbol", "source").rename({"security_id": "symbol"})
    for table, name in (("splits", "ratio"), ("dividends", "amount")):
        events = world.tables[table].select(pl.col("security_id").alias("symbol"), "date", name)
        frame = frame.join(events, on=["symbol", "date"], how="left")
    frame = frame.rename({"ratio": "split", "amount": "dividend"})
    panel, other = Panel.from_frame(frame), world.panel()
    assert (panel.days == other.days).all()
    for name in ("open", "high", "low", "close", "volume", "dividend", "split", "returns"):
        np.testing.assert_array_equal(getattr(panel, name), getattr(other, name))


def test_balance_sheets_balance_and_cash_flows_tie(world: World) -> None:
    income, sheet, flow = (
        world.tables[name] for name in ("income_statements", "balance_sheets", "cash_flows")
    )
    assert sheet.filter(
        pl.col("total_assets") != pl.col("total_liabilities") + pl.col("total_equity")
    ).is_empty()
    assert income.filter(
        pl.col("revenue") - pl.col("cost_of_revenue") != pl.col("gross_profit")
    ).is_empty()
    key = ["security_id", "period_end"]
    quarter = flow.filter(pl.col("period") != "FY").join(
        sheet.filter(pl.col("period") != "FY").unique(key, keep="first", maintain_order=True),
        on=key,
    )
    quarter = quarter.sort(key).with_columns(
        before=pl.col("cash").shift(1).over("security_id"),
        gap=pl.col("period_end").diff().over("security_id").dt.total_days(),
    )
    quarter = quarter.filter(pl.col("gap") < 100)
    free = pl.col("free_cash_flow") - pl.col("dividends_paid") + pl.col("debt_issued")
    assert quarter.height > 1000
    assert quarter.filter(pl.col("cash") != pl.col("before") + free).is_empty()


def test_a_year_is_the_sum_of_its_quarters(world: World) -> None:
    income = world.tables["income_statements"]
    first = income.sort("known_at").unique(
        ["security_id", "period_end", "period"], keep="first", maintain_order=True
    )
    who = ["security_id", "fiscal_year"]
    quarters = first.filter(pl.col("period") != "FY").group_by(who)
    sums = quarters.agg(pl.col("net_income").sum().alias("sum"), pl.len().alias("count"))
    years = first.filter(pl.col("period") == "FY").join(sums, on=who).filter(pl.col("count") == 4)
    assert years.height > 200
    assert years.filter(pl.col("net_income") != pl.col("sum")).is_empty()


@pytest.mark.parametrize(("form", "median", "p95"), [("10-Q", 37, 45), ("10-K", 60, 90)])
def test_filings_are_as_late_as_real_ones(
    world: World, form: str, median: float, p95: float
) -> None:
    filings = world.tables["filings"].filter(pl.col("form") == form)
    lag = (filings["filed"] - filings["report_date"]).dt.total_days()
    assert lag.median() == pytest.approx(median, abs=1.0)
    assert lag.quantile(0.95) == pytest.approx(p95, abs=3.0)


def test_restatements_come_later_and_change_what_was_said(world: World) -> None:
    income = world.tables["income_statements"]
    key = ["security_id", "period_end", "period"]
    again = income.filter(pl.len().over(key) == 2).sort(*key, "known_at")
    assert again.height > 50
    change = again.group_by(key).agg(
        pl.col("net_income").diff().last(), pl.col("known_at").diff().last().dt.total_days()
    )
    assert change.filter((pl.col("net_income") == 0) | (pl.col("known_at") < 55)).is_empty()


def test_the_gone_have_a_reason_and_no_bars_afterwards(world: World) -> None:
    lives, close = world.truth.lives, world.bars.close
    last = world.tables["bars"].group_by("security_id").agg(pl.col("date").max())
    gone = world.tables["securities"].drop_nulls("delisted").join(last, on="security_id")
    assert set(gone["delist_reason"]) == {"merger", "bankruptcy"}
    assert (gone["date"] == gone["delisted"]).all()
    failed = np.flatnonzero(lives.reason_n == BANKRUPTCY)
    end = lives.last_n[failed]
    fall = close[end, failed] / close[end - 1, failed] - 1.0
    assert np.median(fall) == pytest.approx(world.settings.demography.delisting_return, abs=0.15)
    bought = np.flatnonzero(lives.reason_n == MERGER)
    jump = world.truth.returns_tn[lives.offer_n[bought], bought]
    assert np.median(jump) == pytest.approx(world.settings.demography.offer_premium, abs=0.05)


def test_a_reused_symbol_is_two_securities_at_different_times(world: World) -> None:
    symbols = world.tables["symbols"].sort("symbol", "first")
    twice = symbols.filter(pl.col("security_id").n_unique().over("symbol") > 1)
    assert twice.height >= 4
    before = symbols.with_columns(end=pl.col("last").shift(1).over("symbol"))
    assert before.filter(pl.col("end") >= pl.col("first")).is_empty()
    bars = world.tables["bars"].join(symbols, on=["security_id", "symbol"])
    inside = pl.col("date").is_between(pl.col("first"), pl.col("last").fill_null(pl.col("date")))
    assert bars.height == world.tables["bars"].height
    assert bars.filter(~inside).is_empty()


def test_tone_leads_returns_by_the_planted_amount(world: World) -> None:
    written, press = world.truth.headlines, world.truth.press
    own = world.truth.standardised()
    toned = (written.tone_h != 0) & (written.row_h < len(own) - 5)
    row, n, tone = written.row_h[toned], written.n_h[toned], written.tone_h[toned]
    for ahead in range(-1, 6):
        value = tone * own[np.maximum(row + ahead, 0), n]
        error = value.std() / np.sqrt(len(value))
        begins, ends = press.lead_sessions, press.lead_sessions + press.span_sessions
        expected = press.effect / press.span_sessions if begins <= ahead < ends else 0.0
        assert abs(value.mean() - expected) < 3.5 * error, ahead


def test_surprises_drift_and_purchases_tell_as_planted(world: World) -> None:
    truth = world.truth
    own = truth.standardised()
    q, n = np.nonzero(truth.quarters.heard_qn & (truth.quarters.row_qn < len(own) - 50))
    z, row = truth.quarters.surprise_qn[q, n], truth.quarters.row_qn[q, n]
    at_once = (z * own[row, n]).mean()
    assert at_once == pytest.approx(truth.reporting.reaction, abs=0.15)
    span = truth.reporting.drift_sessions
    later = z * sum(own[row + 1 + k, n] for k in range(span))
    assert abs(later.mean() - truth.reporting.drift) < 3.5 * later.std() / np.sqrt(len(later))


def test_a_reader_of_headlines_reads_the_tones() -> None:
    reader = pytest.importorskip("vaderSentiment.vaderSentiment").SentimentIntensityAnalyzer()
    score = {
        text: reader.polarity_scores(text.format("Elm Foods"))["compound"]
        for text in (*GOOD, *BAD, *NEUTRAL)
    }
    assert all(score[text] > 0.2 for text in GOOD)
    assert all(score[text] < -0.2 for text in BAD)
    assert all(abs(score[text]) < 0.2 for text in NEUTRAL)


def test_the_curve_rises_when_calm_and_falls_when_wild(world: World) -> None:
    weather, days = world.truth.weather, world.truth.days
    curve = world.tables["futures_curve"].sort("date", "expiry")
    slope = curve.group_by("date", maintain_order=True).agg(
        (pl.col("settle").get(4) - pl.col("settle").first()).alias("slope")
    )
    rising = dict(slope.iter_rows())
    slope_t = np.array([rising[d] for d in days.tolist()])
    ahead = np.append(weather.volatility_t[1:], weather.volatility_t[-1])
    calm, wild = ahead < np.quantile(ahead, 0.3), ahead > np.quantile(ahead, 0.95)
    assert (slope_t[calm] > 0).mean() > 0.95
    assert (slope_t[wild] < 0).mean() > 0.95


@pytest.mark.slow
def test_two_processes_make_the_same_bytes_and_another_seed_others() -> None:
    told = [
        subprocess.run(
            [sys.executable, "-c", PRINT], capture_output=True, text=True, check=True, timeout=120
        ).stdout
        for _ in range(2)
    ]
    assert told[0] == told[1]
    other = simulate(60, 1, 6, faults=1)
    digest = hashlib.sha256()
    for name in sorted(other.tables):
        digest.update(other.tables[name].write_csv().encode())
    assert digest.hexdigest() != told[0].strip()


def test_more_of_one_subject_leaves_the_others_as_they_are() -> None:
    one, two = simulate(60, 1, 5), simulate(60, 1, 5, alphas=(), faults=2)
    np.testing.assert_array_equal(one.truth.weather.market_t, two.truth.weather.market_t)
    assert one.tables["symbols"].equals(two.tables["symbols"])
    assert one.tables["news"].equals(two.tables["news"])


def test_faults_are_where_they_are_said_to_be() -> None:
    world, clean = simulate(120, 3, 9, faults=3), simulate(120, 3, 9)
    kinds = [fault.kind for fault in world.truth.faults]
    assert {kind: kinds.count(kind) for kind in KINDS} == dict.fromkeys(KINDS, 3)
    bars = world.tables["bars"]
    wrong = bars.filter(pl.col("high") < pl.col("low"))
    said = {(f.security_id, f.first) for f in world.truth.faults if f.kind == "bar"}
    assert set(wrong.select("security_id", "date").iter_rows()) == said
    doubled = bars.filter(pl.len().over("security_id", "date") > 1)
    assert doubled.height == 6
    assert clean.tables["splits"].height - world.tables["splits"].height == 3
    assert clean.tables["bars"].height - bars.height == 3 * 6 - 3


def test_a_world_goes_into_a_store_and_never_over_another(tmp_path: Path) -> None:
    told = data_simulate(tmp_path / "store", names=60, years=1, seed=5)
    store = MarketStore(tmp_path / "store")
    assert store.frame("bars").height == told.rows["bars"]
    assert store.frame("revisions").is_empty()
    signals = pl.read_parquet(tmp_path / "store" / "truth" / "signals.parquet")
    assert signals.height == told.rows["bars"]
    with pytest.raises(ConfigError, match="folder of its own"):
        data_simulate(tmp_path / "store", names=60, years=1, seed=5)


def test_rank_ic_of_nearly_normal_noise_is_three_over_pi() -> None:
    assert rank_ic(0.02, 1e6) == pytest.approx(0.02 * 3.0 / np.pi, rel=1e-4)


def test_a_crowd_that_does_not_fit_together_is_refused() -> None:
    crowd = (Alpha("a", 0.02, 5.0, "c", 0.5), Alpha("b", 0.02, 9.0, "c", 0.5))
    with pytest.raises(ConfigError, match="same half_life_days"):
        simulate(60, 1, 5, alphas=crowd)
