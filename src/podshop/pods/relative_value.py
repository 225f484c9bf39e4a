"""Buy the cheap one of related instruments against the others, sell the dear one.

Economics: two claims on nearly the same thing (two classes of a share, two funds on one index, two
producers of one good) are kept together by those who switch from one to the other; whoever must
trade one of them now moves it away and pays for it (Gatev, Goetzmann, Rouwenhorst 2006, Review of
Financial Studies 19; Froot, Dabora 1999, Journal of Financial Economics 53, on twin shares). What
is related is the owner's knowledge: `groups` names it. Without groups, every sector is one.

1 hedge: the mean of the group's other members, each counted by 1 / its volatility; beta on that
  mean, both of the `hedge_days` before the spread begins; members whose correlation with it is less
  than `related` are not traded
2 spread: what the name made beyond beta times the mean, added up over `window_days`;
  score = distance from its mean in standard deviations
3 open when |score| comes to `enter` from below; close within `leave`, at `stop`, or after
  `hold_days`; after a stop the score must come back to inside `enter` before it can open again
4 equal sizes; hedged as on the day of opening, for as long as it is held

Fails when the relation ends (a merger, a new rule, a bankruptcy): the stop takes a loss that the
backtest of surviving instruments has too rarely; and when costs exceed what a spread is worth,
which for liquid twins is most of the time (Do, Faff 2012, Journal of Financial Research 35).
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.money import F64, I64
from podshop.factors import cross_section, spread

FIELDS = ("returns", "close")
WHEN = "change"

KNOWN = 0.9
"""Share of a window's returns that must be known."""


@dataclass(frozen=True)
class Params:
    """What is related, windows, thresholds in standard deviations, sizes.

    Attributes:
        groups: lists of symbols that belong together, each symbol in one list; none = the sectors.
        hedge_days: sessions of volatilities and beta, before the spread begins.
        window_days: sessions of the spread.
        related: least correlation of a member with the mean of the others.
        enter: |score| at which a position is opened, standard deviations.
        leave: |score| within which it is closed, standard deviations.
        stop: |score| at which it is given up, standard deviations.
        hold_days: sessions after which it is given up.
        positions: positions at full size; more of them share the gross.
        gross: largest sum of |weight|, hedges included.
    """

    groups: tuple[tuple[str, ...], ...] = ()
    hedge_days: int = 120
    window_days: int = 60
    related: float = 0.5
    enter: float = 2.0
    leave: float = 0.5
    stop: float = 3.5
    hold_days: int = 30
    positions: int = 10
    gross: float = 1.0

    def __post_init__(self) -> None:
        """Refuse groups of one, and thresholds that never open or never close."""
        named = [symbol for group in self.groups for symbol in group]
        if any(len(group) < 2 for group in self.groups) or len(set(named)) < len(named):
            raise ValueError(
                "groups need two symbols each, and a symbol may be in one of them only"
            )
        if min(self.hedge_days, self.window_days) < 20:
            raise ValueError("hedge_days and window_days must be at least 20")
        if self.hold_days < 1 or self.positions < 1 or self.gross <= 0.0:
            raise ValueError("hold_days and positions must be at least 1, gross above 0")
        if not 0.0 <= self.leave < self.enter < self.stop or not 0.0 <= self.related < 1.0:
            raise ValueError("0 <= leave < enter < stop, and related in [0, 1)")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:
    """The oldest row that may have opened a position, the row before it, and their windows."""
    return p.hold_days + p.hedge_days + p.window_days


def wishes(panel: Panel, p: Params) -> F64:
    """Open spreads in equal sizes, each hedged within its group.

    Returns:
        (T, N) fractions of the pod's capital.

    Raises:
        DataError: a symbol of `groups` is not in the panel.
    """
    groups = spread.packed(related(panel, p))
    spreads = spread.group_spreads(
        panel.returns, groups, p.hedge_days, p.window_days, KNOWN, p.related
    )
    priced = ~np.isnan(panel.close)
    # A position and its hedge each take about half of a slot's gross.
    size = 0.5 * p.gross / p.positions
    total = np.zeros(panel.close.shape)
    for side, score in ((1.0, spreads.score), (-1.0, -spreads.score)):
        # The dear side is the cheap one with the sign turned.
        age = held(score, p)
        total += spread.hedged(np.full(score.shape, side * size), age, spreads, groups, priced)
    return cross_section.grain(cross_section.scale(total, p.gross), priced)


def held(score: F64, p: Params) -> I64:
    """Since when a cheap name is held: opened as its score falls to -`enter`.

    Only a score that comes from inside opens, so a spread that was stopped must first recover.

    Args:
        score: (T, N) standard deviations, negative = cheap.
        p: parameters.

    Returns:
        (T, N) rows since it was opened; -1 where it is not held.
    """
    before = np.vstack([np.full((1, score.shape[1]), np.nan), score[:-1]])
    enter = (score <= -p.enter) & (before > -p.enter)
    return spread.opened(enter, (score >= -p.leave) | (score <= -p.stop), p.hold_days)


def related(panel: Panel, p: Params) -> list[list[int]]:
    """Columns of each group: as the owner names them, else of each sector with two names.

    Raises:
        DataError: a symbol of `groups` is not in the panel.
    """
    if not p.groups:
        sector_n = np.array(panel.assets.sector_ids(), dtype=np.int64)
        sectors = [np.flatnonzero(sector_n == s).tolist() for s in range(int(sector_n.max()) + 1)]
        return [columns for columns in sectors if len(columns) > 1]
    column = {symbol: n for n, symbol in enumerate(panel.assets.symbols)}
    absent = sorted({symbol for group in p.groups for symbol in group} - set(column))
    if absent:
        raise DataError(
            f"{panel.source}: no prices of {', '.join(absent)}, which the groups of "
            "relative_value name\n  -> correct the symbols, or take them out of groups"
        )
    return [[column[symbol] for symbol in group] for group in p.groups]
