"""What a trial leaves in its folder: performance, weights, rankings, manifest, tear sheet."""

from pathlib import Path

import numpy as np
import orjson
import polars as pl

import podshop
from podshop.adapters.stores.runs import RunRecord
from podshop.pods import learned
from podshop.research.run import Run
from podshop.research.trials import benchmark_of, returns_of
from podshop.research.wishing import gather
from podshop.rulebook.strategy import Strategy

FOLDER = "runs"
"""Folder beside a strategy file, one folder a run in it."""


def write(strategy: Strategy, run: Run, entry: RunRecord, folder: Path) -> tuple[Path, ...]:
    """Write the tables of a trial; each file is replaced whole.

    Args:
        strategy: what was tried.
        run: what was run.
        entry: its entry in the run ledger.
        folder: where to.

    Returns:
        the files: performance.parquet (a row a session), weights.parquet (what it wished for),
        rankings.parquet (the same by rank), strategy.json (everything that decides the result, and
        its fingerprints); for a learned pod also its model card.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = _weights(run)
    tables = {
        "performance": _performance(run),
        "weights": weights,
        "rankings": _rankings(weights),
    }
    files = []
    for name, frame in tables.items():
        part = folder / f".{name}.parquet.part"
        frame.write_parquet(part)
        files.append(part.replace(folder / f"{name}.parquet"))
    manifest = {
        "run": entry.id,
        "strategy": strategy.text,
        "rules": run.rules.manifest,
        "hashes": {k: entry.facts[k] for k in ("rules", "data", "code", "journal")},
        "metrics": dict(entry.metrics),
        "source": run.source,
        "podshop": podshop.__version__,
    }
    part = folder / ".strategy.json.part"
    option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    part.write_bytes(orjson.dumps(manifest, option=option, default=str) + b"\n")
    files.append(part.replace(folder / "strategy.json"))
    if isinstance(run.rules.pods[0].params, learned.Params):
        files.append(_model_card(run, folder))
    return tuple(files)


def _model_card(run: Run, folder: Path) -> Path:
    """What the models of a learned pod were fitted on, and what they were worth afterwards."""
    from podshop.research.model_card import as_markdown, card

    told = card(run.panel.rows(0, run.stop), run.rules.pods[0].params)
    part = folder / ".model-card.md.part"
    part.write_text(as_markdown(told), encoding="utf-8")
    return part.replace(folder / "model-card.md")


def _performance(run: Run) -> pl.DataFrame:
    days, returns = returns_of(run)
    benchmark = benchmark_of(run)
    return pl.DataFrame(
        {
            "date": days,
            "return": returns,
            "unit_value": run.tape.unit_dp[1:, 0],
            "nav_micros": run.tape.nav_dp[1:, 0],
            "benchmark_return": np.full(len(days), np.nan) if benchmark is None else benchmark,
        }
    )


def _weights(run: Run) -> pl.DataFrame:
    """(date, symbol, weight) of every wish that was spoken."""
    wishes = gather(run.rules.pods, run.panel.rows(0, run.stop), run.start)
    days, symbols = run.panel.days, run.panel.assets.symbols
    spoken = np.flatnonzero(wishes.speaks_tp[:, 0])
    row = wishes.latest_tp[spoken, 0]
    counts = (wishes.row_ptr[row + 1] - wishes.row_ptr[row]).astype(np.int64)
    return pl.DataFrame(
        {
            "date": np.repeat(days[spoken].astype("datetime64[D]"), counts),
            "symbol": pl.Series([symbols[i] for i in wishes.asset_w], dtype=pl.String),
            "weight": wishes.weight_w.astype(np.float64),
        }
    )


def _rankings(weights: pl.DataFrame) -> pl.DataFrame:
    """(date, rank, symbol, weight), the largest weight first, names of one weight by symbol."""
    rank = pl.col("weight").rank("ordinal", descending=True).over("date").alias("rank")
    return (
        weights.sort("date", "weight", "symbol", descending=[False, True, False])
        .with_columns(rank)
        .select("date", "rank", "symbol", "weight")
        .sort("date", "rank")
    )
