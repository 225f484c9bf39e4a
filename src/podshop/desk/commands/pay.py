"""`podshop pay FUND --quarter 2016Q4`: what managers and authors are paid, from the journal."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from podshop.desk import output
from podshop.desk.terminal import console
from podshop.domain.error import ConfigError, DataError
from podshop.domain.money import money
from podshop.domain.rules import PayTerms, Rules
from podshop.rulebook.fundfile import FUND_FILE, folder_of

if TYPE_CHECKING:
    from podshop.attribution.payday import PayDay
    from podshop.reports.pay import Account

RESULTS = ("paper", "out")
"""Folders beside a fund file in which runs of it are looked for."""


def run(args: argparse.Namespace) -> int:
    """Reckon the pay of a quarter, print it, and write the statements."""
    from podshop.adapters.stores.sqlite import read_entries
    from podshop.attribution.payday import pay_day
    from podshop.attribution.quarters import history
    from podshop.reports.pay import Account, figures

    rules, folder = found(args.fund, args.journal)
    told = history(read_entries(output.existing(folder)), args.quarter)
    # Pods that were listed after the quarter stand behind the others.
    if rules is not None and rules.pod_ids()[: len(told.pods)] != told.pods:
        raise ConfigError(
            f"{args.fund}: has the pods {', '.join(rules.pod_ids())}, the journal in {folder} has "
            f"{', '.join(told.pods)}\n  -> name the folder of this fund's run with --journal"
        )
    pay = pay_day(told, PayTerms() if rules is None else rules.pay)
    account = Account(*named(rules, folder))
    out = args.out or folder / "pay" / pay.quarter.name
    written = write(pay, account, out)
    printed = [_pdf(page) for page in written if args.pdf and page.suffix == ".html"]
    if args.json:
        print(json.dumps(figures(pay, account), indent=2))
    else:
        show(pay, account)
    for message in (f"\nStatements: {out}", *dict.fromkeys(printed)):
        print(message, file=sys.stderr if args.json else sys.stdout)
    return 0


def found(fund: Path, journal: Path | None) -> tuple[Rules | None, Path]:
    """The rules of a fund and the folder with its journal.

    Args:
        fund: the fund file, a folder with one, or only the folder that a run wrote.
        journal: the folder that a run wrote, where it is not beside the fund file.

    Returns:
        the rules, None where there is no fund file; and the folder.

    Raises:
        ConfigError: there is no journal, or there are two.
    """
    from podshop.rulebook.config import load

    if fund.is_dir() and not (fund / FUND_FILE).exists():
        return None, journal or fund
    rules = load(fund)
    if journal is not None:
        return rules, journal
    there = [folder_of(fund) / name for name in RESULTS]
    there = [folder for folder in there if (folder / output.JOURNAL).is_file()]
    if len(there) != 1:
        what = "more than one run" if there else "no run"
        raise ConfigError(
            f"{fund}: there is {what} of this fund beside it\n"
            "  -> name the folder that `podshop run` or `podshop backtest` wrote with --journal"
        )
    return rules, there[0]


def named(rules: Rules | None, folder: Path) -> tuple[str, str]:
    """Name and currency of a fund; without a fund file, of the run in the folder.

    Raises:
        DataError: the run's summary was damaged.
    """
    if rules is not None:
        return rules.name, rules.currency
    summary = folder / "summary.json"
    try:
        told = json.loads(summary.read_bytes()) if summary.is_file() else {}
    except ValueError as error:
        raise DataError(
            f"{summary}: was damaged: {error}\n  -> run `podshop verify {folder}`"
        ) from error
    return str(told.get("fund", folder.resolve().name)), str(told.get("currency", "USD"))


def write(pay: "PayDay", account: "Account", out: Path) -> list[Path]:
    """Write the pages and tables.

    Args:
        pay: what is told.
        account: whose it is.
        out: folder; made when it is missing, files of the same names are replaced.

    Returns:
        the files.
    """
    from podshop.reports import pay as pages

    out.mkdir(parents=True, exist_ok=True)
    texts = {
        "fund.html": pages.render_fund(pay, account),
        "fund.csv": pages.fund_csv(pay),
        "profits.csv": pages.profits_csv(pay),
        "pay.json": json.dumps(pages.figures(pay, account), indent=2) + "\n",
    }
    for statement in pay.statements:
        stem = pages.file_names(pay)[statement.payee]
        texts[f"{stem}.html"] = pages.render_statement(pay, statement, account)
        texts[f"{stem}.csv"] = pages.statement_csv(pay, statement)
    return [_replaced(out / name, text) for name, text in texts.items()]


def _replaced(file: Path, text: str) -> Path:
    """Write a file whole or not at all."""
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, encoding="utf-8")
    return part.replace(file)


def _pdf(page: Path) -> str:
    """Print a page; where the PDFs are, or what is missing for them."""
    from podshop.reports.pdf import write_pdf

    printed = write_pdf(page, page.with_suffix(".pdf"))
    return f"PDF: {page.parent}" if printed else printed.message


def show(pay: "PayDay", account: "Account") -> None:
    """Print who is paid what, and what that costs the fund."""
    from rich.table import Table

    from podshop.reports.pay import rate, words

    screen, quarter, bridge, ever = console(), pay.quarter, pay.bridge(), pay.bridge(0)
    days = f"{quarter.first_day} to {quarter.last_day}"
    screen.print(f"{account.fund}, {quarter.name}: {days}", style="bold", markup=False)
    table = Table(box=None, pad_edge=False, show_footer=True)
    table.add_column("payee", "all")
    paid = [s.paid(len(pay.history.quarters) - 1) for s in pay.statements]
    lines = [s.lines[-1] if s.lines else None for s in pay.statements]
    columns = ("carried", "profit", "below", "owed")
    titles = ("loss brought in", "profit", "loss carried on", "still owed")
    sums = [sum(getattr(line, name) for line in lines if line) for name in columns]
    for title, total in zip(titles, sums, strict=True):
        table.add_column(title, money(total), justify="right")
    table.add_column("due", money(sum(paid)), justify="right")
    for statement, line, due in zip(pay.statements, lines, paid, strict=True):
        amounts = [money(getattr(line, name)) if line else "" for name in columns]
        table.add_row(statement.payee, *amounts, money(due))
    screen.print(table)
    screen.print(
        f"\nThe fund made {money(bridge.fund)}: pods {money(bridge.managers)}, centre "
        f"{money(bridge.centre)}. Pay is {money(bridge.pay)}, royalties "
        f"{money(bridge.royalties)}; {money(bridge.left)} are left.\n"
        f"Netting risk {money(bridge.netting)} ({money(ever.netting)} since the opening): pay "
        f"above {rate(pay.terms.rate)} of all managers' common new profit.\nAbove the same of the "
        f"fund's own, the centre's included: {money(bridge.above)} ({money(ever.above)}).",
        markup=False,
    )
    for text in words(pay):
        screen.print(text, style="dim", markup=False)
    screen.print(
        f"Journal: cycles {quarter.first_cycle} to {quarter.last_cycle}, entries "
        f"{quarter.first_entry} to {quarter.last_entry}, hash {quarter.hash}",
        style="dim",
        markup=False,
    )
