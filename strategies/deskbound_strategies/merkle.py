"""The Merkle tree of the log: hashes, inclusion and consistency proofs, exactly as in RFC 9162.

Section numbers are RFC 9162's. Hashes are SHA-256, 32 bytes each. Proofs are lists of hashes, from
the leaf upwards. Pure; a verifier needs the functions only, a log keeps a ``Tree``, whoever reads a
whole log once a ``Frontier``.
"""

import hashlib
from collections.abc import Iterable, Sequence

HASH_BYTES = 32
MAX_SIZE = 2**63 - 1
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf's bytes (section 2.1.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (section 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree that remembers the hash of every complete subtree: two hashes a leaf.

    Appending costs one hash on average, a root or a proof at most ``2 log2(size)``.
    """

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        # _levels[h][i] is the hash of the leaves i * 2^h up to (i + 1) * 2^h.
        self._levels: list[list[bytes]] = [[]]
        for data in leaves:
            self.append(data)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    def append(self, data: bytes) -> int:
        """Add a leaf; returns its index."""
        return self.append_hash(leaf_hash(data))

    def append_hash(self, hashed: bytes) -> int:
        """Add a leaf by its hash; returns its index."""
        index = self.size
        self._levels[0].append(hashed)
        height = 0
        while (index >> height) & 1:
            hashed = node_hash(self._levels[height][-2], hashed)
            height += 1
            if height == len(self._levels):
                self._levels.append([])
            self._levels[height].append(hashed)
        return index

    def root(self, size: int | None = None) -> bytes:
        """Return the root when the tree had ``size`` leaves; of all of them by default."""
        size = self._checked(self.size if size is None else size)
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the proof that leaf ``index`` is in the tree of ``size`` leaves (2.1.3.1).

        Raises:
            ValueError: when there is no such leaf.
        """
        size = self._checked(self.size if size is None else size)
        if not 0 <= index < size:
            raise ValueError("there is no such leaf")
        path: list[bytes] = []
        begin, end = 0, size
        while end - begin > 1:
            middle = begin + _split(end - begin)
            inside, beside = ((begin, middle), (middle, end))[:: 1 if index < middle else -1]
            path.append(self._range(*beside))
            begin, end = inside
        return path[::-1]

    def consistency_proof(self, old: int, size: int | None = None) -> list[bytes]:
        """Return the proof that the tree of ``old`` leaves begins the one of ``size`` (2.1.4.1).

        Raises:
            ValueError: when ``old`` is 0 or larger than ``size``.
        """
        size = self._checked(self.size if size is None else size)
        if not 0 < old <= size:
            raise ValueError("there is no such older tree")
        path: list[bytes] = []
        begin, end, whole = 0, size, True
        while old != end:
            middle = begin + _split(end - begin)
            if old <= middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(begin, middle))
                begin, whole = middle, False
        if not whole:
            path.append(self._range(begin, end))
        return path[::-1]

    def _range(self, begin: int, end: int) -> bytes:
        """Return the hash over leaves ``begin`` up to ``end``; ``begin`` is where a subtree may."""
        width = end - begin
        if width & (width - 1) == 0:
            height = width.bit_length() - 1
            return self._levels[height][begin >> height]
        middle = begin + _split(width)
        return node_hash(self._range(begin, middle), self._range(middle, end))

    def _checked(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise ValueError("the tree has not that many leaves")
        return size


class Frontier:
    """The root of a growing tree and nothing else: at most one hash for each bit of its size.

    Attributes:
        size: number of leaves.
    """

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []  # of the complete subtrees, the largest first

    def append(self, data: bytes) -> None:
        """Add a leaf."""
        hashed, size = leaf_hash(data), self.size
        while size & 1:
            hashed, size = node_hash(self._peaks.pop(), hashed), size >> 1
        self._peaks.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        *others, hashed = self._peaks
        for peak in reversed(others):
            hashed = node_hash(peak, hashed)
        return hashed


def verify_inclusion(
    index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes
) -> bool:
    """Return whether ``path`` proves a leaf to be in a tree (section 2.1.3.2).

    Args:
        index: of the leaf.
        size: of the tree.
        leaf: its hash.
        path: as ``Tree.inclusion_proof`` gives it.
        root: of the tree.
    """
    if not 0 <= index < size <= MAX_SIZE or not _are_hashes(path):
        return False
    position, last, hashed = index, size - 1, leaf
    for other in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            hashed = node_hash(other, hashed)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            hashed = node_hash(hashed, other)
        position, last = position >> 1, last >> 1
    return last == 0 and hashed == root


def verify_consistency(
    old: int, size: int, path: Sequence[bytes], old_root: bytes, root: bytes
) -> bool:
    """Return whether ``path`` proves that a tree only grew (section 2.1.4.2).

    Args:
        old: size of the older tree, at least 1.
        size: of the newer tree.
        path: as ``Tree.consistency_proof`` gives it.
        old_root: of the older tree.
        root: of the newer tree.
    """
    if not 0 < old <= size <= MAX_SIZE or not _are_hashes(path):
        return False
    if old == size:
        return not path and old_root == root
    if not path:
        return False
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    position, last = old - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = hashes[0]
    for other in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            before, after = node_hash(other, before), node_hash(other, after)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            after = node_hash(after, other)
        position, last = position >> 1, last >> 1
    return last == 0 and before == old_root and after == root


def _split(width: int) -> int:
    """Return the largest power of two below ``width``."""
    return 1 << ((width - 1).bit_length() - 1)


def _are_hashes(path: Sequence[bytes]) -> bool:
    return all(len(hashed) == HASH_BYTES for hashed in path)
