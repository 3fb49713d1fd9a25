"""The round contract: everything a server may ask of a laptop, as one signed value.

A contract holds public numbers only. It is serialised canonically, signed by the server in a DSSE
envelope, checked by the laptop against its own policy floor, and hashed into the laptop's ledger.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.errors import Refusal, RefusalCode

CONTRACT_VERSION = 3
MOST_RELEASES = 8
PAYLOAD_TYPE = "application/vnd.deskbound.contract+json"

Unit = Literal["session", "day"]
# How replies are combined, a closed list; the number is the percentage that is cut off at each end.
# Secure aggregation gets its own name here when it exists.
PLAIN, TOLD = "plain", "told"
ROBUST = ("median", *(f"trimmed-mean-{percent:02}" for percent in range(1, 50)))
AGGREGATIONS = (PLAIN, TOLD, *ROBUST)
LocalOptimizer = Literal["sgd", "adam"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundContract:
    """What one round asks of every sampled laptop.

    Attributes:
        run: the run's identifier, 32 hex digits.
        round: 1-based index of the round in its run.
        task: name of a task installed on the laptop, e.g. ``next_action``.
        profile: name of the privacy profile the plan was made under.
        vocabulary_hash: SHA-256 (hex) of the published vocabulary.
        model_hash: SHA-256 (hex) of the encoded weights sent with this contract.
        anchors: digest (hex) of the map of all laptops' latest receipts, as the log has it when
            this contract is written (``anchors.py``).
        unit: privacy unit of layer 1; adjacency is add/remove one unit.
        unit_seconds: longest stretch of activity in a unit, seconds (session units).
        unit_actions: most actions in a unit.
        sampling_rate: Poisson sampling probability q of each unit in each step.
        noise_multiplier: sigma, noise standard deviation over sensitivity.
        clip: C, L2 bound of each unit's gradient.
        steps: DP-SGD steps in this round.
        divisor: public constant the noisy sum is divided by; never a local count.
        local_optimizer: how the laptop applies the noisy gradient (post-processing).
        learning_rate: step size of the local optimizer.
        aggregation: how replies are combined, one of ``AGGREGATIONS``: ``plain`` averages them,
            ``told`` averages counts, each weighed by what it tells (``weighed_counts.py``), the
            others are coordinate by coordinate, each counting the same (``robust.py``).
        told_mean: what laptops told on average in private counts, in clips; a laptop scales its
            noised update by what it told itself (``weighing.py``). 0.0 for all alike; then the
            field is not written, and the contract reads as it did before there was one.
        minimum_cohort: fewest admitted replies for which a model is released.
        issued: Unix seconds at which the contract was signed.
        deadline: Unix seconds after which a reply no longer counts.
        client_version_min: oldest client version, inclusive, e.g. ``0.1.0``.
        client_version_below: first client version that may not take part.
        releases: the reviewed releases that this round is for: names of signed manifests that the
            log holds (``release.manifest_name``), sorted and joined by commas; empty when the
            server names none.
        version: format version of this contract.
    """

    run: str
    round: int
    task: str
    profile: str
    vocabulary_hash: str
    model_hash: str
    anchors: str
    unit: Unit
    unit_seconds: int
    unit_actions: int
    sampling_rate: float
    noise_multiplier: float
    clip: float
    steps: int
    divisor: float
    local_optimizer: LocalOptimizer
    learning_rate: float
    aggregation: str
    minimum_cohort: int
    issued: int
    deadline: int
    client_version_min: str
    client_version_below: str
    told_mean: float = 0.0
    releases: str = ""
    version: int = CONTRACT_VERSION

    def to_bytes(self) -> bytes:
        """Return the canonical serialisation (RFC 8785 subset, UTF-8)."""
        written = asdict(self)
        if not self.told_mean:
            del written["told_mean"]
        return canonical_bytes(written)

    def digest(self) -> str:
        """Return SHA-256 (hex) of the canonical serialisation: the contract's name in ledgers."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def named_releases(self) -> tuple[str, ...]:
        """The names in ``releases``."""
        return tuple(self.releases.split(",")) if self.releases else ()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Parse canonical bytes strictly: exact fields, exact types, finite numbers in range.

        Raises:
            Refusal: ``contract-malformed`` when anything is missing, extra, mistyped or absurd.
        """
        try:
            raw = parse_canonical(data)
        except ValueError:
            raise Refusal(RefusalCode.CONTRACT_MALFORMED) from None
        if not isinstance(raw, dict) or set(raw) | _MAY_BE_ABSENT != {f.name for f in fields(cls)}:
            raise Refusal(RefusalCode.CONTRACT_MALFORMED)
        if not all(_well_formed(name, value) for name, value in raw.items()):
            raise Refusal(RefusalCode.CONTRACT_MALFORMED)
        return cls(**raw)


def join_releases(names: Iterable[str]) -> str:
    """Return names of signed manifests as a contract spells them."""
    return ",".join(sorted(set(names)))


_SHAPES: dict[str, re.Pattern[str]] = {
    "run": re.compile(r"[0-9a-f]{32}"),
    "task": re.compile(r"[a-z0-9][a-z0-9_\-]{0,63}"),
    "profile": re.compile(r"[a-z0-9][a-z0-9_\-]{0,63}"),
    "vocabulary_hash": re.compile(r"[0-9a-f]{64}"),
    "model_hash": re.compile(r"[0-9a-f]{64}"),
    "anchors": re.compile(r"[0-9a-f]{64}"),
    "releases": re.compile(rf"([0-9a-f]{{64}}(,[0-9a-f]{{64}}){{0,{MOST_RELEASES - 1}}})?"),
    "client_version_min": re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}"),
    "client_version_below": re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}"),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "unit": ("session", "day"),
    "aggregation": AGGREGATIONS,
    "local_optimizer": ("sgd", "adam"),
}
_MAY_BE_ABSENT = {"told_mean"}
_POSITIVE_FLOAT = _MAY_BE_ABSENT | {
    "sampling_rate", "noise_multiplier", "clip", "divisor", "learning_rate",
}  # fmt: skip


def _well_formed(name: str, value: Any) -> bool:
    if name in _CHOICES:
        return value in _CHOICES[name]
    if name in _SHAPES:
        if not isinstance(value, str) or _SHAPES[name].fullmatch(value) is None:
            return False
        return name != "releases" or value == join_releases(value.split(","))
    if name in _POSITIVE_FLOAT:
        highest = 1.0 if name == "sampling_rate" else 1e9
        return type(value) is float and 0.0 < value <= highest
    if name == "version":
        return type(value) is int and value == CONTRACT_VERSION
    return type(value) is int and 0 < value < 2**53
