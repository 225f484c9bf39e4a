"""What the quality gate found, for a person: a page, and the same as plain text.

Findings are grouped by severity and check; each group says how many there are, of how many names,
what to do, and shows the newest. Stops and warnings are listed one by one below, up to `LISTED`.
"""

from dataclasses import dataclass

import polars as pl

LISTED = 500
"""Findings that a page lists one by one; the table `findings` of the store has them all."""
SHOWN = 3
"""Findings that a group shows."""

WORST_FIRST = ("stop", "warn", "note")

ADVICE = {
    "impossible bar": "set aside in quarantine; fetch the day again, or import it from elsewhere",
    "duplicate": "find out which row is right and import that one alone",
    "split": "look at both days' prices; record the split, or take out the one that never was",
    "identity": "an action is missing here or at the vendor; compare both lists of actions",
    "dividend": "a merger or spin-off? keep it if the price fell by as much",
    "ratio": "a spin-off or stock dividend? keep it if the price moved by as much",
    "outlier": "look for news of the day; what was taken back at once is a bad tick",
    "stale": "a halt is right as it is; otherwise fetch the days again",
    "volume": "lots for hundreds, or the other way round? see which unit the vendor says",
    "calendar": "fetch the days again; bars of days without a session are to be taken out",
    "reuse": "two companies under one symbol? give each a security of its own",
    "departure": "mend the day of delisting, or fetch the bars that are missing",
    "freshness": "sync again; a name that left needs its day of delisting",
    "cross source": "see which source a third one agrees with",
    "balance": "read the filing; minority interest often is what is missing",
    "filing lag": "mend the period's end or the day of filing, or the report is seen too early",
    "sign": "read the filing; a sign or a unit is wrong",
}
"""What to do about a finding, by check."""


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one severity and check.

    Attributes:
        severity: stop, warn or note.
        check: its name.
        count: findings.
        accepted: of them, those that a person took for right.
        names: symbols they are of.
        examples: the newest, as (symbol, day, detail).
        advice: what to do.
    """

    severity: str
    check: str
    count: int
    accepted: int
    names: int
    examples: tuple[tuple[str, str, str], ...]
    advice: str


def groups(findings: pl.DataFrame) -> list[Group]:
    """Findings by severity and check, the gravest and most frequent first.

    Args:
        findings: symbol, date, check, severity, detail, why (empty = not accepted).
    """
    made = []
    for (severity, check), rows in findings.group_by("severity", "check"):
        newest = rows.sort("date", "symbol", descending=[True, False]).head(SHOWN)
        shown = newest.select("symbol", pl.col("date").cast(pl.String), "detail").rows()
        made.append(
            Group(
                severity=str(severity),
                check=str(check),
                count=rows.height,
                accepted=rows.height - rows.get_column("why").null_count(),
                names=rows.get_column("symbol").n_unique(),
                examples=tuple(shown),
                advice=ADVICE.get(str(check), "look at the rows"),
            )
        )
    return sorted(made, key=lambda g: (WORST_FIRST.index(g.severity), -g.count, g.check))


def verdict(findings: pl.DataFrame, quarantined: int) -> str:
    """One sentence: may a fund trade on this?

    Args:
        findings: as for `groups`.
        quarantined: bars that were set aside.
    """
    grave = findings.filter((pl.col("severity") == "stop") & pl.col("why").is_null()).height
    aside = f" Impossible bars set aside: {quarantined:,}." if quarantined else ""
    if grave:
        return (
            f"No fund may trade on this: {grave:,} of {findings.height:,} findings stop, and "
            f"nobody has accepted them.{aside}"
        )
    return f"Nothing stops a fund; {findings.height:,} findings in all.{aside}"


def text(findings: pl.DataFrame, quarantined: int, version: int) -> str:
    """The report for a terminal or a mail, lines of any width.

    Args:
        findings: as for `groups`.
        quarantined: bars that were set aside.
        version: the store's version.
    """
    lines = [f"Market data, version {version}. {verdict(findings, quarantined)}"]
    for group in groups(findings):
        accepted = f", {group.accepted:,} accepted" if group.accepted else ""
        head = (
            f"{group.severity:<5} {group.check}: {group.count:,} of {group.names:,} "
            f"{'name' if group.names == 1 else 'names'}{accepted}. To do: {group.advice}."
        )
        lines += ["", head]
        lines += [f"      {symbol:<8} {day}  {detail}" for symbol, day, detail in group.examples]
    return "\n".join(lines) + "\n"


def render(findings: pl.DataFrame, quarantined: int, version: int) -> str:
    """The report as one HTML page without scripts; whatever a vendor wrote is escaped.

    Args:
        findings: as for `groups`.
        quarantined: bars that were set aside.
        version: the store's version.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("podshop.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    serious = findings.filter(pl.col("severity") != "note").with_columns(
        _rank=pl.col("severity").replace_strict({s: i for i, s in enumerate(WORST_FIRST)}),
        date=pl.col("date").cast(pl.String),
    )
    ordered = serious.sort(
        "_rank", "date", "symbol", "check", descending=[False, True, *[False] * 2]
    )
    return env.get_template("quality.html.j2").render(
        version=version,
        verdict=verdict(findings, quarantined),
        groups=groups(findings),
        rows=ordered.head(LISTED).to_dicts(),
        total=ordered.height,
    )
