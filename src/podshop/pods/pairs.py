"""Buy a name that has fallen behind its sector for no reason of its own, against the sector.

Economics: a large buyer or seller pushes one name away from its like, and pays whoever stands on
the other side until it comes back (Gatev, Goetzmann, Rouwenhorst 2006, Review of Financial Studies
19). Rule after Avellaneda, Lee 2010 (Quantitative Finance 10), with the sector as the factor:

1 peers = mean return of the other names of the sector (of all names, where it has none)
2 regress the name on its peers over the window; the residuals add up to a spread
3 score = distance of the spread from its mean in standard deviations of a fitted AR(1) process;
  spreads whose pull is slower than half the window have no score
4 open at |score| >= `enter`, close when it is back within `leave` or after `hold_days` without a
  new signal
5 equal sizes, less the sector's mean, so that every sector is worth 0 dollars net

Fails when news is real (the spread never returns), and when everybody unwinds the same spreads in
one week (August 2007). A name alone in its sector is not traded.
"""

import math
from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import cross_section, window

FIELDS = ("returns", "close")
WHEN = "change"


@dataclass(frozen=True)
class Params:
    """Window, thresholds in standard deviations, sizes.

    Attributes:
        window_days: sessions of the regression and of the spread.
        enter: |score| at which a position is opened, standard deviations.
        leave: |score| within which it is closed, standard deviations.
        hold_days: sessions after its last signal at which a position is given up.
        slots_share: positions at full size, as a share of the names that trade.
        slots_least: positions at full size at least.
        gross: largest sum of |weight|, hedges included.
    """

    window_days: int = 60
    enter: float = 1.25
    leave: float = 0.5
    hold_days: int = 30
    slots_share: float = 0.25
    slots_least: int = 5
    gross: float = 1.0

    def __post_init__(self) -> None:
        """Refuse thresholds that never open or never close."""
        if self.window_days < 20 or self.hold_days < 1 or self.slots_least < 1:
            raise ValueError("window_days >= 20, hold_days >= 1, slots_least >= 1")
        if not 0.0 <= self.leave < self.enter:
            raise ValueError("leave must be at least 0 and less than enter")
        if not 0.0 < self.slots_share <= 1.0 or self.gross <= 0.0:
            raise ValueError("slots_share must lie in (0, 1], gross above 0")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:
    """The oldest score that may have opened a position, with its window."""
    return p.hold_days + p.window_days - 1


def wishes(panel: Panel, p: Params) -> F64:
    """Open spreads in equal sizes, hedged within the sector.

    Returns:
        (T, N) fractions of the pod's capital; they sum to about 0 in every sector.
    """
    sector_n = np.array(panel.assets.sector_ids(), dtype=np.int64)
    peers = cross_section.peers(panel.returns, sector_n, 1)
    score, _ = window.residual_score(
        panel.returns,
        peers,
        p.window_days,
        least=math.ceil(0.9 * p.window_days),
        slowest=1.0 - 2.0 / p.window_days,
    )
    long = window.latch(score <= -p.enter, score >= -p.leave, p.hold_days)
    short = window.latch(score >= p.enter, score <= p.leave, p.hold_days)
    priced = ~np.isnan(panel.close)
    side = np.where(priced, long.astype(np.float64) - short, np.nan)
    slots_t = np.maximum(np.ceil(priced.sum(axis=1) * p.slots_share), p.slots_least)
    # A position and its hedge each take about half of a slot's gross.
    sized = side * (0.5 * p.gross / slots_t)[:, None]
    hedged = cross_section.neutralise(sized, sector_n)
    return cross_section.grain(cross_section.scale(hedged, p.gross), priced)
