"""Buy rising names after a few bad days, sell them when they have bounced.

Economics: sellers in a hurry pay for immediacy, and the price comes back within days (Lehmann
1990, Quarterly Journal of Economics 105; Nagel 2012, Review of Financial Studies 25: the premium
grows with volatility). The rule is the two-day RSI of Connors, Alvarez 2009, "Short Term Trading
Strategies That Work":

1 RSI = 100 * mean gain / (mean gain + mean loss) over `rsi_days` sessions (Cutler's form: plain
  means, so that it depends on those sessions and on nothing before them)
2 IBS = (close - low) / (high - low) of the session, where the data has highs and lows: weak closes
3 buy at RSI <= `enter` and IBS <= `ibs`, while the name is above its mean of `trend_days`
4 sell at RSI >= `leave`, or `hold_days` after the last signal
5 one slot each; more open names than slots share the gross

Fails in slow declines, where every dip is followed by a lower one (2008), and where costs exceed
the bounce: it trades often.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64, Bools
from podshop.factors import cross_section, window

FIELDS = ("returns", "index", "close", "high", "low")
WHEN = "change"


@dataclass(frozen=True)
class Params:
    """Windows, thresholds, sizes.

    Attributes:
        rsi_days: sessions of the RSI.
        trend_days: sessions of the mean that a name must be above.
        enter: RSI at or below which a name is bought, 0..100.
        leave: RSI at or above which it is sold, 0..100.
        ibs: largest internal bar strength at which a name is bought, 0..1.
        hold_days: sessions after its last signal at which a name is sold anyway.
        slots_share: positions at full size, as a share of the names that trade.
        slots_least: positions at full size at least.
        gross: largest sum of |weight|.
    """

    rsi_days: int = 2
    trend_days: int = 200
    enter: float = 10.0
    leave: float = 70.0
    ibs: float = 0.25
    hold_days: int = 10
    slots_share: float = 0.15
    slots_least: int = 8
    gross: float = 1.0

    def __post_init__(self) -> None:
        """Refuse thresholds that never open or never close."""
        if min(self.rsi_days, self.trend_days, self.hold_days, self.slots_least) < 1:
            raise ValueError("rsi_days, trend_days, hold_days and slots_least must be at least 1")
        if not 0.0 <= self.enter < self.leave <= 100.0 or not 0.0 <= self.ibs <= 1.0:
            raise ValueError("0 <= enter < leave <= 100 and 0 <= ibs <= 1")
        if not 0.0 < self.slots_share <= 1.0 or self.gross <= 0.0:
            raise ValueError("slots_share must lie in (0, 1], gross above 0")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:
    """The oldest day that may have opened a position, with the longest window it looked at."""
    return p.hold_days + max(p.trend_days, p.rsi_days) - 1


def wishes(panel: Panel, p: Params) -> F64:
    """One slot for every name that has dipped and not yet bounced.

    Returns:
        (T, N) fractions of the pod's capital, never negative.
    """
    rsi = relative_strength(panel.returns, p.rsi_days)
    rising = panel.index > window.rolling_mean(panel.index, p.trend_days)
    dipped = (rsi <= p.enter) & rising & _weak(panel, p.ibs)
    held = window.latch(dipped, rsi >= p.leave, p.hold_days)
    priced = ~np.isnan(panel.close)
    slots_t = np.maximum(np.ceil(priced.sum(axis=1) * p.slots_share), p.slots_least)
    sized = np.where(held & priced, (p.gross / slots_t)[:, None], 0.0)
    return cross_section.grain(cross_section.scale(sized, p.gross), priced)


def relative_strength(returns: F64, length: int) -> F64:
    """Cutler's RSI on total returns, 0..100; 50 where nothing moved."""
    gain = window.rolling_mean(np.maximum(returns, 0.0), length)
    loss = window.rolling_mean(np.maximum(-returns, 0.0), length)
    still = np.where(np.isnan(gain), np.nan, 50.0)
    return np.divide(100.0 * gain, gain + loss, out=still, where=gain + loss > 0.0)


def _weak(panel: Panel, limit: float) -> Bools:
    """Where the close is low in the session's range, or the range is not known."""
    span = panel.high - panel.low
    strength = np.divide(panel.close - panel.low, span, out=np.zeros(span.shape), where=span > 0.0)
    return strength <= limit
