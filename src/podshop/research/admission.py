"""Who may trade: pods that went through the gate, and those that a person lets in with a reason.

Asked when a fund starts to run, live or on paper. A backtest refuses nobody, for it is how a
strategy gets to the gate; but what is known stands in its journal too, so that both are the same.
"""

from pathlib import Path

from podshop.domain.error import ConfigError
from podshop.domain.event import PodAdmitted
from podshop.domain.pod import Stage
from podshop.domain.rules import Rules
from podshop.research.certificate import Certificate, identity_of, of_folder


def admissions(rules: Rules, why: str | None = None) -> tuple[PodAdmitted, ...]:
    """By what each pod of a fund may trade.

    Args:
        rules: the fund.
        why: lets every pod in that has no certificate; None refuses them.

    Raises:
        ConfigError: a pod has neither certificate nor reason; all such pods are named. Candidates
            are not asked before they are hired.
    """
    told = _told(rules, why)
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
    said = _told(rules, why)[rules.pod_ids().index(pod)]
    if isinstance(said, str):
        raise ConfigError(
            f"{said}\n  -> let it go through `podshop research gate` and put its certificate into "
            f'{rules.certificates}, or give --accept-uncertified "why"'
        )
    return said


def _candidates(rules: Rules) -> set[int]:
    plan = rules.lifecycle
    if plan is None:
        return set()
    ids = rules.pod_ids()
    return {p for p, pod in enumerate(ids) if plan.entry_of(pod) == Stage.CANDIDATE}


def known(rules: Rules) -> tuple[PodAdmitted, ...]:
    """The admissions of the pods that have one."""
    return tuple(said for said in _told(rules, None) if isinstance(said, PodAdmitted))


def _told(rules: Rules, why: str | None) -> list[PodAdmitted | str]:
    folder = Path(rules.certificates) if rules.certificates else None
    found = {} if folder is None else {c.identity: c for c in of_folder(folder)}
    return [_admission(rules, p, found, why) for p in range(len(rules.pods))]


def _admission(
    rules: Rules, p: int, found: dict[str, Certificate], why: str | None
) -> PodAdmitted | str:
    """A pod's admission, or why it is refused."""
    pod = rules.pods[p]
    code = rules.manifest.get("sources", {}).get(f"strategy {pod.strategy}", "")
    certificate = found.get(identity_of(code, pod.manifest, pod.when, pod.stop_loss))
    if certificate is not None and certificate.passed:
        return PodAdmitted(p, certificate.seal, f"certificate {certificate.path.name}")
    reason = rules.waived.get(pod.id) or why
    if reason:
        return PodAdmitted(p, "", reason)
    if certificate is not None:
        return f"pod {pod.id!r}: its strategy did not pass the gate ({certificate.path})"
    return f"pod {pod.id!r}: there is no certificate of this strategy with these parameters"
