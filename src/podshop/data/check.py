"""`podshop data check`: the quality gate over a whole store, its findings kept and reported."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from podshop.adapters.stores.market import MarketStore
from podshop.data.quarantine import part
from podshop.domain.error import ConfigError
from podshop.market.quality.bars import impossible
from podshop.market.quality.gate import DEFAULT, Inputs, gate
from podshop.market.quality.params import Params

STATEMENTS = ("income_statements", "balance_sheets", "cash_flows")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        findings: as in table `findings`, with `accepted` (why, or empty).
        quarantined: impossible bars that were set aside now.
        version: the store's version afterwards.
    """

    findings: pl.DataFrame
    quarantined: int
    version: int

    @property
    def stops(self) -> pl.DataFrame:
        """Grave findings that nobody has accepted."""
        grave = (pl.col("severity") == "stop") & pl.col("why").is_null()
        return self.findings.filter(grave)


def check(store: MarketStore, today: date | None = None, params: Params = DEFAULT) -> Checked:
    """Run the gate, set impossible bars aside, and keep the findings in the store.

    Args:
        store: the store.
        today: day on which the last session should be there; None = freshness is not judged.
        params: thresholds.
    """
    with store.writing() as writer:
        # Only now, so that nobody changes what is judged before it is set aside.
        found = gate(_inputs(store, today), params)
        bars = store.frame("bars")
        _, wrong = part(bars, "check")
        writer.put("quarantine", wrong)
        writer.take_out("bars", bars.filter(impossible(bars) != "").select("security_id", "date"))
        old = store.frame("findings").select("security_id", "date", "check")
        writer.take_out("findings", old.join(found, on=old.columns, how="anti"))
        writer.put("findings", found)
        version = writer.commit()
    accepted = store.frame("accepted").select("security_id", "date", "check", "why")
    told = found.join(accepted, on=["security_id", "date", "check"], how="left")
    return Checked(told, wrong.height, version)


def accept(store: MarketStore, symbol: str, day: date, name: str, why: str) -> None:
    """Take a finding for right: it stops no fund any more.

    Raises:
        ConfigError: there is no such finding, or no reason.
    """
    if not why.strip():
        raise ConfigError("say why the finding is right: --why TEXT")
    mine = (pl.col("symbol") == symbol) & (pl.col("date") == day) & (pl.col("check") == name)
    found = store.frame("findings").filter(mine)
    if found.is_empty():
        raise ConfigError(
            f'no finding "{name}" of {symbol} on {day}; `podshop data check` lists them'
        )
    with store.writing() as writer:
        rows = found.select("security_id", "date", "check").with_columns(why=pl.lit(why))
        writer.put("accepted", rows)
        writer.commit()


def _inputs(store: MarketStore, today: date | None) -> Inputs:
    from podshop.adapters.calendar import sessions

    bars = store.frame("bars")
    days = None
    if bars.height:
        first, last = bars.get_column("date").min(), today or bars.get_column("date").max()
        days = sessions(np.datetime64(str(first)), np.datetime64(str(last)))
    return Inputs(
        bars=bars,
        splits=store.frame("splits"),
        dividends=store.frame("dividends"),
        adjusted=store.frame("adjusted"),
        securities=store.frame("securities"),
        statements={name: store.frame(name) for name in STATEMENTS},
        sessions=days,
        today=None if today is None else np.datetime64(today, "D"),
    )
