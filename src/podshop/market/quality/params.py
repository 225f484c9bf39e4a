"""Thresholds of the quality gate."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Params:
    """When a check speaks.

    Attributes:
        stale_days: sessions in a row with the same close and no volume that count as stale. Quiet
            names repeat a close for a day or two; five without a trade is a halt or a dead feed.
        outlier_mads: size of a return in the name's own daily deviations (60 sessions) beyond what
            the day's cross-section moved. 12 robust deviations of a fat-tailed name happen about
            once in some years.
        outlier_return: and at least this, as a log return, so that bonds and stubs stay silent.
        spike_return: a log return of at least this, taken back next session, is a bad tick.
        spike_left: share of the move that may be left after the next session.
        gap_sigmas: how near, in the name's own daily deviations, an overnight gap must be to a
            split ratio; a split opens where it should.
        gap_least: the same for very quiet names, log return.
        close_sigmas: how near the close must be, and how well the level must hold for five
            sessions.
        close_least: the same for very quiet names, log return.
        money_ratio: money traded against its 20-session median; a crash trades many times more, a
            split does not.
        identity: largest difference of a return from the vendor's adjusted series.
        dividend_share: a dividend above this share of the price is odd.
        volume_ratio: lots against the 60-session median that look like another unit.
        reuse_gap_days: calendar days without a bar after which another company may have the symbol.
        reuse_level: and a change of price by this factor.
        departure_days: calendar days between a name's last bar and the day recorded as its last.
        fresh_sessions: sessions behind from which on a live name is late.
        silent_sessions: sessions behind the others after which a name counts as gone.
        feed_share: share of the live names that must have a bar on the last session.
        cross_close: relative difference of closes of two sources.
        balance: relative gap of assets and liabilities plus equity.
        lag_most_days: days from a period's end to its report.
    """

    stale_days: int = 5
    outlier_mads: float = 12.0
    outlier_return: float = 0.25
    spike_return: float = 0.25
    spike_left: float = 0.2
    gap_sigmas: float = 3.0
    gap_least: float = 0.03
    close_sigmas: float = 6.0
    close_least: float = 0.08
    money_ratio: float = 2.5
    identity: float = 1e-6
    dividend_share: float = 0.15
    volume_ratio: float = 50.0
    reuse_gap_days: int = 60
    reuse_level: float = 3.0
    departure_days: int = 10
    fresh_sessions: int = 1
    silent_sessions: int = 20
    feed_share: float = 0.9
    cross_close: float = 1e-3
    balance: float = 0.01
    lag_most_days: int = 400
