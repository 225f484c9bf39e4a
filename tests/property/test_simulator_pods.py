"""A fund on a simulated market earns what the planted alpha predicts, and nothing on noise."""

import numpy as np
import pytest
from tests.funds import FREE, Recipe, assemble, table_pod

from podshop import backtest
from podshop.simulator import World, simulate
from podshop.simulator.alphas import Alpha

IC, HALF_LIFE = 0.05, 5.0


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(
        200, 3, seed=11, alphas=(Alpha("good", IC, HALF_LIFE), Alpha("noise", 0.0, 5.0))
    )


def weights(world: World, name: str) -> np.ndarray:
    """Signal over volatility among the listed, dollar neutral, gross 1."""
    listed = world.truth.lives.listed(len(world.truth.days))
    raw = np.where(listed, world.truth.signals[name] / world.truth.structure.volatility_n, 0.0)
    raw = np.where(listed, raw - raw.sum(1, keepdims=True) / listed.sum(1, keepdims=True), 0.0)
    return raw / np.abs(raw).sum(axis=1, keepdims=True)


def earned(world: World, name: str) -> np.ndarray:
    """Daily returns of a fund of one pod that trades every day, at no cost."""
    table = weights(world, name)
    recipe = Recipe(
        pods=1,
        ladder=None,
        stop=0.0,
        capital=1_000_000_000,
        costs=FREE,
        schedule="never",
        cash=0.0,
        lo=0.0,
        hi=1.0,
    )
    fund = assemble(recipe, world.panel(), (table_pod(name, table, when="daily", gross=1.01),))
    run = backtest(fund.rules, fund.panel, wishes=fund.wishes, record="fast")
    return np.diff(run.tape.unit_d) / run.tape.unit_d[:-1]


@pytest.mark.slow
def test_a_pod_on_a_planted_alpha_earns_what_its_ic_predicts(world: World) -> None:
    gained, truth = earned(world, "good"), world.truth
    # Bought at the open after the signal: the night of the next session is earned a day older.
    night, phi = world.settings.tape.night, 2.0 ** (-1.0 / HALF_LIFE)
    mean = IC * truth.specific_volatility()[1:] * truth.signals["good"][:-1]
    listed = truth.lives.listed(len(truth.days))
    expected = (weights(world, "good")[:-1] * mean * listed[1:]).sum(axis=1)
    expected = expected.mean() * (1.0 - night + night * phi)
    error = gained.std(ddof=1) / np.sqrt(len(gained))
    assert expected > 3.0 * error, "the world is too small to tell"
    assert abs(gained.mean() - expected) < 3.0 * error
    # Grinold's law: information ratio = IC sqrt(breadth), less the night, and less what weights
    # that sum to 1 and risk that is not specific take; from half of it to all of it here.
    ratio = gained.mean() / gained.std(ddof=1)
    assert 0.4 < ratio / (IC * np.sqrt(listed.sum(axis=1).mean())) < 1.15


@pytest.mark.slow
def test_a_pod_on_noise_earns_nothing(world: World) -> None:
    gained = earned(world, "noise")
    assert abs(gained.mean()) < 3.0 * gained.std(ddof=1) / np.sqrt(len(gained))
