"""The page of a factor: what a score knew of coming returns, for how long, and at what turnover."""

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import numpy as np

from podshop.domain.money import F64
from podshop.reports import plots
from podshop.reports.page import days_json, environment, plot_json
from podshop.reports.writing import number, percent
from podshop.research.factor import HALF_LIVES, Evaluation, Skill, Z

BARS = plots.POD_COLOURS[0]


def render(found: Evaluation, source: str = "") -> str:
    """The whole page.

    Args:
        found: what was found out about the score.
        source: where the data comes from.

    Returns:
        One self-contained HTML page.
    """
    from plotly.offline import get_plotlyjs

    page = environment().get_template("factor.html.j2")
    text: str = page.render(
        plotly_js=get_plotlyjs(),
        name=found.name,
        first=found.days[0],
        last=found.days[-1],
        found=found,
        told=list(words(found)),
        source=source,
        plots={name: plot_json(figure, found.days) for name, figure in _plots(found).items()},
        days=days_json(found.days),
        ink=plots.SWAPPED,
        finite=math.isfinite,
    )
    return text


def words(found: Evaluation) -> Iterator[str]:
    """What the figures say, one sentence each."""
    best = max(found.horizons, key=lambda s: abs(s.ic / s.error) if s.error > 0 else 0.0)
    yield _skill(best, len(found.horizons))
    decay = found.decay
    if math.isfinite(decay.half_life):
        between = (
            f", between {number(decay.low, 1)} and {number(decay.high, 1)} with 95 % confidence"
            if math.isfinite(decay.low)
            else "; how sure that is cannot be told"
        )
        most = float(HALF_LIVES[-1])
        halves = f"in {number(decay.half_life, 1)} sessions"
        if decay.half_life >= most:
            halves = f"in {number(most, 0)} sessions or more, too slowly to be told"
        yield f"What it knows halves {halves}{between}."
    else:
        yield "There is nothing that could halve: it does not know the next sessions."
    spread = found.quantiles
    if math.isfinite(spread.spread):
        yield (
            f"The best fifth earned {percent(spread.spread)} a year more than the worst, "
            f"give or take {percent(Z * spread.spread_error)} (95 %), before costs."
        )
    day, month = spread.leaving
    if math.isfinite(month):
        yield (
            f"Of the best fifth {percent(day, 1)} are out of it the next session and "
            f"{percent(month, 0)} a month later: that is what trading it would turn over."
        )


def _skill(best: Skill, horizons: int) -> str:
    if not math.isfinite(best.error) or not best.error > 0.0:
        return "There are too few days to say anything."
    strength = abs(best.ic) / best.error
    # The best of several horizons must be further from 0 than one alone (Bonferroni).
    needed = NormalDist().inv_cdf(1.0 - 0.025 / horizons)
    if strength < needed:
        return (
            f"Nothing is known to be there: at none of {horizons} horizons is its rank correlation "
            f"with coming returns {needed:.1f} standard errors from 0, which the best of as many "
            "must be to be no luck (95 %)."
        )
    side = "right" if best.ic > 0 else "wrong"
    return (
        f"It orders the returns of the next {best.days} sessions the {side} way round: rank "
        f"correlation {best.ic:.3f}, {strength:.1f} standard errors from 0."
    )


def _plots(found: Evaluation) -> dict[str, Any]:
    return {
        "horizons": _horizons(found),
        "cumulative": _cumulative(found),
        "decay": _decay(found),
        "quantiles": _bars(found),
        "spread": _spread(found),
    }


def _with_errors(figure: Any, x: list[Any], y: list[float], error: list[float]) -> Any:
    """Bars with their 95 % intervals."""
    figure.add_bar(
        x=x,
        y=y,
        marker={"color": BARS},
        error_y={"type": "data", "array": error, "color": plots.INK, "thickness": 1.2},
        showlegend=False,
    )
    return figure


def _horizons(found: Evaluation) -> Any:
    figure = plots.blank(280, bargap=0.45)
    figure.update_xaxes(title="sessions ahead", type="category")
    figure.update_yaxes(title="rank IC")
    x = [str(s.days) for s in found.horizons]
    error = [Z * s.error for s in found.horizons]
    return _with_errors(figure, x, [s.ic for s in found.horizons], error)


def _cumulative(found: Evaluation) -> Any:
    figure = plots.blank(280)
    figure.update_yaxes(title="sum of the daily IC")
    total = np.nancumsum(found.ic_t)
    plots.draw_line(figure, found.days, total, "rank IC", plots.INK, showlegend=False)
    return figure


def _decay(found: Evaluation) -> Any:
    figure = plots.blank(280, bargap=0.25)
    figure.update_xaxes(title="the one session that many ahead")
    figure.update_yaxes(title="rank IC")
    decay, lags = found.decay, np.arange(1, len(found.decay.ic) + 1)
    _with_errors(figure, lags.tolist(), decay.ic.tolist(), (Z * decay.error).tolist())
    if math.isfinite(decay.half_life):
        fit = 2.0 ** (-(lags - 1) / decay.half_life)
        weight = 1.0 / np.maximum(decay.error, 1e-12) ** 2
        scale = float((weight * fit * decay.ic).sum() / (weight * fit**2).sum())
        figure.add_scatter(
            x=lags.tolist(),
            y=(scale * fit).tolist(),
            mode="lines",
            name=f"halves in {decay.half_life:.1f} sessions",
            line={"color": plots.LOSS, "width": 1.8},
        )
    return figure


def _bars(found: Evaluation) -> Any:
    figure = plots.blank(280, bargap=0.45)
    figure.update_yaxes(title="a year, before costs", tickformat=".0%")
    mean, error = found.quantiles.mean, found.quantiles.error
    names = [str(k + 1) for k in range(len(mean))]
    names[0], names[-1] = "lowest", "highest"
    return _with_errors(figure, names, mean.tolist(), (Z * error).tolist())


def _spread(found: Evaluation) -> Any:
    figure = plots.blank(280)
    figure.update_yaxes(title="sum of the daily spread", tickformat=".0%")
    total: F64 = np.nancumsum(found.quantiles.spread_t)
    plots.draw_line(figure, found.days, total, "highest less lowest", plots.INK, showlegend=False)
    return figure
