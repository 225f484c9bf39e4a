"""Reports say what the tables say: sentences that sum, figures that match, a page of its own."""

import base64
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.made_up_run import MadeUpRules, MadeUpRun, made_up_run

from podshop.reports import figures, plots, tables
from podshop.reports.findings import Findings, life_returns
from podshop.reports.fund import render
from podshop.reports.sentence import CAPITAL, named, sentence, to_cents
from podshop.reports.writing import number, percent, whole

DOLLAR = 1_000_000


def parts(*rows: tuple[str, str, float]) -> pl.DataFrame:
    """Rows (pod, part, dollars) as the frame that a sentence is told from."""
    table = [(pod, part, round(dollars * DOLLAR)) for pod, part, dollars in rows]
    schema = {"pod": pl.String, "part": pl.String, "amount_micros": pl.Int64}
    return pl.DataFrame(table, schema=schema, orient="row")


# --- the sentence ---------------------------------------------------------------------------------


def test_the_sentence_of_the_house() -> None:
    day = parts(
        ("momentum", "price", 390),
        ("momentum", "dividend", 10),
        ("tech", "price", 200),
        ("tech", "spread", -60),
        ("momentum", "impact", -40),
    )
    assert sentence(day) == "Made $500: $400 momentum, $200 tech, lost $100 to slippage."


def test_a_losing_day_names_the_losses_first() -> None:
    day = parts(
        ("pairs", "price", -350.25),
        ("momentum", "price", 100),
        ("pairs", "commission", -1.75),
        ("pairs", "netting", 0.5),
        ("centre", "interest", 1.25),
        ("pairs", "borrow", -0.75),
    )
    assert sentence(day) == (
        "Lost $251.00: $350.25 in pairs, $1.75 to commission, $0.75 to borrow fees, "
        "but made $100.00 in momentum, $1.25 in interest, $0.50 by netting."
    )


def test_what_rounding_leaves_over_is_named() -> None:
    day = parts(("a", "price", 0.014), ("b", "price", 0.014))
    assert sentence(day) == "Made $0.03: $0.01 a, $0.01 b, $0.01 rounding."


def test_capital_is_told_apart_from_profit() -> None:
    day = parts(
        ("a", "price", 5),
        ("centre", "flow", 1000),
        ("centre", "flow", -300),
        ("a", "transfer", 50),
        ("centre", "transfer", -50),
    )
    assert sentence(day, "EUR") == (
        "Made €5: €5 a. €1,000 was paid in, which is not profit. "
        "€300 was taken out, which is not profit."
    )
    alone = day.filter(pl.col("pod") == "a")
    assert sentence(alone).endswith(
        "$50 was moved in from the rest of the fund, which is not profit."
    )


def test_quiet_and_even_days() -> None:
    assert sentence(parts()) == "Nothing made, nothing lost."
    even = parts(("a", "price", 7), ("b", "price", -7))
    assert sentence(even, "CHF") == "Broke even: made CHF 7 in a, lost CHF 7 in b."


def test_a_crowd_of_pods_is_told_as_one() -> None:
    day = parts(*((f"pod{k}", "price", 100 - k) for k in range(10)))
    told = sentence(day, most=3)
    assert told == "Made $955: $100 pod0, $99 pod1, $756 the other 8 pods."


def test_a_part_nobody_knows_is_named_by_its_name() -> None:
    assert sentence(parts(("a", "levy", -2))) == "Lost $2: $2 to levy."


AMOUNTS = st.one_of(st.integers(-30_000, 30_000), st.integers(-(10**15), 10**15))
PARTS = ["price", "dividend", "commission", "spread", "impact", "netting", "borrow", "interest"]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", "centre"]),
        st.sampled_from([*PARTS, "fee", "flow", "transfer", "levy"]),
        AMOUNTS,
    ),
    max_size=30,
)


@given(ROWS, st.integers(1, 6))
def test_named_amounts_sum_to_the_total(rows: list[tuple[str, str, int]], most: int) -> None:
    schema = {"pod": pl.String, "part": pl.String, "amount_micros": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    total = sum(micros for _, part, micros in rows if part not in CAPITAL)
    assert sum(row.cents for row in named(frame, most)) == to_cents(total)
    assert sum(read_back(sentence(frame, most=most))) == to_cents(total)


def read_back(told: str) -> list[int]:
    """The signed cents that a sentence names, read as a person reads it."""
    profit = re.split(r"\. \$", told)[0]  # what follows speaks of capital
    head, _, amounts = profit.partition(": ")
    sign = -1 if head.startswith("Lost") else 1
    cents = []
    for word, amount in re.findall(r"(made|lost)?\s?\$([\d,]+(?:\.\d\d)?)", amounts):
        sign = {"made": 1, "lost": -1}.get(word, sign)
        cents.append(sign * round(float(amount.replace(",", "")) * 100))
    return cents


def test_cents_round_half_away_from_zero() -> None:
    assert [to_cents(x) for x in (4_999, 5_000, -4_999, -5_000, 15_000)] == [0, 1, 0, -1, 2]


def test_figures_are_written_without_a_negative_nothing() -> None:
    assert whole(-400_000) == "0"
    assert whole(-1_234_567_890) == "-1,235"
    assert percent(-0.00001) == "0.00 %"
    assert number(math.nan) == percent(math.inf) == "–"


# --- the figures ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run() -> MadeUpRun:
    """Twelve years of five pods."""
    return made_up_run()


@pytest.fixture(scope="module")
def page(run: MadeUpRun) -> str:
    """Its report."""
    return render(run)


def test_the_headline_is_the_tables(run: MadeUpRun) -> None:
    head = figures.headline(Findings(run))
    profit = run.pod_parts.filter(~pl.col("part").is_in(CAPITAL))["amount_micros"].sum()
    assert head.opening == run.rules.capital
    assert head.final == run.nav["nav_micros"][-1] == head.opening + profit
    assert head.total_return == pytest.approx(run.nav["unit_value"][-1] - 1.0, rel=1e-12)
    unit = run.nav["unit_value"].to_numpy()
    assert head.max_drawdown == pytest.approx((1 - unit / np.maximum.accumulate(unit)).max())
    assert head.saved == run.pod_parts.filter(part="netting")["amount_micros"].sum()
    assert head.costs - head.alone == -head.saved - sum(
        run.pod_parts.filter(part=part)["amount_micros"].sum() for part in ("borrow", "fee")
    )
    assert head.years == pytest.approx(3_023 / 252)


def test_a_deposit_is_not_profit() -> None:
    with_flow, without = (
        figures.headline(Findings(made_up_run(600, flows=f))) for f in (True, False)
    )
    assert with_flow.flows == 100_000 * DOLLAR
    assert with_flow.opening == without.opening == 1_000_000 * DOLLAR
    assert with_flow.final == with_flow.opening + with_flow.flows + with_flow.profit


def test_fates_are_the_tables(run: MadeUpRun) -> None:
    fates = {fate.pod: fate for fate in figures.fates(Findings(run))}
    assert list(fates) == list(run.pods["pod"].unique(maintain_order=True))
    assert sum(fate.profit for fate in fates.values()) == (
        figures.headline(Findings(run)).profit - Findings(run).profit("centre")
    )
    for pod, fate in fates.items():
        rows = run.pods.filter(pod=pod).sort("date")
        closed = rows.filter(status="closed")["date"]
        assert fate.until == closed.min()
        assert fate.status == rows["status"][-1]
        assert fate.max_drawdown == rows["drawdown"].max()
        applied = run.events.filter(kind="ActionApplied", pod=pod)["detail"].to_list()
        assert fate.cuts == sum(json.loads(text)["action"] == "HALVE" for text in applied)


def test_a_life_starts_at_one_and_ends_with_its_closing() -> None:
    unit = np.array([1.0, 1.1, 0.99, 0.99, 0.99, 1.0, 1.2])
    closed = np.array([False, False, True, True, True, False, False])
    rows, returns = life_returns(unit, closed)
    assert rows.tolist() == [1, 2, 6]
    assert returns == pytest.approx([0.1, -0.1, 0.2])


def test_a_first_day_that_earned_is_an_observation() -> None:
    rows, returns = life_returns(np.array([0.9, 0.99]), np.zeros(2, dtype=bool))
    assert rows.tolist() == [0, 1]
    assert returns == pytest.approx([-0.1, 0.1])


def test_every_cut_has_its_breach_and_its_reason(run: MadeUpRun) -> None:
    rows = figures.cuts(Findings(run))
    acted = run.events.filter(pl.col("kind").is_in(["ActionApplied", "PodClosed"]))
    assert len(rows) == acted.height > 10
    assert [cut.seq for cut in rows] == sorted(cut.seq for cut in rows)
    for cut in rows:
        if cut.what in ("cut", "terminated"):
            assert cut.measured >= cut.threshold == {"cut": 0.05, "terminated": 0.10}[cut.what]
            assert cut.why.startswith("drawdown")
            assert cut.keep == {"cut": 0.5, "terminated": 0.0}[cut.what]
        else:
            assert math.isnan(cut.measured)


def test_a_halt_is_the_funds(run: MadeUpRun) -> None:
    day = run.nav["date"][-1]
    breach = {"limit": "drawdown", "measured": 0.16, "threshold": 0.15, "action": "HALT"}
    rows = [
        (1, day, "Breached", "centre", json.dumps({"breach": breach})),
        (2, day, "Halted", "centre", json.dumps({"cause": "drawdown 16 %", "rung": 1})),
    ]
    events = pl.DataFrame(rows, schema=run.events.schema, orient="row")
    (halt,) = figures.cuts(Findings(replace(run, events=events)))
    assert (halt.pod, halt.what, halt.why) == ("fund", "halted", "drawdown 16 %")
    assert (halt.measured, halt.threshold) == (0.16, 0.15)


def test_years_add_up(run: MadeUpRun) -> None:
    years = figures.years(Findings(run))
    assert [year.year for year in years] == list(range(2010, 2022))
    assert sum(year.profit for year in years) == figures.headline(Findings(run)).profit
    assert all(year.profit == sum(year.by_pod.values()) for year in years)
    growth = math.prod(1 + year.fund for year in years)
    assert growth == pytest.approx(run.nav["unit_value"][-1], rel=1e-12)
    level = run.benchmark["level"]
    bench = math.prod(1 + year.benchmark for year in years)
    assert bench == pytest.approx(level[-1] / level[0], rel=1e-12)


def test_costs_add_up_to_the_fund(run: MadeUpRun) -> None:
    *pods, fund = figures.costs(Findings(run))
    for part in (
        "commission",
        "spread",
        "impact",
        "alone",
        "netting",
        "paid",
        "borrow",
        "interest",
    ):
        assert sum(row[part] for row in pods) == fund[part] != 0
    assert fund["paid"] == fund["alone"] + fund["netting"]


def test_a_benchmark_that_begins_late_is_compared_from_then_on(run: MadeUpRun) -> None:
    late = run.benchmark.with_columns(
        level=pl.when(pl.col("date") < pl.date(2012, 1, 2)).then(math.nan).otherwise("level")
    )
    fund = Findings(replace(run, benchmark=late)).fund
    known = np.isfinite(fund.benchmark)
    assert fund.benchmark[known][0] == 1.0
    assert fund.days[known][0] == np.datetime64("2012-01-02")
    assert np.isnan(fund.benchmark_returns[fund.return_days <= np.datetime64("2012-01-02")]).all()


def test_the_ladder_is_read_from_the_rules(run: MadeUpRun) -> None:
    assert figures.ladder(Findings(run)) == {
        "pod": {"halve": 0.05, "terminate": 0.10},
        "fund": {"halt": 0.15},
    }
    compiled = {"limit": [{"use": "drawdown", "params": {"scope": "fund", "halt_at": 0.2}}]}
    other = replace(run, rules=MadeUpRules(manifest=compiled))
    assert figures.ladder(Findings(other)) == {"pod": {}, "fund": {"halt": 0.2}}


# --- the plots ------------------------------------------------------------------------------------


def drawn(figure: Any) -> dict[str, Any]:
    """The traces of a figure by name."""
    return {trace.name: trace for trace in figure.data}


def test_lines_are_the_tables_without_a_day_left_out(run: MadeUpRun) -> None:
    found = Findings(run)
    lines = drawn(plots.equity(found))
    assert np.array_equal(lines["Fund"].y, run.nav["unit_value"].to_numpy() * 1e6)
    assert len(lines["Fund"].x) == run.nav.height == 3_024
    values = drawn(plots.pod_values(found))
    for pod, line in values.items():
        rows = run.pods.filter(pod=pod).sort("date")
        lived = int((rows["status"] != "closed").sum()) + int("closed" in rows["status"])
        assert np.array_equal(line.y[:lived], rows["unit_value"].to_numpy()[:lived])
        assert np.isnan(line.y[lived:]).all()


def test_allocation_stacks_up_to_nav(run: MadeUpRun) -> None:
    bands = drawn(plots.allocation(Findings(run)))
    stack = np.sum([band.y for band in bands.values()], axis=0)
    assert stack == pytest.approx(np.ones(run.nav.height))
    day = run.nav["date"][700]
    row = run.pods.filter(date=day, pod="momentum")
    share = row["nominal_micros"][0] * row["cut"][0] / run.nav["nav_micros"][700]
    assert bands["momentum"].y[700] == pytest.approx(share)


def test_bars_are_the_attribution(run: MadeUpRun) -> None:
    found = Findings(run)
    bars = plots.by_pod(found).data[0]
    assert dict(zip(bars.y, bars.x, strict=True)) == {
        pod: found.profit(pod) / 1e6 for pod in bars.y
    }
    steps = plots.by_part(found).data[0]
    assert steps.y[-1] == "profit"
    assert sum(steps.x[:-1]) == pytest.approx(steps.x[-1], abs=1e-6)


def test_a_pod_has_one_colour(run: MadeUpRun) -> None:
    found = Findings(run)
    colour = plots.colours(found.names)
    assert len(set(colour.values())) == len(found.names)
    for figure in (plots.pod_values(found), plots.underwater(found)):
        for name, line in drawn(figure).items():
            assert name == "Fund" or line.line.color == colour[name]
    many = plots.colours([f"pod{k}" for k in range(60)])
    assert len(set(many.values())) == 60


# --- the page -------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collects every reference and every script of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.scripts: dict[str, str] = {}
        self.styles: list[str] = []
        self.inside: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.references += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "action")]
        if tag in ("script", "style"):
            self.inside = (tag, told.get("id") or "")

    def handle_data(self, data: str) -> None:
        if self.inside and self.inside[0] == "script":
            name = self.inside[1] or f"script{len(self.scripts)}"
            self.scripts[name] = self.scripts.get(name, "") + data
        elif self.inside:
            self.styles.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.inside = None


def read(page: str) -> Reader:
    """Read a page as a browser does."""
    reader = Reader()
    reader.feed(page)
    return reader


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    reader = read(page)
    assert all(ref == "data:," or ref.startswith("#") for ref in reader.references)
    assert not any("url(" in style or "@import" in style for style in reader.styles)
    assert "default-src 'none'" in page
    bundle = max(reader.scripts.values(), key=len)
    rest = page.replace(bundle, "")
    assert not re.findall(r"https?://", rest)
    assert page.count("plotly.js v") == 1


def test_the_page_draws_what_the_tables_say(run: MadeUpRun, page: str) -> None:
    scripts = read(page).scripts
    days = json.loads(scripts["days"])
    assert days == [str(day) for day in run.nav["date"]]
    spec = {name: json.loads(text) for name, text in scripts.items() if name.startswith("plot-")}
    assert set(spec) == {
        "plot-equity", "plot-underwater", "plot-pod-values", "plot-allocation", "plot-by-pod",
        "plot-by-part",
    }  # fmt: skip
    line = next(t for t in spec["plot-equity"]["data"] if t["name"] == "Fund")
    packed = line["y"]
    y = np.frombuffer(base64.b64decode(packed["bdata"]), dtype=packed["dtype"])
    assert np.array_equal(y, run.nav["unit_value"].to_numpy() * 1e6)
    timed = [t for name in spec for t in spec[name]["data"] if t["type"] == "scatter"]
    assert len(timed) > 15
    assert not any("x" in trace for trace in timed), "sessions are written once, not with each line"


def test_the_page_says_what_the_tables_say(run: MadeUpRun, page: str) -> None:
    head = figures.headline(Findings(run))
    text = page.replace("\N{NO-BREAK SPACE}", " ")
    for said in (
        f"${whole(head.final)}",
        percent(head.total_return, 1),
        f"${whole(head.costs)}",
        run.summary["journal_hash"],
        run.summary["data_hash"],
        run.summary["rules_hash"],
        "0 micros",
        run.source,
    ):
        assert said in text, said
    last = run.pod_parts.filter(date=run.nav["date"][-1])
    assert sentence(last) in text
    for cut in figures.cuts(Findings(run)):
        assert cut.why.replace(">", "&gt;") in text


def test_names_cannot_break_the_page(run: MadeUpRun) -> None:
    nasty = "</script><script>alert(1)</script>"
    rules = MadeUpRules(name=nasty, manifest={"fund": {"name": nasty}})
    frames = {
        name: getattr(run, name).with_columns(pod=pl.col("pod").replace("rsi", nasty))
        for name in ("pods", "pod_parts", "events")
    }
    page = render(replace(run, rules=rules, **frames))
    assert "<script>alert" not in page
    assert nasty not in page


@pytest.mark.parametrize("sessions", [1, 2, 30])
def test_young_funds_have_a_page_too(sessions: int) -> None:
    run = made_up_run(sessions, benchmark=False)
    page = render(run)
    assert "no benchmark" in page
    assert "None: no pod was cut" in page
    assert not re.findall(r">\s*-?(?:nan|inf)", page, flags=re.IGNORECASE)


def test_a_crowd_is_drawn_in_part_and_the_page_says_so() -> None:
    run = made_up_run(300, names=tuple(f"pod{k}" for k in range(30)))
    page = render(run)
    assert "The plot draws the 12 pods with the largest profit or loss;\n18 more" in page
    assert "18 other pods" in page
    assert all(f"</span>pod{k}</td>" in page for k in range(30))
    assert "best pod" in page


def test_a_run_without_a_journal_says_so(run: MadeUpRun) -> None:
    page = render(replace(run, summary={**run.summary, "journal_hash": None}))
    assert "none kept" in page


# --- the terminal ---------------------------------------------------------------------------------


TABLES = (tables.summary, tables.fates, tables.cuts, tables.costs, tables.years)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_tables_never_cut_a_figure_short(run: MadeUpRun, width: int) -> None:
    console = Console(width=width, no_color=True)
    for table in TABLES:
        with console.capture() as captured:
            console.print(table(run))
        assert "…" not in captured.get()


def test_tables_say_what_the_run_says(run: MadeUpRun) -> None:
    console = Console(width=140, no_color=True)
    with console.capture() as captured:
        for table in TABLES:
            console.print(table(run))
    text = captured.get()
    head = figures.headline(Findings(run))
    assert f"${whole(head.final)}" in text
    assert all(cut.why in text and str(cut.day) in text for cut in figures.cuts(Findings(run)))
    assert all(str(fate.until) in text for fate in figures.fates(Findings(run)) if fate.until)
    assert all(percent(year.fund) in text for year in figures.years(Findings(run)))


def test_tables_of_a_crowd_and_of_a_first_day() -> None:
    console = Console(width=100, no_color=True)
    for run in (made_up_run(1), made_up_run(40, names=tuple(f"pod{k}" for k in range(30)))):
        with console.capture() as captured:
            for table in TABLES:
                console.print(table(run))
        assert "Years" in captured.get()
