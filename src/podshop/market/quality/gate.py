"""All checks of the quality gate over the tables that are there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from podshop.domain.money import Days
from podshop.market.quality import actions, bars, listing, sources
from podshop.market.quality.findings import gathered
from podshop.market.quality.params import Params

DEFAULT = Params()


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the gate looks at; frames as in `market.tables`, empty where there is nothing.

    Attributes:
        bars, splits, dividends, adjusted, securities: the tables.
        statements: tables of statements by name.
        other: closes of another source, or None.
        sessions: sessions of the exchange; None = checks of the calendar are left out.
        today: day on which the feed should be up to date; None = freshness is not judged.
    """

    bars: pl.DataFrame
    splits: pl.DataFrame
    dividends: pl.DataFrame
    adjusted: pl.DataFrame
    securities: pl.DataFrame
    statements: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    other: pl.DataFrame | None = None
    sessions: Days | None = None
    today: np.datetime64 | None = None


def gate(inputs: Inputs, params: Params = DEFAULT) -> pl.DataFrame:
    """Run every check that the inputs allow.

    Args:
        inputs: the tables.
        params: thresholds.

    Returns:
        Findings (security_id, symbol, date, check, severity, detail), one a security, day and
        check, in that order; the same inputs in any order give the same findings.
    """
    study = bars.studied(inputs.bars, inputs.splits, inputs.dividends)
    frames = [
        bars.order_of_prices(inputs.bars),
        bars.duplicates(inputs.bars),
        bars.stale(inputs.bars, params),
        bars.outliers(study, params),
        bars.volume_jumps(study, params),
        actions.splits_not_applied(study, params),
        actions.odd_actions(study, params),
        actions.identity(inputs.bars, inputs.splits, inputs.dividends, inputs.adjusted, params),
        listing.reuse(inputs.bars, params),
        listing.departures(inputs.bars, inputs.securities, params),
    ]
    if inputs.sessions is not None:
        frames.append(listing.calendar(inputs.bars, inputs.sessions))
        if inputs.today is not None:
            fresh = listing.freshness(
                inputs.bars, inputs.securities, inputs.sessions, inputs.today, params
            )
            frames.append(fresh)
    if inputs.other is not None:
        frames.append(sources.other_closes(inputs.bars, inputs.other, params))
    for name, rows in sorted(inputs.statements.items()):
        frames += [sources.filing_lags(rows, params), sources.signs(rows)]
        if name == "balance_sheets":
            frames.append(sources.balance_sheets(rows, params))
    return gathered(frames)
