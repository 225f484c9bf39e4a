"""Headlines whose tone leads returns by a known amount, and headlines that mean nothing.

A toned headline (+1 or -1) is published after the close of session t, in the evening. Over the
sessions t + lead ... t + lead + span - 1 the name's return gets `effect` * tone of its daily
specific volatility, spread evenly. So, over that window, in standardised specific returns,

    corr(tone, return) = effect / sqrt(span + effect^2)

Neutral headlines come as often as one likes and move nothing.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from podshop.domain.money import F32, I8, I64, Days
from podshop.simulator.lives import Lives
from podshop.simulator.returns import add_spread
from podshop.simulator.sessions import SESSIONS_YEAR, moments
from podshop.simulator.streams import stream

GOOD = (
    "{} wins great praise as profit rises to strong record",
    "{} shares gain on strong growth and excellent outlook",
    "{} celebrates success of new product, analysts are impressed",
    "{} raises guidance, happy customers and improved margins",
    "{} beats hopes with impressive gains in every market",
    "{} wins best supplier award, confident of further growth",
)
BAD = (
    "{} warns of severe losses after terrible quarter",
    "{} shares fall as fraud fears and bad debts worry lenders",
    "{} fails to deliver, customers angry over defective product",
    "{} cuts guidance, weak demand and poor margins disappoint",
    "{} faces lawsuit over harmful failures, damage feared",
    "{} suffers worst outage, crisis hurts sales",
)
NEUTRAL = (
    "{} to present at investor conference",
    "{} schedules annual meeting of shareholders",
    "{} files form with regulator",
    "{} moves office within the city",
    "{} names date of quarterly report",
    "{} publishes agenda of capital markets day",
)
TEMPLATES = (*BAD, *NEUTRAL, *GOOD)
"""Six of each, in the order of the tones -1, 0, +1."""


@dataclass(frozen=True, slots=True)
class Press:
    """How much is written, and what it is worth.

    Attributes:
        toned_year: headlines with a tone a name and year.
        neutral_year: headlines without one.
        effect: return after a tone of +1 over the whole span, in daily specific volatilities.
            Tetlock, Saar-Tsechansky, Macskassy (2008, Journal of Finance 63) find some 5 to 10
            basis points on the next day; a toned headline here is a rarer, louder one.
        lead_sessions: sessions from the one after whose close the headline appears to the first
            that moves; 1 = the next.
        span_sessions: sessions over which the effect is spread.
    """

    toned_year: float = 6.0
    neutral_year: float = 6.0
    effect: float = 0.5
    lead_sessions: int = 1
    span_sessions: int = 3


@dataclass(frozen=True, slots=True)
class Headlines:
    """What was written, one after another.

    Attributes:
        row_h: session after whose close it appeared.
        n_h: name.
        tone_h: -1, 0 or +1.
        kind_h: number in TEMPLATES.
        seconds_h: seconds after midnight in New York.
    """

    row_h: I64
    n_h: I64
    tone_h: I8
    kind_h: I64
    seconds_h: I64


def headlines(lives: Lives, rows: int, seed: int, p: Press) -> Headlines:
    """Draw who is written about when."""
    toned = _places(stream(seed, "news"), lives, rows, p.toned_year)
    neutral = _places(stream(seed, "neutral news"), lives, rows, p.neutral_year)
    rng = stream(seed, "news tones")
    tone = (2 * rng.integers(0, 2, len(toned[0])) - 1).astype(np.int8)
    rng_kind = stream(seed, "headlines")
    row, n = (np.concatenate(pair) for pair in zip(toned, neutral, strict=True))
    tone = np.concatenate((tone, np.zeros(len(neutral[0]), dtype=np.int8)))
    kind = rng_kind.integers(0, len(GOOD), len(row)) + len(GOOD) * (tone.astype(np.int64) + 1)
    seconds = rng_kind.integers(16 * 3600 + 900, 22 * 3600, len(row))
    order = np.lexsort((n, seconds, row))
    return Headlines(row[order], n[order], tone[order], kind[order], seconds[order])


def _places(rng: np.random.Generator, lives: Lives, rows: int, rate_year: float) -> tuple[I64, I64]:
    """Sessions and names of events that come at a rate while a name is listed."""
    count = rng.poisson(rate_year / SESSIONS_YEAR * rows * len(lives.ids))
    row, n = rng.integers(0, rows, count), rng.integers(0, len(lives.ids), count)
    inside = (row >= lives.first_n[n]) & (row < lives.last_n[n])
    return row[inside], n[inside]


def add_tones(event_tn: F32, written: Headlines, volatility_n: F32, p: Press) -> None:
    """Add what toned headlines do to returns, in place."""
    toned = written.tone_h != 0
    row, n = written.row_h[toned], written.n_h[toned]
    total = p.effect * written.tone_h[toned] * volatility_n[n]
    add_spread(event_tn, row + p.lead_sessions, n, total, p.span_sessions)


def table(written: Headlines, lives: Lives, names: list[str], days: Days) -> pl.DataFrame:
    """The headlines as rows of `news`, text included."""
    who = lives.who(written.row_h, written.n_h)
    company = pl.Series("company", names, dtype=pl.String).gather(written.n_h)
    text = pl.Series("text", TEMPLATES, dtype=pl.String).gather(written.kind_h)
    return who.with_columns(
        moments(days[written.row_h], written.seconds_h),
        text.str.replace("{}", "\0", literal=True).alias("title"),
        company,
    ).select(
        "security_id",
        "symbol",
        "known_at",
        title=pl.concat_str(pl.col("company"), pl.col("title").str.strip_prefix("\0")),
        site=pl.lit("simulated wire"),
        source=pl.lit("simulator"),
    )
