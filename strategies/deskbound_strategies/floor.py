"""The policy floor: the bounds that no contract may leave, as one value.

Public numbers, shown to the employee. A profile names a set of bounds; whoever changes single ones
has a floor called ``custom``; who must vouch for log and code may be added to any. What a floor
means for a contract is in ``policy.py``, which of two floors is the tighter in ``floor_order.py``,
and how a file spells one in ``floor_file.py``.
"""

import hashlib
import math
from dataclasses import dataclass, fields
from typing import Any, Literal

from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.contract import Unit

Profile = Literal["strict", "balanced", "research", "custom"]
Sandbox = Literal["wanted", "required"]
RESEARCH: Profile = "research"
# Who has to vouch, and for what: any profile may have these beside its numbers.
VOUCHING = frozenset({"witnesses", "witness_quorum", "reviewers", "sandbox"})
# Bounds that a floor recorded before they came to be does not have; left out where not used.
_SINCE = VOUCHING | {"unsampled_tasks"}
# What counts instead of learning: one look at every unit tells more than several at samples.
COUNTING = ("action_counts", "next_action_hits")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFloor:
    """Bounds of a contract; see ``describe`` for what they mean together.

    Attributes:
        profile: whose numbers these are; ``custom`` once a number was overridden.
        sigma_min: least noise multiplier.
        clip_max: largest clipping norm C.
        sampling_max: largest sampling rate q.
        unsampled_tasks: names of tasks that may take every unit (q = 1) in a round of one step.
        steps_max: most steps in a round.
        rounds_per_day_max: most rounds this laptop takes part in per UTC day.
        epsilon_day: what a day of data may give away about one unit, ever, at ``delta_day``.
        delta_day: see ``epsilon_day``.
        epsilon_total: bound of the sum over all days of what each gave away; ``inf`` for none.
        minimum_cohort: least ``minimum_cohort`` a contract may state.
        units: privacy units a contract may choose.
        unit_seconds_min: shortest limit of a session, seconds; shorter sessions protect less.
        unit_actions_min: lowest limit of actions in a session.
        unit_actions_max: highest, a matter of memory.
        max_message_bytes: most bytes of weights in a message.
        max_deadline_s: furthest deadline from now, seconds.
        tasks: names of tasks that may run.
        vocabularies: vocabulary hashes that may be trained on; empty for the installed one.
        witnesses: C2SP verifier keys, ``name+hash+base64``, of whom a checkpoint is asked for.
        witness_quorum: how many of ``witnesses`` must have signed it; 0 for none.
        reviewers: raw Ed25519 public keys, base64, who may sign release manifests; empty when
            no signed manifest is asked for.
        sandbox: ``required`` when nothing may be trained where the system offers no sandbox.
    """

    profile: Profile
    sigma_min: float
    clip_max: float
    sampling_max: float
    steps_max: int
    rounds_per_day_max: int
    epsilon_day: float
    delta_day: float
    epsilon_total: float
    minimum_cohort: int
    units: tuple[Unit, ...] = ("session", "day")
    unit_seconds_min: int = 600
    unit_actions_min: int = 256
    unit_actions_max: int = 1024
    max_message_bytes: int = 8_000_000
    max_deadline_s: int = 86_400
    tasks: tuple[str, ...] = ("next_action", "action_counts", "next_action_hits")
    unsampled_tasks: tuple[str, ...] = ()
    vocabularies: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()
    witness_quorum: int = 0
    reviewers: tuple[str, ...] = ()
    sandbox: Sandbox = "wanted"

    def values(self) -> dict[str, Any]:
        """Return profile and bounds as JSON can say them; what came later only if it is used.

        So a floor that uses none of that has the digest it had before it came to be.
        """
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        for item in fields(self):
            if item.name in _SINCE and found[item.name] == item.default:
                del found[item.name]
        if math.isinf(self.epsilon_total):
            found["epsilon_total"] = "inf"
        return {key: list(one) if isinstance(one, tuple) else one for key, one in found.items()}

    def digest(self) -> str:
        """Return SHA-256 (hex) of all bounds: the floor's name in ledgers and receipts."""
        values = self.values()
        values["epsilon_total"] = str(self.epsilon_total)
        return hashlib.sha256(canonical_bytes(values)).hexdigest()


PROFILES: dict[str, PolicyFloor] = {
    "strict": PolicyFloor(
        profile="strict", sigma_min=2.0, clip_max=1.0, sampling_max=0.1, steps_max=50,
        rounds_per_day_max=2, epsilon_day=2.0, delta_day=1e-6, epsilon_total=500.0,
        minimum_cohort=10, unsampled_tasks=COUNTING,
    ),
    "balanced": PolicyFloor(
        profile="balanced", sigma_min=1.0, clip_max=1.0, sampling_max=0.2, steps_max=100,
        rounds_per_day_max=4, epsilon_day=4.0, delta_day=1e-6, epsilon_total=math.inf,
        minimum_cohort=10, unsampled_tasks=COUNTING,
    ),
    "research": PolicyFloor(
        profile="research", sigma_min=0.5, clip_max=4.0, sampling_max=0.5, steps_max=500,
        rounds_per_day_max=1000, epsilon_day=10.0, delta_day=1e-5, epsilon_total=math.inf,
        minimum_cohort=2, unit_seconds_min=60, unit_actions_min=16, unsampled_tasks=COUNTING,
    ),
}  # fmt: skip
DEFAULT = PROFILES["balanced"]
