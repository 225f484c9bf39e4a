"""Every style says the same of a day whatever comes after it and whatever came long before."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshop.factors import style, window

Floats = npt.NDArray[np.float64]
ROWS, NAMES = 150, 37


def market(seed: int) -> dict[str, Floats]:
    """Prices and figures with gaps, losses and empty balance sheets."""
    rng = np.random.default_rng(seed)
    returns = 0.02 * rng.standard_t(4, (ROWS, NAMES))
    made = {"index": np.cumprod(1.0 + np.clip(returns, -0.5, 1.0), axis=0), "returns": returns}
    for name in ("worth", "book", "assets", "sales"):
        made[name] = np.exp(rng.normal(3.0, 1.0, (ROWS, NAMES)))
    for name in ("earnings", "cash", "debt", "gross"):
        made[name] = rng.normal(1.0, 2.0, (ROWS, NAMES))
    for values in made.values():
        values[rng.random(values.shape) < 0.1] = np.nan
    made["book"][:, 0] = -1.0
    return made


def _quality(m: dict[str, Floats]) -> Floats:
    return style.quality(
        earnings=m["earnings"],
        book=m["book"],
        gross_profit=m["gross"],
        assets=m["assets"],
        cash_flow=m["cash"],
        debt=m["debt"],
    )


def _together(m: dict[str, Floats]) -> Floats:
    parts = {"slow": style.qsmom(m["index"], 40, 5), "quality": _quality(m)}
    return style.composite(parts, {"slow": 0.6, "quality": -0.4})


# Name -> (style, rows it may look at).
STYLES: dict[str, tuple[Callable[[dict[str, Floats]], Floats], int]] = {
    "qsmom": (lambda m: style.qsmom(m["index"], 40, 5), 41),
    "smoothed": (lambda m: style.qsmom(m["index"], 40, 5, smooth=20), 60),
    "reversal": (lambda m: style.reversal(m["index"], 10), 11),
    "low_volatility": (lambda m: style.low_volatility(m["returns"], 30), 30),
    "size": (lambda m: style.size(m["worth"]), 1),
    "value": (
        lambda m: style.value(
            m["worth"],
            earnings=m["earnings"],
            book=m["book"],
            sales=m["sales"],
            cash_flow=m["cash"],
        ),
        1,
    ),
    "quality": (_quality, 1),
    "growth": (lambda m: style.growth(revenue=m["sales"], earnings=m["earnings"], days=30), 31),
    "composite": (_together, 41),
}


def between(m: dict[str, Floats], start: int, stop: int) -> dict[str, Floats]:
    return {name: values[start:stop] for name, values in m.items()}


@pytest.mark.parametrize("name", STYLES)
@given(seed=st.integers(0, 10_000), t=st.integers(60, ROWS - 1))
def test_a_row_is_the_same_bit_for_bit_cut_shortened_and_scrambled(
    name: str, seed: int, t: int
) -> None:
    made, rows = STYLES[name]
    m = market(seed)
    whole = made(m)
    assert whole.shape == (ROWS, NAMES)
    assert not np.isnan(whole[t]).all()
    assert made(between(m, 0, t + 1))[t].tobytes() == whole[t].tobytes()
    assert made(between(m, t + 1 - rows, t + 1))[-1].tobytes() == whole[t].tobytes()
    other = market(seed + 1)
    scrambled = {k: np.vstack([m[k][: t + 1], -3.0 * other[k][t + 1 :]]) for k in m}
    assert made(scrambled)[: t + 1].tobytes() == whole[: t + 1].tobytes()


@pytest.mark.parametrize("smooth", [None, 20])
def test_rows_that_are_asked_for_are_the_same_alone(smooth: int | None) -> None:
    m = market(3)
    rows = window.rows_of(np.array([70, 149]), ROWS)
    for of in (
        lambda rows: style.qsmom(m["index"], 40, 5, smooth, rows),
        lambda rows: style.reversal(m["index"], 10, rows),
        lambda rows: style.low_volatility(m["returns"], 30, None, rows),
    ):
        np.testing.assert_array_equal(of(rows)[rows], of(None)[rows])


def test_weights_and_windows_that_make_no_sense_are_refused() -> None:
    x = np.ones((3, 2))
    with pytest.raises(ValueError, match="less than slow"):
        style.qsmom(x, 21, 21)
    with pytest.raises(ValueError, match="not all 0"):
        style.composite({"a": x}, {"a": 0.0})
    with pytest.raises(ValueError, match="not all 0"):
        style.composite({"a": x}, {"a": float("nan")})
