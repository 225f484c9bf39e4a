"""What a fund would have made with only some of its pods: the value that credit is split from.

The pods outside the coalition are hired and hold cash, so everything else stays as it is: rules,
capital, netting among those who trade, costs and impact. The differences between coalitions are
then what pods add to one another, which no pod's own book can say.

    credit.leave_one_out(fund_value(rules), n)      what the fund would have missed
    credit.shapley(fund_value(rules), n)            who earned it, 2^n backtests
    credit.sampled_shapley(fund_value(rules), n, samples, seed)

`credits.credit_pods` does all of them at once, in whole micros.
"""

from dataclasses import dataclass, replace

import numpy as np

from podshop.adapters.sources import load
from podshop.domain.error import ConfigError
from podshop.domain.event import Part
from podshop.domain.market import Panel
from podshop.domain.money import MICROS, Bools
from podshop.domain.pod import WishBook
from podshop.domain.rules import Rules
from podshop.research.backtest import backtest, traded_rows
from podshop.research.run import Run
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
        skipped: traded sessions before those whose profit counts. Every coalition trades them too,
            from the opening on, so credits of following spans sum to those of the whole.
    """

    rules: Rules
    panel: Panel
    wishes: WishBook
    skipped: int = 0

    def __call__(self, member: Bools) -> float:
        """Backtest the fund with these pods only.

        Args:
            member: (P,) true for those who trade.

        Returns:
            profit without flows, currency units; with nobody, what idle cash earns.
        """
        return self.profit(self.run(member)) / MICROS

    def run(self, member: Bools) -> Run:
        """Backtest the fund with these pods only.

        Args:
            member: (P,) true for those who trade.

        Raises:
            ValueError: the fund has another number of pods.
        """
        if member.shape != (len(self.rules.pods),):
            raise ValueError(f"the fund has {len(self.rules.pods)} pods, member is {member.shape}")
        latest_tp = np.where(member, self.wishes.latest_tp, SILENT).astype(np.int32)
        heard = replace(self.wishes, latest_tp=latest_tp)
        return backtest(self.rules, self.panel, wishes=heard, record="fast")

    def profit(self, run: Run) -> int:
        """Change of NAV over the sessions that count, less flows, micros."""
        tape, skipped = run.tape, self.skipped
        before = int(tape.nav_d[skipped - 1]) if skipped else self.rules.capital
        flows = int(tape.part_dpk[skipped:, :, Part.FLOW].sum())
        return int(tape.nav_d[-1]) - before - flows


def fund_value(
    rules: Rules,
    panel: Panel | None = None,
    first: np.datetime64 | None = None,
    last: np.datetime64 | None = None,
) -> FundValue:
    """Ask a fund's pods once, so that any coalition of them can be valued.

    Args:
        rules: the fund.
        panel: prices; the rules' own source when None.
        first: day from which profit counts; the fund opens when its rules say. None: the opening.
        last: last day whose profit counts; None: the end of the rules, or of the data.

    Raises:
        ConfigError: `first` or `last` is outside the sessions that the fund trades, or fewer than
            two sessions are between them.
        PodError: a pod broke its contract.
        DataError: no sessions in the range.
    """
    panel = (
        load(rules.market.source, rules.market.path, rules.market.feeds) if panel is None else panel
    )
    start, stop = traded_rows(rules, panel)
    days = panel.days[start:stop]
    begin, end = days[0] if first is None else first, days[-1] if last is None else last
    skipped = int(np.searchsorted(days, begin))
    kept = int(np.searchsorted(days, end, side="right"))
    if begin < days[0] or end > days[-1] or kept - skipped < 2:
        raise ConfigError(
            f"the fund trades from {days[0]} to {days[-1]}, credit is asked from {begin} to {end}\n"
            "  -> choose a first and a last day within, with two sessions or more between them"
        )
    if last is not None:
        rules = replace(rules, market=replace(rules.market, end=last))
    stop = start + kept
    return FundValue(rules, panel, gather(rules.pods, panel.rows(0, stop), start), skipped)
