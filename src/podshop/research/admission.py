"""Who may trade: pods that went through the gate, and those that a person lets in with a reason.

Asked when a fund starts to run, live or on paper. A backtest refuses nobody, for it is how a
strategy gets to the gate; but what is known stands in its journal too, so that both are the same.
"""

from collections.abc import Iterator
from pathlib import Path

from podshop.domain.error import ConfigError
from podshop.domain.event import PodAdmitted
from podshop.domain.money import MICROS
from podshop.domain.pod import Stage
from podshop.domain.rules import Rules
from podshop.research.certificate import (
    SUFFIX,
    Certificate,
    caps_of,
    identity_in,
    of_folder,
    read,
)
from podshop.rulebook.strategy import GateSection

HIGHER = ("sharpe", "win_days", "out_of_sample", "deflated_sharpe")
HISTORY = ("windows", "train_years", "test_years")
"""What decides which years are tested; other choices than the house's can be made to fit."""
LOWER = ("max_drawdown", "correlation", "overfit")
"""Thresholds of the gate that are stricter when higher, and when lower."""
CHARGED = (
    "commission_micros_per_lot",
    "commission_min_micros",
    "half_spread_bps",
    "impact",
    "borrow_bps_year",
    "debit_spread_bps_year",
    "management_fee",
)
"""Costs that a certificate may not have been spared."""
EASED = ("adv_assumed_micros", "volume_cap")
"""Assumptions that make trading cheaper or easier the higher they are."""
LARGER = 2
"""Times the capital that a strategy was judged with that a fund may have; impact grows with it."""


def admissions(rules: Rules, why: str | None = None) -> tuple[PodAdmitted, ...]:
    """By what each pod of a fund may trade.

    Args:
        rules: the fund.
        why: lets every pod in that has no certificate; None refuses them.

    Raises:
        ConfigError: a pod has neither certificate nor reason; all such pods are named. Candidates
            are not asked before they are hired.
    """
    told = _told(rules, why, _found(rules))
    candidates = _candidates(rules)
    refused = [said for p, said in enumerate(told) if isinstance(said, str) and p not in candidates]
    if refused:
        raise ConfigError(
            "\n".join(refused) + "\n  -> let each go through `podshop research gate` and put its "
            f'certificate into {rules.certificates}, write `uncertified = "why"` into its [[pod]], '
            'or give --accept-uncertified "why"'
        )
    return tuple(said for said in told if isinstance(said, PodAdmitted))


def admission_of(rules: Rules, pod: str, why: str | None = None) -> PodAdmitted:
    """By what one pod may trade, when it is hired.

    Args:
        rules: the fund.
        pod: its id.
        why: lets it in when it has no certificate.

    Raises:
        ConfigError: it has neither certificate nor reason.
    """
    said = _told(rules, why, _found(rules))[rules.pod_ids().index(pod)]
    if isinstance(said, str):
        raise ConfigError(
            f"{said}\n  -> let it go through `podshop research gate` and put its certificate into "
            f'{rules.certificates}, or give --accept-uncertified "why"'
        )
    return said


def _found(rules: Rules) -> list[Certificate]:
    return of_folder(Path(rules.certificates)) if rules.certificates else []


def _candidates(rules: Rules) -> set[int]:
    plan = rules.lifecycle
    if plan is None:
        return set()
    ids = rules.pod_ids()
    return {p for p, pod in enumerate(ids) if plan.entry_of(pod) == Stage.CANDIDATE}


def known(rules: Rules) -> tuple[PodAdmitted, ...]:
    """The admissions of the pods that have one; a certificate that cannot be read admits nobody."""
    folder = Path(rules.certificates) if rules.certificates else None
    found = [] if folder is None else list(_readable(folder))
    return tuple(said for said in _told(rules, None, found) if isinstance(said, PodAdmitted))


def _readable(folder: Path) -> Iterator[Certificate]:
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            yield read(path)
        except ConfigError:
            continue  # said aloud where a fund starts to run


def _told(rules: Rules, why: str | None, found: list[Certificate]) -> list[PodAdmitted | str]:
    # Of several for one strategy the newest counts, of two at one moment the one that refuses.
    newest = sorted(found, key=lambda c: (str(c.said["issued"]), not c.passed))
    by_identity = {c.identity: c for c in newest}
    held = [by_identity.get(identity_in(rules, p)) for p in range(len(rules.pods))]
    return [_admission(rules, p, held, why) for p in range(len(rules.pods))]


def _admission(
    rules: Rules, p: int, held: list[Certificate | None], why: str | None
) -> PodAdmitted | str:
    """A pod's admission, or why it is refused."""
    pod, certificate = rules.pods[p], held[p]
    lacks = "there is no certificate of this strategy with these parameters"
    if certificate is not None:
        lacks = shortfall(certificate, rules) or _strangers(rules, p, held)
        if not lacks:
            return PodAdmitted(p, certificate.seal, _by(certificate))
    reason = rules.waived.get(pod.id) or why
    return PodAdmitted(p, "", reason) if reason else f"pod {pod.id!r}: {lacks}"


def _by(certificate: Certificate) -> str:
    said = certificate.said
    counted = f"{said['trials']} trial{'' if said['trials'] == 1 else 's'} in {said['ledger']}"
    return f"certificate {certificate.path.name}, {counted}"


def shortfall(certificate: Certificate, rules: Rules) -> str:
    """What a certificate lacks for this fund; "" for nothing.

    It must have passed a gate that asks no less than podshop's own, on a market of the fund's kind,
    at costs no lower and with caps no tighter than the fund's.
    """
    if not certificate.passed:
        return f"its strategy did not pass the gate ({certificate.path})"
    said, house = certificate.said, GateSection()
    plain = house.model_dump(mode="json")
    soft = [name for name in HIGHER if said["gate"].get(name, -1e9) < getattr(house, name)]
    soft += [name for name in LOWER if said["gate"].get(name, 1e9) > getattr(house, name)]
    soft += [name for name in HISTORY if said["gate"].get(name) != plain[name]]
    if soft:
        return f"its gate asked less than the house's ({', '.join(soft)}; {certificate.path})"
    cheap = [name for name in CHARGED if said["costs"].get(name, 0) < getattr(rules.costs, name)]
    cheap += [name for name in EASED if said["costs"].get(name, 0) > getattr(rules.costs, name)]
    cheap += ["volatility_assumed"] * (
        said["costs"].get("volatility_assumed", 0.0) < rules.costs.volatility_assumed
    )
    if cheap:
        return f"it was judged at lower costs than the fund's ({', '.join(cheap)})"
    loose = [name for name, share in caps_of(rules).items() if _wider(share, said["caps"][name])]
    if loose:
        return f"it was judged under tighter caps than the fund's ({', '.join(loose)})"
    if rules.capital > LARGER * said["capital"]:
        judged, has = (f"{micros / MICROS:,.0f}" for micros in (said["capital"], rules.capital))
        return f"it was judged with a capital of {judged}, the fund has {has}"
    if said["market"] != rules.market.source:
        return f"it was judged on the source {said['market']!r}, not on {rules.market.source!r}"
    return ""


def _wider(share: float | None, judged: float | None) -> bool:
    """Is a cap of the fund wider than that under which a strategy was judged?"""
    return judged is not None and (share is None or share > judged)


def _strangers(rules: Rules, p: int, held: list[Certificate | None]) -> str:
    """Pods that neither were compared with this one nor compare themselves with it; "" for none."""
    mine = identity_in(rules, p)
    twins = [rules.pods[q].id for q in range(p) if identity_in(rules, q) == mine]
    if twins:
        return f"it does what pod {twins[0]!r} does already"
    known_by = [[] if one is None else one.said["beside"] for one in held]
    strange = [
        pod.id
        for other, pod in enumerate(rules.pods)
        if (theirs := identity_in(rules, other)) != mine
        and theirs not in known_by[p]
        and mine not in known_by[other]
    ]
    if not strange:
        return ""
    return f"it was not compared with {', '.join(strange)}: `podshop research gate ... --fund`"
