"""What a fund would have made with only some of its pods: the value that credit is split from.

The pods outside the coalition are hired and hold cash, so everything else stays as it is: rules,
capital, netting among those who trade, costs and impact. The differences between coalitions are
then what pods add to one another, which no pod's own book can say.

    credit.leave_one_out(fund_value(rules), n)      what the fund would have missed
    credit.shapley(fund_value(rules), n)            who earned it, 2^n backtests
    credit.sampled_shapley(fund_value(rules), n, samples, seed)
"""

from dataclasses import dataclass, replace

import numpy as np

from podshop.adapters.sources import load
from podshop.domain.event import Part
from podshop.domain.market import Panel
from podshop.domain.money import MICROS, Bools
from podshop.domain.pod import WishBook
from podshop.domain.rules import Rules
from podshop.research.backtest import backtest, traded_rows
from podshop.research.wishing import gather

SILENT = -1
"""Row of a pod that has not wished yet."""


@dataclass(frozen=True, slots=True)
class FundValue:
    """Profit of a fund by who trades in it.

    Attributes:
        rules: the fund.
        panel: prices.
        wishes: of all pods, asked once.
    """

    rules: Rules
    panel: Panel
    wishes: WishBook

    def __call__(self, member: Bools) -> float:
        """Backtest the fund with these pods only.

        Args:
            member: (P,) true for those who trade.

        Returns:
            profit without flows, currency units; with nobody, what idle cash earns.
        """
        if member.shape != (len(self.rules.pods),):
            raise ValueError(f"the fund has {len(self.rules.pods)} pods, member is {member.shape}")
        latest_tp = np.where(member, self.wishes.latest_tp, SILENT).astype(np.int32)
        heard = replace(self.wishes, latest_tp=latest_tp)
        run = backtest(self.rules, self.panel, wishes=heard, record="fast")
        flows = int(run.tape.part_dpk[..., Part.FLOW].sum())
        return (int(run.tape.nav_d[-1]) - self.rules.capital - flows) / MICROS


def fund_value(rules: Rules, panel: Panel | None = None) -> FundValue:
    """Ask a fund's pods once, so that any coalition of them can be valued.

    Args:
        rules: the fund.
        panel: prices; the rules' own source when None.

    Raises:
        PodError: a pod broke its contract.
        DataError: no sessions in the range.
    """
    panel = (
        load(rules.market.source, rules.market.path, rules.market.feeds) if panel is None else panel
    )
    start, stop = traded_rows(rules, panel)
    return FundValue(rules, panel, gather(rules.pods, panel.rows(0, stop), start))
