"""Vaults to export, archives taken apart and put together again with something wrong in them."""

import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_client.archive.manifest import MANIFEST, SIGNATURE, Manifest, Member
from deskbound_client.paths import HomePaths
from deskbound_client.store.rows import THUMB_BYTES, Stored, StoredAction, StoredGap, StoredThumb
from deskbound_client.store.vault import Vault
from tests.helpers.store import MemoryKeystore

NOW = datetime(2026, 11, 20, 15).astimezone()
TODAY = NOW.date()
YESTERDAY = TODAY - timedelta(days=1)
MORNING = int((NOW - timedelta(days=1, hours=6)).timestamp())
SECRET = "four unrelated plain words"


def fresh(home: Path) -> tuple[HomePaths, Vault]:
    """Make an empty vault."""
    paths = HomePaths(home)
    paths.prepare()
    return paths, Vault.create(home, MemoryKeystore(), today=TODAY)


def some_rows(count: int = 40) -> list[Stored]:
    """Rows of yesterday, of every sort."""
    actions = [
        StoredAction(i % 423, i % 40, i % 9, MORNING + i, stream=1, bucket=i, mono_s=i, boot=-7)
        for i in range(count)
    ]
    thumbs = [StoredThumb(bytes([i]) * THUMB_BYTES, 3, MORNING + i, source=1) for i in range(3)]
    return [*actions, *thumbs, StoredGap(MORNING + 50, MORNING + 60, "sleep")]


def unpacked(path: Path) -> dict[str, bytes]:
    """Return the members of an archive, read with the standard library alone."""
    with zipfile.ZipFile(path) as found:
        return {name: found.read(name) for name in found.namelist()}


def day_members(path: Path) -> dict[str, bytes]:
    """Return the members that hold rows."""
    return {name: data for name, data in unpacked(path).items() if name.startswith("days/")}


def packed(path: Path, members: dict[str, bytes]) -> Path:
    """Zip members as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return path


def signed_anew(
    members: dict[str, bytes],
    key: Ed25519PrivateKey,
    change: Callable[[Manifest], Manifest] = lambda manifest: manifest,
) -> dict[str, bytes]:
    """Return members with a manifest and a signature that fit them, as a hostile writer would."""
    rest = {n: d for n, d in members.items() if n not in (MANIFEST, SIGNATURE)}
    listed = [
        Member(n, len(d), sha256(d).hexdigest(), d.count(b"\n") if n.endswith("jsonl") else 0)
        for n, d in rest.items()
    ]
    manifest = change(Manifest.of(listed, TODAY, key))
    return {**rest, MANIFEST: manifest.to_bytes(), SIGNATURE: manifest.signed(key)}


def with_line(members: dict[str, bytes], kind: str, **changes: Any) -> dict[str, bytes]:
    """Return members in which the second line of a kind says something else."""
    (name,) = (n for n in members if f".{kind}." in n)
    lines = members[name].split(b"\n")
    lines[1] = json.dumps(json.loads(lines[1]) | changes, separators=(",", ":")).encode()
    return {**members, name: b"\n".join(lines)}
