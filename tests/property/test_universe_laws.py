"""The future has no say in who is in: cut it off or scramble it, and the past stays the same."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.prices import weekdays

from podshop.domain.market import Panel
from podshop.market.panel import from_arrays
from podshop.market.universe import Params, listed, preprocess, screen

PARAMS = Params(history_sessions=30, lookback_days=60, top=4, volatility_most=0.6)


def wild(seed: int, sessions: int = 160, names: int = 8) -> dict[str, np.ndarray]:
    """Prices with gaps, jumps, bad ticks, splits, idle days and departures."""
    rng = np.random.default_rng(seed)
    shape = (sessions, names)
    close = rng.uniform(3.0, 60.0, names) * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=0))
    close *= np.where(rng.random(shape) < 0.01, rng.uniform(0.2, 3.0, shape), 1.0)
    split = np.where(rng.random(shape) < 0.005, 2.0, 1.0)
    close /= np.cumprod(split, axis=0)
    close[rng.random(shape) < 0.004] = np.nan
    close[sessions // 2 :, 0] = np.nan
    volume = np.exp(rng.normal(12.0, 1.0, shape))
    volume[rng.random(shape) < 0.02] = 0.0
    volume[:, 1] *= 0.2
    return {"close": close, "volume": volume, "split": split}


def build(fields: dict[str, np.ndarray]) -> Panel:
    sessions, names = fields["close"].shape
    return from_arrays(weekdays(sessions), [f"N{n}" for n in range(names)], **fields)


def answers(panel: Panel) -> list[np.ndarray]:
    first = preprocess(panel, PARAMS)
    return [
        listed(panel),
        first.reason_tn,
        screen(panel, PARAMS).reason_tn,
        screen(panel, replace(PARAMS, top=2), first.member_tn).reason_tn,
    ]


@given(seed=st.integers(0, 10_000), cut=st.integers(1, 159))
def test_the_past_is_the_same_whatever_follows(seed: int, cut: int) -> None:
    fields = wild(seed)
    whole = answers(build(fields))
    short = answers(build({name: values[:cut] for name, values in fields.items()}))
    other = wild(seed + 1)
    scrambled = {n: np.concatenate([v[:cut], other[n][cut:]]) for n, v in fields.items()}
    for mine, cut_off, strange in zip(whole, short, answers(build(scrambled)), strict=True):
        np.testing.assert_array_equal(mine[:cut], cut_off)
        np.testing.assert_array_equal(mine[:cut], strange[:cut])


def test_the_wild_prices_meet_every_reason() -> None:
    met = {
        int(code) for seed in range(40) for a in answers(build(wild(seed)))[1:] for code in a.flat
    }
    assert met == set(range(11))
