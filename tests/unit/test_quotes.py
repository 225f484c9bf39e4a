"""Panels into the market that books are kept against."""

import numpy as np
import pytest

from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.market.panel import from_arrays
from podshop.market.quotes import data_hash, quotes, row_hash

NAN = float("nan")
DAYS = np.array(["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"], dtype="datetime64[D]")


def small(opens: bool) -> Panel:
    close = np.array([[10.0, NAN, 5.0], [11.0, 2.0, NAN], [NAN, 2.1, NAN], [12.0, 2.2, NAN]])
    open_ = np.array([[9.5, NAN, 5.5], [NAN, 1.5, NAN], [7.0, 2.0, NAN], [11.5, 2.2, NAN]])
    return from_arrays(
        DAYS,
        ["A", "B", "C"],
        close,
        open_ if opens else None,
        volume=np.array([[1.0, NAN, 2.4], [2.5, 3.0, NAN], [NAN, 4.0, NAN], [5.0, 0.0, NAN]]),
        dividend=np.array([[0.0] * 3, [0.25, 0.0, 0.0], [0.0, 0.125, 0.0], [0.0] * 3]),
        split=np.array([[1.0] * 3, [1.0] * 3, [2.0, 1.0, 1.0], [1.0] * 3]),
        sectors=["x", "y", "x"],
        rate=0.0365,
        gone_days=2,
    )


def random_panel(days: int = 300, names: int = 40, seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    close = rng.uniform(1.0, 90.0, (days, names))
    close[rng.random(close.shape) < 0.1] = NAN
    first = np.datetime64("2020-01-01")
    return from_arrays(
        np.arange(first, first + days),
        [f"S{n}" for n in range(names)],
        close,
        close * rng.uniform(0.98, 1.02, close.shape),
        volume=rng.uniform(0, 1e6, close.shape),
        dividend=np.where(rng.random(close.shape) < 0.02, 0.5, 0.0),
        split=np.where(rng.random(close.shape) < 0.02, 2.0, 1.0),
    )


def test_marks_are_carried_over_days_without_a_price() -> None:
    market = quotes(small(opens=True))
    e6 = 1_000_000
    assert (market.mark_tn[:, 0] // e6).tolist() == [10, 11, 11, 12]
    assert market.mark_tn[:, 1].tolist() == [0, 2 * e6, 2_100_000, 2_200_000]
    assert (market.mark_tn[:, 2] // e6).tolist() == [5, 5, 5, 5]
    assert market.traded_tn[:, 0].tolist() == [True, True, False, True]


def test_the_reference_is_the_open_and_nothing_else_where_there_are_opens() -> None:
    market = quotes(small(opens=True))
    assert market.opens
    # No open on the second day, no close on the third: not tradable.
    assert market.reference_tn[:, 0].tolist() == [9_500_000, 0, 0, 11_500_000]


def test_the_reference_is_the_close_where_there_are_only_closes() -> None:
    market = quotes(small(opens=False))
    assert not market.opens
    assert market.reference_tn[:, 0].tolist() == [10_000_000, 11_000_000, 0, 12_000_000]
    assert market.reference_tn[:, 2].tolist() == [5_000_000, 0, 0, 0]


def test_volumes_are_rounded_and_unknown_ones_marked() -> None:
    assert quotes(small(True)).volume_tn.tolist() == [
        [1, -1, 2],
        [3, 3, -1],
        [-1, 4, -1],
        [5, 0, -1],
    ]
    unknown = from_arrays(DAYS, ["A"], np.ones((4, 1)))
    assert (quotes(unknown).volume_tn == -1).all()


def test_rare_happenings_are_packed_by_session() -> None:
    market = quotes(small(opens=True))
    dividends = [tuple(map(list, market.dividends.at(t))) for t in range(4)]
    assert dividends == [([], []), ([0], [250_000]), ([1], [125_000]), ([], [])]
    # The split of the halted session is booked when the name trades again.
    splits = [tuple(map(list, market.splits.at(t))) for t in range(4)]
    assert splits == [([], []), ([], []), ([], []), ([0], [2_000_000])]
    gone = [list(market.delistings.at(t)[0]) for t in range(4)]
    assert gone == [[], [], [2], []]


def test_returns_time_and_sectors() -> None:
    panel = small(opens=True)
    market = quotes(panel)
    assert market.returns_nt.dtype == np.float32
    assert market.returns_nt.flags.c_contiguous
    np.testing.assert_array_equal(
        market.returns_nt, np.nan_to_num(panel.returns).T.astype(np.float32)
    )
    assert (market.year_t * 365).tolist() == pytest.approx([0, 1, 3, 1])
    assert market.rate_t.tolist() == pytest.approx([0, 1e-4, 3e-4, 1e-4])
    assert market.sector_n.tolist() == [0, 1, 0]
    for array in (market.mark_tn, market.returns_nt, market.dividends.value, market.year_t):
        assert not array.flags.writeable


def test_prices_that_micros_cannot_hold_are_refused() -> None:
    for price in (1e-7, 1e13):
        panel = from_arrays(DAYS, ["A"], np.full((4, 1), price))
        with pytest.raises(DataError, match=r"A 2024-01-04: close .* lots of another size"):
            quotes(panel)


def test_a_market_cut_at_a_day_is_the_market_of_the_panel_cut_there() -> None:
    panel = random_panel()
    whole, cut = quotes(panel).until(170), quotes(panel.rows(0, 171))
    assert data_hash(whole) == data_hash(cut)
    for t in (0, 99, 170):
        assert row_hash(whole, t) == row_hash(quotes(panel), t)


def test_the_hash_notices_one_changed_number() -> None:
    panel = random_panel()
    market = quotes(panel)
    assert data_hash(market) == data_hash(quotes(random_panel()))
    close = panel.close.copy()
    close[123, 7] = 50.000001
    other = quotes(
        from_arrays(
            panel.days, panel.assets.symbols, close, panel.open, volume=panel.volume,
            dividend=panel.dividend, split=panel.split,
        )
    )  # fmt: skip
    assert data_hash(other) != data_hash(market)
    assert row_hash(other, 122) == row_hash(market, 122)
    assert row_hash(other, 123) != row_hash(market, 123)
