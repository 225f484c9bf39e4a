"""`verify` finds any flipped byte of a journal, wherever it stands, and else says all is well."""

from pathlib import Path

import numpy as np

import podshop
from podshop.desk.cli import main
from podshop.desk.verify import verify

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ladder" / "fund.toml"


def test_any_flipped_byte_is_found(tmp_path: Path) -> None:
    run = podshop.backtest(podshop.load(EXAMPLE), journal=tmp_path / "journal.sqlite")
    run.write(tmp_path)
    assert verify(tmp_path) == []
    assert main(["verify", str(tmp_path)]) == 0
    journal = tmp_path / "journal.sqlite"
    true = journal.read_bytes()
    for at in np.random.default_rng(0).integers(0, len(true), 60).tolist():
        journal.write_bytes(true[:at] + bytes([true[at] ^ 0x10]) + true[at + 1 :])
        assert verify(tmp_path), f"byte {at}"
    assert main(["verify", str(tmp_path)]) == 1


def test_tables_that_were_edited_are_found(tmp_path: Path) -> None:
    run = podshop.backtest(podshop.load(EXAMPLE), journal=tmp_path / "journal.sqlite")
    run.write(tmp_path)
    run.nav.with_columns(nav_micros=run.nav["nav_micros"] + 1).write_parquet(
        tmp_path / "nav.parquet"
    )
    assert "nav.parquet" in verify(tmp_path)[0]
