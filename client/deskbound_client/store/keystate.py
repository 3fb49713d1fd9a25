"""The keys of a vault as a value, and how forgetting changes them. Pure: no clock, no disk.

Days are numbered by ``date.toordinal``. A ratchet gives each day its key from one secret::

    key of day d = HKDF(s_d, "day")        s_{d+1} = HKDF(s_d, "next")

Keeping only s_base destroys the keys of all days before ``base``: there is no way back. A day that
is erased out of order turns the ratchet past it; the days in between keep their keys one by one.
"""

import base64
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from deskbound_strategies.canonical import canonical_bytes, parse_canonical

SECRET_BYTES = 32


class KeyGoneError(LookupError):
    """The key of this day was destroyed."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """All keys of one vault.

    Attributes:
        generation: counts the changes.
        vault_key: opens ``vault.db``.
        device_seed: Ed25519 seed that signs ledger and receipts.
        bucket_salt: salt of the local buckets of unknown applications.
        ratchet: s_base.
        base: the first day whose key the ratchet still gives.
        single: keys of days that do not come from the ratchet.
    """

    generation: int
    vault_key: bytes = field(repr=False)
    device_seed: bytes = field(repr=False)
    bucket_salt: bytes = field(repr=False)
    ratchet: bytes = field(repr=False)
    base: int
    single: Mapping[int, bytes] = field(default_factory=dict, repr=False)


def new_state(first_day: int) -> KeyState:
    """Return fresh keys whose earliest day is ``first_day``."""
    fresh = [secrets.token_bytes(SECRET_BYTES) for _ in range(4)]
    return KeyState(0, fresh[0], fresh[1], fresh[2], fresh[3], first_day)


def _step(secret: bytes, label: bytes) -> bytes:
    return HKDFExpand(SHA256(), SECRET_BYTES, b"deskbound/v1/" + label).derive(secret)


def _turned(state: KeyState, day: int) -> bytes:
    secret = state.ratchet
    for _ in range(day - state.base):
        secret = _step(secret, b"next")
    return secret


def day_key(state: KeyState, day: int) -> bytes:
    """Return the 32-byte key of a day.

    Raises:
        KeyGoneError: when it was destroyed.
    """
    if day in state.single:
        return state.single[day]
    if day < state.base:
        raise KeyGoneError("the key of this day was destroyed")
    return _step(_turned(state, day), b"day")


def retire_before(state: KeyState, day: int) -> KeyState:
    """Destroy the keys of all days before ``day``."""
    single = {number: key for number, key in state.single.items() if number >= day}
    if day <= state.base:
        return replace(state, single=single)
    return replace(state, ratchet=_turned(state, day), base=day, single=single)


def erase_day(state: KeyState, day: int, keep: Collection[int], *, reopen: bool) -> KeyState:
    """Destroy the key of one day.

    Args:
        state: the keys before.
        day: the day to erase.
        keep: days that have files; of those before the new base only these keep their keys.
        reopen: give the day a fresh key, for what will still happen on it.
    """
    single = {number: key for number, key in state.single.items() if number != day}
    if day < state.base:
        turned = replace(state, single=single)
    else:
        single.update({d: day_key(state, d) for d in keep if state.base <= d < day})
        following = _turned(state, day + 1)
        turned = replace(state, ratchet=following, base=day + 1, single=single)
    if reopen:
        single[day] = secrets.token_bytes(SECRET_BYTES)
    return turned


def begin_anew(state: KeyState, day: int, keep: Collection[int]) -> KeyState:
    """Let days come again that the ratchet was turned past by a wrong clock, under new keys.

    Args:
        state: the keys before.
        day: the first day that gets a key again.
        keep: days that have files; those that have a key keep it.
    """
    found = {number: key for number in keep if (key := _key_of(state, number)) is not None}
    return replace(state, ratchet=secrets.token_bytes(SECRET_BYTES), base=day, single=found)


def _key_of(state: KeyState, day: int) -> bytes | None:
    try:
        return day_key(state, day)
    except KeyGoneError:
        return None


def erase_all(state: KeyState, today: int) -> KeyState:
    """Destroy the keys of all days; the next day file is today's, under a new ratchet."""
    return replace(state, ratchet=secrets.token_bytes(SECRET_BYTES), base=today, single={})


def state_bytes(state: KeyState) -> bytes:
    """Serialise the keys, to be sealed."""
    return canonical_bytes(
        {
            "generation": state.generation,
            "vault_key": _text(state.vault_key),
            "device_seed": _text(state.device_seed),
            "bucket_salt": _text(state.bucket_salt),
            "ratchet": _text(state.ratchet),
            "base": state.base,
            "single": {
                date.fromordinal(day).isoformat(): _text(key) for day, key in state.single.items()
            },
        }
    )


def parse_state(data: bytes) -> KeyState:
    """Parse what ``state_bytes`` wrote.

    Raises:
        ValueError: when it is anything else.
    """
    try:
        found: dict[str, Any] = parse_canonical(data)
        single = {
            date.fromisoformat(day).toordinal(): _key(text) for day, text in found["single"].items()
        }
        names = ("vault_key", "device_seed", "bucket_salt", "ratchet")
        keys = {name: _key(found[name]) for name in names}
        return KeyState(
            generation=int(found["generation"]), base=int(found["base"]), single=single, **keys
        )
    except (KeyError, TypeError, AttributeError):
        raise ValueError("not a key state") from None


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != SECRET_BYTES:
        raise ValueError("a key has 32 bytes")
    return key
