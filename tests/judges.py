"""Other libraries' figures of the same series: what they are asked, and why some answers differ.

A judgement is a metric of ours, a library, the call that gives its figure, and, where that figure
is another one, why. `tests/parity` holds each to it; `docs/reference/metrics.md` shows them with
the figures that are kept in `tests/parity/judges.json`.

python -m tests.judges      ask the libraries that are installed, and keep what they say

quantstats and ffn are looked for beside podshop, empyrical in .venv-zipline. The figures of a
library that is not there stay as they are.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "tests" / "parity" / "judges.json"
PACKAGES = {"quantstats": "quantstats", "empyrical": "empyrical-reloaded", "ffn": "ffn"}
LIBRARIES = tuple(PACKAGES)
SEED = 1
"""Of the series whose figures are kept."""

ASK = """
import json, logging, math, sys, warnings
from importlib.metadata import version
warnings.simplefilter("ignore")
logging.disable(logging.ERROR)
import numpy as np, pandas as pd
told = json.load(sys.stdin)
days = pd.DatetimeIndex(told["days"])
r, b = pd.Series(told["r"], days), pd.Series(told["b"], days)
if told["library"] == "quantstats":
    import quantstats.stats as qs
elif told["library"] == "empyrical":
    import empyrical as ep
else:
    import ffn
    start = pd.Series([100.0], [days[0] - pd.offsets.BDay(1)])
    p = pd.concat([start, 100.0 * (1.0 + r).cumprod()])
    s = ffn.calc_stats(p).stats
    rated = ffn.PerformanceStats(p, rf=0.03).stats
figures = {call: float(eval(call)) for call in told["calls"]}
print(json.dumps({"version": version(told["package"]), "figures": figures}))
"""


@dataclass(frozen=True)
class Judgement:
    """One metric beside one library.

    Attributes:
        metric: our name.
        library: one of LIBRARIES.
        call: expression; r, b are series, qs, ep the libraries, s ffn's statistics.
        why: what is different in theirs; empty when the figures are the same.
        rf: risk-free rate a year that ours is to be taken at.
    """

    metric: str
    library: str
    call: str
    why: str = ""
    rf: float = 0.0


def judgements(library: str, rf: float, rows: str) -> list[Judgement]:
    """Judgements from lines of `metric | call | why`."""
    cells = [row.split(" | ") for row in rows.strip().splitlines()]
    return [Judgement(row[0], library, row[1], "".join(row[2:]), rf) for row in cells]


QUANTSTATS = """
total_return | qs.comp(r)
cagr | qs.cagr(r)
best_day | qs.best(r)
worst_day | qs.worst(r)
geo_mean_daily | qs.expected_return(r)
vol_ann | qs.volatility(r)
skew | qs.skew(r)
kurtosis | qs.kurtosis(r)
var_95 | -qs.value_at_risk(r) | a normal's quantile, not the history's
var_95_gauss | -qs.value_at_risk(r)
cvar_95 | -qs.cvar(r, method="historical")
max_drawdown | -qs.max_drawdown(r)
ulcer_index | qs.ulcer_index(r) | divides by n - 1
martin | qs.upi(r) | total return, not a year's
sharpe | qs.sharpe(r)
smart_sharpe | qs.smart_sharpe(r)
psr | qs.probabilistic_sharpe_ratio(r)
sortino | qs.sortino(r)
adjusted_sortino | qs.adjusted_sortino(r)
smart_sortino | qs.smart_sortino(r)
calmar | qs.calmar(r)
omega | qs.omega(r)
gain_to_pain | qs.gain_to_pain_ratio(r)
gain_to_pain_month | qs.gain_to_pain_ratio(r, resolution="ME") | adds the days of a month up
serenity | qs.serenity_index(r) | simple sum of returns, deviation a day, a normal's CDaR
recovery_factor | qs.recovery_factor(r)
common_sense | qs.common_sense_ratio(r)
kelly | qs.kelly_criterion(r)
return_on_exposure | qs.rar(r) | exposure rounded up to whole percents
exposure | qs.exposure(r) | rounded up to whole percents
tail_ratio | qs.tail_ratio(r)
win_days | qs.win_rate(r)
avg_win | qs.avg_win(r)
avg_loss | qs.avg_loss(r)
payoff | qs.payoff_ratio(r)
profit_factor | qs.profit_factor(r)
expectancy | qs.avg_return(r)
cpc_index | qs.cpc_index(r)
outlier_win | qs.outlier_win_ratio(r) | counts days without result as wins
outlier_loss | qs.outlier_loss_ratio(r)
longest_winning | qs.consecutive_wins(r)
longest_losing | qs.consecutive_losses(r)
win_week | qs.win_rate(r, aggregate="W") | groups by year and ISO week: wrong at the turn of a year
win_month | qs.win_rate(r, aggregate="ME")
win_quarter | qs.win_rate(r, aggregate="QE")
win_year | qs.win_rate(r, aggregate="YE")
best_month | qs.best(r, aggregate="ME")
worst_month | qs.worst(r, aggregate="ME")
best_year | qs.best(r, aggregate="YE")
worst_year | qs.worst(r, aggregate="YE")
avg_up_month | qs.avg_win(r, aggregate="ME")
avg_down_month | qs.avg_loss(r, aggregate="ME")
beta | qs.greeks(r, b)["beta"]
alpha | qs.greeks(r, b)["alpha"]
r2 | qs.r_squared(r, b)
information_ratio | qs.information_ratio(r, b) * math.sqrt(252)
treynor | qs.treynor_ratio(r, b) | total return, not a year's
"""

EMPYRICAL = """
total_return | ep.cum_returns_final(r)
cagr | ep.annual_return(r)
stability_r2 | ep.stability_of_timeseries(r)
vol_ann | ep.annual_volatility(r)
downside_dev | ep.downside_risk(r)
var_95 | -ep.value_at_risk(r)
cvar_95 | -ep.conditional_value_at_risk(r)
tail_ratio | ep.tail_ratio(r)
max_drawdown | -ep.max_drawdown(r)
sharpe | ep.sharpe_ratio(r)
sortino | ep.sortino_ratio(r)
calmar | ep.calmar_ratio(r)
omega | ep.omega_ratio(r)
best_month | ep.aggregate_returns(r, "monthly").max()
worst_month | ep.aggregate_returns(r, "monthly").min()
best_year | ep.aggregate_returns(r, "yearly").max()
worst_year | ep.aggregate_returns(r, "yearly").min()
beta | ep.beta(r, b)
alpha | ep.alpha(r, b) | compounded: see alpha_compound
alpha_compound | ep.alpha(r, b)
information_ratio | ep.excess_sharpe(r, b) * math.sqrt(252)
up_capture | ep.up_capture(r, b)
down_capture | ep.down_capture(r, b)
capture_ratio | ep.up_down_capture(r, b)
batting_average | ep.batting_average(r, b)["batting average"]
"""

FFN = """
total_return | s["total_return"]
cagr | s["cagr"] | calendar years
cagr_calendar | s["cagr"] | knows the day of the price before the first return
mtd | s["mtd"]
ytd | s["ytd"]
return_3m | s["three_month"]
return_6m | s["six_month"]
return_1y | s["one_year"]
return_3y | s["three_year"] | counts the calendar days between prices
return_5y | s["five_year"] | counts the calendar days between prices
mean_ann | s["daily_mean"]
vol_ann | s["daily_vol"]
skew | s["daily_skew"]
kurtosis | s["daily_kurt"]
best_day | s["best_day"]
worst_day | s["worst_day"]
max_drawdown | -s["max_drawdown"]
avg_drawdown | -s["avg_drawdown"]
avg_drawdown_days | s["avg_drawdown_days"] | calendar days
sharpe | s["daily_sharpe"]
sortino | s["daily_sortino"]
calmar | s["calmar"] | with its CAGR of calendar years
win_year | s["win_year_perc"] | leaves out the first year, which has no year-end before it
avg_down_month | s["avg_down_month"] | leaves out the first month, which has no month-end before it
"""

JUDGEMENTS = (
    *judgements("quantstats", 0.0, QUANTSTATS),
    *judgements("empyrical", 0.0, EMPYRICAL),
    *judgements("ffn", 0.0, FFN),
)
RATED = (
    *judgements(
        "quantstats", 0.03, "sharpe | qs.sharpe(r, rf=0.03)\nsortino | qs.sortino(r, rf=0.03)"
    ),
    *judgements(
        "empyrical",
        0.03,
        "sharpe | ep.sharpe_ratio(r, risk_free=1.03 ** (1 / 252) - 1)\n"
        "sortino | ep.sortino_ratio(r, required_return=1.03 ** (1 / 252) - 1)\n"
        "beta | ep.beta(r, b, risk_free=1.03 ** (1 / 252) - 1)",
    ),
    *judgements("ffn", 0.03, 'sharpe | rated["daily_sharpe"]\nsortino | rated["daily_sortino"]'),
)
"""The same at a risk-free rate of 3 % a year; empyrical takes it a day."""


def series(seed: int = SEED) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fat-tailed returns with idle days, a correlated benchmark, and business days; 1,500 each."""
    rng = np.random.default_rng(seed)
    b = rng.standard_t(4, 1500) * 0.007 + 0.0003
    r = 0.4 * b + rng.standard_t(4, 1500) * 0.005 + 0.0002
    r[rng.choice(1500, 35, replace=False)] = 0.0
    return r, b, np.busday_offset("2015-01-05", np.arange(1500))


def ask(library: str, seed: int = SEED) -> dict[str, Any] | None:
    """The library's "version", and its "figures" by call; None where it is not installed."""
    python = ROOT / ".venv-zipline" / "bin" / "python"
    if library != "empyrical":
        python = Path(sys.executable)
    elif not python.exists():
        return None
    r, b, days = series(seed)
    calls = sorted({j.call for j in (*JUDGEMENTS, *RATED) if j.library == library})
    told = {"library": library, "package": PACKAGES[library], "calls": calls}
    told |= {"days": days.astype(str).tolist(), "r": r.tolist(), "b": b.tolist()}
    env = {k: v for k, v in os.environ.items() if library != "empyrical" or k != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), "-c", ASK],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    if done.returncode and f"No module named '{library}'" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(f"{library} failed:\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def kept() -> dict[str, dict[str, Any]]:
    """What `ask` gave for each library when it was last asked."""
    return json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}


def main() -> None:
    """Ask those that are there, keep the rest."""
    figures = kept()
    for library in LIBRARIES:
        answer = ask(library)
        print(
            library,
            "is not installed; kept" if answer is None else f"{len(answer['figures'])} figures",
        )
        if answer is not None:
            figures[library] = answer
    KEPT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
