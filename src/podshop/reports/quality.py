"""The page of the quality gate: what was found in a market store, the gravest first."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

SHOWN = 200
"""Findings of one check and severity that the page lists."""

RANK = {"stop": 0, "warn": 1, "note": 2}


def render(findings: "pl.DataFrame", title: str) -> str:
    """The page, without anything from outside.

    Args:
        findings: symbol, date, check, severity, detail, why (accepted because; empty = not).
        title: what was checked.
    """
    import polars as pl
    from jinja2 import Environment

    text = (
        files("podshop.reports").joinpath("templates/quality.html.j2").read_text(encoding="utf-8")
    )
    template = Environment(autoescape=True).from_string(text)
    rank = pl.col("severity").replace_strict(RANK, return_dtype=pl.Int64)
    ordered = findings.sort(rank, "check", "symbol", "date")
    counts = ordered.group_by("severity", "check", maintain_order=True).agg(
        findings=pl.len(), names=pl.col("symbol").n_unique()
    )
    groups = [
        {
            "severity": severity,
            "check": check,
            "total": rows.height,
            "rows": rows.head(SHOWN).rows(named=True),
        }
        for (severity, check), rows in ordered.group_by("severity", "check", maintain_order=True)
    ]
    grave = findings.filter((pl.col("severity") == "stop") & pl.col("why").is_null()).height
    return template.render(title=title, counts=counts.rows(named=True), groups=groups, grave=grave)


def write(findings: "pl.DataFrame", file: Path, title: str = "") -> Path:
    """Write the page; gives its file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(render(findings, title or file.stem), encoding="utf-8")
    return file
