"""The quality gate on 491 real names, 1999 to 2016: what it finds, and what it must not find."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from podshop.market.quality.actions import splits_not_applied
from podshop.market.quality.bars import studied
from podshop.market.quality.gate import Inputs, gate
from podshop.market.quality.params import Params
from tests.quality_tables import real, with_split

STOPS = {
    ("ANTM", "2005-06-02"): "two for one, not recorded",
    ("TRMB", "2007-02-26"): "two for one, not recorded",
    ("WST", "2004-09-30"): "two for one, not recorded",
    ("ANTM", "2002-03-18"): "two for one recorded, the price did not follow",
    ("SO", "2001-04-03"): "the spin-off of Mirant, recorded as a dividend and as a split",
    ("KSU", "2000-07-13"): "a reverse split within a spin-off coded as a dividend of 181",
    ("TMUS", "2013-05-01"): "the merger with MetroPCS: a reverse split coded as a dividend",
    ("MCO", "2000-10-03"): "a spin-off, the other half of whose coding is a dividend of 9.125",
    ("F", "2000-08-03"): "the recapitalisation of Ford, for which nothing is recorded",
    ("USB", "1999-12-06"): "a true fall of a quarter on a warning: the one false alarm",
}
"""Every grave finding of the split check, judged by the prices around it and what is known."""

FALSE_ALARM = ("USB", "1999-12-06")

BAD_TICKS = {("CMCSA", "2004-08-02"), ("IRM", "2006-02-02")}
"""One session at two thirds of the true price; the return from it is no split."""

TRUE_MOVES = {("AES", "2001-09-26"), ("SBAC", "2002-10-04"), ("HIG", "2008-12-05")}
MERGERS = {
    ("JCI", "2007-07-02"),
    ("LDOS", "2013-09-30"),
    ("TMUS", "2013-05-01"),
    ("KSU", "2000-07-13"),
}


@pytest.fixture(scope="module")
def inputs(shared_data: Path) -> Inputs:
    return real(shared_data)


@pytest.fixture(scope="module")
def findings(inputs: Inputs) -> pl.DataFrame:
    return gate(inputs).with_columns(day=pl.col("date").cast(pl.String))


def pairs(frame: pl.DataFrame) -> set[tuple[str, str]]:
    return set(frame.select("symbol", "day").iter_rows())


@pytest.mark.slow
def test_the_grave_findings_are_these_ten_each_with_its_cause(findings: pl.DataFrame) -> None:
    grave = findings.filter(pl.col("severity") == "stop")
    assert pairs(grave) == set(STOPS)
    assert set(grave.get_column("check")) == {"split"}


def test_true_moves_to_a_half_are_no_splits(findings: pl.DataFrame) -> None:
    splits = pairs(findings.filter(pl.col("check") == "split"))
    assert not TRUE_MOVES & splits
    # The other two are within twelve of their own deviations of that time.
    assert ("AES", "2001-09-26") in pairs(findings.filter(pl.col("check") == "outlier"))


def test_mergers_coded_as_dividends_are_told(findings: pl.DataFrame) -> None:
    assert pairs(findings.filter(pl.col("check") == "dividend")) >= MERGERS


def test_the_halt_of_take_two_is_told(findings: pl.DataFrame) -> None:
    stale = findings.filter(pl.col("check") == "stale")
    assert [symbol for symbol, _ in pairs(stale)] == ["TTWO"]
    assert stale.get_column("date")[0] - dt.date(2002, 1, 22) <= dt.timedelta(days=1)


def test_adjusted_returns_differ_by_rounding_only(findings: pl.DataFrame) -> None:
    identity = findings.filter(pl.col("check") == "identity")
    assert set(identity.get_column("severity")) == {"note"}


def test_bad_ticks_are_told_as_taken_back(findings: pl.DataFrame) -> None:
    taken_back = (pl.col("check") == "outlier") & (pl.col("severity") == "warn")
    assert pairs(findings.filter(taken_back)) == BAD_TICKS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ratios", "least"),
    [
        # Measured: 192, on the evening 194. The others fell on restless or busy days.
        ([2.0, 3.0, 1.5, 4.0, 5.0, 0.1, 0.2, 0.5], 188),
        # Measured: 149 and 151. Small splits hide in the ordinary moves of restless names.
        ([4 / 3, 1.25], 145),
    ],
)
def test_of_two_hundred_planted_splits_most_stop_even_on_their_evening(
    inputs: Inputs, ratios: list[float], least: int
) -> None:
    # Names and days at random, one a name, none near a name's beginning.
    numbered = inputs.bars.with_columns(n=pl.int_range(pl.len()).over("symbol"))
    at = (
        numbered.filter(pl.col("n") > 100)
        .sample(2_000, seed=7)
        .unique("symbol", keep="first", maintain_order=True)
        .head(200)
    )
    chosen = np.random.default_rng(2024).choice(ratios, at.height)
    planted, changed = set(), inputs
    for pair, ratio in zip(at.select("symbol", "date").iter_rows(), chosen, strict=True):
        changed = with_split(changed, *pair, float(ratio))
        planted.add(pair)
    assert len(planted) == 200
    found = _stops(changed)
    assert len(planted & found) >= least
    assert {(s, str(d)) for s, d in found - planted} <= set(STOPS)
    # On the evening of the split, when it matters to a live fund, nothing has followed yet.
    assert len(planted & _stops(changed, evening=True)) >= least


@pytest.mark.slow
def test_of_the_two_hundred_worst_true_days_one_is_taken_for_a_split(inputs: Inputs) -> None:
    study = studied(inputs.bars, inputs.splits, inputs.dividends)
    defects = (set(STOPS) | BAD_TICKS) - {FALSE_ALARM}
    worst = (
        study.filter((pl.col("lr") < 0.0) & (pl.col("split") == 1.0) & (pl.col("dividend") == 0.0))
        .sort("lr")
        .select("symbol", pl.col("date").cast(pl.String))
        .head(220)
    )
    true = [pair for pair in worst.iter_rows() if pair not in defects][:200]
    assert len(true) == 200
    for evening in (False, True):
        seen = {(s, str(d)) for s, d in _stops(inputs, evening)}
        assert set(true) & seen == {FALSE_ALARM}


def _stops(inputs: Inputs, evening: bool = False) -> set[tuple[str, dt.date]]:
    study = studied(inputs.bars, inputs.splits, inputs.dividends)
    if evening:
        unknown = pl.lit(None, dtype=pl.Float64)
        study = study.with_columns(after=unknown, back=unknown)
    found = splits_not_applied(study, Params()).filter(pl.col("severity") == "stop")
    return set(found.select("symbol", "date").iter_rows())
