"""Law 5 for targets: what is written later never changes what stood before, whatever it is."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from podshop.domain.market import Panel
from podshop.market.panel import from_arrays, with_signals
from podshop.market.targets import Decision, of_decisions, signals_of
from podshop.market.visibility import closes
from podshop.pods import discretionary

DAYS = np.busday_offset("2024-01-02", np.arange(40))
BEGIN = datetime(2023, 12, 29, tzinfo=UTC)


@st.composite
def panels(draw: st.DrawFn) -> Panel:
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.03, (40, 3)), axis=0))
    close[rng.random(close.shape) < 0.05] = np.nan
    return from_arrays(DAYS, ["A", "B", "C"], close)


@st.composite
def decisions(draw: st.DrawFn) -> list[Decision]:
    moments = sorted(draw(st.lists(st.integers(0, 58 * 24), min_size=1, max_size=14)))
    made = []
    for hours in moments:
        at = BEGIN + timedelta(hours=hours)
        over = draw(st.none() | st.integers(1, 30))
        made.append(
            Decision(
                at,
                draw(st.sampled_from("ABC")),
                draw(st.sampled_from([0.0, 0.1, 0.3, -0.2])),
                "why",
                "me",
                None if over is None else at.date() + timedelta(days=over),
                draw(st.none() | st.sampled_from([0.02, 0.05, 0.1])),
            )
        )
    return made


def wishes(panel: Panel, made: list[Decision]) -> np.ndarray:
    fed = with_signals(panel, signals_of("macro", of_decisions("d", made), panel))
    return discretionary.wishes(fed, discretionary.Params())


@settings(max_examples=60, deadline=None)
@given(panels(), decisions(), st.data())
def test_later_decisions_and_later_prices_change_nothing_earlier(
    panel: Panel, made: list[Decision], data: st.DataObject
) -> None:
    whole = wishes(panel, made)
    known = data.draw(st.integers(0, len(made)))
    if known < len(made):
        import polars as pl

        until = closes(pl.Series(panel.days)).dt.timestamp("us").to_numpy()
        first = int(np.searchsorted(until, made[known].at.timestamp() * 1e6))
        assert wishes(panel, made[:known])[:first].tobytes() == whole[:first].tobytes()
    t = data.draw(st.integers(0, 39))
    assert wishes(panel.rows(0, t + 1), made).tobytes() == whole[: t + 1].tobytes()


@settings(max_examples=60, deadline=None)
@given(panels(), decisions())
def test_a_walk_through_the_days_says_the_same(panel: Panel, made: list[Decision]) -> None:
    # The slow twin: one position at a time, in plain Python.
    import polars as pl

    until = closes(pl.Series(panel.days)).to_list()
    got = wishes(panel, made)
    for n, symbol in enumerate("ABC"):
        mine = [d for d in made if d.symbol == symbol]
        stand: Decision | None = None
        entry, side, out = None, 0.0, True
        for t, close in enumerate(until):
            day: date = panel.days[t].item()
            fresh = [d for d in mine if d.at <= close and (t == 0 or d.at > until[t - 1])]
            if fresh:
                new = fresh[-1]
                if out or side * new.weight <= 0.0:
                    entry = None
                stand, side, out = new, float(np.sign(new.weight)), new.weight == 0.0
            if stand is not None and stand.expires is not None and stand.expires <= day:
                out = True
            index = panel.index[t, n]
            if not out and stand is not None and np.isfinite(index):
                entry = index if entry is None else entry
                lost = np.float32(-(index / entry - 1.0) * side)
                out = stand.stop is not None and bool(lost >= np.float32(stand.stop))
            wanted = 0.0 if out or stand is None or np.isnan(panel.close[t, n]) else stand.weight
            assert abs(got[t, n] - wanted) < 2e-6, (symbol, t)
