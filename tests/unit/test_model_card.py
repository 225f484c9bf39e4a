"""The model card tells the planted signal from the rest, and nothing that is not so."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.learned_market import QUICK, noise

from podshop.domain.error import DataError
from podshop.pods import learned
from podshop.research.model_card import as_markdown, card, mean_error, rank_ic

SEEN = replace(QUICK, signals=("left", "right"))


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return card(noise(2, edge=0.001), SEEN)


def test_the_card_is_plain_and_complete(told: dict[str, Any]) -> None:
    assert json.loads(json.dumps(told, allow_nan=False))["refits"] == told["refits"]
    assert told["library"]["lightgbm"].count(".") >= 1
    assert told["params"]["train_days"] == 189
    assert told["validation"] == {"purge_days": 11, "embargo_days": 2, "seed": 0}
    assert sum(told["gain"].values()) == pytest.approx(1.0)


def test_no_model_learnt_from_its_own_future(told: dict[str, Any]) -> None:
    panel = noise(2, edge=0.001)
    assert len(told["refits"]) == len(learned.spans(panel.days, SEEN))
    for entry in told["refits"]:
        assert entry["train_first"] < entry["train_last"] < entry["label_last"] < entry["refit"]
        between = np.busday_count(entry["label_last"], entry["refit"])
        assert between == 1 + SEEN.embargo_days
        assert entry["refit"] <= entry["answers_last"]


def test_the_planted_signal_is_what_counts(told: dict[str, Any]) -> None:
    assert told["ic_out"] > 3.0 * told["ic_out_error"] > 0.0
    assert told["ic_in"] > told["ic_out"]
    lost = {name: entry["loss"] for name, entry in told["permutation"].items()}
    assert max(lost, key=lost.__getitem__) == "signal_left"
    assert lost["signal_left"] > told["ic_out"] / 2.0
    assert abs(lost["signal_right"]) < lost["signal_left"] / 4.0
    assert max(told["gain"], key=told["gain"].__getitem__) == "signal_left"


def test_in_noise_the_card_shows_a_fit_and_no_foresight() -> None:
    told = card(noise(11, days=1000), SEEN)
    assert told["ic_in"] > 0.1
    assert abs(told["ic_out"]) < 3.0 * told["ic_out_error"]


def test_the_page_has_every_refit_and_feature(told: dict[str, Any]) -> None:
    page = as_markdown(told)
    for entry in told["refits"]:
        assert f"| {entry['refit']} | {entry['train_first']} to {entry['train_last']} |" in page
    for name in told["features"]:
        assert f"\n| {name} | " in page
    assert f"{told['ic_out']:.4f} ± {told['ic_out_error']:.4f}" in page


def test_a_model_too_new_to_be_judged_has_no_figure() -> None:
    panel = noise(2, edge=0.001)
    start, _ = learned.spans(panel.days, SEEN)[2]
    told = card(panel.rows(0, start + 1), SEEN)
    assert told["refits"][-1]["refit"] == str(panel.days[start])
    assert told["refits"][-1]["ic_out"] is None
    assert told["ic_out_count"] == 2
    assert f"| {panel.days[start]} |" in as_markdown(told)


def test_a_panel_too_small_is_refused() -> None:
    with pytest.raises(DataError, match="too few for a model card"):
        card(noise(1, days=100), SEEN)


def test_a_score_that_is_equal_for_all_says_nothing() -> None:
    came = np.array([[1.0, 2.0, 3.0, np.nan], [1.0, 2.0, np.nan, np.nan]])
    ic = rank_ic(np.ones((2, 4)), came)
    assert ic[0] == 0.0
    assert np.isnan(ic[1])


def test_the_error_of_a_mean_knows_of_overlaps() -> None:
    x = np.random.default_rng(4).normal(size=4000)
    assert mean_error(x, 0) == pytest.approx(x.std() / np.sqrt(4000))
    summed = x[1:] + x[:-1]  # its mean has twice the error of x's mean
    assert mean_error(summed, 30) == pytest.approx(2.0 * mean_error(x, 0), rel=0.1)
    assert np.isnan(mean_error(x[:1], 1))
