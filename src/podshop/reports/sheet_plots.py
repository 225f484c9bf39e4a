"""The plots of a tear sheet, as plotly figures in the style of `podshop.reports.plots`."""

from typing import Any

import numpy as np

from podshop.domain.money import F64, Days
from podshop.reports.plots import (
    GAIN,
    INK,
    LOSS,
    MUTED,
    POD_COLOURS,
    blank,
    draw_line,
    tint,
)
from podshop.research.bands import LEVELS, Bands
from podshop.research.metrics.numbers import std, value_paths
from podshop.research.periods import Rolling
from podshop.research.series import drawdown_series

BLUE = POD_COLOURS[0]
BINS = 61
"""Bars of the histogram, odd so that one has its middle at zero."""
MEASURES = (
    ("total", "return", ".0%"),
    ("volatility", "volatility", ".0%"),
    ("sharpe", "Sharpe", ".1~f"),
    ("beta", "beta", ".1~f"),
)
"""(attribute of `Rolling`, what the axis says, how it writes)."""


def beside(benchmark: F64, value: F64) -> F64:
    """(T,) growth of the benchmark, started where the strategy stood the session before.

    Args:
        benchmark: (T,) returns; NaN where unknown, drawn flat between known ones.
        value: (T,) value of one unit of the strategy.
    """
    known = np.flatnonzero(np.isfinite(benchmark))
    growth = np.full(value.size, np.nan)
    if known.size:
        a, b = int(known[0]), int(known[-1]) + 1
        begin = value[a - 1] if a else 1.0
        growth[a:b] = begin * np.cumprod(1.0 + np.nan_to_num(benchmark[a:b], nan=0.0))
    return growth


def equity(days: Days, returns: F64, benchmark: F64) -> Any:
    """Growth of one unit of the strategy beside the benchmark."""
    figure, value = blank(380), value_paths(returns)
    if np.isfinite(benchmark).any():
        growth = beside(benchmark, value)
        draw_line(figure, days, growth, "Benchmark", MUTED, hovertemplate="%{y:.3f}")
    draw_line(figure, days, value, "Strategy", INK, width=2.0, hovertemplate="%{y:.3f}")
    figure.update_xaxes(type="date")
    figure.update_yaxes(tickformat=".3~g", title={"text": "growth of 1"})
    return figure


def underwater(days: Days, returns: F64, benchmark: F64) -> Any:
    """Share lost since the last high, of the strategy and of the benchmark."""
    figure = blank(260)
    if np.isfinite(benchmark).any():
        growth = beside(benchmark, np.ones(days.size))
        known = np.isfinite(growth)
        down = np.full(days.size, np.nan)
        down[known] = -drawdown_series(growth[known])
        draw_line(figure, days, down, "Benchmark", MUTED, width=1.0, hovertemplate="%{y:.2%}")
    down = -drawdown_series(value_paths(returns))
    draw_line(figure, days, down, "Strategy", LOSS, fill="tozeroy", hovertemplate="%{y:.2%}")
    figure.data[-1].update(fillcolor=tint(LOSS, 0.18), line={"width": 1.2})
    figure.update_xaxes(type="date")
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    return figure


def rolled(days: Days, windows: list[Rolling], has_benchmark: bool) -> Any:
    """Trailing windows: a row each for return, volatility, Sharpe ratio and beta."""
    measures = MEASURES if has_benchmark else MEASURES[:-1]
    figure = blank(60 + 138 * len(measures))
    height, axes = 1.0 / len(measures), {}
    side = {**figure.layout.yaxis.to_plotly_json(), "anchor": "x"}
    for k, (attribute, words, ticks) in enumerate(measures):
        name = "y" if k == 0 else f"y{k + 1}"
        top = 1.0 - k * height
        axes["yaxis" + name[1:]] = {
            **side,
            "domain": [top - height + 0.03, top],
            "title": {"text": words},
            "tickformat": ticks,
            "nticks": 5,
        }
        for window, colour in zip(windows, (POD_COLOURS[3], POD_COLOURS[1], BLUE), strict=False):
            draw_line(
                figure,
                days,
                getattr(window, attribute),
                f"{window.window} sessions",
                colour,
                width=1.7 if window.window == windows[-1].window else 1.0,
                yaxis=name,
                legendgroup=str(window.window),
                showlegend=k == 0,
                hovertemplate="%{y:" + (".2%" if "%" in ticks else ".2f") + "}",
            )
    figure.update_layout(**axes)
    figure.update_xaxes(type="date", anchor=f"y{len(measures)}")
    return figure


def histogram(returns: F64) -> tuple[F64, F64]:
    """Edges and counts of the bars, symmetric about zero; what lies beyond is in the last bars.

    Args:
        returns: (T,) simple returns.

    Returns:
        (BINS + 1,) edges and (BINS,) counts, whose sum is T.
    """
    reach = max(5.0 * std(returns).item(), 1e-6)
    edges = np.linspace(-reach, reach, BINS + 1)
    inside = np.clip(returns, edges[0], edges[-1])
    return edges, np.histogram(inside, edges)[0].astype(np.float64)


def distribution(returns: F64) -> Any:
    """How often a session had which return, beside a normal of the same mean and deviation."""
    figure = blank(300, bargap=0.06)
    edges, counts = histogram(returns)
    middle, wide = (edges[1:] + edges[:-1]) / 2.0, float(edges[1] - edges[0])
    deviation = std(returns).item() or 1e-6
    z = (middle - returns.mean()) / deviation
    normal = np.exp(-(z**2) / 2.0) / (deviation * np.sqrt(2.0 * np.pi)) * wide * returns.size
    figure.add_bar(
        x=middle.tolist(),
        y=counts.tolist(),
        name="sessions",
        marker={"color": [LOSS if x < -wide / 2 else GAIN for x in middle.tolist()]},
        opacity=0.75,
        showlegend=False,
        hovertemplate="%{y:.0f} sessions<extra></extra>",
    )
    figure.add_scatter(
        x=middle.tolist(),
        y=normal.tolist(),
        name="normal of the same mean and deviation",
        mode="lines",
        line={"color": INK, "width": 1.3},
        hovertemplate="%{y:.1f} of a normal<extra></extra>",
    )
    figure.update_xaxes(tickformat=".1%")
    figure.update_yaxes(title={"text": "sessions"})
    return figure


def banded(days: Days, returns: F64, found: Bands) -> Any:
    """The strategy's growth among its resampled histories."""
    figure = blank(380)
    shades = {0.05: None, 0.95: tint(BLUE, 0.12), 0.25: None, 0.75: tint(BLUE, 0.22)}
    words = {0.95: "5 to 95 %", 0.75: "25 to 75 %"}
    for level, shade in shades.items():
        draw_line(
            figure,
            days,
            found.equity[LEVELS.index(level)],
            words.get(level, f"{level:.0%}"),
            BLUE,
            width=0,
            showlegend=shade is not None,
            fill=None if shade is None else "tonexty",
            fillcolor=shade,
            hoverinfo="skip",
        )
    middle = found.equity[LEVELS.index(0.5)]
    draw_line(figure, days, middle, "median", BLUE, width=1.2, hovertemplate="%{y:.3f}")
    value = value_paths(returns)
    draw_line(figure, days, value, "as it went", INK, width=1.8, hovertemplate="%{y:.3f}")
    figure.update_xaxes(type="date")
    figure.update_yaxes(type="log", tickformat=".3~g", title={"text": "growth of 1, log"})
    return figure
