"""What is in an archive, and who says so: a list of its members, signed by the device.

Pure: no file, no clock. ``signature.json`` is a DSSE envelope whose payload is ``manifest.json``
byte for byte; each member's SHA-256 is in the manifest, so the signature covers all of them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deskbound_client import __version__
from deskbound_strategies import dsse
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.vocabulary import VOCABULARY_HASH

FORMAT = "deskbound-archive/1"
MANIFEST_TYPE = "application/vnd.deskbound.archive+json"
MANIFEST, SIGNATURE, README = "manifest.json", "signature.json", "README.txt"
CONSENT, FORGOTTEN, LEDGER = "consent.jsonl", "forgotten.jsonl", "ledger.jsonl"
BUDGET, SETTINGS = "budget.json", "settings.json"
KINDS = ("actions", "thumbs", "gaps")
MOST_DAYS = 400
MOST_ROWS: Mapping[str, int] = {"actions": 5_000_000, "thumbs": 100_000, "gaps": 100_000}
MOST_BYTES = 2 << 30  # of one member, unpacked

_DAY_MEMBER = re.compile(r"days/(\d{4}-\d{2}-\d{2})\.(actions|thumbs|gaps)\.(jsonl|parquet)")
_ABOUT = frozenset({README, CONSENT, FORGOTTEN, LEDGER, BUDGET, SETTINGS})
_MEND = "Ask for the archive anew; do not repair it by hand."


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive.

    Attributes:
        name: its path inside.
        bytes: its length, unpacked.
        sha256: of those bytes, hex.
        rows: lines or rows; 0 for what has none.
    """

    name: str
    bytes: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds.

    Attributes:
        client_version: of Deskbound that wrote it.
        vocabulary: hash of the vocabulary its numbers are from.
        created: the day it was written; no finer time.
        public_key: of the device, hex; it signed this.
        members: all others, in the order in which they lie in the file.
    """

    client_version: str
    vocabulary: str
    created: date
    public_key: str
    members: tuple[Member, ...]

    @classmethod
    def of(cls, members: Iterable[Member], created: date, key: Ed25519PrivateKey) -> Self:
        """Return the manifest of what was written just now."""
        public = key.public_key().public_bytes_raw().hex()
        return cls(__version__, VOCABULARY_HASH, created, public, tuple(members))

    @property
    def device(self) -> str:
        """The fingerprint of the device's key, as the ledger and `deskbound budget` name it."""
        return dsse.fingerprint(Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key)))

    def days(self) -> tuple[date, ...]:
        """Return the days, oldest first."""
        return tuple(sorted({day_of(m.name) for m in self.members if is_day(m.name)}))

    def member(self, name: str) -> Member:
        """Return a member by its name."""
        return next(member for member in self.members if member.name == name)

    def to_bytes(self) -> bytes:
        """Return ``manifest.json``."""
        found: dict[str, Any] = {"format": FORMAT, **asdict(self)}
        found["created"] = self.created.isoformat()
        return canonical_bytes(found)

    def signed(self, key: Ed25519PrivateKey) -> bytes:
        """Return ``signature.json``."""
        return dsse.sign(self.to_bytes(), MANIFEST_TYPE, key)

    @classmethod
    def verified(cls, manifest: bytes, signature: bytes) -> Self:
        """Read a manifest that is whole, that we can read and that its own device has signed.

        Raises:
            VerificationError: when it is anything else.
        """
        found = cls._parsed(manifest)
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found.public_key))
        if dsse.verify(signature, MANIFEST_TYPE, public) != manifest:
            raise VerificationError("The archive's signature is for another manifest.", _MEND)
        if found.vocabulary != VOCABULARY_HASH:
            raise VerificationError(
                "The archive was written with another vocabulary.",
                f"Import it with the version of Deskbound that wrote it, {found.client_version}.",
            )
        return found

    @classmethod
    def _parsed(cls, manifest: bytes) -> Self:
        try:
            raw = parse_canonical(manifest)
            members = tuple(_member(**member) for member in raw.pop("members"))
            found = cls(
                created=date.fromisoformat(raw.pop("created")),
                client_version=_matching(raw.pop("client_version"), r"[0-9.]{1,20}"),
                vocabulary=_matching(raw.pop("vocabulary"), r"[0-9a-f]{64}"),
                public_key=_matching(raw.pop("public_key"), r"[0-9a-f]{64}"),
                members=members,
            )
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(found.public_key))
            _check_format(raw)
            _check_members(members)
        except (ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm):
            raise VerificationError(
                "The archive has no manifest that this version can read.", _MEND
            ) from None
        return found


def day_member(day: date, kind: str, ending: str = "jsonl") -> str:
    """Return the name of a day's member."""
    return f"days/{day.isoformat()}.{kind}.{ending}"


def is_day(name: str) -> bool:
    """Return whether a member's name is that of a day's rows."""
    return _DAY_MEMBER.fullmatch(name) is not None


def day_of(name: str) -> date:
    """Return the day of a member.

    Raises:
        ValueError: when it is not a day's.
    """
    found = _DAY_MEMBER.fullmatch(name)
    if found is None:
        raise ValueError("not a member of a day")
    return date.fromisoformat(found[1])


def is_known(name: str) -> bool:
    """Return whether an archive may have a member of this name."""
    return name in {*_ABOUT, MANIFEST, SIGNATURE} or is_day(name)


def _member(name: Any, bytes: Any, sha256: Any, rows: Any) -> Member:  # noqa: A002 - its field
    numbers = all(type(value) is int and value >= 0 for value in (bytes, rows))
    if not numbers or bytes > MOST_BYTES or not isinstance(name, str):
        raise ValueError("not a member")
    if name in (MANIFEST, SIGNATURE) or not is_known(name):
        raise ValueError("not a member")
    if (day := _DAY_MEMBER.fullmatch(name)) and rows > MOST_ROWS[day[2]]:
        raise ValueError("not a member")
    return Member(name, bytes, _matching(sha256, r"[0-9a-f]{64}"), rows)


def _check_format(rest: Any) -> None:
    if rest != {"format": FORMAT}:
        raise ValueError("not a manifest of this format")


def _check_members(members: tuple[Member, ...]) -> None:
    """Check that nothing is there twice, and that a day that is there is there wholly."""
    names = [member.name for member in members]
    days = {day_of(name) for name in names if is_day(name)}
    wanted = _ABOUT | {day_member(day, kind) for day in days for kind in KINDS}
    if len(set(names)) != len(names) or not wanted <= set(names) or len(days) > MOST_DAYS:
        raise ValueError("not the members of an archive")


def _matching(value: Any, pattern: str) -> str:
    if not isinstance(value, str) or re.fullmatch(pattern, value) is None:
        raise ValueError("not a value of a manifest")
    return value
