"""What luck alone would show: copies change nothing, more trials never make it easier."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshop.domain.money import F64
from podshop.research.luck import hurdle
from podshop.research.validation import expected_max_sharpe

DAYS = 1_000


def noise(trials: int, seed: int = 1, days: int = DAYS) -> F64:
    """Independent worthless returns."""
    return 0.01 * np.random.default_rng(seed).standard_normal((days, trials))


@pytest.mark.parametrize("trials", [2, 10, 100])
def test_independent_trials_are_as_the_paper_says(trials: int) -> None:
    paper = expected_max_sharpe(trials, 1.0 / (DAYS - 1))
    found = [hurdle(noise(trials, seed), trials) for seed in range(20)]
    # The paper's formula is an approximation; the drawn one is never below what was measured.
    assert np.median(found) == pytest.approx(paper, rel=0.2)
    alone = noise(1)
    assert hurdle(alone, trials) == pytest.approx(paper, rel=0.15)


def test_one_trial_has_no_luck_to_beat() -> None:
    assert hurdle(noise(1), 1) == 0.0


def test_copies_change_nothing_that_was_drawn_and_never_lower_the_bar() -> None:
    few = noise(6)
    few[:, 0] += 0.001  # the good one that is sent in
    rng = np.random.default_rng(9)
    copies = few[:, :1] * 1.7 + 1e-5 * rng.standard_normal((DAYS, 2_000))
    many = np.column_stack([few, copies])
    assert hurdle(many, many.shape[1]) >= hurdle(few, 6)
    first = np.column_stack([copies, few])  # the order is no way out either
    assert hurdle(first, first.shape[1]) >= 0.9 * hurdle(few, 6)


@given(st.integers(1, 8), st.integers(0, 50), st.floats(0.0, 0.999), st.integers(0, 10_000))
def test_more_trials_never_lower_the_bar(trials: int, others: int, alike: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((200, 1))
    all_of_them = alike * common + math.sqrt(1.0 - alike**2) * rng.standard_normal(
        (200, trials + 1)
    )
    before = hurdle(all_of_them[:, :trials], trials + others)
    assert hurdle(all_of_them, trials + 1 + others) >= before - 1e-12
    assert hurdle(all_of_them[:, :trials], trials + others + 1) >= before - 1e-12


def test_trials_that_never_moved_prove_nothing_and_break_nothing() -> None:
    assert math.isfinite(hurdle(np.zeros((DAYS, 3)), 3))
