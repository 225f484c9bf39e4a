"""What all pages with plots share: the templates' environment, figures as text, plots as JSON."""

import json
import math
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np

from podshop.domain.money import Days
from podshop.reports.writing import number, percent, whole
from podshop.research.metrics import METRICS


def unbroken(value: float, digits: int = 2) -> str:
    """A percentage whose sign stays on the line of its number."""
    return percent(value, digits).replace(" ", "\N{NO-BREAK SPACE}")


def written(value: float, unit: str) -> str:
    """A metric as a person reads it, by its unit."""
    if unit == "fraction":
        return unbroken(value)
    return number(value, 0 if unit in ("count", "days") else 2)


def sign(value: float) -> str:
    """CSS class of a figure that can be a loss."""
    return "loss" if value < 0 else ""


def environment() -> Any:
    """The jinja2 environment of the pages: everything escaped, a name that is missing an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("podshop.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {"percent": unbroken, "number": number, "whole": whole, "written": written}
    env.globals["sign"] = sign
    return env


def metric_groups(values: Mapping[str, float]) -> list[tuple[str, list[Any]]]:
    """(group, [(metric, value)]) in the order of the registry; groups without a figure left out."""
    rows = [(m, values[m.name]) for m in METRICS]
    groups = [(name, list(group)) for name, group in groupby(rows, key=lambda row: row[0].group)]
    return [(name, group) for name, group in groups if any(math.isfinite(x) for _, x in group)]


def days_json(days: Days) -> str:
    """The sessions as JSON, once for all plots of a page."""
    return script(json.dumps(np.datetime_as_string(days, unit="D").tolist()))


def plot_json(figure: Any, days: Days) -> str:
    """A plotly figure as JSON; a trace over all sessions leaves its x to the page."""
    from plotly.utils import PlotlyJSONEncoder

    spec = figure.to_dict()
    for trace in spec["data"]:
        x = trace.get("x")
        if isinstance(x, np.ndarray) and np.array_equal(x.astype("datetime64[D]"), days):
            del trace["x"]
    text = json.dumps({"data": spec["data"], "layout": spec["layout"]}, cls=PlotlyJSONEncoder)
    return script(text)


def script(text: str) -> str:
    """JSON that cannot end the script element it stands in."""
    return text.replace("<", "\\u003c")
