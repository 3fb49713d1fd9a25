"""Policy floors for tests: any at all, and pairs that lie near each other."""

import base64
import math
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from deskbound_client.privacy.floors import Floors, Why
from deskbound_client.store.vault import Vault
from deskbound_strategies.floor import PolicyFloor
from tests.helpers.log import witness

WITNESSES = tuple(str(witness(number)[1]) for number in (1, 2, 3))
WITNESS = WITNESSES[0]


def a_reviewer() -> str:
    """Return a fresh reviewer's public key as a floor names it."""
    raw = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return base64.b64encode(raw).decode("ascii")


REVIEWERS = (a_reviewer(), a_reviewer())


def _some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=len(values)).map(tuple)


# Few values each, so that two floors are often equal in a bound, and often ordered.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "profile": st.sampled_from(["strict", "balanced", "research", "custom"]),
    "sigma_min": st.sampled_from([0.5, 1.0, 2.0]),
    "clip_max": st.sampled_from([0.5, 1.0, 4.0]),
    "sampling_max": st.sampled_from([0.05, 0.1, 0.5]),
    "steps_max": st.sampled_from([5, 50, 500]),
    "rounds_per_day_max": st.sampled_from([1, 4, 1000]),
    "epsilon_day": st.sampled_from([1.0, 4.0, 10.0]),
    "delta_day": st.sampled_from([1e-7, 1e-6, 1e-5]),
    "epsilon_total": st.sampled_from([5.0, 500.0, math.inf]),
    "minimum_cohort": st.sampled_from([2, 10, 100]),
    "units": _some("session", "day"),
    "unit_seconds_min": st.sampled_from([60, 600, 900]),
    "unit_actions_min": st.sampled_from([16, 256]),
    "unit_actions_max": st.sampled_from([256, 1024]),
    "max_message_bytes": st.sampled_from([300_000, 8_000_000]),
    "max_deadline_s": st.sampled_from([60, 3600, 86_400]),
    "tasks": _some("next_action", "other"),
    "unsampled_tasks": _some("next_action", "other"),
    "vocabularies": _some("aa" * 32, "bb" * 32),
    "witnesses": st.lists(st.sampled_from(WITNESSES), unique=True, min_size=1, max_size=3).map(
        tuple
    ),
    "witness_quorum": st.integers(0, 1),
    "reviewers": _some(*REVIEWERS),
    "sandbox": st.sampled_from(["wanted", "required"]),
}


def floors() -> st.SearchStrategy[PolicyFloor]:
    """Return any floor that a file could spell."""
    return st.builds(PolicyFloor, **FIELDS)


@st.composite
def near(draw: st.DrawFn, floor: PolicyFloor) -> PolicyFloor:
    """Draw a floor that differs in at most three bounds."""
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=3, unique=True))
    return replace(floor, **{name: draw(FIELDS[name]) for name in names})


def put_in_force(vault: Vault, floor: PolicyFloor) -> None:
    """Let this floor hold in a vault, as if the employee had accepted it."""
    floors = Floors(vault)
    floors.adopt(floor, Why.ACCEPTED if floors.number else Why.FIRST)
