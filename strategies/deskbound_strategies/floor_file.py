"""How a file spells a policy floor: a profile, and single bounds that differ from it."""

import base64
import binascii
import difflib
import json
import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deskbound_strategies import dsse
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.floor import DEFAULT, PROFILES, VOUCHING, PolicyFloor
from deskbound_strategies.note import COSIGNATURE, Verifier

FILE_TYPE = "application/vnd.deskbound.floor-file+toml"  # what the signature beside a file is over


def is_public_key(text: str) -> bool:
    """Return whether a text is the base64 of a raw Ed25519 public key, in its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
        Ed25519PublicKey.from_public_bytes(data)
    except (ValueError, binascii.Error):
        return False
    return base64.b64encode(data).decode("ascii") == text


# Least and largest value a file may give; nobody passes a number that undoes the guarantee.
_RANGES: dict[str, tuple[float, float]] = {
    "sigma_min": (0.3, 100.0),
    "clip_max": (1e-6, 1e3),
    "sampling_max": (1e-6, 0.5),
    "steps_max": (1, 10_000),
    "rounds_per_day_max": (1, 10_000),
    "epsilon_day": (0.01, 10.0),
    "delta_day": (1e-12, 1e-4),
    "epsilon_total": (0.01, math.inf),
    "minimum_cohort": (2, 1_000_000),
    "unit_seconds_min": (1, 86_400),
    "unit_actions_min": (1, 4096),
    "unit_actions_max": (1, 4096),
    "max_message_bytes": (1024, 64_000_000),
    "max_deadline_s": (60, 30 * 86_400),
    "witness_quorum": (0, 64),
}
_WORDS: dict[str, tuple[str, ...]] = {"sandbox": ("wanted", "required")}
_MOST_KEYS = 64
_HASH = re.compile(r"[0-9a-f]{64}")
_TASK = re.compile(r"[a-z0-9_.-]{1,64}")


def _is_witness(text: str) -> bool:
    try:
        return Verifier.parse(text).kind == COSIGNATURE
    except ConfigError:
        return False


_LISTS: dict[str, tuple[Callable[[str], object], str]] = {
    "units": (re.compile("session|day").fullmatch, 'names of units, "session" or "day"'),
    "tasks": (_TASK.fullmatch, "names of tasks"),
    "unsampled_tasks": (_TASK.fullmatch, "names of tasks"),
    "vocabularies": (_HASH.fullmatch, "hashes of 64 hex digits"),
    "witnesses": (_is_witness, "keys of witnesses, name+hash+base64"),
    "reviewers": (is_public_key, "raw Ed25519 public keys in base64"),
}


def load_floor(path: Path) -> PolicyFloor:
    """Read a floor from a TOML file; a missing file means the ``balanced`` profile.

    Raises:
        ConfigError: when the file is not TOML, or a key or value is not acceptable.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return DEFAULT
    except OSError:
        raise ConfigError(f"{path.name} cannot be read.", "Make it a file that you own.") from None
    return parse_floor(data, path.name)


def parse_floor(data: bytes, name: str = "floor.toml") -> PolicyFloor:
    """Read a floor from the bytes of a TOML file.

    Raises:
        ConfigError: when it is not TOML, or a key or value is not acceptable.
    """
    try:
        raw = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ConfigError(
            f"{name} cannot be read as TOML.", "Write one `bound = value` a line."
        ) from None
    return floor_from(raw, name)


def floor_from(raw: dict[str, Any], name: str = "floor.toml") -> PolicyFloor:
    """Return the floor that these keys and values describe.

    Raises:
        ConfigError: naming the key that is unknown, or whose value is not acceptable.
    """
    known = [item.name for item in fields(PolicyFloor)]
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise ConfigError(f"{name}: there is no bound {key!r}.", f"Did you mean {near!r}?")
    profile = raw.get("profile", DEFAULT.profile)
    if not isinstance(profile, str) or profile not in PROFILES:
        names = ", ".join(PROFILES)
        raise ConfigError(f"{name}: there is no such profile.", f"Choose one of {names}.")
    base = PROFILES[profile]
    bounds = {key: _value(name, key, raw[key]) for key in raw if key != "profile"}
    changed = {key: value for key, value in bounds.items() if value != getattr(base, key)}
    floor = replace(base, **changed)
    if not VOUCHING.issuperset(changed):
        floor = replace(floor, profile="custom")
    if floor.unit_actions_min > floor.unit_actions_max:
        raise ConfigError(
            f"{name}: unit_actions_min exceeds unit_actions_max.", "Give them the other way round."
        )
    if floor.witness_quorum > len(floor.witnesses):
        raise ConfigError(
            f"{name}: witness_quorum exceeds the number of witnesses.", "Name more witnesses."
        )
    return floor


def floor_of_values(values: dict[str, Any]) -> PolicyFloor:
    """Return the floor whose ``values`` these are.

    A profile's numbers may have been others when it was recorded: the record holds.

    Raises:
        ConfigError: when no floor has them.
    """
    raw: dict[str, Any] = {"unsampled_tasks": []} | values
    profile = values.get("profile")
    if raw.get("epsilon_total") == "inf":
        raw["epsilon_total"] = math.inf
    raw["profile"] = profile if profile in PROFILES else DEFAULT.profile
    floor = floor_from(raw)
    if profile in PROFILES or profile == "custom":
        floor = replace(floor, profile=profile)
    if floor.values() != values:
        raise ConfigError("The recorded policy floor is not one.", "Restore it from a backup.")
    return floor


def _value(name: str, key: str, value: Any) -> Any:
    if key in _LISTS:
        accepts, what = _LISTS[key]
        texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if not texts or not all(accepts(item) for item in value):
            raise ConfigError(f"{name}: {key} is not acceptable.", f"Give a list of {what}.")
        if len(value) != len(set(value)) or len(value) > _MOST_KEYS:
            raise ConfigError(
                f"{name}: {key} is not acceptable.", f"Give up to {_MOST_KEYS}, each one once."
            )
        return tuple(value)
    if key in _WORDS:
        if value not in _WORDS[key]:
            raise ConfigError(
                f"{name}: {key} is not acceptable.", f"Choose one of {', '.join(_WORDS[key])}."
            )
        return value
    low, high = _RANGES[key]
    whole = isinstance(getattr(DEFAULT, key), int)
    if type(value) is int and not whole:
        value = float(value)
    if type(value) is not (int if whole else float) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(
            f"{name}: {key} is out of range.", f"Give {kind} from {low:g} to {high:g}."
        )
    return value


def to_toml(floor: PolicyFloor) -> bytes:
    """Return a file that ``parse_floor`` reads back: the profile nearest to it and what differs."""
    base = PROFILES.get(floor.profile) or min(
        PROFILES.values(), key=lambda one: len(_changed(floor, one))
    )
    lines = [f'profile = "{base.profile}"']
    lines += [f"{key} = {_toml(getattr(floor, key))}" for key in _changed(floor, base)]
    return ("\n".join(lines) + "\n").encode("ascii")


def sign_file(data: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return ``floor.toml.sig`` for a file of these bytes: the policy key's envelope around them.

    Raises:
        ConfigError: when the bytes are no floor; nothing is signed then.
    """
    parse_floor(data)
    return dsse.sign(data, FILE_TYPE, key) + b"\n"


def _changed(floor: PolicyFloor, base: PolicyFloor) -> list[str]:
    names = (item.name for item in fields(PolicyFloor) if item.name != "profile")
    return [name for name in names if getattr(floor, name) != getattr(base, name)]


def _toml(value: Any) -> str:
    return repr(value) if isinstance(value, float) else json.dumps(value)
