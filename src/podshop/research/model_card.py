"""The model card of the learned pod: what each model was trained on and what it was worth later.

1 `span_facts`   of each refit: the training rows and the last day that their returns reach
2 `rank_ic`      rank correlation of what was expected with what came, a session at a time; on the
                 training rows, and on the rows that the model answered for until the next refit
3 `permutation`  how much of the second is lost when one feature is dealt out anew among the names
                 of each session (Breiman 2001, "Random forests", Machine Learning 45)
4 `card`         all refits together, with standard errors; plain values, ready for JSON
5 `as_markdown`  the same, for people

An information coefficient is before costs and of the whole cross-section; what the pod earned on
the two ends of it, after costs, a backtest tells.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.money import F64, I64
from podshop.factors import cross_section
from podshop.pods import learned
from podshop.research.metrics.numbers import correlation
from podshop.research.series import mean_error

if TYPE_CHECKING:
    from lightgbm import Booster


def rank_ic(score: F64, learnt: F64) -> F64:
    """Rank correlation of two cross-sections (Spearman), row by row.

    Args:
        score: (R, N) what was expected; NaN = nothing.
        learnt: (R, N) what came.

    Returns:
        (R,) in [-1, 1], over the names with both; 0 where all scores are equal, which say nothing;
        NaN with fewer than three names.
    """
    both = ~np.isnan(score + learnt)
    expected = cross_section.rank(np.where(both, score, np.nan))
    came = cross_section.rank(np.where(both, learnt, np.nan))
    out = np.full(len(score), np.nan)
    for r, names in enumerate(both):
        if names.sum() >= 3:
            out[r] = np.nan_to_num(correlation(expected[r, names], came[r, names]).item())
    return out


def span_facts(panel: Panel, p: learned.Params, start: int, stop: int) -> dict[str, Any]:
    """What one refit was trained on, and the sessions that it answered for.

    Args:
        panel: history.
        p: parameters of the pod.
        start: row of the refit.
        stop: row of the next refit, or the end.
    """
    at, days = learned.training_rows(start, p), panel.days
    return {
        "refit": str(days[start]),
        "train_first": str(days[at[0]]),
        "train_last": str(days[at[-1]]),
        "label_last": str(days[at[-1] + 1 + p.horizon_days]),
        "train_rows": len(at),
        "answers_last": str(days[stop - 1]),
    }


def permutation(
    model: "Booster", known: F64, learnt: F64, rng: np.random.Generator
) -> tuple[float, F64]:
    """Mean rank IC, and what is lost of it when a feature is dealt out anew.

    Args:
        model: of one refit.
        known: (R, N, F) features of rows that it was not trained on.
        learnt: (R, N) what came.
        rng: dice.

    Returns:
        The mean IC over the rows, and (F,) the loss for each feature; NaN without rows.
    """
    whole = _mean_known(rank_ic(learned.predict(model, known), learnt))
    lost = np.zeros(known.shape[2])
    for f in range(len(lost)):
        dealt = known.copy()
        for r in range(len(known)):
            names = np.flatnonzero(~np.isnan(known[r, :, 0]))
            dealt[r, names, f] = known[r, rng.permutation(names), f]
        lost[f] = whole - _mean_known(rank_ic(learned.predict(model, dealt), learnt))
    return whole, lost


def card(panel: Panel, p: learned.Params, seed: int = 0) -> dict[str, Any]:
    """Train every model again and judge it on the rows between its refit and the next.

    Args:
        panel: history.
        p: parameters of the pod.
        seed: of the dice of the permutations.

    Returns:
        Plain values: `params`, `library`, `data`, `validation`, `features`, `refits` (one entry a
        model: `span_facts`, examples, IC in and out of sample, NaN as None), `ic_in`, `ic_out`,
        `ic_out_error`, `gain` (share of each feature) and `permutation` (mean loss of IC and its
        standard error, by feature). The newest models may have nothing after them to be judged on.

    Raises:
        DataError: the panel is too small for a single model.
        ConfigError: LightGBM is not installed.
    """
    rng = np.random.default_rng(seed)
    names = learned.feature_names(p)
    refits, gains, losses = [], [], []
    for start, stop in learned.spans(panel.days, p):
        at = np.arange(start, min(stop, len(panel) - 1 - p.horizon_days), p.step_days)
        model = learned.fit(panel, start, p)
        if model is None:
            continue
        entry, loss = _judged(model, panel, p, start, at, rng)
        refits.append(span_facts(panel, p, start, stop) | entry)
        gains.append(np.asarray(model.feature_importance("gain"), dtype=np.float64))
        losses.append(loss)
    if not refits:
        raise DataError(
            f"{len(panel)} sessions and {panel.close.shape[1]} names are too few for a model card\n"
            f"  -> a model needs {learned.reach(p)} sessions and {p.examples_least} examples"
        )
    return {
        "strategy": "learned",
        "library": {"lightgbm": version("lightgbm"), "numpy": np.__version__},
        "params": asdict(p),
        "data": {
            "source": panel.source,
            "names": panel.close.shape[1],
            "first": str(panel.days[0]),
            "last": str(panel.days[-1]),
        },
        "validation": {
            "purge_days": p.horizon_days + 1,
            "embargo_days": p.embargo_days,
            "seed": seed,
        },
        "features": list(names),
        "refits": refits,
        **_together(refits, p),
        "gain": dict(zip(names, _shares(np.sum(gains, axis=0)), strict=True)),
        "permutation": _losses(names, np.array(losses), _lags(refits, p)),
    }


def _judged(
    model: "Booster",
    panel: Panel,
    p: learned.Params,
    start: int,
    at: I64,
    rng: np.random.Generator,
) -> tuple[dict[str, Any], F64]:
    """IC of one model on its training rows and on the rows after it, and the permutations."""
    trained = learned.training_rows(start, p)
    known, learnt = learned.features(panel, p, trained), learned.target(panel, p, trained)
    inside = rank_ic(learned.predict(model, known), learnt)
    later = learned.features(panel, p, at), learned.target(panel, p, at)
    ic_out, loss = permutation(model, *later, rng)
    return {
        "examples": int((~np.isnan(known[:, :, 0] + learnt)).sum()),
        "ic_in": _plain(_mean_known(inside)),
        "ic_out": _plain(ic_out),
        "out_rows": len(at),
    }, loss


def _together(refits: list[dict[str, Any]], p: learned.Params) -> dict[str, Any]:
    """Means over the refits, each counting the same."""
    inside, out = (
        np.array([entry[key] for entry in refits if entry["ic_out"] is not None], dtype=np.float64)
        for key in ("ic_in", "ic_out")
    )
    return {
        "ic_in": _plain(_mean_known(inside)),
        "ic_out": _plain(_mean_known(out)),
        "ic_out_error": _plain(mean_error(out, _lags(refits, p))),
        "ic_out_positive": int((out > 0.0).sum()),
        "ic_out_count": len(out),
    }


def _losses(names: tuple[str, ...], loss_rf: F64, lags: int) -> dict[str, dict[str, Any]]:
    """Mean loss of each feature over the refits, and its standard error."""
    known = loss_rf[~np.isnan(loss_rf).any(axis=1)]
    return {
        name: {"loss": _plain(_mean_known(x)), "error": _plain(mean_error(x, lags))}
        for name, x in zip(names, known.T, strict=True)
    }


def _lags(refits: list[dict[str, Any]], p: learned.Params) -> int:
    """Refits over which the returns judged overlap: those of a model reach into the next's."""
    rows = max(1, max(int(entry["out_rows"]) for entry in refits) * p.step_days)
    return math.ceil((p.horizon_days + 1) / rows)


def _shares(x: F64) -> list[float]:
    """Fractions of the sum; zeros where nothing was ever used."""
    total = float(x.sum())
    return [float(value) / total if total > 0.0 else 0.0 for value in x]


def _mean_known(x: F64) -> float:
    """Mean of the values that are known; NaN where none is."""
    known = x[~np.isnan(x)]
    return float(known.mean()) if len(known) else math.nan


def _plain(x: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(x) else float(x)


def as_markdown(told: Mapping[str, Any]) -> str:
    """The card as a page.

    Args:
        told: what `card` gave.
    """
    data, check = told["data"], told["validation"]
    purged = (
        f"The newest return that a model learns from ends {check['embargo_days'] + 1} sessions "
        f"before its refit: {check['purge_days']} sessions purged, {check['embargo_days']} "
        "embargoed."
    )
    worth = (
        f"Rank IC in sample {_figure(told['ic_in'])}; out of sample {_figure(told['ic_out'])} "
        f"± {_figure(told['ic_out_error'])} (one standard error), above 0 after "
        f"{told['ic_out_positive']} of {told['ic_out_count']} refits."
    )
    lines = [
        "# Model card: learned",
        "",
        f"{data['names']} names, {data['first']} to {data['last']}. {data['source']}",
        "",
        purged,
        "",
        worth,
        "",
        *_table(
            ("feature", "share of gain", "IC lost out of sample", "±"),
            [
                (
                    name,
                    f"{told['gain'][name]:.1%}",
                    _figure(told["permutation"][name]["loss"]),
                    _figure(told["permutation"][name]["error"]),
                )
                for name in told["features"]
            ],
        ),
        "",
        *_refit_table(told["refits"]),
        "",
        *_table(("parameter", "value"), [(k, str(v)) for k, v in told["params"].items()]),
        "",
        ", ".join(f"{name} {number}" for name, number in told["library"].items()),
    ]
    return "\n".join(lines) + "\n"


def _refit_table(refits: list[dict[str, Any]]) -> list[str]:
    """One row a model."""
    head = ("refit", "trained on", "returns to", "examples", "IC in", "IC out", "answered to")
    return _table(
        head,
        [
            (
                entry["refit"],
                f"{entry['train_first']} to {entry['train_last']}",
                entry["label_last"],
                f"{entry['examples']:,}",
                _figure(entry["ic_in"]),
                _figure(entry["ic_out"]),
                entry["answers_last"],
            )
            for entry in refits
        ],
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _figure(x: float | None) -> str:
    """Four places, or a dash where nothing is known."""
    return "-" if x is None else f"{x:.4f}"
