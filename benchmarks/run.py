"""Run all benchmarks, each in a process of its own, and write RESULTS.md from what was measured.

python benchmarks/run.py [PYTHON_WITH_VECTORBT]
"""

import datetime
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent


def measure(module, *arguments, **settings):
    """Run one benchmark and read its line of JSON; settings are variables of its environment."""
    env = os.environ | {"PYTHONPATH": f"{HERE.parent / 'src'}{os.pathsep}{HERE.parent}"} | settings
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    print(module, done.stdout.strip(), flush=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def machine():
    """What it ran on."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    packages = ", ".join(f"{p} {version(p)}" for p in ("numpy", "numba", "polars"))
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}"


def fund_lines(told):
    """The house of 330 pods."""
    yield "## 330 pods x 100 names of 3,000 x 2,520 days\n"
    yield "| | wall s | CPU s | bare loop by pod = 1 | bare loop by pod and name = 1 | slots a day | fills |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    slots = f"{told['bare_slot_days'] / 2520:,.0f}"
    yield f"| bare loop, profit by pod | | {told['far_bare_cpu_s']:.2f} | 1 | | {slots} | |"
    yield f"| bare loop, by pod and name | | {told['far_by_name_cpu_s']:.2f} | | 1 | {slots} | |"
    for name, text in (("far", "podshop, rungs out of reach"), ("real", "podshop, retail ladder")):
        yield (
            f"| {text} | {told[name + '_s']:.2f} | {told[name + '_cpu_s']:.2f} "
            f"| {told[name + '_ratio']:.1f} | {told[name + '_by_name_ratio']:.1f} "
            f"| {told[name + '_slots_a_day']:,.0f} | {told[name + '_fill_rows']:,} |"
        )
    yield (
        f"\nMedians of three rounds, bare loop and podshop in turn. The bare loop holds, nets and values "
        f"and does nothing else. podshop does limits, ladder, monthly Sharpe allocation, caps, netting, "
        f"crosses, commission, spread, impact, volume cap, borrow, interest, dividends, and attribution "
        f"by pod and part (residual {told['far_residual']} micros), from wishes that are there already. "
        f"Quoting the panel ({told['quotes_cpu_s']:.2f} CPU s) is inside podshop's times. Peak memory of "
        f"the process, panel, wishes and one run: {told['far_rss_mb']:,.0f} MB. A slice of 60 sessions: "
        f"{told['slice_fast']:.2f} CPU s fast, {told['slice_full']:.2f} in full with hash chain and "
        f"attribution by name; the books are {'equal' if told['slice_fast_book'] == told['slice_full_book'] else 'DIFFERENT'}.\n"
    )
    yield (
        "**The goal of five times the bare loop is "
        f"{'met' if told['real_by_name_ratio'] <= 5 else 'not met'}.** Every pod re-sizes all its names "
        "every week, so half of the time goes into sharing, costing, booking and keeping the fills; the "
        "quiet days between cost little.\n"
    )


def momentum_lines(all_told):
    """One strategy beside vectorbt."""
    yield "## One momentum strategy, monthly, top 20, 2,520 days\n"
    yield "| names | bare loop s | podshop s | podshop CPU s | vectorbt s | trades: bare, podshop, vectorbt |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for told in all_told:
        beside = f"{told['vectorbt_s']:.2f}" if "vectorbt_s" in told else "not installed"
        yield (
            f"| {told['names']:,} | {told['bare_s']:.4f} | {told['podshop_s']:.3f} "
            f"| {told['podshop_cpu_s']:.3f} | {beside} | {told['bare_trades']}, "
            f"{told['podshop_fills']}, {told.get('vectorbt_trades', '-')} |"
        )
    yield (
        "\nThe rule is the same; trades differ in small resizings, because podshop sizes on the capital "
        "of the last allocation, the bare loop on equity, and vectorbt rejects or cuts some buys for "
        "want of cash. podshop's time includes quoting the panel and asking the pod. vectorbt: least "
        "of its warm runs (500 names), its only run (3,000).\n"
    )


def sweep_lines(told):
    """A sweep beside vectorbt's loop."""
    yield f"## A sweep of {told['combinations']} momentum strategies, 500 names x 2,520 days\n"
    yield (
        f"podshop, all of `research sweep` with the panel in memory, with costs, attribution by part, "
        f"{told['metrics']} metrics and the run ledger on disk, beside vectorbt's loop of one portfolio a "
        "combination, on the same arrays in the same run:\n"
    )
    yield "| | wall s | CPU s |"
    yield "| --- | --- | --- |"
    yield f"| podshop, panel never seen before | {told['podshop_first_s']:.2f} | {told['podshop_first_cpu_s']:.3f} |"
    yield f"| podshop, the next sweep on it | {told['podshop_s']:.2f} | {told['podshop_cpu_s']:.3f} |"
    if "vectorbt_value_s" in told:
        for name, text in (("value", "value paths only"), ("stats", "with its own figures")):
            wall, cpu = told[f"vectorbt_{name}_s"], told[f"vectorbt_{name}_cpu_s"]
            yield f"| vectorbt, {text} | {wall:.1f} | {cpu:.1f} |"
        first, then = told["ratio_stats_first_cpu"], told["ratio_stats_cpu"]
        yield (
            f"\nThe same work, figures included: vectorbt takes **{first:.0f} times** as long as podshop on a "
            f"panel never seen before and {then:.0f} times as long on the next sweep, in processor time; its value "
            f"paths alone {told['ratio_value_first_cpu']:.0f} and {told['ratio_value_cpu']:.0f} times. The goal is a "
            f"hundred times for the same work: {'met' if first >= 100 else 'not met'}. Final values differ by "
            f"{told['largest_difference']:.1%} at most (cash, whole lots); their order correlates by "
            f"{told['rank_correlation']:.3f}."
        )
    yield ""


def store_lines(told):
    """The market store."""
    yield f"## Market store, {told['rows']:,} bars (3,000 names x 2,520 sessions)\n"
    yield "| | s |"
    yield "| --- | --- |"
    for key, text in (
        ("load_s", "first load, checked, parted by year, durable"),
        ("upsert_21_days_s", "21 changed sessions of all names, old rows kept as revisions"),
        ("one_symbol_s", "SQL: one symbol, adjusted"),
        ("one_day_s", "SQL: one day, adjusted"),
        ("hash_s", "fingerprint of all rows"),
        ("panel_build_s", "panel of all fields, returns and index"),
        ("snapshot_save_s", "its snapshot written"),
        ("snapshot_open_s", "the snapshot opened"),
        ("snapshot_read_five_fields_s", "and five fields read whole"),
    ):
        yield f"| {text} | {told[key]:.3f} |"
    yield (
        f"\n{told['store_mb']:.0f} MB of Parquet, two versions; peak memory {told['peak_rss_mb']:,.0f} MB. "
        f"A sync of {told['sync_answers']} answers with {told['sync_rows']:,} rows that have come: read, "
        f"identified, checked and committed in {told['sync_s']:.2f} s; the same sync again, which asks for "
        f"nothing: {told['sync_again_s']:.2f} s. Answers come at the vendor's limit, 285 a minute.\n"
    )


def simulator_lines(told):
    """The simulated market."""
    yield "## Simulated market\n"
    yield (
        f"{told['names']:,} names x {told['sessions']:,} sessions with all tables ({told['rows']:,} rows): "
        f"{told['cpu_s']:.1f} CPU s, peak memory {told['peak_rss_mb']:,.0f} MB.\n"
    )


def metrics_lines(told):
    """All metrics of many series."""
    yield f"## {told['metrics']} metrics of {told['series']} series of {told['days']:,} days\n"
    yield (
        f"At once, beside a benchmark, with a calendar: {told['many_s']:.3f} s. One series: "
        f"{told['one_ms']:.1f} ms; one by one that would be {told['one_by_one_s']:.2f} s.\n"
    )


def optimise_lines(told):
    """Optimisers at three sizes, beside skfolio."""
    by = {}
    for row in told["rows"]:
        by.setdefault(row["what"], {})[row["names"]] = row
    sizes = sorted({row["names"] for row in told["rows"]})
    yield f"## Optimisers, factor model of {told['factors']} factors, CPU ms a solve\n"
    yield (
        "| | "
        + " | ".join(f"{n:,} names" for n in sizes)
        + " | skfolio, "
        + f"{sizes[-1]:,} names |"
    )
    yield "| --- " * (len(sizes) + 2) + "|"
    for what, rows in by.items():
        ours = " | ".join(f"{rows[n]['cpu_s'] * 1e3:.1f}" for n in sizes)
        theirs = rows[sizes[-1]].get("skfolio_cpu_s")
        yield f"| {what} | {ours} | {f'{theirs * 1e3:.0f}' if theirs else ''} |"
    judged = [row for row in told["rows"] if "apart" in row]
    large = [row for row in told["rows"] if row["names"] == sizes[-1]]
    slow = [row["what"] for row in large if row["cpu_s"] > 0.1]
    yield ""
    yield (
        f"Medians of {told['rounds']} rounds, both in turn in one process, one thread of BLAS, everything from the "
        "arrays to the weights. Where skfolio solves the same problem (factor form, Clarabel), weights differ by "
        f"{max(row['apart'] for row in judged):.0e} at most, volatility by "
        f"{max(abs(row['volatility'] - row['skfolio_volatility']) for row in judged):.0e}. "
        f"Over the goal of 100 ms at {sizes[-1]:,} names: {', '.join(slow) if slow else 'none'}.\n"
    )


def main(python=None):
    """Measure everything and write the page."""
    start = measure("start")
    fund = measure("fund_330", "3")
    extra = [python] if python else []
    momentum = [measure("momentum", names, *extra) for names in ("500", "3000")]
    swept = measure("sweep", *extra)
    store = measure("store")
    simulated = measure("simulate")
    metrics = measure("metrics")
    optimised = measure("optimise", OPENBLAS_NUM_THREADS="1")
    lines = [
        "# Measured\n",
        f"{datetime.date.today()}. {machine()}. `make bench` writes this page; ratios are within one run.\n",
        *fund_lines(fund),
        *momentum_lines(momentum),
        *sweep_lines(swept),
        *store_lines(store),
        *simulator_lines(simulated),
        *metrics_lines(metrics),
        *optimise_lines(optimised),
        "## Waiting\n",
        f"`podshop --help`: {start['help_s']:.2f} s. The demo, first run, compiling all kernels: "
        f"{start['demo_cold_s']:.0f} s; again, from numba's cache: {start['demo_warm_s']:.0f} s.\n",
    ]
    (HERE / "RESULTS.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
