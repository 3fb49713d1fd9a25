"""What a ledger entry may say: a closed list of kinds, each with exact fields and types.

There is no free text in a ledger. A value is a hash, a pseudonym, a word from a closed list, a
public number of a contract, or a count of bytes that left. Nothing measures how someone works.
"""

import math
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Any

from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.stop_order import StopReason


class LedgerKind(StrEnum):
    """What happened. The meaning of a kind never changes; a new meaning is a new kind."""

    GENESIS = "genesis"  # the first entry, and only the first
    JOIN = "join"  # this laptop joined or left a fleet
    POLICY = "policy"  # the local policy floor was set
    CONSENT = "consent"  # a subject was granted or revoked
    PAUSE = "pause"
    RESUME = "resume"
    RESERVE = "reserve"  # budget was charged, before any computing; never refunded
    RELEASE = "release"  # one update left, under an earlier reserve
    REFUSE = "refuse"  # a contract was refused, at no cost
    RETIRE = "retire"  # a day of data was destroyed or spent
    FORGET = "forget"  # the employee erased data
    STOP = "stop"  # the operator stopped the fleet, and so this laptop; a person resumes it


SUBJECTS = ("keys", "pointer", "windows", "screen", "rhythm", "updates")
FORGET_SCOPES = ("range", "app", "stream", "rows", "day", "all")
MAX_BLOCKS = 4096

_HEX64 = re.compile(r"[0-9a-f]{64}")
_HEX32 = re.compile(r"[0-9a-f]{32}")
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}")
_TASK = re.compile(r"[a-z0-9][a-z0-9_\-]{0,63}")  # as contracts name it, and the floor allows

Check = Callable[[Any], bool]


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _one_of(*words: str) -> Check:
    return lambda value: isinstance(value, str) and value in words


def _count(low: int = 0, high: int = 2**53) -> Check:
    return lambda value: type(value) is int and low <= value < high


def _real(low: float, high: float) -> Check:
    """Return a check for floats in (low, high]."""
    return lambda value: type(value) is float and math.isfinite(value) and low < value <= high


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _blocks(value: Any) -> bool:
    """Pseudonyms of blocks: sorted and distinct, so that a set has one spelling."""
    if not isinstance(value, list) or len(value) > MAX_BLOCKS:
        return False
    named = all(_PSEUDONYM(block) for block in value)
    return named and all(a < b for a, b in pairwise(value))


def _some_blocks(value: Any) -> bool:
    return _blocks(value) and len(value) > 0


_HASH = _matches(_HEX64)
_PSEUDONYM = _matches(_HEX32)

_LATTICE: Mapping[str, Check] = {
    "dimension": _count(1),
    "step": _real(0.0, 1e9),  # gamma
    "sensitivity": _real(0.0, 1e9),  # of the rounded sum: the clip and what rounding adds
    "scale": _real(0.0, 1e18),  # noise standard deviation in lattice steps
}


def _lattice(value: Any) -> bool:
    return isinstance(value, dict) and _fits(value, _LATTICE)


_BODIES: Mapping[LedgerKind, Mapping[str, Check]] = {
    LedgerKind.GENESIS: {"format": _count(1, 2), "client_version": _matches(_VERSION)},
    LedgerKind.JOIN: {"action": _one_of("join", "leave"), "server_key": _HASH},
    LedgerKind.POLICY: {
        "floor": _HASH,
        "profile": _one_of("strict", "balanced", "research", "custom"),
    },
    LedgerKind.CONSENT: {"subject": _one_of(*SUBJECTS), "version": _count(1), "granted": _flag},
    LedgerKind.PAUSE: {"timed": _flag},
    LedgerKind.RESUME: {"by": _one_of("person", "timer")},
    LedgerKind.RESERVE: {
        "contract": _HASH,
        "run": _PSEUDONYM,
        "round": _count(1),
        "task": _matches(_TASK),
        "unit": _one_of("session", "day"),
        "mechanism": _one_of("rounded-gaussian"),
        "sampling_rate": _real(0.0, 1.0),
        "noise_multiplier": _real(0.0, 1e9),
        "clip": _real(0.0, 1e9),
        "steps": _count(1),
        "lattice": _lattice,
        "epsilon": _real(0.0, 1e9),
        "delta": _real(0.0, 1.0),
        "blocks": _some_blocks,
    },
    LedgerKind.RELEASE: {
        "contract": _HASH,
        "reserve": _count(1),
        "update": _HASH,
        "bytes": _count(1),
    },
    LedgerKind.REFUSE: {
        "contract": _or_none(_HASH),
        "code": _one_of(*(code.value for code in RefusalCode)),
    },
    LedgerKind.RETIRE: {"block": _PSEUDONYM, "reason": _one_of("retention", "size", "spent")},
    LedgerKind.FORGET: {"scope": _one_of(*FORGET_SCOPES), "blocks": _blocks},
    LedgerKind.STOP: {
        "order": _PSEUDONYM,
        "reason": _one_of(*(reason.value for reason in StopReason)),
    },
}

# What entries of older clients do not have; new ones always do.
_LATER: Mapping[LedgerKind, frozenset[str]] = {LedgerKind.RESERVE: frozenset({"task"})}


def check_body(kind: LedgerKind, body: Any) -> None:
    """Check that a body has exactly the fields of its kind, each of its type and range.

    Fields (``hash``: 64 hex digits, ``pseudonym``: 32 hex digits):

    ======== =====================================================================================
    genesis  format=1, client_version
    join     action (join/leave), server_key: hash, fingerprint of the contract key
    policy   floor: hash, profile (strict/balanced/research/custom)
    consent  subject, version, granted
    pause    timed
    resume   by (person/timer)
    reserve  contract: hash, run: pseudonym, round, task (older entries lack it), unit,
             mechanism (rounded-gaussian), sampling_rate, noise_multiplier, clip, steps,
             lattice {dimension, step, sensitivity, scale},
             epsilon and delta of this round alone, blocks: sorted distinct pseudonyms
    release  contract: hash, reserve: seq of its reserve entry, update: hash of the bytes, bytes
    refuse   contract: hash or null when it could not be read, code
    retire   block: pseudonym, reason (retention/size/spent)
    forget   scope (range/app/stream/rows/day/all), blocks: sorted distinct pseudonyms of the days
             touched
    stop     order: id of the stop order, 32 hex digits, reason (a word of ``StopReason``)
    ======== =====================================================================================

    Raises:
        ValueError: when a field is missing, extra, mistyped or out of range.
    """
    if not isinstance(body, dict) or not _fits(body, _fields(kind, body)):
        raise ValueError(f"a {kind.value} entry has other fields")


def _fields(kind: LedgerKind, body: Mapping[str, Any]) -> Mapping[str, Check]:
    absent = _LATER.get(kind, frozenset()) - set(body)
    return {name: check for name, check in _BODIES[kind].items() if name not in absent}


def _fits(body: Mapping[str, Any], fields: Mapping[str, Check]) -> bool:
    return set(body) == set(fields) and all(check(body[name]) for name, check in fields.items())
