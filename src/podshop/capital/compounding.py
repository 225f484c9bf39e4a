"""Capital correction: how much of what was made or lost stays at risk.

Four policies answer it. "fixed" risks the same capital for ever, "full" risks all that was made,
"half" takes every gain above the high-water mark away and follows losses down, "partial" keeps a
share of the gains above the mark. Each period, in this order:

1. flows at the open. Capital F: K' = K + F, and the mark moves along, H' = H K' / K, so that money
   paid in or out is neither a gain nor a loss (H' = F where K = 0). Income F: X' = X + F.
2. P&L on the risk capital: pnl = K' r, with positions sized on K' before the period.
3. raw = K' + pnl. At or below the mark: K = max(raw, 0), H = H', and what is lost beyond the risk
   capital, min(raw, 0), is a debt of the skimmed account. Above it: K = H = H' + keep (raw - H'),
   and (1 - keep) (raw - H') is skimmed.
4. X += what was skimmed. The account is K + X. "fixed" holds K and lets X carry all P&L.

"half" is keep = 0, "full" keep = 1, three-quarter compounding keep = 0.5. Half is the published
rule min(K (1 + r), K0); pysystemtrade's backtest multiplies the return by the multiplier twice and
is not followed (docs/concepts/capital.md has the table). Source: Carver, "Capital correction"
(2016), with his later correction of the half table; the split above the mark and the typed flows
are worked out there.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from podshop.domain.money import F64, Bools, read_only

Policy = Literal["fixed", "full", "half", "partial"]
"""What happens to gains and losses."""

Kind = Literal["capital", "income"]
"""What a flow changes: the risk capital, or only what was skimmed."""

KEEPS: Mapping[str, float] = {"full": 1.0, "half": 0.0}
"""Share of the gains above the mark that stays, where the policy says it."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Money that enters or leaves at the open of a period.

    Attributes:
        t: the period, 0 for the first.
        kind: "capital" changes the risk capital and its mark; "income" pays skimmed gains out, or
            in, and leaves the risk as it is.
        amount: paid in, negative when taken out; same unit as the start.
    """

    t: int
    kind: Kind
    amount: float


@dataclass(frozen=True, slots=True)
class CapitalPath:
    """What a policy makes of a series of returns. Amounts are in the unit of the start.

    Attributes:
        capital: (T+1,) risk capital before each period, after its flows; then after the last.
        mark: (T+1,) high-water mark of the risk capital at the same moments.
        skimmed: (T+1,) gains taken off the risk, less what was paid out; negative is a debt.
        account: (T+1,) capital + skimmed: all the money there is.
        multiplier: (T+1,) capital / start: what scales positions that were sized on the start.
        pnl: (T,) profit or loss of each period.
        missing: (T,) periods without a return (NaN): nothing was booked, capital is carried.
    """

    capital: F64
    mark: F64
    skimmed: F64
    account: F64
    multiplier: F64
    pnl: F64
    missing: Bools

    @property
    def drawdown(self) -> F64:
        """(T+1,) 1 - capital / mark, and 1 where the capital is lost; the same for every keep."""
        held = self.mark > 0.0
        ratio = np.divide(self.capital, self.mark, out=np.zeros_like(self.mark), where=held)
        return 1.0 - ratio


def capital_path(
    returns: npt.ArrayLike,
    start: float,
    policy: Policy,
    keep: float | None = None,
    flows: Iterable[Flow] | None = None,
) -> CapitalPath:
    """Follow risk capital through returns under a compounding policy.

    Args:
        returns: (T,) net return of each period on the risk capital, fraction. NaN is a period
            without a return; -1 or less takes all, and nothing comes back but by a capital flow.
        start: risk capital before the first period, > 0.
        policy: "fixed", "full", "half" or "partial".
        keep: for "partial", the share of the gains above the high-water mark that stays at risk,
            0..1. The other policies say it themselves.
        flows: money in and out; several in one period apply in the order given.

    Returns:
        Capital, mark, skimmed gains and the rest, period by period.

    Raises:
        ValueError: an unknown policy or kind, a keep that is missing or does not fit, a start that
            is not positive, an infinite return, a flow outside the periods, or a withdrawal of
            more than there is.
    """
    return_t = np.asarray(returns, dtype=np.float64)
    if return_t.ndim != 1 or np.isinf(return_t).any():
        raise ValueError("returns must be one row of finite fractions; NaN marks a missing one")
    if not (math.isfinite(start) and start > 0.0):
        raise ValueError(f"start must be a positive amount of capital, not {start}")
    share = _keep(policy, keep)
    due = _by_period(flows or (), len(return_t))
    rows = [(float(start), float(start), 0.0)]
    pnl_t = np.zeros(len(return_t))
    for t, r in enumerate(return_t):
        rows[t] = _paid(*rows[t], due.get(t, ()))
        capital, mark, skimmed = rows[t]
        pnl_t[t] = 0.0 if math.isnan(r) else capital * r
        rows.append(_earned(capital, mark, skimmed, pnl_t[t], share))
    return _path(rows, start, pnl_t, np.isnan(return_t))


def _keep(policy: Policy, keep: float | None) -> float | None:
    """The share of new gains that stays at risk; None when the capital is fixed."""
    if policy not in get_args(Policy):
        raise ValueError(f'unknown policy "{policy}": write one of {", ".join(get_args(Policy))}')
    if policy == "partial":
        if keep is None or not 0.0 <= keep <= 1.0:
            raise ValueError(f'"partial" needs keep between 0 and 1, not {keep}')
        return keep
    if keep is not None and keep != KEEPS.get(policy):
        raise ValueError(f'keep = {keep} does not fit "{policy}": leave it out, or take "partial"')
    return KEEPS.get(policy)


def _by_period(flows: Iterable[Flow], periods: int) -> Mapping[int, Sequence[Flow]]:
    """The flows of each period in the order given, after a look at each."""
    due: dict[int, list[Flow]] = defaultdict(list)
    for flow in flows:
        if flow.kind not in get_args(Kind):
            raise ValueError(f'a flow is "capital" or "income", not "{flow.kind}"')
        if not math.isfinite(flow.amount):
            raise ValueError(f"the flow of period {flow.t} has no amount: {flow.amount}")
        if flow.t not in range(periods):
            raise ValueError(f"a flow in period {flow.t}, but periods are 0..{periods - 1}")
        due[flow.t].append(flow)
    return due


def _paid(
    capital: float, mark: float, skimmed: float, flows: Sequence[Flow]
) -> tuple[float, float, float]:
    """Capital, mark and skimmed gains after the flows of a period."""
    for flow in flows:
        holds = capital if flow.kind == "capital" else skimmed
        if flow.amount < 0.0 and -flow.amount > holds:
            kind = "risk capital" if flow.kind == "capital" else "skimmed gains"
            raise ValueError(
                f"period {flow.t}: {-flow.amount:g} cannot be taken out of {kind} of {holds:g}"
            )
        if flow.kind == "income":
            skimmed += flow.amount
        elif capital > 0.0:
            moved = capital + flow.amount
            capital, mark = moved, max(moved, mark * (moved / capital))
        else:
            capital, mark = flow.amount, flow.amount
    return capital, mark, skimmed


def _earned(
    capital: float, mark: float, skimmed: float, pnl: float, keep: float | None
) -> tuple[float, float, float]:
    """Capital, mark and skimmed gains after the P&L of a period."""
    if keep is None:
        return capital, mark, skimmed + pnl
    raw = capital + pnl
    if raw <= mark:
        return max(raw, 0.0), mark, skimmed + min(raw, 0.0)
    above = raw - mark
    reached = mark + keep * above
    return reached, reached, skimmed + (1.0 - keep) * above


def _path(
    rows: Sequence[tuple[float, float, float]], start: float, pnl_t: F64, missing: Bools
) -> CapitalPath:
    """The rows as read-only columns."""
    capital, mark, skimmed = np.array(rows).T.copy()
    columns = (capital, mark, skimmed, capital + skimmed, capital / start, pnl_t, missing)
    for column in columns:
        read_only(column)
    return CapitalPath(*columns)
