"""What ``floor.toml`` proposes, and whether anybody vouches for it.

The file is a proposal: it takes nothing away from what the employee agreed to. Where a key of
whoever deploys this laptop is pinned, ``floor.toml.sig`` must be that key's DSSE envelope around
the very bytes of the file; otherwise the file counts for nothing, and that is said.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deskbound_client.store.settings import Settings
from deskbound_strategies import dsse
from deskbound_strategies.errors import ConfigError, DeskboundError, VerificationError
from deskbound_strategies.floor import PolicyFloor
from deskbound_strategies.floor_file import FILE_TYPE, is_public_key, parse_floor

MAX_BYTES = 64 * 1024
PINNED = "policy-key"  # the setting that holds the key, base64


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the file says.

    Attributes:
        floor: the floor it proposes; None when there is no file, or it counts for nothing.
        trouble: why it counts for nothing.
    """

    floor: PolicyFloor | None = None
    trouble: DeskboundError | None = None


def read_proposal(file: Path, signature: Path, key: Ed25519PublicKey | None) -> Proposal:
    """Read the file; it never raises, and what cannot be read proposes nothing.

    Args:
        file: ``floor.toml``.
        signature: ``floor.toml.sig``; looked at only with a key.
        key: of whoever deploys this laptop, None when none is pinned.
    """
    try:
        data = _bytes_of(file)
        if data is None:
            return Proposal()
        if key is not None:
            _check_signed(file.name, data, _bytes_of(signature), key)
        return Proposal(parse_floor(data, file.name))
    except DeskboundError as error:
        return Proposal(trouble=error)


def _bytes_of(path: Path) -> bytes | None:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError:
        raise ConfigError(f"{path.name} cannot be read.", "Make it a file that you own.") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path.name} is too large to be one.", "Write one `bound = value` each.")
    return data


def _check_signed(name: str, data: bytes, envelope: bytes | None, key: Ed25519PublicKey) -> None:
    mend = "Ask whoever deploys this laptop for both files."
    if envelope is None:
        raise ConfigError(f"{name} is not signed, so it is ignored.", mend)
    try:
        payload = dsse.verify(envelope.rstrip(b"\n"), FILE_TYPE, key)
    except VerificationError:
        payload = None
    if payload != data:
        raise ConfigError(f"{name} is not what the pinned key signed, so it is ignored.", mend)


def pinned_key(settings: Settings) -> Ed25519PublicKey | None:
    """Return the key whose floors count, None when any file may propose."""
    text = settings.get(PINNED)
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text)) if text else None


def read_policy_key(file: Path) -> Ed25519PublicKey:
    """Read a policy key: one line, a raw Ed25519 public key in base64.

    Raises:
        ConfigError: when there is no such key in the file.
    """
    try:
        text = (_bytes_of(file) or b"").decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not is_public_key(text):
        raise ConfigError(
            f"{file.name} holds no policy key.", "It is one line: an Ed25519 public key in base64."
        )
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text))


def pin_key(settings: Settings, key: Ed25519PublicKey | None) -> None:
    """Pin a policy key, or with None let any file propose again.

    Raises:
        ConfigError: when another one is pinned; nothing changes.
    """
    if key is None:
        settings.remove(PINNED)
        return
    text = base64.b64encode(key.public_bytes_raw()).decode("ascii")
    if settings.get(PINNED) not in ("", text):
        raise ConfigError(
            "Another policy key is pinned on this laptop.", "Run `deskbound policy pin none` first."
        )
    settings.set(PINNED, text)
