"""The tone of headlines against a set labelled by hand; see docs/concepts/alternative-data.md."""

from pathlib import Path

from podshop.market.alternative.lexicon import terms
from podshop.market.alternative.sentiment import tone

SET = Path(__file__).parents[1] / "headlines" / "labelled.txt"
NEUTRAL = 0.1


def even_lines() -> list[tuple[str, str]]:
    """Every second headline of each label."""
    lines = [x for x in SET.read_text(encoding="utf-8").splitlines() if not x.startswith("#")]
    return [
        (label, line[2:])
        for label in "+-="
        for i, line in enumerate(x for x in lines if x[0] == label)
        if i % 2
    ]


def named(value: float) -> str:
    return "+" if value > NEUTRAL else "-" if value < -NEUTRAL else "="


def test_our_words_read_headlines_of_the_home_made_set_better_than_the_general_list() -> None:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    plain = SentimentIntensityAnalyzer()
    told = even_lines()
    assert len(told) == 150
    ours = sum(named(tone(title)) == label for label, title in told) / len(told)
    theirs = sum(
        named(plain.polarity_scores(title)["compound"]) == label for label, title in told
    ) / len(told)
    assert ours >= 0.88
    assert ours - theirs >= 0.25


def test_a_term_weighs_at_most_four_and_there_are_enough() -> None:
    weights = terms()
    assert len(weights) >= 400
    assert max(map(abs, weights.values())) <= 4.0


def test_a_negation_turns_and_a_doubt_softens() -> None:
    assert tone("Brightwater not profitable") < 0.0 < tone("Brightwater profitable")
    assert (
        0.0
        < tone("Brightwater may raise dividend; profit soars")
        < tone("Brightwater will raise dividend; profit soars")
    )
