"""The composite: which factors count, who is held, and that no sector is bet on."""

from pathlib import Path

import numpy as np
import pytest

from podshop.adapters.sources import store as source
from podshop.adapters.stores.market import MarketStore
from podshop.data.scores import make_scores
from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.pod import Pod
from podshop.market.panel import from_arrays, with_signals
from podshop.pods import composite
from podshop.research.cards import check_pod
from podshop.simulator import simulate

SHORT = {"slow_days": 40, "fast_days": 5, "volatility_days": 20, "names_least": 4}


def rising(names: int = 20, count: int = 80, sectors: int = 1) -> Panel:
    """Name n drifts by n; the higher its number, the wilder it is."""
    order = np.arange(names)
    noise = np.where(np.arange(count) % 2, 1.0, -1.0)[:, None] * 0.0001 * (1 + order)
    close = 50.0 * np.cumprod(1.0 + 0.001 * order + noise, axis=0)
    days = np.arange(np.datetime64("2021-01-01"), np.datetime64("2021-01-01") + count)
    return from_arrays(
        days,
        [f"N{n:02d}" for n in order],
        close,
        sectors=[f"S{n % sectors}" for n in order],
    )


def only(**weights: float) -> composite.Params:
    none = {"momentum": 0.0, "low_volatility": 0.0, "reversal": 0.0}
    return composite.Params(**{**none, **weights}, **SHORT, sector_neutral=False)  # type: ignore[arg-type]


def sides(panel: Panel, p: composite.Params) -> tuple[set[int], set[int]]:
    last = composite.wishes(panel, p)[-1]
    return set(np.flatnonzero(last > 0.0).tolist()), set(np.flatnonzero(last < 0.0).tolist())


def test_momentum_alone_holds_winners_and_sells_losers() -> None:
    assert sides(rising(), only(momentum=1.0)) == ({18, 19}, {0, 1})


def test_calm_alone_holds_the_calm() -> None:
    assert sides(rising(), only(low_volatility=1.0)) == ({0, 1}, {18, 19})


def test_reversal_alone_holds_losers() -> None:
    assert sides(rising(), only(reversal=1.0)) == ({0, 1}, {18, 19})


def test_equal_and_opposite_factors_are_weighed() -> None:
    long, short = sides(rising(), only(momentum=3.0, low_volatility=1.0))
    assert long == {18, 19}
    assert short == {0, 1}


def test_a_signal_counts_where_it_has_a_weight() -> None:
    panel = rising()
    value = np.tile(np.r_[5.0, np.zeros(18), -5.0], (80, 1))
    given = with_signals(panel, {"value": value})
    long, short = sides(given, only(value=1.0))
    assert 0 in long
    assert 19 in short
    assert sides(given, only(momentum=1.0)) == ({18, 19}, {0, 1})


def test_a_weight_on_a_signal_that_is_not_there_is_refused() -> None:
    with pytest.raises(DataError, match='no signal "quality"'):
        composite.wishes(rising(), only(momentum=1.0, quality=0.5))


def test_the_figures_of_a_store_with_statements_count(tmp_path: Path) -> None:
    world = simulate(40, 2, seed=6)
    store = MarketStore(tmp_path)
    with store.writing() as writer:
        for name, rows in world.tables.items():
            writer.put(name, rows)
        writer.commit()
    with store.writing() as writer:
        writer.put("scores", make_scores(store))
        writer.commit()
    panel = source.load(tmp_path)
    p = composite.Params(value=0.3, quality=0.2, growth=0.1, size=0.1)
    wishes = composite.wishes(panel, p)
    assert (wishes[-100:] != 0.0).any(axis=1).all()
    assert (wishes != composite.wishes(panel, composite.Params())).any()
    look = composite.lookback(p)
    check_pod(Pod("c", "composite", p, composite.wishes, look, "month", 1.0, {}), panel, seed=2)


def test_a_name_with_less_than_half_of_the_weight_known_is_not_held() -> None:
    panel = rising()
    value = np.tile(np.linspace(1.0, -1.0, 20), (80, 1))
    value[:, 0] = np.nan
    long, short = sides(with_signals(panel, {"value": value}), only(value=0.6, reversal=0.4))
    assert 0 not in long | short
    assert 1 in long


def test_no_sector_is_bet_on() -> None:
    p = composite.Params(**SHORT, share=0.2)  # type: ignore[arg-type]
    panel = rising(names=30, sectors=3)
    wishes = composite.wishes(panel, p)
    sector = np.arange(30) % 3
    for s in range(3):
        assert np.abs(wishes[:, sector == s].sum(axis=1)).max() < 1e-5
        assert (wishes[-1, sector == s] > 0.0).sum() == 2
    assert np.abs(wishes[-1]).sum() == pytest.approx(1.0, abs=1e-4)


def test_long_only_owes_nothing_and_uses_the_whole_gross() -> None:
    p = composite.Params(**SHORT, short=False)  # type: ignore[arg-type]
    wishes = composite.wishes(rising(), p)
    assert wishes.min() == 0.0
    assert wishes[-1].sum() == pytest.approx(1.0, abs=1e-4)


def test_too_few_names_get_no_wish() -> None:
    p = composite.Params()  # ten names at least
    assert (composite.wishes(rising(names=9, count=300), p) == 0.0).all()


def test_the_lookback_is_that_of_the_factors_that_count() -> None:
    assert composite.lookback(only(reversal=1.0)) == 6
    assert composite.lookback(only(low_volatility=1.0)) == 20
    assert composite.lookback(only(momentum=1.0)) == 41
    assert composite.lookback(only(value=1.0)) == 1


def test_no_weight_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a weight"):
        only()
