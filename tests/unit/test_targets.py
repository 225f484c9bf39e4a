"""Decisions and portfolios as signals: when they count, when they end, what is refused."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from podshop.adapters.feeds import attach, read
from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.market.panel import from_arrays
from podshop.market.targets import Decision, deepest, of_decisions, signals_of
from podshop.pods import discretionary, given

CLOSE = np.array([100.0, 102.0, 90.0, 99.0, 110.0, 111.0, 104.0, 95.0, 96.0, 97.0])


def market(close: np.ndarray = CLOSE) -> Panel:
    """Ten sessions from Monday 2024-03-04 on: A moves, B stands still."""
    days = np.busday_offset("2024-03-04", np.arange(len(close)))
    return from_arrays(days, ["A", "B"], np.column_stack([close, np.full(len(close), 50.0)]))


def at(day: int, hour: int = 20, minute: int = 0) -> datetime:
    """A moment of March 2024, UTC. New York closes at 21:00 until the 8th, at 20:00 afterwards."""
    return datetime(2024, 3, day, hour, minute, tzinfo=UTC)


def decided(moment: datetime, symbol: str = "A", weight: float = 0.1, **more: object) -> Decision:
    return Decision(moment, symbol, weight, "because", "me", **more)  # type: ignore[arg-type]


def held(*decisions: Decision, panel: Panel | None = None) -> np.ndarray:
    """(T,) wishes for A of the discretionary pod."""
    from podshop.market.panel import with_signals

    panel = market() if panel is None else panel
    made = signals_of("macro", of_decisions("d", list(decisions)), panel)
    return np.round(
        discretionary.wishes(with_signals(panel, made), discretionary.Params())[:, 0], 4
    )


def test_a_decision_counts_from_the_first_close_at_or_after_its_moment() -> None:
    assert held(decided(at(5, 21, 0))).tolist() == [0, *[0.1] * 9]
    assert held(decided(at(5, 21, 1))).tolist() == [0, 0, *[0.1] * 8]
    assert held(decided(at(9))).tolist() == [*[0] * 5, *[0.1] * 5], "a Saturday's on Monday"
    assert held(decided(datetime(2023, 1, 1, tzinfo=UTC))).tolist() == [0.1] * 10
    assert held(decided(at(30))).tolist() == [0] * 10, "no session has seen it yet"


def test_a_later_decision_takes_the_place_and_of_two_before_a_close_the_last_counts() -> None:
    wishes = held(decided(at(4)), decided(at(6), weight=0.3), decided(at(6, 20, 1), weight=-0.2))
    assert wishes.tolist() == [0.1, 0.1, *[-0.2] * 8]


def test_a_position_is_closed_at_the_first_close_on_or_after_its_expiry() -> None:
    assert held(decided(at(4), expires=date(2024, 3, 7))).tolist() == [*[0.1] * 3, *[0] * 7]
    assert held(decided(at(4), expires=date(2024, 3, 9))).tolist() == [*[0.1] * 5, *[0] * 5]


def test_a_stop_is_measured_from_the_entry_and_lasts_until_decided_anew() -> None:
    # entered at 102 on the 5th; 90 is a loss of 11.8 %
    stopped = [0, 0.1, *[0] * 8]
    assert held(decided(at(5), stop=0.10)).tolist() == stopped
    assert held(decided(at(5), stop=0.12)).tolist() == [0, *[0.1] * 9]
    again = held(decided(at(5), stop=0.10), decided(at(8), stop=0.10))
    # entered again at 110 on the 8th: 95 on the 13th loses 13.6 %
    assert again.tolist() == [0, 0.1, 0, 0, 0.1, 0.1, 0.1, 0, 0, 0]


def test_a_short_position_is_stopped_by_a_rise() -> None:
    # sold at 90 on the 6th; 99 is a loss of 10 %
    assert held(decided(at(6), weight=-0.1, stop=0.11)).tolist()[2:5] == [-0.1, -0.1, 0]


def test_a_change_of_size_keeps_the_entry_and_a_change_of_side_does_not() -> None:
    # bought at 90 on the 6th, more at 110 on the 8th: 95 loses nothing since the entry
    more = held(decided(at(6), stop=0.05), decided(at(8), weight=0.2, stop=0.05))
    assert more.tolist() == [0, 0, 0.1, 0.1, *[0.2] * 6]
    # short at 90, long at 110: 104 loses 5.5 % since that
    turned = held(decided(at(6), weight=-0.1), decided(at(8), weight=0.2, stop=0.05))
    assert turned.tolist() == [0, 0, -0.1, -0.1, 0.2, 0.2, 0, 0, 0, 0]


def test_an_entry_without_a_price_is_at_the_next_one() -> None:
    close = CLOSE.copy()
    close[1:3] = np.nan
    # decided on the 5th, first price 99 on the 7th; 95 loses 4.04 %
    wishes = held(decided(at(5), stop=0.04), panel=market(close))
    assert wishes.tolist() == [0, 0, 0, 0.1, 0.1, 0.1, 0.1, 0, 0, 0]


def test_dividends_and_splits_are_no_loss() -> None:
    close = CLOSE.copy()
    close[2:] /= 2.0
    split = np.ones((10, 2))
    split[2, 0] = 2.0
    days = np.busday_offset("2024-03-04", np.arange(10))
    panel = from_arrays(days, ["A", "B"], np.column_stack([close, np.full(10, 50.0)]), split=split)
    assert held(decided(at(5), stop=0.12), panel=panel).tolist() == [0, *[0.1] * 9]


def test_deepest_is_the_loss_so_far() -> None:
    index = np.array([np.nan, 1.0, 0.9, np.nan, 1.2, 0.8])
    np.testing.assert_allclose(deepest(index, 1.0), [0, 0, 0.1, 0.1, 0.1, 0.2], atol=1e-7)
    np.testing.assert_allclose(deepest(index, -1.0), [0, 0, 0, 0, 0.2, 0.2], atol=1e-7)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"weight": float("nan")}, "weight: nan"),
        ({"weight": 250.0}, "weight: 250 is no fraction"),
        ({"stop": 5.0}, "stop: 5 is no loss"),
        ({"stop": 0.0}, "stop: 0 is no loss"),
        ({"thesis": " "}, "thesis: is empty"),
        ({"author": ""}, "author: is empty"),
        ({"thesis": "two\nlines"}, "thesis: must be one line"),
        ({"author": "\x1b[2Jme"}, "author: must be one line"),
        ({"symbol": " SPY"}, "symbol: ' SPY'"),
        ({"at": datetime(2024, 3, 4)}, "at: .* has no time zone"),  # noqa: DTZ001
        ({"expires": date(2024, 3, 4)}, "expires: 2024-03-04 is not after the decision"),
    ],
)
def test_a_decision_without_sense_is_refused_by_its_field(
    fields: dict[str, object], words: str
) -> None:
    sound = {"at": at(4), "symbol": "A", "weight": 0.1, "thesis": "why", "author": "me"}
    with pytest.raises(ValueError, match=words):
        Decision(**{**sound, **fields})  # type: ignore[arg-type]


def test_a_name_without_data_is_refused_while_a_decision_on_it_stands() -> None:
    wrong = decided(at(4), "SPZ")
    with pytest.raises(DataError, match=r"d line 1: SPZ is not in the market data"):
        held(wrong)
    assert held(wrong, decided(at(5), "SPZ", 0.0)).tolist() == [0] * 10
    assert held(decided(at(4), "SPZ", expires=date(2024, 3, 8))).tolist() == [0] * 10


# --- tables ---------------------------------------------------------------------------------------


def wished(tmp_path: Path, text: str, name: str = "weights.csv", **params: object) -> np.ndarray:
    """(T, 2) wishes of the pod `given` for a table."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    panel = attach(market(), [("weights", str(file))])
    return np.round(given.wishes(panel, given.Params(**params)), 4)  # type: ignore[arg-type]


LONG = "date,symbol,weight\n2024-03-05,A,0.5\n2024-03-05,B,0.25\n2024-03-09,B,-0.5\n"
WIDE = "Date,A,B\n2024-03-05,0.5,0.25\n2024-03-09,,-0.5\n"
EXPECTED = [[0, 0], *[[0.5, 0.25]] * 4, *[[0, -0.5]] * 5]


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        WIDE,
        LONG.replace("date", ",Date").replace("2024", "7,2024"),  # and of a long table
        WIDE.replace("Date", ""),  # as pandas writes an index without a name
        WIDE.replace("-05,", "-05 00:00:00,").replace("-09,", "-09 21:00:00+00:00,"),
        # values of 1000, and backtrader's or pyfolio's column cash
        "index,A,B,cash\n2024-03-05,500,250,250\n2024-03-09,0,-500,1500\n",
        (
            "date,symbol,value,nav\n2024-03-05,A,500,1000\n2024-03-05,B,250,1000\n"
            "2024-03-09,B,-500,1000\n"
        ),
        (
            "date,symbol,amount,last_sale_price,portfolio_value\n2024-03-05,A,5,100,1000\n"
            "2024-03-05,B,5,50,1000\n2024-03-09,B,-10,50,1000\n"
        ),
        # 5 lots of A at 102 are 0.51 of 1000, so 0.5 of 1020
        "date,symbol,units,nav\n2024-03-05,A,5,1020\n2024-03-05,B,5.1,1020\n2024-03-11,B,-10,1000\n",
    ],
)
def test_a_table_is_known_by_its_columns(tmp_path: Path, text: str) -> None:
    assert wished(tmp_path, text).tolist() == EXPECTED


def test_companies_may_be_called_cash_and_time(tmp_path: Path) -> None:
    file = tmp_path / "w.csv"
    file.write_text("date,CASH,TIME\n2024-03-05,0.5,0.2\n")
    assert read(file).frame.select("symbol", "weight").rows() == [("CASH", 0.5), ("TIME", 0.2)]


EXPORTS = Path(__file__).parents[1] / "exports"


@pytest.mark.parametrize(
    ("engine", "day", "weights"),
    [
        # Written by the lines of docs/howto/bring-your-own.md with bt 1.4.1, vectorbt 1.2.0,
        # backtrader 1.9.78.123, zipline-reloaded 3.2; the weights are what was ordered there.
        ("bt", date(2024, 1, 2), {"SPY": 0.5, "TLT": 0.5}),
        ("vectorbt", date(2024, 1, 2), {"SPY": 0.5, "TLT": 0.25}),
        ("backtrader", date(2024, 1, 5), {"SPY": 0.5, "TLT": -0.25}),
        ("zipline", date(2014, 5, 5), {"AAPL": 100 * 600.96 / 1e6, "SPY": -200 * 188.44 / 1e6}),
    ],
)
def test_what_other_engines_wrote_is_read(
    engine: str, day: date, weights: dict[str, float]
) -> None:
    rows = read(EXPORTS / f"{engine}.csv").frame.filter(date=day)
    got = {s: w for s, w in rows.select("symbol", "weight").iter_rows() if s}
    assert got == pytest.approx(weights, abs=0.006)


def test_parquet_reads_as_csv_does(tmp_path: Path) -> None:
    import polars as pl

    for number, text in enumerate((LONG, WIDE)):
        frame = pl.read_csv(text.encode(), try_parse_dates=True)
        dated = frame.columns[0]
        for kind in (pl.Date(), pl.Datetime("ns"), pl.Datetime("us", "UTC"), pl.String()):
            file = tmp_path / f"w{number}.parquet"
            frame.with_columns(pl.col(dated).cast(kind)).write_parquet(file)
            panel = attach(market(), [("weights", str(file))])
            assert given.wishes(panel, given.Params()).tolist() == EXPECTED


def test_a_row_without_a_name_says_that_nothing_is_held(tmp_path: Path) -> None:
    text = "date,symbol,weight\n2024-03-05,A,0.5\n2024-03-07,,\n"
    assert wished(tmp_path, text)[:, 0].tolist() == [0, 0.5, 0.5, *[0] * 7]


def test_weights_wait_when_they_are_told_to(tmp_path: Path) -> None:
    assert wished(tmp_path, LONG, lag_days=2).tolist() == [[0, 0]] * 2 + EXPECTED[:-2]


def test_more_than_the_gross_is_scaled_down_as_a_whole(tmp_path: Path) -> None:
    text = "date,symbol,weight\n2024-03-05,A,1.5\n2024-03-05,B,-0.5\n"
    assert wished(tmp_path, text)[-1].tolist() == [0.75, -0.25]
    assert wished(tmp_path, text, gross=2.0)[-1].tolist() == [1.5, -0.5]


def test_a_table_with_known_at_is_decisions(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(
        "known_at,symbol,weight,expires,stop,thesis\n"
        "2024-03-05T21:00:00Z,A,0.1,,0.10,cheap\n"
        "2024-03-05,B,0.2,2024-03-08,,a bare date is known at its end\n"
    )
    panel = attach(market(), [("macro", str(file))])
    wishes = np.round(discretionary.wishes(panel, discretionary.Params()), 4)
    assert wishes[:, 0].tolist() == [0, 0.1, *[0] * 8]
    assert wishes[:, 1].tolist() == [0, 0, 0.2, 0.2, *[0] * 6]
    with pytest.raises(DataError, match="has decisions, not weights"):
        given.wishes(panel, given.Params(feed="macro"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("date,symbol,weight\n2024-03-05,A,half\n", r"line 2: column weight: 'half' is no number"),
        ("date,symbol,weight\n2024-03-05,A,\n", "line 2: column weight: is empty"),
        ("date,symbol,weight\n2024-03-05,A,inf\n", "line 2: column weight: .* is no number"),
        ("date,symbol,weight\n2024-03-05,A,50\n", "line 2: column weight: 50 is no fraction"),
        ("date,symbol,weight\n05.03.2024,A,1\n", "line 2: column date: '05.03.2024' is no date"),
        ("date,symbol,weight\n2024-03-05,A,1\n2024-03-05,A,1\n", "line 3: .*A stands twice"),
        ("date,symbol,weight\n2024-03-05x,A,1\n", "line 2: column date: .* is no date"),
        ("date,symbol,weight\n,A,1\n", "line 2: column date: None is no date"),
        ("known_at,symbol,weight\n,A,1\n", "line 2: column known_at: is empty"),
        ("date,symbol,weight\n2024-03-05,C,1\n", "line 2: C is not in the market data"),
        ("Date,A,C\n2024-03-05,1,1\n", "line 2: C is not in the market data"),
        ("Date,A,B\n2024-03-05,100,x\n", "line 2: column B: 'x' is no number"),
        ("Date,A,B\n2024-03-05,100,200\n", "line 2: column A: 100 is no fraction"),
        ("date,symbol,units\n2024-03-05,A,5\n", "no column nav"),
        ("date,symbol\n2024-03-05,A\n", "no column units or nav"),
        ("date,symbol,units,nav\n2024-03-09,A,5,9\n", "A has no close on 2024-03-09"),
        ("date,symbol,value,nav\n2024-03-05,A,5,0\n", "column nav: 0.0 is nothing to take"),
        ("date,A,cash\n2024-03-05,5,-5\n", "column cash: with the positions it comes to nothing"),
        ("when,A,B\n2024-03-05,1,1\n", "no column is the date"),
        ("index,time,symbol,weight\n2024-03-05,9,A,1\n", "more than one column may be the date"),
        ("date,Date,symbol,weight\n2024-03-05,9,A,1\n", "column date stands twice"),
        ("date,symbol,weight\n", "has no rows"),
        ("known_at,symbol,weight\n2024-03-05T21:00:00,A,1\n", "line 2: .*has no time zone"),
        ("known_at,symbol,weight\nsoon,A,1\n", "line 2: column known_at: 'soon' is no moment"),
        ("known_at,symbol,weight,stop\n2024-03-05,A,1,7\n", "line 2: column stop: 7 is no loss"),
        ("known_at,symbol,weight\n2024-03-05,,1\n", "line 2: column symbol: is empty"),
    ],
)
def test_a_wrong_table_is_refused_by_line_and_column(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        wished(tmp_path, text)


def test_a_pickle_is_never_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pickles run code"):
        wished(tmp_path, "anything", name="perf.pkl")
    with pytest.raises(DataError, match="there is no such file"):
        read(tmp_path / "none.csv")


def test_a_feed_must_not_hide_a_signal_nor_be_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "w.csv"
    file.write_text(LONG)
    with pytest.raises(DataError, match="has a signal weights already"):
        attach(market(), [("weights", str(file)), ("weights", str(file))])
    for pod in (discretionary, given):
        with pytest.raises(DataError, match="no feed"):
            pod.wishes(market(), pod.Params())
