"""`podshop pods list | hire | cut | restore | retire`: how pods stand, what people ask of them."""

import argparse
from typing import TYPE_CHECKING

from podshop.desk import output
from podshop.desk.terminal import console
from podshop.domain.error import ConfigError
from podshop.domain.money import money
from podshop.rulebook.config import load
from podshop.rulebook.fundfile import folder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from podshop.desk.lives import Standing
    from podshop.domain.rules import Rules


def run(args: argparse.Namespace) -> int:
    """Show the pods, or write down what is asked of one."""
    from podshop.desk.lives import standings

    rules = load(args.fund)
    folder = args.out or folder_of(args.fund) / "paper"
    journal = output.existing(folder)
    if args.word == "list":
        screen = console()
        found = standings(journal, rules)
        screen.print(table(found))
        for standing in found:
            for line in standing.asked:
                screen.print(f"{standing.pod}: asked and not answered yet: {line}", markup=False)
        return 0
    return _ask(args, rules)


def _ask(args: argparse.Namespace, rules: "Rules") -> int:
    """Write a request into the journal."""
    from podshop.desk.lives import ask
    from podshop.domain.event import Asked
    from podshop.research.admission import admission_of

    if args.pod not in rules.pod_ids():
        raise ConfigError(
            f"there is no pod {args.pod!r}; the fund has {', '.join(rules.pod_ids())}"
        )
    for name in ("why", "who"):
        if not getattr(args, name).strip():
            raise ConfigError(f"--{name} is empty; every change of a pod names who and why")
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
            standing.who,
            standing.why,
        )
    return made
