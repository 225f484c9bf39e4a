"""Compounding policies: the published tables to the fourth decimal, the edges, the refusals.

The table is that of Carver's "Capital correction" with row 4 of the half column put right (97.02),
worked by hand; the three-quarter columns are not in the post.
"""

from typing import Any

import numpy as np
import pytest

from podshop.capital.compounding import CapitalPath, Flow, capital_path
from podshop.capital.positions import actual_lots, buffered

RETURNS = np.array([0.01, -0.02, -0.01, 0.03, 0.01, 0.03, -0.01])

# policy, keep: capital before each row and at the end; profit; cumulative profit.
TABLE: dict[tuple[Any, Any], tuple[list[float], list[float], list[float]]] = {
    ("fixed", None): (
        [100.0] * 8,
        [1, -2, -1, 3, 1, 3, -1],
        [1, -1, -2, 1, 2, 5, 4],
    ),
    ("full", None): (
        [100, 101, 98.98, 97.9902, 100.9299, 101.9392, 104.9974, 103.9474],
        [1, -2.02, -0.9898, 2.9397, 1.0093, 3.0582, -1.05],
        [1, -1.02, -2.0098, 0.9299, 1.9392, 4.9974, 3.9474],
    ),
    ("half", None): (
        [100, 100, 98, 97.02, 99.9306, 100, 100, 99],
        [1, -2, -0.98, 2.9106, 0.9993, 3, -1],
        [1, -1, -1.98, 0.9306, 1.9299, 4.9299, 3.9299],
    ),
    ("partial", 0.5): (
        [100, 100.5, 98.49, 97.5051, 100.4303, 100.9673, 102.4818, 101.4570],
        [1, -2.01, -0.9849, 2.9252, 1.0043, 3.0290, -1.0248],
        [1, -1.01, -1.9949, 0.9303, 1.9346, 4.9636, 3.9388],
    ),
}


@pytest.mark.parametrize(("policy", "keep"), TABLE)
def test_the_published_table_to_the_fourth_decimal(policy: Any, keep: Any) -> None:
    capital, profit, cumulative = TABLE[policy, keep]
    path = capital_path(RETURNS, 100.0, policy, keep)
    assert np.round(path.capital, 4).tolist() == capital
    assert np.round(path.pnl, 4).tolist() == profit
    assert np.round(np.cumsum(path.pnl), 4).tolist() == cumulative
    assert path.account == pytest.approx(100.0 + np.concatenate(([0.0], np.cumsum(path.pnl))))
    assert path.multiplier == pytest.approx(path.capital / 100.0)


def test_drawdowns_of_the_account_are_the_true_ones_not_those_of_the_post() -> None:
    got = {}
    for policy, keep in TABLE:
        account = capital_path(RETURNS, 100.0, policy, keep).account
        got[policy] = np.round(np.maximum.accumulate(account) - account, 4)[1:].tolist()
    assert got["fixed"] == [0, 2, 3, 0, 0, 0, 1]
    assert got["full"] == [0, 2.02, 3.0098, 0.0701, 0, 0, 1.05]
    assert got["half"] == [0, 2, 2.98, 0.0694, 0, 0, 1]


def test_partial_at_its_ends_is_half_and_full() -> None:
    for policy, keep in (("half", 0.0), ("full", 1.0)):
        path = capital_path(RETURNS, 100.0, policy)  # type: ignore[arg-type]
        assert (path.capital == capital_path(RETURNS, 100.0, "partial", keep).capital).all()


def test_half_compounding_does_not_scale_a_return_twice() -> None:
    # pysystemtrade's backtest has m(t+1) = min(1, m (1 + m r)), which ends 2 000 bad days too high.
    r = np.random.default_rng(5).normal(-0.0002, 0.01, 2000)
    m = 1.0
    for x in r:
        m = min(1.0, m * (1.0 + x))
    got = capital_path(r, 1.0, "half").multiplier[-1]
    assert got == pytest.approx(m)
    assert got < 0.9


def test_a_missing_return_carries_the_capital_and_is_flagged() -> None:
    path = capital_path([-0.1, np.nan, 0.05], 100.0, "half")
    assert path.capital == pytest.approx([100, 90, 90, 94.5])
    assert path.missing.tolist() == [False, True, False]
    assert path.pnl.tolist() == pytest.approx([-10, 0, 4.5])


@pytest.mark.parametrize("policy", ["full", "half"])
def test_what_is_lost_stays_lost_until_capital_is_paid_in(policy: Any) -> None:
    flows = [Flow(3, "capital", 50.0)]
    path = capital_path([0.5, -1.0, 0.9, 0.1], 100.0, policy, flows=flows)
    assert path.capital[2] == 0.0
    assert path.drawdown.tolist()[2] == 1.0
    assert path.capital[3] == path.mark[3] == 50.0
    assert path.capital[4] == pytest.approx(55.0 if policy == "full" else 50.0)


def test_a_loss_beyond_the_risk_capital_is_a_debt_of_the_skimmed_account() -> None:
    path = capital_path([0.2, -1.5], 100.0, "half")
    assert path.skimmed.tolist() == pytest.approx([0, 20, -30])
    assert path.account.tolist() == pytest.approx([100, 120, -30])


def test_fixed_capital_lets_the_account_carry_everything() -> None:
    path = capital_path([-0.6, -0.6, 0.1], 100.0, "fixed", flows=[Flow(2, "capital", 10.0)])
    assert path.capital.tolist() == [100, 100, 110, 110]
    assert path.account.tolist() == pytest.approx([100, 40, -10, 1])


def test_capital_and_income_flows_move_what_they_say() -> None:
    flows = [Flow(2, "income", -8.0), Flow(2, "capital", 90.0), Flow(3, "capital", -45.0)]
    path = capital_path([0.1, -0.1, 0.0, 0.0], 100.0, "half", flows=flows)
    assert path.capital == pytest.approx([100, 100, 180, 135, 135])
    assert path.mark == pytest.approx([100, 100, 200, 150, 150])
    assert path.skimmed == pytest.approx([0, 10, 2, 2, 2])
    assert path.drawdown == pytest.approx([0, 0, 0.1, 0.1, 0.1])


def test_a_flow_before_the_first_period_counts_from_the_first_row() -> None:
    path = capital_path([0.1], 100.0, "full", flows=[Flow(0, "capital", 20.0)])
    assert path.capital.tolist() == pytest.approx([120, 132])


def test_no_returns_is_the_start() -> None:
    path = capital_path([], 100.0, "half")
    assert (path.capital.tolist(), path.account.tolist()) == ([100.0], [100.0])


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"policy": "double"}, 'unknown policy "double"'),
    ({"policy": "partial"}, "needs keep"),
    ({"policy": "partial", "keep": 1.2}, "between 0 and 1"),
    ({"policy": "partial", "keep": np.nan}, "between 0 and 1"),
    ({"keep": 0.5}, 'does not fit "half"'),
    ({"policy": "fixed", "keep": 0.5}, 'does not fit "fixed"'),
    ({"start": 0.0}, "start must be"),
    ({"start": np.nan}, "start must be"),
    ({"returns": [np.inf]}, "finite"),
    ({"returns": [[0.1]]}, "one row"),
    ({"flows": [Flow(0, "gift", 1.0)]}, '"capital" or "income"'),  # type: ignore[arg-type]
    ({"flows": [Flow(2, "capital", 1.0)]}, r"period 2, but periods are 0\.\.1"),
    ({"flows": [Flow(-1, "capital", 1.0)]}, "periods are"),
    ({"flows": [Flow(0, "capital", np.nan)]}, "no amount"),
    ({"flows": [Flow(0, "capital", -101.0)]}, "101 cannot be taken out of risk capital of 100"),
    ({"flows": [Flow(1, "income", -11.0)]}, "11 cannot be taken out of skimmed gains of 10"),
]


@pytest.mark.parametrize(("change", "what"), WRONG)
def test_what_cannot_be_is_refused(change: dict[str, Any], what: str) -> None:
    given: dict[str, Any] = {"returns": [0.1, 0.1], "start": 100.0, "policy": "half"} | change
    with pytest.raises(ValueError, match=what):
        capital_path(**given)


def test_a_path_cannot_be_written_to() -> None:
    path: CapitalPath = capital_path([0.1], 1.0, "full")
    with pytest.raises(ValueError, match="read-only"):
        path.capital[0] = 2.0


# --- positions that follow capital ----------------------------------------------------------------


def test_positions_scale_with_capital() -> None:
    path = capital_path([-0.5, 0.0], 100.0, "half")
    lots = actual_lots([10.0, -4.0], path.capital[:, None], 100.0)
    assert lots.tolist() == [[10, -4], [5, -2], [5, -2]]
    with pytest.raises(ValueError, match="notional capital"):
        actual_lots([1.0], 1.0, 0.0)


def test_trade_only_to_the_edge_of_the_band() -> None:
    # Carver's rule: outside the band go to its nearer edge, inside it stay.
    held = [100, 89, 95, 112, -30]
    assert buffered([100.0] * 4 + [-10.0], held, 10.0).tolist() == [100, 90, 95, 110, -20]
    assert buffered([10.4, 10.6], [3, 30], 0.0).tolist() == [10, 11]
    for target, width in ((np.nan, 1.0), (1.0, -1.0), (1.0, np.inf)):
        with pytest.raises(ValueError, match="finite"):
            buffered([target], [0], width)
