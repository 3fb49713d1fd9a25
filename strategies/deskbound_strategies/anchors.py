"""What the log says of each laptop last: a sorted Merkle map, and proofs of being in it or not.

A laptop's receipt counts its releases: 1, 2, 3, ... The map has the latest receipt of every laptop,
sorted by the laptop's anchor (its pseudonym in this log), and every contract names the map's
digest. So a laptop learns, before it trains, what it sent last; one that was put back to an older
state finds out, and no server can leave a laptop out of the map without a witness seeing it.

The tree is RFC 9162's over the sorted entries. The digest covers the number of entries, too:
otherwise the end of the list could be lied about.
"""

import bisect
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from deskbound_strategies import merkle
from deskbound_strategies.canonical import canonical_bytes

_DIGEST = b"deskbound-anchors/1\n%d\n%s\n"


@dataclass(frozen=True, slots=True, order=True)
class Anchor:
    """The latest receipt of one laptop.

    Attributes:
        anchor: SHA-256 (hex) of the key that signs its receipts: its pseudonym in this log.
        count: how many updates it has released to this log's server.
        commitment: salted hash (hex) of its ledger's head at that release; tells nothing.
    """

    anchor: str
    count: int
    commitment: str

    def to_bytes(self) -> bytes:
        """Return the bytes of its leaf."""
        return canonical_bytes(asdict(self))


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry of the map with the proof that it is there.

    Attributes:
        entry: the entry.
        index: its place in the sorted list.
        path: inclusion proof.
    """

    entry: Anchor
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AnchorProof:
    """What a map says of one anchor.

    Attributes:
        size: number of entries of the map.
        root: root over its entries.
        placed: the entry itself; or, where there is none, the neighbours between which it would
            be (one at either end, none in an empty map).
    """

    size: int
    root: bytes
    placed: tuple[Placed, ...]

    def lookup(self, anchor: str, digest: str) -> Anchor | None:
        """Return the entry of an anchor, or None when the map has none.

        Args:
            anchor: whose entry.
            digest: of the map, as the contract names it.

        Raises:
            ValueError: when this proves neither.
        """
        if map_digest(self.size, self.root) != digest or not all(map(self._holds, self.placed)):
            raise ValueError("not a proof of this map")
        if len(self.placed) == 1 and self.placed[0].entry.anchor == anchor:
            return self.placed[0].entry
        if not self._encloses(anchor):
            raise ValueError("the proof is about another anchor")
        return None

    def _holds(self, one: Placed) -> bool:
        hashed = merkle.leaf_hash(one.entry.to_bytes())
        return merkle.verify_inclusion(one.index, self.size, hashed, one.path, self.root)

    def _encloses(self, anchor: str) -> bool:
        if not self.placed:
            return self.size == 0 and self.root == merkle.EMPTY_ROOT
        first, last = self.placed[0], self.placed[-1]
        if len(self.placed) == 2:
            between = first.entry.anchor < anchor < last.entry.anchor
            return between and last.index == first.index + 1
        before_all = first.index == 0 and anchor < first.entry.anchor
        after_all = first.index == self.size - 1 and first.entry.anchor < anchor
        return len(self.placed) == 1 and (before_all or after_all)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "size": self.size,
            "root": self.root.hex(),
            "placed": [
                {
                    **asdict(one.entry),
                    "index": one.index,
                    "path": [hashed.hex() for hashed in one.path],
                }
                for one in self.placed
            ],
        }

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """Read what ``to_json`` gave.

        Raises:
            ValueError: for anything else.
        """
        try:
            placed = tuple(_placed(**one) for one in raw["placed"])
            made = cls(_natural(raw["size"]), bytes.fromhex(raw["root"]), placed)
        except (KeyError, TypeError):
            raise ValueError("not a proof of a map") from None
        if made.to_json() != raw or len(placed) > 2:
            raise ValueError("not a proof of a map")
        return made


def _placed(*, anchor: str, count: int, commitment: str, index: int, path: list[str]) -> Placed:
    entry = Anchor(_hash(anchor), _natural(count), _hash(commitment))
    return Placed(entry, _natural(index), tuple(bytes.fromhex(hashed) for hashed in path))


def _natural(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError("not a number of this kind")
    return value


def _hash(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ValueError("not a hash")
    return value


def map_digest(size: int, root: bytes) -> str:
    """Return the digest (hex) by which a contract names a map."""
    return hashlib.sha256(_DIGEST % (size, root.hex().encode("ascii"))).hexdigest()


class AnchorMap:
    """The map, for whoever keeps or checks the log.

    Args:
        entries: in any order, one an anchor.
    """

    def __init__(self, entries: Iterable[Anchor] = ()) -> None:
        self._latest: dict[str, Anchor] = {}
        self._hashed: dict[str, bytes] = {}  # leaf hashes: the tree is built anew more often
        self._built: tuple[list[str], merkle.Tree] | None = None
        for entry in entries:
            self.put(entry)

    def __len__(self) -> int:
        return len(self._latest)

    def get(self, anchor: str) -> Anchor | None:
        """Return the entry of an anchor."""
        return self._latest.get(anchor)

    def entries(self) -> list[Anchor]:
        """Return all entries, in order."""
        return [self._latest[name] for name in sorted(self._latest)]

    def put(self, entry: Anchor) -> None:
        """Set an anchor's latest entry."""
        self._latest[entry.anchor] = entry
        self._hashed.pop(entry.anchor, None)
        self._built = None

    def digest(self) -> str:
        """Return the digest (hex) of the map as it is."""
        _, tree = self._sorted()
        return map_digest(tree.size, tree.root())

    def prove(self, anchor: str) -> AnchorProof:
        """Return the proof of an anchor's entry, or of its absence."""
        names, tree = self._sorted()
        at = bisect.bisect_left(names, anchor)
        there = at < len(names) and names[at] == anchor
        wanted = [at] if there else [index for index in (at - 1, at) if 0 <= index < len(names)]
        placed = tuple(self._placed(names, tree, index) for index in wanted)
        return AnchorProof(tree.size, tree.root(), placed)

    def _placed(self, names: Sequence[str], tree: merkle.Tree, index: int) -> Placed:
        return Placed(self._latest[names[index]], index, tuple(tree.inclusion_proof(index)))

    def _sorted(self) -> tuple[list[str], merkle.Tree]:
        if self._built is None:
            names, tree = sorted(self._latest), merkle.Tree()
            for name in names:
                if name not in self._hashed:
                    self._hashed[name] = merkle.leaf_hash(self._latest[name].to_bytes())
                tree.append_hash(self._hashed[name])
            self._built = names, tree
        return self._built
