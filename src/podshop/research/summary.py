"""The summary of a run: what a stranger reads first, every figure traceable to the frames."""

from typing import TYPE_CHECKING, Any

import numpy as np

from podshop.domain.event import FillKind, Part
from podshop.domain.money import MICROS
from podshop.domain.pod import PodStatus
from podshop.research.metrics import compute

if TYPE_CHECKING:
    from podshop.research.run import Run

COSTS = (Part.COMMISSION, Part.SPREAD, Part.IMPACT, Part.NETTING, Part.BORROW, Part.FEE)


def summarise(run: "Run") -> dict[str, Any]:
    """Sum up a run.

    Returns:
        Plain values: identity and hashes, sessions, money in micros, metrics of the fund, each
        pod's fate.
    """
    tape, rules = run.tape, run.rules
    parts = tape.part_dpk.sum(axis=(0, 1))
    returns = tape.unit_d / np.concatenate(([1.0], tape.unit_d[:-1])) - 1.0
    first = 1 if tape.unit_d[0] == 1.0 else 0  # nothing is traded on the day the fund opens
    days = run.panel.days[run.start : run.stop]
    return {
        "fund": rules.name,
        "currency": rules.currency,
        "first_session": str(days[0]),
        "last_session": str(days[-1]),
        "sessions": len(days),
        "source": run.source,
        "capital_micros": rules.capital,
        "final_nav_micros": int(tape.nav_d[-1]),
        "skimmed_micros": run.book.skimmed,
        "profit_micros": int(tape.nav_d[-1]) - rules.capital - int(parts[Part.FLOW]),
        "halted": run.book.halted,
        "blocked": run.book.blocked,
        "residual_micros": tape.residual(rules.capital),
        "parts_micros": {part.name.lower(): int(parts[part]) for part in Part},
        "costs_micros": int(sum(parts[p] for p in COSTS)),
        "netting_saved_micros": int(parts[Part.NETTING]),
        "crossed_lots": _lots(run, FillKind.CROSS) // 2,
        "traded_lots": _lots(run, FillKind.MARKET),
        "orders": sum(len(event.orders) for _, event in tape.orders),
        "pods": _fates(run),
        "metrics": {
            k: _number(v)
            for k, v in compute(returns[first:], _benchmark(run, first), days=days[first:]).items()
        },
        "journal_hash": run.journal_hash,
        "data_hash": run.data_hash,
        "rules_hash": rules.hash,
        "book_digest": run.book.digest(),
    }


def _benchmark(run: "Run", first: int) -> Any:
    level = run.panel.benchmark_t[run.start : run.stop]
    if len(level) < 3 or not np.isfinite(level).all():
        return None
    steps = level / np.concatenate(([np.nan], level[:-1])) - 1.0
    return steps[first:]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _lots(run: "Run", kind: FillKind) -> int:
    return int(sum(np.abs(f.lots_r[f.kind_r == kind]).sum() for _, f in run.tape.fills))


def _fates(run: "Run") -> list[dict[str, Any]]:
    tape, fates = run.tape, []
    worst = (1.0 - tape.unit_dp / tape.peak_dp()).max(axis=0)
    part_pk = tape.part_dpk[:, :-1, :].sum(axis=0)
    profit = part_pk.sum(axis=1) - part_pk[:, Part.TRANSFER]
    for p, pod in enumerate(run.rules.pods):
        closed = int(run.book.closed_day_p[p])
        fates.append(
            {
                "pod": pod.id,
                "strategy": pod.strategy,
                "status": PodStatus(int(tape.status_dp[-1, p])).name.lower(),
                "closed": None if closed < 0 else str(np.datetime64(closed, "D")),
                "unit_value": float(tape.unit_dp[-1, p]),
                "max_drawdown": float(worst[p]),
                "profit_micros": int(profit[p]),
                "profit": round(int(profit[p]) / MICROS, 2),
            }
        )
    return fates
