"""A certificate: that a strategy as it is went through the gate, and what was found.

It names the code, the parameters and the data by their fingerprints and is sealed with a hash over
all it says, so that nobody can change a figure, a parameter or the strategy and keep it. With a key
in PODSHOP_GATE_KEY the seal is keyed: then only who has the key can issue one, and where the key is
set no other seal counts.
"""

import hmac
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

import podshop
from podshop.adapters.stores.runs import RunRecord
from podshop.domain.error import ConfigError
from podshop.domain.rules import Rules
from podshop.research.gate import Verdict
from podshop.rulebook.strategy import Strategy

KEY = "PODSHOP_GATE_KEY"
"""Environment variable with the key of keyed seals."""

SUFFIX = ".certificate.json"

NEEDED = (
    *(
        "identity",
        "passed",
        "criteria",
        "gate",
        "costs",
        "caps",
        "market",
        "capital",
        "beside",
        "trials",
    ),
    *("ledger", "issued"),
)
"""What every certificate says."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says.

    Attributes:
        path: the file.
        said: its content.
        seal: the hash over it.
    """

    path: Path
    said: Mapping[str, Any]
    seal: str

    @property
    def passed(self) -> bool:
        """True when the strategy passed."""
        return bool(self.said["passed"])

    @property
    def identity(self) -> str:
        """Fingerprint of the strategy that it is about: code and parameters."""
        return str(self.said["identity"])


def identity_of(code: str, params: Mapping[str, Any], when: str, stop_loss: float) -> str:
    """Fingerprint of what a pod does: its code, its parameters, when it speaks, when it stops."""
    told = {"code": code, "params": dict(params), "when": when, "stop_loss": stop_loss}
    return sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def identity_in(rules: Rules, p: int) -> str:
    """Fingerprint of what pod number p of a fund does."""
    pod = rules.pods[p]
    code = rules.manifest.get("sources", {}).get(f"strategy {pod.strategy}", "")
    return identity_of(code, pod.manifest, pod.when, pod.stop_loss)


@dataclass(frozen=True, slots=True)
class Setting:
    """Against what a strategy was judged.

    Attributes:
        fund: the fund whose pods it was compared with; None for none.
        trials: how many trials were counted.
        ledger: the run ledger in which they stand.
    """

    fund: Rules | None = None
    trials: int = 1
    ledger: str = ""

    def beside(self, name: str) -> list[str]:
        """Identities of the fund's pods, but for the one of this name, which would be replaced."""
        fund = self.fund
        if fund is None:
            return []
        return [identity_in(fund, p) for p, pod in enumerate(fund.pods) if pod.id != name]


def issue(
    strategy: Strategy, entry: RunRecord, verdict: Verdict, folder: Path, setting: Setting
) -> Certificate:
    """Write the certificate of a strategy that was judged; it says so too when it failed.

    Args:
        strategy: what was judged.
        entry: the run that was judged.
        verdict: what the gate said.
        folder: where certificates lie.
        setting: against what.

    Returns:
        the certificate, in a file named after the strategy and its identity.
    """
    rules = strategy.rules
    pod, identity = rules.pods[0], identity_in(rules, 0)
    said = {
        "strategy": strategy.name,
        "module": pod.strategy,
        "identity": identity,
        "params": dict(pod.manifest),
        "run": entry.id,
        "data": entry.facts["data"],
        "journal": entry.facts["journal"],
        "first": entry.facts["first"],
        "last": entry.facts["last"],
        "source": entry.facts["source"],
        "passed": verdict.passed,
        "gate": strategy.gate.model_dump(mode="json"),
        "costs": asdict(rules.costs),
        "caps": caps_of(rules),
        "market": rules.market.source,
        "capital": rules.capital,
        "beside": setting.beside(strategy.name),
        "trials": setting.trials,
        "ledger": setting.ledger,
        "criteria": verdict.as_plain(),
        "warnings": list(verdict.warnings),
        "issued": datetime.now(UTC).isoformat(timespec="seconds"),
        "podshop": podshop.__version__,
        "keyed": bool(os.environ.get(KEY)),
    }
    seal = _seal(said)
    text = {**said, "seal": seal}
    path = folder / f"{strategy.name}-{identity[:8]}{SUFFIX}"
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(orjson.dumps(text, option=orjson.OPT_INDENT_2) + b"\n")
    part.replace(path)
    return Certificate(path, said, seal)


def caps_of(rules: Rules) -> dict[str, float | None]:
    """The caps that shape a pod, None where there is none."""
    caps = rules.caps
    shares = {"position": caps.position, "sector": caps.sector}
    return {name: share if math.isfinite(share) else None for name, share in shares.items()}


def read(path: Path) -> Certificate:
    """Read a certificate and check its seal.

    Raises:
        ConfigError: it is no certificate, it was changed after it was issued, or it has no keyed
            seal where there is a key.
    """
    try:
        text = orjson.loads(path.read_bytes())
        seal = text.pop("seal")
        _ = [text[key] for key in NEEDED]
    except (OSError, orjson.JSONDecodeError, KeyError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"{path}: is no certificate, or one of an older podshop: {error}\n"
            "  -> remove it; `podshop research gate` writes a new one"
        ) from error
    if text.get("keyed") and not os.environ.get(KEY):
        raise ConfigError(f"{path}: was sealed with a key\n  -> set {KEY} to check it")
    if os.environ.get(KEY) and not text.get("keyed"):
        raise ConfigError(
            f"{path}: is sealed without a key, so anybody could have written it\n"
            f"  -> run `podshop research gate` again with {KEY} set"
        )
    if not hmac.compare_digest(str(seal).encode(), _seal(text).encode()):
        raise ConfigError(
            f"{path}: was changed after it was issued (its seal does not fit)\n"
            "  -> run `podshop research gate` again"
        )
    return Certificate(path, text, str(seal))


def of_folder(folder: Path) -> list[Certificate]:
    """All certificates in a folder.

    Raises:
        ConfigError: one of them is broken or was changed.
    """
    return [read(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]


def _seal(said: Mapping[str, Any]) -> str:
    text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    key = os.environ.get(KEY, "") if said.get("keyed") else ""
    return hmac.new(key.encode(), text, sha256).hexdigest() if key else sha256(text).hexdigest()
