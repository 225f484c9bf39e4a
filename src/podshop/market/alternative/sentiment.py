"""The tone of headlines, and what it adds up to by name and session.

The rules (negation, emphasis, the squash into [-1, 1]) are VADER's (Hutto, Gilbert 2014, ICWSM);
the words are the desk's own (`lexicon`) laid over VADER's. That tone leads returns by days and more
so for bad news: Tetlock 2007, Journal of Finance 62.
"""

import datetime as dt
import re
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from podshop.domain.money import F64, Days
from podshop.market.alternative.lexicon import terms
from podshop.market.alternative.scores import accumulate

UNSURE = re.compile(r"\b(may|might|could|rumou?rs?|reportedly|sources say|mulls|considers)\b")
UNSURE_WEIGHT, QUESTION_WEIGHT = 0.7, 0.5
SAME_DAYS, SAME_OVERLAP = 3, 0.6
"""A headline whose words overlap this much (Jaccard) with one of the days before is old news."""

_WORD = re.compile(r"[a-z0-9&'%-]+")


def tone(title: str) -> float:
    """How good a headline is for the holder of the stock: -1 (bad) to 1 (good), 0 for neither."""
    text = " ".join(title.lower().replace("\u2019", "'").split())
    find, analyzer = _reader()
    told = analyzer.polarity_scores(find(text))["compound"]
    told *= UNSURE_WEIGHT if UNSURE.search(text) else 1.0
    told *= QUESTION_WEIGHT if text.endswith("?") else 1.0
    return float(told)


@cache
def _reader() -> tuple[Callable[[str], str], Any]:
    """What joins phrases to one word each, and VADER's rules with our words."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    ours = terms()
    phrases = sorted((t for t in ours if " " in t), key=lambda t: (-len(t), t))
    names = {f"p{i}": phrase for i, phrase in enumerate(phrases)}
    analyzer.lexicon.update({t: w for t, w in ours.items() if " " not in t})
    analyzer.lexicon.update({f"phrase_{name}": ours[t] for name, t in names.items()})
    # VADER lets "no" and "least" speak for themselves; in headlines they only negate.
    spelled = "|".join(f"(?P<{name}>{_pattern(t)})" for name, t in names.items())
    every = re.compile(rf"(?<![\w-])(?:{spelled})(?![\w-])")

    def join(text: str) -> str:
        return every.sub(lambda found: f"phrase_{found.lastgroup}", text)

    return join, analyzer


def _pattern(phrase: str) -> str:
    """A phrase as a regular expression; `..` is up to three words."""
    gap = r" (?:\S+ ){0,3}?"
    return gap.join(re.escape(part) for part in phrase.split(" .. "))


def novel(news: pl.DataFrame) -> pl.DataFrame:
    """The headlines that tell something new of their symbol, the first of each story.

    Args:
        news: rows of `news`.

    Returns:
        symbol, known_at, title; sorted.
    """
    ordered = news.select("symbol", "known_at", "title").drop_nulls().unique()
    ordered = ordered.sort("symbol", "known_at", "title")
    recent: dict[str, deque[tuple[dt.datetime, frozenset[str]]]] = {}
    fresh = []
    for symbol, moment, title in ordered.iter_rows():
        words = frozenset(_WORD.findall(title.lower()))
        told = recent.setdefault(symbol, deque())
        while told and moment - told[0][0] > dt.timedelta(days=SAME_DAYS):
            told.popleft()
        fresh.append(all(len(words & w) < SAME_OVERLAP * max(len(words | w), 1) for _, w in told))
        if fresh[-1]:
            told.append((moment, words))
    return ordered.filter(pl.Series(fresh, dtype=pl.Boolean))


def events(news: pl.DataFrame) -> pl.DataFrame:
    """The tone of each new headline.

    Returns:
        symbol, known_at, value (-1..1).
    """
    fresh = novel(news)
    titles = fresh.get_column("title").unique().sort().to_list()
    tones = pl.DataFrame(
        {"title": titles, "value": [tone(title) for title in titles]},
        schema={"title": pl.String, "value": pl.Float64},
    )
    return fresh.join(tones, on="title", how="left", maintain_order="left").drop("title")


def daily(
    told: pl.DataFrame, days: Days, symbols: tuple[str, ...], half_life_days: float = 5.0
) -> F64:
    """Decayed mean tone, drawn to 0 by one silent headline: sum(d * tone) / (1 + sum(d)).

    Args:
        told: rows of `events`.
        days: (T,) sessions.
        symbols: N names.
        half_life_days: sessions after which a headline counts half.

    Returns:
        (T, N) in (-1, 1); NaN before a name's first headline.
    """
    total = accumulate(told, days, symbols, half_life_days).value
    count = accumulate(told.with_columns(value=pl.lit(1.0)), days, symbols, half_life_days).value
    mean: F64 = np.clip(total / (1.0 + count), -1.0, 1.0)
    return mean
