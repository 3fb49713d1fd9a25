"""Many random words, and a search that would find any of them, whole or in part, in any spelling.

A canary is twelve random letters: no two alike, none that could come about by itself. A file is
searched for every canary and for its first and last nine letters, each as plain text, reversed,
as UTF-16 and as hexadecimal digits.
"""

import base64
import random
import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LENGTH, PART = 12, 9
_WINDOWS = 1 << 20  # bytes looked at in one go


def canaries(count: int, seed: int) -> list[str]:
    """Return so many different canaries."""
    choose = random.Random(seed)
    found: set[str] = set()
    while len(found) < count:
        found.add("".join(choose.choices(string.ascii_lowercase, k=LENGTH)))
    return sorted(found)


@dataclass(frozen=True)
class Hunter:
    """Finds canaries in bytes.

    Attributes:
        pieces: what is looked for, by its length in bytes.
        stretches: matches whatever consists of bytes of the pieces and is long enough for one. In
            what is encrypted there is next to none, so that most of a file is passed over.
    """

    pieces: dict[int, frozenset[bytes]]
    stretches: re.Pattern[bytes]

    @classmethod
    def of(cls, words: Iterable[str]) -> "Hunter":
        """Prepare to look for these canaries."""
        pieces: dict[int, set[bytes]] = {}
        for word in words:
            for piece in _spellings(word):
                pieces.setdefault(len(piece), set()).add(piece)
        used = bytes(sorted(set(b"".join(b"".join(found) for found in pieces.values()))))
        stretches = re.compile(b"[%b]{%d,}" % (re.escape(used), min(pieces)))
        return cls({length: frozenset(found) for length, found in pieces.items()}, stretches)

    def find(self, content: bytes) -> list[bytes]:
        """Return the pieces that occur in the content, case put aside."""
        stretches = self.stretches.findall(content.lower())
        return [hit for found in stretches for part in _parts(found) for hit in self._hits(part)]

    def _hits(self, part: bytes) -> Iterator[bytes]:
        for length, wanted in self.pieces.items():
            windows = {part[at : at + length] for at in range(len(part) - length + 1)}
            yield from windows & wanted


def _parts(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _WINDOWS):
        yield content[start : start + _WINDOWS + 4 * LENGTH]


def _spellings(word: str) -> Iterator[bytes]:
    for text in (word[:PART], word[-PART:]):
        yield text.encode()
        yield text[::-1].encode()
        yield text.encode("utf-16-le")
        yield text.encode().hex().encode()
    # Three letters become four of base64, wherever the text begins.
    yield base64.b64encode(word.encode()).lower()
