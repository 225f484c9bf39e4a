"""What happened in the lives of the pods: what people asked, stages, audits and reviews.

Events like those of `event.py`. Columns end `_r` (one value a row of the event).
"""

from dataclasses import dataclass

from podshop.domain.money import F64, I64


@dataclass(frozen=True, slots=True)
class PodsListed:
    """A person let the fund list further pods, which are candidates until they are hired."""

    pods: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A person asks something of a pod; the next cycle answers.

    Attributes:
        pod: the pod.
        act: "hire", "cut", "restore" or "retire".
        keep: for a cut, the share of the nominal capital that stays in use.
        who, why: the person, and the reason.
    """

    pod: int
    act: str
    keep: float
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of the oldest request: done, or refused and why.

    `hold` is the share of its capital that people leave the pod from now on; 1.0 is all.
    """

    pod: int
    act: str
    done: bool
    hold: float
    why: str


@dataclass(frozen=True, slots=True)
class PodStaged:
    """A pod entered a stage of its life.

    Attributes:
        pod: the pod.
        stage: `Stage`; never CUT or TERMINATED, which `ActionApplied` tells.
        part: share of its target capital that the pod gets: below 1.0 in the ramp, else 1.0 with
            capital and 0.0 without.
        capital: micros of notional capital that a pod on paper trades with; else 0.
        who, why: "rules" or a person, and the reason.
    """

    pod: int
    stage: int
    part: float
    capital: int
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Audited:
    """How alike the pods are: correlations of their daily returns.

    Attributes:
        sessions: length of the window.
        average: of all pairs.
        threshold: average above which one pod should be replaced.
        replace: the pod most like the others when the average is above; CENTRE for none.
        pod_r: the pods compared, K of them.
        mean_r: mean correlation of each with the others.
        correlation_r: (K (K - 1) / 2) correlations of the pairs, to a millionth: the upper triangle
            of the matrix, row by row.
        paper_r, paper_mean_r: pods on paper, and their mean correlation with the pods compared.
    """

    sessions: int
    average: float
    threshold: float
    replace: int
    pod_r: I64
    mean_r: F64
    correlation_r: F64
    paper_r: I64
    paper_mean_r: F64


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What the pods with capital did in a quarter or year.

    Attributes:
        period: "quarter" or "year".
        sessions: its length.
        pod_r: the pods reviewed.
        sharpe_r: Sharpe ratios a year, above idle cash; 0 where a pod never moved.
        return_r: returns on nominal capital, fractions.
        drawdown_r: deepest falls within the period, fractions.
        weak_r: quarters in a row, this one included, that were too weak; restarted by a cut.
        hold_r: share of its capital that people and reviews leave each pod from now on.
    """

    period: str
    sessions: int
    pod_r: I64
    sharpe_r: F64
    return_r: F64
    drawdown_r: F64
    weak_r: I64
    hold_r: F64
