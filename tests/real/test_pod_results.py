"""The results on the pods' pages come out again from the same prices."""

import json
from pathlib import Path

import pytest
from benchmarks import pod_results


@pytest.mark.slow
@pytest.mark.parametrize("name", ["momentum", "relative_value, funds", "vix_carry, SPY"])
def test_a_study_gives_the_figures_that_were_kept(
    name: str, shared_data: Path, tmp_path: Path
) -> None:
    kept = json.loads(pod_results.RESULTS.read_text(encoding="utf-8"))[name]
    again = pod_results.study(name, shared_data, tmp_path / "runs.sqlite")
    for stretch in ("in_sample", "out_of_sample"):
        # Figures are kept to 4 places; the last may fall either way on another processor.
        assert again[stretch] == pytest.approx(kept[stretch], abs=2e-4)
