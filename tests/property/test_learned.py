"""Windows of the learned pod, for any parameters: nothing from the refit on is ever learnt from."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from podshop.pods import learned

ANY = st.builds(
    learned.Params,
    horizon_days=st.integers(1, 300),
    train_days=st.integers(1, 2000),
    step_days=st.integers(1, 90),
    embargo_days=st.integers(0, 100),
    year_days=st.integers(30, 300),
    refit=st.sampled_from(["month", "quarter", "year"]),
)


@given(ANY, st.integers(0, 10_000))
def test_training_rows_end_before_the_refit_and_hang_on_it(p: learned.Params, more: int) -> None:
    start = learned.reach(p) - 1 + more
    rows = learned.training_rows(start, p)
    assert (np.diff(rows) == p.step_days).all()
    assert rows[-1] + 1 + p.horizon_days < start - p.embargo_days
    assert rows[-1] - rows[0] < p.train_days <= rows[-1] - rows[0] + p.step_days
    assert rows[0] - learned.history(p) + 1 >= more
    assert (learned.training_rows(start + 7, p) == rows + 7).all()


@given(ANY, st.integers(0, 400))
def test_the_lookback_holds_the_latest_refit_and_all_that_it_needs(
    p: learned.Params, later: int
) -> None:
    # A market that never closes has the longest periods, and those that end with 2024 are longest.
    count = learned.lookback(p)
    for last in np.datetime64("2024-12-31") + np.array([0, later]):
        days = np.arange(last - count + 1, last + 1)
        spans = learned.spans(days, p)
        assert spans
        assert spans[-1] == (learned.refits(days, p)[-1], count)
