"""`podshop pods`: how pods stand, how they were reviewed, and what people ask of them."""

import argparse
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from podshop.desk import output
from podshop.desk.terminal import console
from podshop.domain.error import ConfigError
from podshop.domain.money import money
from podshop.rulebook.config import load
from podshop.rulebook.fundfile import folder_of

WIDEST = 10
"""Pods of which a matrix is shown."""

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.table import Table

    from podshop.desk.lives import Standing
    from podshop.domain.life import Audited, Reviewed
    from podshop.domain.rules import Rules


def run(args: argparse.Namespace) -> int:
    """Show the pods, or write down what is asked of one."""
    from podshop.desk.lives import read, standings

    rules = load(args.fund)
    folder = args.out or folder_of(args.fund) / "paper"
    journal = output.existing(folder)
    if args.word == "review":
        show_reviews(journal)
        return 0
    if args.word == "list":
        screen = console()
        told = read(journal)
        found = standings(told, rules)
        screen.print(table(found))
        for standing in found:
            for line in standing.asked:
                screen.print(f"{standing.pod}: asked and not answered yet: {line}", markup=False)
        for day, answer in told.answers:
            if not answer.done:
                what = f"{told.pods[answer.pod]}: {answer.act} was refused: {answer.why}"
                screen.print(f"{_date(day)} {what}", markup=False)
        return 0
    return _ask(args, rules)


def _ask(args: argparse.Namespace, rules: "Rules") -> int:
    """Write a request into the journal."""
    from podshop.desk.lives import ask
    from podshop.domain.life import Asked
    from podshop.research.admission import admission_of

    if args.pod not in rules.pod_ids():
        raise ConfigError(
            f"there is no pod {args.pod!r}; the fund has {', '.join(rules.pod_ids())}"
        )
    for name in ("why", "who"):
        if not getattr(args, name).strip():
            raise ConfigError(f"--{name} is empty; every change of a pod names who and why")
        if not getattr(args, name).isprintable():
            raise ConfigError(f"--{name} must be one line of readable text")
    folder = args.out or folder_of(args.fund) / "paper"
    admitted = None
    if args.word == "hire":
        admitted = admission_of(rules, args.pod, args.accept_uncertified)
    keep = getattr(args, "keep", 1.0)
    asked = Asked(rules.pod_ids().index(args.pod), args.word, keep, args.who, args.why)
    ask(folder, folder / output.JOURNAL, rules, asked, admitted)
    print(f"Written down: {args.word} {args.pod}. The fund's next session does it.")
    return 0


def table(found: "Sequence[Standing]") -> "Table":
    """The pods as rows.

    Args:
        found: how they stand.
    """
    from rich.markup import escape
    from rich.table import Table

    made = Table(box=None, pad_edge=False)
    for name in ("pod", "stage", "since", "NAV", "drawdown", "Sharpe", "who", "why"):
        right = name in ("NAV", "drawdown", "Sharpe")
        made.add_column(name, justify="right" if right else "left", overflow="fold")
    for standing in found:
        stage = standing.stage.name.lower()
        left = f" ({standing.days_left} days to go)" if standing.days_left else ""
        made.add_row(
            standing.pod,
            stage + left,
            "" if standing.since is None else str(standing.since),
            money(standing.nav, cents=False),
            f"{standing.drawdown:.1%}",
            f"{standing.sharpe:.2f}",
            escape(standing.who),
            escape(standing.why),
        )
    return made


def show_reviews(journal: "Path") -> None:
    """Print the last audit and every review of a journal.

    Args:
        journal: the fund's.
    """
    from podshop.desk.lives import read

    told, screen = read(journal), console()
    if not told.audits and not told.reviews:
        screen.print("No audit and no review yet: they come in the first session of a quarter.")
    for day, audit in told.audits[-1:]:
        screen.print(audit_table(_date(day), audit, told.pods))
        if audit.replace >= 0:
            named = told.pods[audit.replace]
            screen.print(f"The pods are too alike; the one to replace is {named}.", markup=False)
    for day, review in told.reviews:
        screen.print(review_table(_date(day), review, told.pods))


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def audit_table(day: date, audit: "Audited", pods: "Sequence[str]") -> "Table":
    """The correlations of an audit as a matrix, pods on paper below; of many pods only their means,
    the most alike first.

    Args:
        day: of the audit.
        audit: what it found.
        pods: ids by pod number.
    """
    from rich.table import Table

    title = (
        f"\nCorrelations {day}, {audit.sessions} sessions: average {audit.average:.2f}, "
        f"limit {audit.threshold:.2f}"
    )
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    made.add_column("pod", overflow="fold")
    names = [pods[p] for p in audit.pod_r]
    few = names if len(names) <= WIDEST else []
    for name in (*few, "mean"):
        made.add_column(name, justify="right", overflow="fold")
    matrix = np.eye(len(names))
    matrix[np.triu_indices(len(names), 1)] = audit.correlation_r
    matrix += np.triu(matrix, 1).T
    for row in range(len(names)) if few else np.argsort(-audit.mean_r, kind="stable"):
        cells = (f"{x:.2f}" for x in matrix[row][: len(few)])
        made.add_row(names[row], *cells, f"{audit.mean_r[row]:.2f}")
    for p, mean in zip(audit.paper_r, audit.paper_mean_r, strict=True):
        made.add_row(f"{pods[p]} (on paper)", *("" for _ in few), f"{mean:.2f}")
    return made


def review_table(day: date, review: "Reviewed", pods: "Sequence[str]") -> "Table":
    """A review as rows.

    Args:
        day: of the review.
        review: what it found.
        pods: ids by pod number.
    """
    from rich.table import Table

    title = f"\nReview {day}: the {review.period} before, {review.sessions} sessions"
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    made.add_column("pod", overflow="fold")
    for name in ("Sharpe", "return", "deepest fall", "weak quarters", "may keep"):
        made.add_column(name, justify="right")
    for r, p in enumerate(review.pod_r):
        made.add_row(
            pods[p],
            f"{review.sharpe_r[r]:.2f}",
            f"{review.return_r[r]:.2%}",
            f"{review.drawdown_r[r]:.2%}",
            str(review.weak_r[r]),
            f"{review.hold_r[r]:.0%}",
        )
    return made
