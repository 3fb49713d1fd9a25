"""A release manifest: every file of the code that runs on a laptop, by its hash, signed. Pure.

A reviewer who has read the code signs what was read; a laptop that is given the reviewer's key
trains only with exactly that. The manifest is canonical JSON in a DSSE envelope of its own type:

    {"format": 1,
     "packages": {"deskbound_client": {"version": "0.1.0", "files": {"agent.py": "<sha256>", ...}}},
     "records": {"torch": "<sha256>", ...}}

``packages`` names our own folders completely: what is not in it must not be there. ``records`` is
optional and names, for libraries of others, the hash of the list of hashes they were installed
with (``installed.record_digest``): it ties a release to one build for one platform.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deskbound_strategies import dsse
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.errors import VerificationError

PAYLOAD_TYPE = "application/vnd.deskbound.release.v1+json"
FORMAT = 1
PACKAGES = ("deskbound_client", "deskbound_strategies")
LIBRARIES = ("cryptography", "flwr", "numpy", "opacus", "sqlcipher3", "torch")
MAX_BYTES = 1_000_000  # of an envelope, so that it fits a leaf of the log; ours has about 34,000

_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[0-9A-Za-z.+!_-]{1,64}")
_MEND = "Ask the privacy team for the manifest of this release."


@dataclass(frozen=True, slots=True)
class Package:
    """One of our packages, as a manifest names it or as it was found.

    Attributes:
        name: as it is imported.
        version: of its distribution.
        files: SHA-256 (hex) of each file, by its path below the package's folder, with ``/``.
    """

    name: str
    version: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Release:
    """What was reviewed.

    Attributes:
        packages: ours, in the order of their names.
        records: digest of the installed list of hashes of each library that is pinned too.
    """

    packages: tuple[Package, ...]
    records: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the canonical manifest."""
        return canonical_bytes(
            {
                "format": FORMAT,
                "packages": {
                    one.name: {"version": one.version, "files": dict(one.files)}
                    for one in self.packages
                },
                "records": dict(self.records),
            }
        )

    def digest(self) -> str:
        """Return SHA-256 (hex) of the manifest: the release's name in reports."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


class Kind(StrEnum):
    """How a file differs from what was reviewed."""

    CHANGED = "changed"
    MISSING = "missing"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        kind: of it.
        path: package or library and the file in it; ``version`` in place of a file for another one.
    """

    kind: Kind
    path: str

    @property
    def words(self) -> str:
        """What differs, for a person."""
        return f"{self.path} ({self.kind})"


def parse_release(payload: bytes) -> Release:
    """Read a manifest strictly.

    Raises:
        VerificationError: when it is not exactly a manifest of this format.
    """
    try:
        raw = parse_canonical(payload)
        sound = set(raw) == {"format", "packages", "records"}
        sound = sound and type(raw["format"]) is int and raw["format"] == FORMAT
        packages = tuple(_package(name, raw["packages"][name]) for name in sorted(raw["packages"]))
        records = _hashes(raw["records"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise VerificationError("This is not a release manifest.", _MEND) from None
    if not sound or {one.name for one in packages} != set(PACKAGES):
        raise VerificationError("The release manifest is of another format or program.", _MEND)
    return Release(packages, records)


def _package(name: str, raw: Mapping[str, Any]) -> Package:
    if set(raw) != {"version", "files"} or not _VERSION.fullmatch(raw["version"]):
        raise ValueError("package")
    return Package(name, raw["version"], _hashes(raw["files"]))


def _hashes(raw: Mapping[str, Any]) -> dict[str, str]:
    found = dict(raw.items())
    if not all(isinstance(one, str) and _SHA256.fullmatch(one) for one in found.values()):
        raise ValueError("hash")
    return found


def sign_release(release: Release, key: Ed25519PrivateKey) -> bytes:
    """Return the signed envelope of a release."""
    return dsse.sign(release.to_bytes(), PAYLOAD_TYPE, key)


def verify_release(envelope: bytes, key: Ed25519PublicKey) -> Release:
    """Return the release of an envelope that the reviewer signed.

    Raises:
        VerificationError: when it is too large, malformed, or signed by nobody or somebody else.
    """
    if len(envelope) > MAX_BYTES:
        raise VerificationError("The release manifest is too large.", _MEND)
    return parse_release(dsse.verify(envelope, PAYLOAD_TYPE, key))


def manifest_name(envelope: bytes) -> str:
    """Return SHA-256 (hex) of a signed manifest, byte for byte: its name in log and contracts.

    It covers what was signed, by whom, and the signature itself: of one release, another reviewer's
    manifest has another name.
    """
    return hashlib.sha256(envelope).hexdigest()


def differences(release: Release, found: Iterable[Package]) -> tuple[Change, ...]:
    """Return how installed packages differ from a release; empty when they are the same.

    Args:
        release: what was reviewed.
        found: what is installed; a package that is not among them is missing.
    """
    installed = {one.name: one for one in found}
    changes: list[Change] = []
    for reviewed in release.packages:
        here = installed.get(reviewed.name)
        if here is None:
            changes.append(Change(Kind.MISSING, reviewed.name))
            continue
        if here.version != reviewed.version:
            changes.append(Change(Kind.CHANGED, f"{reviewed.name}/version"))
        for path in sorted(set(reviewed.files) | set(here.files)):
            kind = _kind(reviewed.files.get(path), here.files.get(path))
            if kind is not None:
                changes.append(Change(kind, f"{reviewed.name}/{path}"))
    return tuple(changes)


def _kind(reviewed: str | None, here: str | None) -> Kind | None:
    if reviewed == here:
        return None
    if reviewed is None:
        return Kind.EXTRA
    return Kind.MISSING if here is None else Kind.CHANGED
