"""A run as one page of text: what a golden test compares and a person reviews in the diff."""

from hashlib import sha256
from typing import Any

import polars as pl

from podshop.research.run import Run

HEADLINES = (
    "first_session",
    "last_session",
    "sessions",
    "final_nav_micros",
    "profit_micros",
    "residual_micros",
    "costs_micros",
    "netting_saved_micros",
    "crossed_lots",
    "traded_lots",
    "orders",
    "data_hash",
)


def order_hash(orders: pl.DataFrame) -> str:
    """One hash for the whole list of orders."""
    return sha256(orders.write_csv().encode()).hexdigest()


def pod_path(run: Run, pod: str) -> list[str]:
    """One line a session of a pod: the table that the docs show."""
    names = f"{'date':<11}{'capital in use':>15}{'nominal':>13}{'U':>10}{'drawdown':>10}"
    rows = run.pods.filter(pl.col("pod") == pod).iter_rows(named=True)
    return [f"{names}  cut  status", *(pod_line(row) for row in rows)]


def pod_line(row: dict[str, Any]) -> str:
    """A pod's session as one line."""
    in_use, nominal = row["nominal_micros"] * row["cut"] / 1e6, row["nominal_micros"] / 1e6
    return (
        f"{row['date']!s:<11}{in_use:>15,.2f}{nominal:>13,.2f}"
        f"{row['unit_value']:>10.6f}{row['drawdown']:>10.4%}"
        f"  {row['cut']:.1f}  {row['status']}"
    )


def actions(run: Run) -> list[str]:
    """One line for each breach, action, closing and halt."""
    kinds = ("Breached", "ActionApplied", "PodClosed", "Halted")
    told = run.events.filter(pl.col("kind").is_in(kinds))
    return [f"{r['date']} {r['kind']} {r['pod']} {r['detail']}" for r in told.iter_rows(named=True)]


def page(run: Run, pods: tuple[str, ...] = ()) -> str:
    """The whole card."""
    lines = [f"{name} = {run.summary[name]}" for name in HEADLINES]
    lines += [f"part {name} = {value}" for name, value in run.summary["parts_micros"].items()]
    lines += [
        f"pod {f['pod']} {f['status']} closed={f['closed']} unit={f['unit_value']!r} "
        f"max_drawdown={f['max_drawdown']!r} profit_micros={f['profit_micros']}"
        for f in run.summary["pods"]
    ]
    lines += [f"order_hash = {order_hash(run.orders)}", "first orders:"]
    first = run.orders.head(10)
    lines += ["  " + "  ".join(str(x) for x in row) for row in first.iter_rows()]
    lines += ["actions:", *actions(run)]
    for pod in pods:
        lines += [f"{pod}:", *pod_path(run, pod)]
    return "\n".join(lines) + "\n"
