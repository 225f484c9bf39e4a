"""Metrics against quantstats, empyrical and ffn: the same, or different for a known reason.

What each is asked, and why some answers differ, stands in `tests/judges.py`. empyrical is asked in
.venv-zipline; a library that is not installed is skipped.
"""

import math

import pytest
from tests import judges

from podshop.research.metrics import compute


def figures(seed: int, rf: float) -> dict[str, float]:
    """Ours."""
    returns, benchmark, days = judges.series(seed)
    return compute(returns, benchmark, rf, days=days)


def same(ours: float, theirs: float) -> bool:
    """Equal to 1e-9 of themselves."""
    return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-13)


def asked(library: str, seed: int) -> dict[str, float]:
    """Call -> figure; skips where the library is not installed."""
    answer = judges.ask(library, seed)
    if answer is None:
        pytest.skip(f"{library} is not installed")
    return answer["figures"]


@pytest.mark.parametrize("library", judges.LIBRARIES)
@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
def test_same_convention_same_figure(library: str, seed: int) -> None:
    answer = asked(library, seed)
    ours = {rf: figures(seed, rf) for rf in (0.0, 0.03)}
    wrong = {
        j.call: (ours[j.rf][j.metric], answer[j.call])
        for j in (*judges.JUDGEMENTS, *judges.RATED)
        if j.library == library and not j.why and not same(ours[j.rf][j.metric], answer[j.call])
    }
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("library", judges.LIBRARIES)
def test_the_kept_figures_are_what_the_library_says(library: str) -> None:
    answer, kept = asked(library, judges.SEED), judges.kept()[library]["figures"]
    assert answer.keys() == kept.keys(), "run: python -m tests.judges"
    assert [call for call in kept if not same(kept[call], answer[call])] == []


def test_the_kept_figures_agree_or_differ_as_the_page_says() -> None:
    ours, kept = figures(judges.SEED, 0.0), judges.kept()
    for j in judges.JUDGEMENTS:
        agree = same(ours[j.metric], kept[j.library]["figures"][j.call])
        assert agree == (not j.why), (
            f"{j.library}: {j.call} is {kept[j.library]['figures'][j.call]}"
        )


def test_differences_that_can_be_undone() -> None:
    ours, kept = figures(judges.SEED, 0.0), judges.kept()
    n, qs = ours["n_obs"], kept["quantstats"]["figures"]
    by_n = ours["ulcer_index"] * math.sqrt(n / (n - 1))
    assert by_n == pytest.approx(qs["qs.ulcer_index(r)"], rel=1e-9)
    assert ours["total_return"] / by_n == pytest.approx(qs["qs.upi(r)"], rel=1e-9)
    of_all = ours["total_return"] / ours["beta"]
    assert of_all == pytest.approx(qs["qs.treynor_ratio(r, b)"], rel=1e-9)
    assert math.ceil(ours["exposure"] * 100) / 100 == qs["qs.exposure(r)"]


def test_moments_as_pandas_has_them() -> None:
    pd = pytest.importorskip("pandas", reason="the judge needs pandas")
    returns, benchmark, _ = judges.series()
    r, b, ours = pd.Series(returns), pd.Series(benchmark), figures(judges.SEED, 0.0)
    theirs = {
        "skew": r.skew(),
        "kurtosis": r.kurt(),
        "autocorr_1": r.autocorr(1),
        "correlation": r.corr(b),
        "var_99": -r.quantile(0.01),
    }
    assert {k: ours[k] for k in theirs} == pytest.approx(theirs, rel=1e-9)


def test_statistics_as_scipy_has_them() -> None:
    stats = pytest.importorskip("scipy.stats", reason="the judge needs scipy")
    returns, benchmark, _ = judges.series()
    ours = figures(judges.SEED, 0.0)
    line = stats.linregress(benchmark, returns)
    theirs = {
        "jarque_bera": stats.jarque_bera(returns).statistic,
        "sharpe_t": stats.ttest_1samp(returns, 0.0).statistic,
        "beta_t": line.slope / line.stderr,
        "alpha_t": line.intercept / line.intercept_stderr,
    }
    assert {k: ours[k] for k in theirs} == pytest.approx(theirs, rel=1e-9)
