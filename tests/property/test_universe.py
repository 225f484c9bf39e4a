"""The universe: point in time, whatever happens later, and R1's figures on made-up names."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podshop.domain.market import Panel
from podshop.market.panel import from_arrays
from podshop.market.universe import Screen, Soundness, listed, members, screen, sound

DAYS = np.arange("2019-01-01", "2022-06-01", dtype="datetime64[D]")
DAYS = DAYS[np.is_busday(DAYS)]


def panel(seed: int, names: int = 8, holes: bool = True) -> Panel:
    rng = np.random.default_rng(seed)
    vol = rng.uniform(0.002, 0.03, names)
    close = 20.0 * np.exp(np.cumsum(rng.normal(0.0, vol, (len(DAYS), names)), axis=0))
    if holes:
        close[rng.random(close.shape) < 0.0005] = np.nan
        close[: rng.integers(1, 400), 0] = np.nan
        close[rng.integers(500, 800) :, 1] = np.nan
    volume = rng.uniform(0.5, 2.0, close.shape) * rng.uniform(5e4, 1e6, names)
    return from_arrays(DAYS, [f"S{n}" for n in range(names)], close, volume=volume)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(300, len(DAYS) - 1))
def test_the_future_changes_no_row_of_the_past(seed: int, cut: int) -> None:
    whole = panel(seed)
    loose = Screen(lookback_days=365, names=4, most_volatility=0.3, least_share=0.8)
    study = Soundness(least_days=100, holes=2)
    scrambled = whole.close.copy()
    scrambled[cut:] *= np.random.default_rng(seed + 1).uniform(0.1, 9.0, scrambled[cut:].shape)
    other = from_arrays(DAYS, whole.assets.symbols, scrambled, volume=np.array(whole.volume))
    np.testing.assert_array_equal(screen(whole, loose)[:cut], screen(other, loose)[:cut])
    np.testing.assert_array_equal(screen(whole, loose)[:cut], screen(whole.rows(0, cut), loose))
    np.testing.assert_array_equal(
        sound(whole, study).sound_tn[:cut], sound(other, study).sound_tn[:cut]
    )
    short = whole.rows(0, cut)
    np.testing.assert_array_equal(sound(whole, study).sound_tn[:cut], sound(short, study).sound_tn)
    np.testing.assert_array_equal(listed(whole)[:cut], listed(short))


@pytest.mark.parametrize("ratio", [2.0, 0.1])
def test_a_split_moves_nobody_in_or_out(ratio: float) -> None:
    shape = (len(DAYS), 2)
    close = 20.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.0, 0.01, shape), axis=0))
    split, volume = np.ones(shape), np.full(shape, 4e5)
    split[700, 0] = ratio
    close[700:, 0] /= ratio
    volume[700:, 0] *= ratio
    made = from_arrays(DAYS, ["A", "B"], close, volume=volume, split=split)
    # In lots of the day after the split, on all of which the name traded alike.
    for factor, inside in ((0.999, True), (1.001, False)):
        asked = Screen(least_volume=4e5 * ratio * factor, least_price=0.0)
        assert screen(made, asked)[701, 0] == inside
    mean = close[(DAYS[701] - np.timedelta64(730, "D") < DAYS) & (DAYS[701] >= DAYS), 0]
    mean[:-2] /= ratio
    for factor, inside in ((0.999, True), (1.001, False)):
        asked = Screen(least_volume=0.0, least_price=float(mean.mean()) * factor)
        assert screen(made, asked)[701, 0] == inside


def test_a_fall_on_news_that_is_taken_back_is_no_bad_tick() -> None:
    close, volume = np.full((len(DAYS), 2), 100.0), np.full((len(DAYS), 2), 1e6)
    close[600] = 30.0
    volume[600, 0] = 2e7
    good = sound(from_arrays(DAYS, ["NEWS", "TICK"], close, volume=volume)).sound_tn
    assert good[-1].tolist() == [True, False]


def test_a_name_that_leaves_is_listed_until_it_is_known_to_be_gone() -> None:
    close = np.full((len(DAYS), 2), 10.0)
    close[:50, 1] = np.nan
    close[400:, 0] = np.nan
    made = from_arrays(DAYS, ["LEFT", "LATE"], close)
    there = listed(made)
    assert np.flatnonzero(there[:, 0]).tolist() == list(range(399 + made.gone_days))
    assert np.flatnonzero(there[:, 1])[0] == 50
    assert there[50:, 1].all()


def test_the_screen_asks_for_each_of_its_figures() -> None:
    days, names = DAYS, 5
    rng = np.random.default_rng(1)
    move = rng.normal(0.0, 0.01, len(days))
    # quiet and liquid, a penny stock, illiquid, wild, and quiet again but smaller
    close = np.stack([50 * np.exp(np.cumsum(move * s)) for s in (1, 1, 1, 3, 1)], axis=1)
    close[:, 1] /= 25.0
    volume = np.tile([5e5, 5e5, 5e4, 5e5, 2e5], (len(days), 1))
    made = from_arrays(days, list("ABCDE"), close, volume=volume)
    last = screen(made)[-1]
    assert last.tolist() == [True, False, False, False, True]
    assert screen(made, Screen(names=1))[-1].tolist() == [True, False, False, False, False]
    # Nothing is in before 730 calendar days are there.
    first = int(np.flatnonzero(screen(made).any(axis=1))[0])
    assert days[first] - days[0] >= np.timedelta64(729, "D")
    # By hand, on the last day: a name's volatility over the window.
    window = days > days[-1] - np.timedelta64(730, "D")
    vol = np.std(made.returns[window, 3], ddof=1) * np.sqrt(252)
    assert vol > 0.25
    assert names == len(last)


def test_a_crash_stays_and_a_bad_tick_goes() -> None:
    close = np.full((len(DAYS), 3), 100.0)
    close[600:, 0] = 40.0  # a crash: down 60 % and it stays there
    close[600, 1] = 30.0  # a bad tick: taken back in the next session
    made = from_arrays(DAYS, ["CRASH", "TICK", "CALM"], close, volume=np.full(close.shape, 1e6))
    told = sound(made)
    assert told.sound_tn[-1].tolist() == [True, False, True]
    assert told.sound_tn[600].tolist() == [True, True, True]  # nobody can know it on the day
    assert told.dropped.select("symbol", "reason").rows() == [
        ("TICK", "a jump that was taken back")
    ]


def test_a_name_needs_two_years_without_holes() -> None:
    close = np.full((len(DAYS), 3), 10.0)
    close[700, 1] = np.nan
    close[:200, 2] = np.nan
    made = from_arrays(DAYS, ["A", "HOLE", "YOUNG"], close, volume=np.full(close.shape, 1e6))
    good = sound(made).sound_tn
    assert not good[502].any()
    assert good[503].tolist() == [True, True, False]
    assert good[703].tolist() == [True, False, True]


def test_members_are_in_from_their_first_day_to_the_day_before_their_last() -> None:
    import polars as pl

    table = pl.DataFrame(
        {
            "ticker": ["A", "A", "B"],
            "start_date": ["2019-01-03", "2020-01-02", "2018-01-01"],
            "end_date": ["2019-01-08", None, "2019-01-02"],
        }
    )
    inside = members(table, DAYS, ["A", "B", "C"])
    assert DAYS[inside[:, 0]][:4].astype(str).tolist() == [
        "2019-01-03",
        "2019-01-04",
        "2019-01-07",
        "2020-01-02",
    ]
    assert DAYS[inside[:, 1]].astype(str).tolist() == ["2019-01-01"]
    assert not inside[:, 2].any()


@pytest.mark.parametrize("symbol", ["AIG", "HIG"])
def test_the_crashes_of_2008_survive_the_jump_filter(shared_data, symbol: str) -> None:
    import polars as pl

    raw = pl.read_parquet(shared_data / "prices" / "us_equities_1999_2016.parquet").filter(
        pl.col("symbol") == symbol
    )
    fields = [(pl.col(f"{f}_e4") / 1e4).alias(f) for f in ("open", "high", "low", "close")]
    made = Panel.from_frame(raw.select("date", "symbol", *fields, "volume", "dividend", "split"))
    worst = float(np.nanmin(made.returns))
    assert worst < -0.4  # the crash is in the data
    after = made.row(np.datetime64("2009-06-01"))
    assert sound(made).sound_tn[after, 0]
