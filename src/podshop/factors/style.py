"""Styles: what is known to tell good names from bad, as scores; higher is more attractive.

Every function takes and gives (T, N) arrays of floats, NaN where something is not known. Row t is
made of rows up to t and of no more than the window that the function states, added up anew for each
row, so that a pod which ranks by a style passes its cards bit for bit. A pod's `lookback` is the
longest window of the styles it uses.

| style          | rows      | idea                                                               |
|----------------|-----------|--------------------------------------------------------------------|
| qsmom          | slow + smooth | winners of a year go on winning, the last month left out       |
| reversal       | days + 1  | within a month the opposite holds                                  |
| low_volatility | days      | calm names earn as much for less risk                              |
| size           | 1         | small companies earn more                                          |
| value          | 1         | what is cheap beside its figures earns more                        |
| quality        | 1         | so does what earns much on its capital, in cash, with little debt  |
| growth         | days + 1  | so does, for a while, what grows                                   |

Figures of companies reach a pod as scores of its panel (`panel.signal("value")`, "quality",
"growth", "size": `data/fundamentals.py`), as do sentiment and smart money (`data/scores.py`): there
they are made point in time, each known at the close of its row.
"""

from collections.abc import Mapping

import numpy as np

from podshop.domain.money import F64, Bools
from podshop.factors import cross_section, window
from podshop.factors.logarithm import log

TAILS = 0.01
"""Share of the names at either end of a ratio that is pulled in before it is standardised."""
LEAST_WEIGHT = 0.5
"""Share of the weights that must be known for a name to have a composite score."""


# --- from prices ----------------------------------------------------------------------------------


def qsmom(
    index: F64,
    slow: int = 252,
    fast: int = 21,
    smooth: int | None = None,
    rows: Bools | None = None,
) -> F64:
    """Momentum as Quant Science's QSMOM has it: ROC(slow) - ROC(fast), ROC(k) = I(t) / I(t-k) - 1.

    Winners of 3 to 12 months go on winning (Jegadeesh, Titman 1993, Journal of Finance 48), but not
    those of the last month (Jegadeesh 1990, Journal of Finance 45).

    Args:
        index: (T, N) total-return index.
        slow: sessions of the long rate of change.
        fast: sessions of the short one, which is taken off.
        smooth: sessions to take the mean over (126, say), half of which must be known; None = the
            day's own figure.
        rows: (T,) rows wanted; the others are NaN or not to be read. None = all.

    Raises:
        ValueError: the windows are not one inside the other.
    """
    if not 1 <= fast < slow:
        raise ValueError(f"fast must be at least 1 and less than slow, not {fast} and {slow}")
    raw = change(index, slow, None if smooth else rows) - change(index, fast)
    if smooth is None:
        return raw
    return window.rolling_mean(raw, smooth, (smooth + 1) // 2, rows)


def reversal(index: F64, days: int = 21, rows: Bools | None = None) -> F64:
    """Losers of the last month before winners: -(I(t) / I(t - days) - 1).

    Jegadeesh 1990, Journal of Finance 45; arguments as in `qsmom`.
    """
    return -change(index, days, rows)


def low_volatility(
    returns: F64, days: int = 252, least: int | None = None, rows: Bools | None = None
) -> F64:
    """Calm names before wild ones: minus the standard deviation of the returns.

    Ang, Hodrick, Xing, Zhang 2006, Journal of Finance 61; Frazzini, Pedersen 2014, Journal of
    Financial Economics 111.

    Args:
        returns: (T, N) daily total returns.
        days: sessions of the window.
        least: returns that must be known; None = half of them.
        rows: (T,) rows wanted; the others stay NaN. None = all.
    """
    needed = (days + 1) // 2 if least is None else least
    return -window.rolling_std(returns, days, needed, rows)


def change(x: F64, days: int, rows: Bools | None = None) -> F64:
    """Rate of change x(t) / x(t - days) - 1.

    Args:
        x: (T, N) levels.
        days: rows between the two.
        rows: (T,) rows wanted; the others stay NaN. None = all.

    Returns:
        (T, N); NaN where either is not known, or the earlier not above 0.
    """
    if days < 1:
        raise ValueError(f"a change needs at least 1 day, not {days}")
    out = np.full(x.shape, np.nan)
    at = window.asked(rows, len(x), days)
    out[at] = ratio(x[at], x[at - days]) - 1.0
    return out


# --- from figures of companies --------------------------------------------------------------------


def size(market_value: F64) -> F64:
    """Small companies before large ones: -ln(market value) (Banz 1981, Journal of Financial
    Economics 9).

    Args:
        market_value: (T, N) price times lots outstanding; what is not above 0 is not known.
    """
    return -log(market_value)


def value(
    market_value: F64,
    *,
    earnings: F64 | None = None,
    book: F64 | None = None,
    sales: F64 | None = None,
    cash_flow: F64 | None = None,
) -> F64:
    """What is cheap: the mean of the z-scores of figure / market value, for the figures given.

    Basu 1977, Journal of Finance 32 (earnings); Fama, French 1992, Journal of Finance 47 (book);
    Barbee, Mukherji, Raines 1996, Financial Analysts Journal 52 (sales); Lakonishok, Shleifer,
    Vishny 1994, Journal of Finance 49 (cash flow). Losses count: a negative yield is a low one.

    Args:
        market_value: (T, N) price times lots outstanding.
        earnings: (T, N) net income of four quarters.
        book: (T, N) equity.
        sales: (T, N) revenue of four quarters.
        cash_flow: (T, N) operating cash flow of four quarters.

    Raises:
        ValueError: no figure is given.
    """
    figures = {"earnings": earnings, "book": book, "sales": sales, "cash_flow": cash_flow}
    return _mean(
        {name: ratio(x, market_value) for name, x in figures.items() if x is not None},
        "value needs at least one of earnings, book, sales, cash_flow",
    )


def quality(
    *,
    earnings: F64 | None = None,
    book: F64 | None = None,
    gross_profit: F64 | None = None,
    assets: F64 | None = None,
    cash_flow: F64 | None = None,
    debt: F64 | None = None,
) -> F64:
    """What earns much, in cash, with little debt: the mean of the z-scores that can be made of

        return on equity      earnings / book, where book is above 0
        gross profitability   gross profit / assets (Novy-Marx 2013, J. of Financial Economics 108)
        low accruals          -(earnings - cash flow) / assets (Sloan 1996, Accounting Review 71)
        low leverage          -debt / assets

    after Asness, Frazzini, Pedersen 2019, "Quality minus junk", Review of Accounting Studies 24.

    Args:
        earnings: (T, N) of four quarters.
        book: (T, N) equity at the last balance sheet.
        gross_profit: (T, N) of four quarters.
        assets: (T, N) at the last balance sheet.
        cash_flow: (T, N) from operations, of four quarters.
        debt: (T, N) at the last balance sheet.

    Raises:
        ValueError: no measure can be made of what is given.
    """
    parts: dict[str, F64] = {}
    if earnings is not None and book is not None:
        parts["return on equity"] = ratio(earnings, book)
    if assets is not None and gross_profit is not None:
        parts["gross profitability"] = ratio(gross_profit, assets)
    if assets is not None and earnings is not None and cash_flow is not None:
        parts["low accruals"] = -ratio(earnings - cash_flow, assets)
    if assets is not None and debt is not None:
        parts["low leverage"] = -ratio(debt, assets)
    return _mean(
        parts,
        "quality needs earnings and book, or assets with gross_profit, with earnings and "
        "cash_flow, or with debt",
    )


def growth(*, revenue: F64 | None = None, earnings: F64 | None = None, days: int = 252) -> F64:
    """What grows: the mean of the z-scores of (x - before) / ((|x| + |before|) / 2).

    The mean of both in the denominator keeps it in [-2, 2] and gives a sense to a loss that turns
    into a profit (Davis, Haltiwanger, Schuh 1996, "Job creation and destruction", appendix).

    Args:
        revenue: (T, N) of four quarters, as known at each close.
        earnings: likewise.
        days: sessions back; what was known then is the figure before.

    Raises:
        ValueError: no figure is given.
    """
    parts: dict[str, F64] = {}
    for name, x in (("revenue", revenue), ("earnings", earnings)):
        if x is not None:
            parts[name] = np.full(x.shape, np.nan)
            before = x[:-days]
            middle = (np.abs(x[days:]) + np.abs(before)) / 2.0
            parts[name][days:] = ratio(x[days:] - before, middle)
    return _mean(parts, "growth needs revenue or earnings")


def ratio(x: F64, y: F64) -> F64:
    """X / y, element by element; NaN where y is not above 0 or either is not known."""
    sound = y > 0.0
    out: F64 = np.divide(x, y, out=np.full(y.shape, np.nan), where=sound)
    return out


# --- together -------------------------------------------------------------------------------------


def composite(scores: Mapping[str, F64], weights: Mapping[str, float]) -> F64:
    """Weighted sum of the cross-sectional z-scores of several scores.

    A name that lacks a score has the weight of it spread over the scores it has, in proportion:
    sum(w z over known) * sum(|w|) / sum(|w| over known). So it is judged by what is known, on the
    same scale as the others. Where more than half of the weight is unknown it has no score.

    Args:
        scores: (T, N) by name.
        weights: by the same names; {"momentum": 0.4, "value": 0.3, "quality": 0.3}, say. A negative
            one turns a score around.

    Returns:
        (T, N).

    Raises:
        ValueError: the names differ, or the weights are all 0 or not finite.
    """
    if set(scores) != set(weights):
        raise ValueError(
            f"scores are {', '.join(sorted(scores)) or 'none'}, but weights are for "
            f"{', '.join(sorted(weights)) or 'none'}: give one weight for each score"
        )
    total = sum(abs(w) for w in weights.values())
    if not 0.0 < total < np.inf:
        raise ValueError("weights must be finite and not all 0")
    shape = next(iter(scores.values())).shape
    added, known = np.zeros(shape), np.zeros(shape)
    # In the order of the names: sums must not depend on how a mapping was written.
    for name in sorted(scores):
        z = cross_section.zscore(scores[name])
        there = ~np.isnan(z)
        added += np.where(there, weights[name] * z, 0.0)
        known += np.where(there, abs(weights[name]), 0.0)
    enough = known >= total * (LEAST_WEIGHT - 1e-9)  # half is enough, whatever its rounding
    out: F64 = np.divide(added * total, known, out=np.full(shape, np.nan), where=enough)
    return out


def _mean(parts: Mapping[str, F64], refusal: str) -> F64:
    """Composite of equal weights that add up to 1, of ratios whose tails are pulled in."""
    if not parts:
        raise ValueError(refusal)
    tamed = {name: cross_section.winsorise_tails(x, TAILS) for name, x in parts.items()}
    return composite(tamed, dict.fromkeys(parts, 1.0 / len(parts)))
