"""The plots of a run, as plotly figures. A pod has the same colour in all of them.

Nothing is down-sampled. Where a fund has more pods than a plot can show, the ones with the largest
profit or loss are drawn and the title of the plot says how many are not.
"""

import colorsys
from collections.abc import Mapping
from typing import Any

import numpy as np

from podshop.domain.money import F64, MICROS, Days
from podshop.reports import figures
from podshop.reports.findings import CENTRE, Findings
from podshop.reports.sentence import CAPITAL

INK = "#1b2430"
"""Lines and words; the page swaps it, and the next three, in dark mode."""
MUTED = "#6b7684"
RULE = "#e3e6ea"
PAPER = "#ffffff"
SWAPPED = {"ink": INK, "muted": MUTED, "rule": RULE, "paper": PAPER}
"""The colours that the page swaps, by the names that its script knows."""
CASH = "#b9c0c9"
GAIN, LOSS = "#2f8f5b", "#c4473a"
POD_COLOURS = (
    "#3a6fb7",
    "#d9822b",
    "#2f9e8f",
    "#a4509c",
    "#c2a02d",
    "#c9545f",
    "#6d62c4",
    "#7d9638",
    "#8c6a4f",
    "#4fa3d1",
)
MOST = 12
"""Pods that a plot of lines can hold and still be read."""
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def colours(pods: list[str]) -> dict[str, str]:
    """A colour for every pod, the same wherever the pods are listed in this order."""
    told = dict(zip(pods, POD_COLOURS, strict=False))
    for k, pod in enumerate(pods[len(POD_COLOURS) :]):
        hue = (k * 0.618034) % 1.0  # golden-ratio steps keep neighbours apart
        rgb = colorsys.hls_to_rgb(hue, 0.45, 0.45)
        told[pod] = "#" + "".join(f"{round(c * 255):02x}" for c in rgb)
    return told


def tint(colour: str, alpha: float) -> str:
    """A colour with some transparency: `rgba(r,g,b,a)`."""
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{alpha})"


def blank(height: int, **layout: Any) -> Any:
    """An empty plotly figure in the house style, so many pixels high."""
    from plotly import graph_objects as go

    axis = {"gridcolor": RULE, "linecolor": RULE, "zerolinecolor": MUTED, "zerolinewidth": 1}
    figure = go.Figure()
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 62, "r": 16, "t": 40, "b": 36},
        font={"family": FONT, "size": 12, "color": MUTED},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        hoverlabel={"bgcolor": PAPER, "bordercolor": RULE, "font": {"color": INK, "size": 12}},
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1.0,
            "yref": "container",
            "yanchor": "top",
            "font": {"color": INK},
            "traceorder": "normal",
        },
        xaxis={**axis, "showgrid": False, "ticks": "outside", "tickcolor": RULE},
        yaxis={**axis, "automargin": True},
        **layout,
    )
    return figure


def draw_line(figure: Any, days: Days, y: F64, name: str, colour: str, **more: Any) -> None:
    """Draw one line over the sessions into a figure."""
    width = more.pop("width", 1.4)
    figure.add_scatter(
        x=days, y=y, name=name, mode="lines", line={"color": colour, "width": width}, **more
    )


def _lines(found: Findings, values_tp: F64) -> dict[str, F64]:
    """Pod -> (T,) values while it lived, for the pods that a plot of lines draws."""
    lived_tp = found.pods.lived(values_tp)
    return {pod: lived_tp[:, found.names.index(pod)] for pod in found.drawn(MOST)[0]}


def equity(found: Findings) -> Any:
    """Growth of the opening capital beside the benchmark, flow-free; NAV too where money flowed."""
    fund, capital = found.fund, found.run.rules.capital / MICROS
    figure = blank(400)
    money = "%{y:,.0f}"
    if fund.has_benchmark:
        draw_line(
            figure, fund.days, fund.benchmark * capital, "Benchmark", MUTED, hovertemplate=money
        )
    if any(amounts.get("flow") for amounts in found.by.values()):
        nav = fund.nav_micros / MICROS
        draw_line(figure, fund.days, nav, "NAV with flows", CASH, hovertemplate=money)
    draw_line(figure, fund.days, fund.unit * capital, "Fund", INK, width=2.2, hovertemplate=money)
    figure.update_xaxes(type="date")
    figure.update_yaxes(tickformat=",.3~s", title={"text": found.run.rules.currency})
    return figure


def underwater(found: Findings) -> Any:
    """Drawdown of the fund above, of the pods below, each with the levels of its ladder."""
    figure = blank(520)
    percent = "%{y:.2%}"
    days = found.fund.days
    draw_line(
        figure, days, -found.fund.drawdown, "Fund", INK, hovertemplate=percent, fill="tozeroy"
    )
    figure.data[-1].update(fillcolor=tint(LOSS, 0.18), line={"color": LOSS, "width": 1.2})
    lines = _lines(found, -found.pods.drawdown_tp)
    colour = colours(found.names)
    for pod, y in lines.items():
        draw_line(figure, days, y, pod, colour[pod], hovertemplate=percent, yaxis="y2", width=1.0)
    ladder = figures.ladder(found)
    _levels(figure, ladder["fund"], "y")
    _levels(figure, ladder["pod"], "y2")
    bottom = {**figure.layout.yaxis.to_plotly_json(), "tickformat": ".0%", "rangemode": "tozero"}
    figure.update_layout(
        yaxis={**bottom, "domain": [0.57, 1.0], "title": {"text": "fund"}},
        yaxis2={**bottom, "domain": [0.0, 0.47], "title": {"text": "pods"}, "anchor": "x"},
        margin={"r": 104},
    )
    figure.update_xaxes(type="date", anchor="y2")
    return figure


def _levels(figure: Any, rungs: Mapping[str, float], axis: str) -> None:
    """Mark the levels of a ladder as dashed lines with their names."""
    for rung, level in rungs.items():
        line = {"color": MUTED, "width": 1, "dash": "dash"}
        where = {"xref": "paper", "yref": axis}
        figure.add_shape(type="line", x0=0, x1=1, y0=-level, y1=-level, line=line, **where)
        figure.add_annotation(
            text=f"{rung} {100 * level:g} %",
            x=1,
            y=-level,
            xanchor="left",
            yanchor="middle",
            showarrow=False,
            font={"size": 11, "color": MUTED},
            **where,
        )


def pod_values(found: Findings) -> Any:
    """Unit value of each pod on nominal capital, 1 at hiring; a line ends at the pod's closing."""
    figure = blank(380)
    colour = colours(found.names)
    for pod, y in _lines(found, found.pods.unit_tp).items():
        draw_line(figure, found.fund.days, y, pod, colour[pod], hovertemplate="%{y:.4f}")
    figure.add_shape(
        type="line", x0=0, x1=1, y0=1, y1=1, xref="paper", line={"color": MUTED, "width": 1}
    )
    figure.update_xaxes(type="date")
    figure.update_yaxes(tickformat=".2~f")
    return figure


def allocation(found: Findings) -> Any:
    """Capital in use by each pod as a share of fund NAV, and what is not in use."""
    figure = blank(380)
    names, pods, colour = found.names, found.pods, colours(found.names)
    use_tp = pods.nominal_tp * pods.keep_tp / found.fund.nav_micros[:, None]
    shown, left_out = found.drawn(MOST)
    bands = [(pod, use_tp[:, names.index(pod)], colour[pod]) for pod in shown]
    cash = 1.0 - use_tp.sum(axis=1)
    if left_out:
        rest = use_tp.sum(axis=1) - np.sum([y for _, y, _ in bands], axis=0)
        bands.append((f"{left_out} other pods", rest, MUTED))
    for name, y, shade in [*bands, ("not in use (cash)", cash, CASH)]:
        figure.add_scatter(
            x=found.fund.days,
            y=y,
            name=name,
            mode="lines",
            stackgroup="nav",
            line={"width": 0, "color": shade},
            fillcolor=tint(shade, 0.85),
            hovertemplate="%{y:.1%}",
        )
    figure.update_xaxes(type="date")
    figure.update_yaxes(tickformat=".0%")
    if cash.min() >= 0.0:
        figure.update_yaxes(range=[0, 1])
    return figure


def by_pod(found: Findings) -> Any:
    """Profit and loss of each pod and of the centre, after all costs."""
    pods, left_out = found.drawn(2 * MOST)
    colour = colours(found.names)
    bars = [(pod, found.profit(pod), colour[pod]) for pod in pods]
    if left_out:
        others = sum(found.profit(pod) for pod in set(found.names) - set(pods))
        bars.append((f"{left_out} other pods", others, MUTED))
    bars.append((CENTRE, found.profit(CENTRE), CASH))
    figure = blank(max(340, 60 + 30 * len(bars)), showlegend=False)
    figure.add_bar(
        y=[name for name, _, _ in bars],
        x=[micros / MICROS for _, micros, _ in bars],
        orientation="h",
        marker={"color": [shade for _, _, shade in bars]},
        text=[f"{micros / MICROS:,.0f}" for _, micros, _ in bars],
        textposition="outside",
        constraintext="none",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:,.2f}<extra></extra>",
    )
    _lying(figure, [0.0, *(micros / MICROS for _, micros, _ in bars)])
    return figure


def _lying(figure: Any, ends: list[float]) -> None:
    """Lay out bars that lie: names at the left, room at both ends for the amounts.

    Args:
        figure: the figure.
        ends: every x that a bar reaches, 0 among them.
    """
    low, high = min(ends), max(ends)
    room = 0.22 * ((high - low) or 1.0)
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(
        range=[low - room if low < 0 else low, high + room],
        tickformat=",.3~s",
        nticks=6,
        zeroline=True,
        showgrid=True,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, color=INK)


def by_part(found: Findings) -> Any:
    """From price gains to profit, part by part."""
    order = ["price", "dividend", "commission", "spread", "impact", "netting", "borrow", "interest"]
    seen = {part for amounts in found.by.values() for part, x in amounts.items() if x}
    seen -= set(CAPITAL)
    parts = [part for part in order if part in seen] + sorted(seen - set(order))
    values = [found.total((part,)) / MICROS for part in parts]
    total = found.profit() / MICROS
    figure = blank(340, showlegend=False)
    figure.add_waterfall(
        y=[*parts, "profit"],
        x=[*values, total],
        orientation="h",
        measure=["relative"] * len(parts) + ["total"],
        text=[f"{value:,.0f}" for value in [*values, total]],
        textposition="outside",
        constraintext="none",
        cliponaxis=False,
        increasing={"marker": {"color": GAIN}},
        decreasing={"marker": {"color": LOSS}},
        totals={"marker": {"color": INK}},
        connector={"line": {"color": RULE, "width": 1}},
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    _lying(figure, [0.0, total, *np.cumsum(values).tolist()])
    return figure
