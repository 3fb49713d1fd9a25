"""Letting laptops in and out. A laptop is known by its key; whose it is stays with the operator.

Enrolling needs the public key that ``deskbound join`` wrote on the laptop, handed over by a person.
"""

import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deskbound_server.control import Control, key_fingerprint
from deskbound_server.database import Database
from deskbound_server.schema import LaptopRow
from deskbound_strategies.errors import ConfigError, NotFoundError

ANCHOR_COMMENT = "deskbound-anchor:"
_ANCHOR = re.compile(r"[0-9a-f]{64}")
_MEND = "Hand over the file server/node.pub that 'deskbound join' wrote on the laptop."


def read_public_key(path: Path) -> bytes:
    """Return a laptop's public key as the SuperLink wants it (PEM, NIST curve).

    Args:
        path: OpenSSH or PEM file.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it holds no such key.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise NotFoundError(f"There is no readable file {path.name}.", _MEND) from None
    try:
        load = (
            serialization.load_pem_public_key
            if data.startswith(b"-----BEGIN PUBLIC KEY")
            else serialization.load_ssh_public_key
        )
        key = load(data)
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"{path.name} holds no public key.", _MEND) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not key.curve.name.startswith("secp"):
        raise ConfigError(f"{path.name} holds a key of another sort.", _MEND)
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def read_anchor(path: Path) -> str:
    """Return the anchor (hex) that the same file names beside an OpenSSH key.

    Raises:
        ConfigError: it names none.
    """
    _, _, comment = path.read_bytes().decode("ascii", "replace").strip().rpartition(" ")
    anchor = comment.removeprefix(ANCHOR_COMMENT)
    if not comment.startswith(ANCHOR_COMMENT) or _ANCHOR.fullmatch(anchor) is None:
        raise ConfigError(f"{path.name} does not name the laptop's anchor.", _MEND)
    return anchor


def enroll(
    control: Control, database: Database, public_key: bytes, anchor: str, label: str
) -> LaptopRow:
    """Let a laptop connect.

    Args:
        control: of the running SuperLink.
        database: of the server.
        public_key: of its node (PEM).
        anchor: under which the log will speak of it (hex).
        label: the operator's own mark.

    Raises:
        ConfigError: its key was enrolled before (a revoked key does not come back), or another
            laptop that may connect has this label.
    """
    fingerprint = key_fingerprint(public_key)
    if any(row.fingerprint == fingerprint for row in database.laptops()):
        raise ConfigError(
            "This key was enrolled before.", "Enroll each laptop once; after 'revoke', join anew."
        )
    if anchor in _anchors_in_use(database):
        raise ConfigError(
            "A laptop with this anchor may connect already.",
            "One vault is one laptop: revoke the other first.",
        )
    if label and any(row.label == label and not row.revoked for row in database.laptops()):
        raise ConfigError(
            f"Another laptop is labelled {label} already.", "Choose another label, or revoke it."
        )
    node = control.register(public_key, label)
    database.add_laptop(node, fingerprint, label, anchor)
    return LaptopRow(str(node), fingerprint, label, revoked=False)


def _anchors_in_use(database: Database) -> set[str]:
    anchors = database.anchors()
    return {anchors.get(int(row.node), "") for row in database.laptops() if not row.revoked}


def revoke(control: Control, database: Database, name: str) -> LaptopRow:
    """Take a laptop's leave to connect away, for good.

    Args:
        control: of the running SuperLink.
        database: of the server.
        name: its label, or the beginning of its node id or fingerprint.

    Raises:
        NotFoundError: no laptop has that name, or several have.
    """
    known = [row for row in database.laptops() if not row.revoked and _answers_to(row, name)]
    if len(known) != 1:
        which = "more than one laptop" if known else "no laptop"
        raise NotFoundError(
            f"There is {which} of that name.", "List them with 'deskbound-server laptops'."
        )
    control.unregister(int(known[0].node))
    database.revoke_laptop(int(known[0].node))
    return known[0]


def _answers_to(row: LaptopRow, name: str) -> bool:
    return bool(name) and (name in {row.label, row.node} or row.fingerprint.startswith(name))
