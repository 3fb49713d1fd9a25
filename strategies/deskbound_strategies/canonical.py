"""One value, one byte string: canonical JSON for everything that is hashed or signed.

A strict subset of RFC 8785 (JSON Canonicalization Scheme): object keys are ASCII and sorted, no
insignificant whitespace, numbers are finite. Floats are written as Python's shortest ``repr``,
which differs from RFC 8785 only in the spelling of exponents and in keeping ``1.0`` apart from
``1``; both sides are this module, and a float never turns into an int on the way.
"""

import json
import math
from typing import Any

MAX_DEPTH = 16
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
)


def canonical_bytes(value: Any) -> bytes:
    """Serialise a JSON value canonically.

    Raises:
        ValueError: for non-finite numbers, non-string keys or types that JSON lacks.
    """
    _check(value, 0)
    return _ENCODER.encode(value).encode("ascii")


def parse_canonical(data: bytes) -> Any:
    """Parse bytes that are exactly the canonical form of some value.

    Raises:
        ValueError: when the bytes are not JSON, or not the one canonical spelling of their value.
    """
    try:
        value = _DECODER.decode(data.decode("ascii"))
        # What was read as JSON holds nothing else, and the encoder refuses infinities. What is
        # left of the check is depth, which needs brackets; most of a log's lines have three.
        if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
            _check(value, 0)
        same = _ENCODER.encode(value).encode("ascii") == data
    except (ValueError, RecursionError):
        same = False
    if not same:
        raise ValueError("not canonical JSON")
    return value


def _refuse_constant(_: str) -> float:
    raise ValueError("not canonical JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ValueError("object keys must be strings")  # noqa: TRY004 - one error type
            _check(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner, depth + 1)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("numbers must be finite")
    elif value is not None and not isinstance(value, str | int | bool):
        raise ValueError("not a JSON value")
