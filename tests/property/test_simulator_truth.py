"""Planted alphas are recovered by estimators within their standard errors, world after world."""

import numpy as np
import pytest
from scipy import stats

from podshop.simulator.alphas import Alpha, rank_ic, signals, specific, true_ic

ROWS, NAMES, SEEDS = 1_000, 500, 20
ALPHAS = (
    Alpha("fast", 0.03, 3.0),
    Alpha("slow", 0.02, 40.0),
    Alpha("left", 0.02, 10.0, "crowd", 0.6),
    Alpha("right", 0.01, 10.0, "crowd", 0.6),
)
FREEDOM = 5.0


def daily_ic(s: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Correlation of each row."""
    s, u = s - s.mean(axis=1, keepdims=True), u - u.mean(axis=1, keepdims=True)
    return (s * u).sum(axis=1) / np.sqrt((s * s).sum(axis=1) * (u * u).sum(axis=1))


def z_scores() -> dict[str, list[float]]:
    """By claim, (estimate - truth) / standard error over all alphas and seeds."""
    found: dict[str, list[float]] = {"ic": [], "rank": [], "lag 5": [], "5 days": [], "phi": []}
    for seed in range(SEEDS):
        signal = signals(ALPHAS, ROWS, NAMES, seed)
        u = specific(ALPHAS, signal, (ROWS, NAMES), seed, FREEDOM)
        week = np.lib.stride_tricks.sliding_window_view(u[1:], 5, axis=0).sum(axis=-1)
        for alpha in ALPHAS:
            s, one = signal[alpha.name], true_ic(alpha.name, ALPHAS)
            ranked = [np.argsort(np.argsort(x, axis=1), axis=1) for x in (s[:-1], u[1:])]
            told = {
                "ic": (daily_ic(s[:-1], u[1:]), one),
                "rank": (daily_ic(*[r.astype(float) for r in ranked]), rank_ic(one, FREEDOM)),
                "lag 5": (daily_ic(s[:-5], u[5:]), one * alpha.phi**4),
                "5 days": (daily_ic(s[: len(week) : 5], week[::5]), true_ic(alpha.name, ALPHAS, 5)),
            }
            for claim, (ic_t, truth) in told.items():
                error = ic_t.std(ddof=1) / np.sqrt(len(ic_t))
                found[claim].append(float((ic_t.mean() - truth) / error))
            # Daily autocorrelations follow one another; the slope of an AR(1) has this error.
            slope = float((s[1:] * s[:-1]).sum() / np.square(s[:-1]).sum(dtype=np.float64))
            found["phi"].append((slope - alpha.phi) / np.sqrt((1 - alpha.phi**2) / s[1:].size))
    return found


@pytest.mark.slow
def test_information_coefficients_and_half_lives_are_those_planted() -> None:
    for claim, z in z_scores().items():
        # A mean of independent standard normals; crowd members share a signal, so a bit wider.
        assert abs(np.mean(z)) < 4.0 / np.sqrt(len(z)), (claim, np.mean(z))
        inside = int((np.abs(z) < 2.0).sum())
        assert stats.binomtest(inside, len(z), 0.9545).pvalue > 0.001, (claim, inside)
