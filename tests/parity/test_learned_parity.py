"""The rank IC agrees with SciPy's Spearman correlation, ties and gaps included."""

import numpy as np
import pytest

from podshop.research.model_card import rank_ic


def test_rank_ic_is_spearmans() -> None:
    stats = pytest.importorskip("scipy.stats", reason="the oracle is SciPy")
    rng = np.random.default_rng(0)
    score, came = rng.integers(0, 15, (2, 40, 30)).astype(np.float64)
    score[rng.random(score.shape) < 0.2] = np.nan
    came[rng.random(came.shape) < 0.2] = np.nan
    for got, x, y in zip(rank_ic(score, came), score, came, strict=True):
        both = ~np.isnan(x + y)
        assert got == pytest.approx(stats.spearmanr(x[both], y[both]).statistic, abs=1e-12)
