"""What the demo checks for itself instead of believing: no canary in any file, no silent change."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from demo.commands import CommandFailedError, run


@dataclass(frozen=True, slots=True)
class CanaryScan:
    """How many phrases were looked for in how many files, and how often one was found."""

    phrases: int
    files: int
    hits: int


def scan_for(phrases: Iterable[str], folders: Iterable[Path], texts: Iterable[str]) -> CanaryScan:
    """Look for each phrase, as UTF-8 and UTF-16, in every file of the folders and in the texts."""
    needles = [form for p in phrases for form in (p.encode(), p.encode("utf-16-le"))]
    contents = [path.read_bytes() for path in _files(folders)]
    files = len(contents)
    contents += [text.encode() for text in texts]
    hits = sum(content.count(needle) for content in contents for needle in needles)
    return CanaryScan(len(needles) // 2, files, hits)


def _files(folders: Iterable[Path]) -> list[Path]:
    found = [path for folder in folders for path in folder.rglob("*")]
    return [path for path in found if path.is_file() and not path.is_symlink()]


def verify_ledger(path: Path) -> bool:
    """Ask the auditor's command whether it accepts a ledger."""
    try:
        run("deskbound-audit", "verify", str(path))
    except CommandFailedError:
        return False
    return True


def tamper(path: Path, times: int, seed: int) -> int:
    """Change one byte of a copy at random places and return how many changes were found."""
    original = path.read_bytes()
    chance = random.Random(seed)  # noqa: S311 - picks places in a file, guards nothing
    copy = path.with_suffix(".changed.jsonl")
    found = 0
    for _ in range(times):
        changed = bytearray(original)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        copy.write_bytes(bytes(changed))
        found += not verify_ledger(copy)
    copy.unlink()
    return found
