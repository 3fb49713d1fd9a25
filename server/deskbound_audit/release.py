"""The reviewer's side of a release: key, signature, comparison. What it reads it never runs."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deskbound_strategies import installed
from deskbound_strategies.errors import ConfigError, NotFoundError, VerificationError
from deskbound_strategies.release import (
    LIBRARIES,
    PACKAGES,
    Change,
    Kind,
    Release,
    differences,
    sign_release,
    verify_release,
)


def make_key(path: Path) -> str:
    """Write a new private key, readable by its owner alone, and return the public one as hex.

    Raises:
        ConfigError: when the file is there already or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError:
        raise ConfigError(
            f"The key {path.name} is there already or cannot be written.", "Name another file."
        ) from None
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    return key.public_key().public_bytes_raw().hex()


def read_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key that ``make_key`` wrote.

    Raises:
        NotFoundError: when it cannot be read.
        ConfigError: when it is no such key.
    """
    try:
        found = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError:
        raise NotFoundError(f"The key {path.name} cannot be read.", "Check the path.") from None
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise ConfigError(
            f"{path.name} is not an Ed25519 key.", "Make one with `deskbound-audit release key`."
        )
    return found


def public_key(text: str) -> Ed25519PublicKey:
    """Read a public key of 64 hex digits.

    Raises:
        ConfigError: when it is not one.
    """
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError:
        raise ConfigError(
            "This is not a public key.",
            "Give the 64 hex digits that `deskbound-audit release key` printed.",
        ) from None


def sign(
    key: Ed25519PrivateKey, out: Path, place: Path | None, *, libraries: bool = False
) -> Release:
    """Sign the packages as they are installed.

    Args:
        key: of the reviewer.
        out: where the manifest is written.
        place: folder that holds the packages; None for this interpreter's own.
        libraries: whether to name the installed builds of other libraries too.

    Raises:
        NotFoundError: when a package or library is not there.
        VerificationError: when a folder holds compiled code that is not its source's, or links.
    """
    packages = tuple(installed.read_package(name, place) for name in PACKAGES)
    for one in packages:
        for path in one.files:
            if f"/{installed.CACHE}/" in f"/{path}":
                raise VerificationError(
                    f"{one.name}/{path} is compiled code that its source does not explain.",
                    "Sign a clean install.",
                )
    records = {name: installed.record_digest(name) for name in LIBRARIES} if libraries else {}
    release = Release(packages, records)
    try:
        out.write_bytes(sign_release(release, key))
    except OSError:
        raise NotFoundError(f"{out.name} cannot be written.", "Name another file.") from None
    return release


def check(manifest: Path, key: str, place: Path | None) -> tuple[Release, tuple[Change, ...]]:
    """Compare an install with a manifest.

    Args:
        manifest: the signed file.
        key: public key of the reviewer, hex.
        place: folder that holds the packages; None for this interpreter's own, whose libraries are
            compared too.

    Returns:
        The release, and how the install differs from it.

    Raises:
        NotFoundError: when the manifest cannot be read.
        VerificationError: when it is not the reviewer's.
    """
    trusted = public_key(key)
    try:
        envelope = manifest.read_bytes()
    except OSError:
        raise NotFoundError(f"{manifest.name} cannot be read.", "Check the path.") from None
    release = verify_release(envelope, trusted)
    found = []
    for package in release.packages:
        try:
            found.append(installed.read_package(package.name, place))
        except NotFoundError:
            continue  # said as missing
    changes = list(differences(release, found))
    for library in LIBRARIES if place is None else ():
        changes += installed.check_record(library)
        pinned = release.records.get(library)
        if pinned is not None and pinned != installed.record_digest(library):
            changes.append(Change(Kind.CHANGED, f"{library}/RECORD"))
    return release, tuple(changes)
