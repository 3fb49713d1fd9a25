"""Against the published vectors, RFC 9162's recursive definitions, and forged proofs."""

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    Frontier,
    Tree,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

MOST = 70
LEAVES = [b"leaf %d" % number for number in range(MOST)]
TREE = Tree(LEAVES)

# The eight leaves of certificate-transparency's own tests, roots of the first n, and its proofs.
CT_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
H1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
H23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
H4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
H45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
H67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
H4567 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
CT_INCLUSION = {
    (0, 1): [],
    (0, 8): [H1, H23, H4567],
    (5, 8): [H4, H67, CT_ROOTS[3]],
    (2, 3): [CT_ROOTS[1]],
    (1, 5): [CT_ROOTS[0], H23, H4],
}
CT_CONSISTENCY = {
    (1, 1): [],
    (1, 8): [H1, H23, H4567],
    (6, 8): [H45, H67, CT_ROOTS[3]],
    (2, 5): [H23, H4],
}


def split(width: int) -> int:
    return max(1 << bit for bit in range(width.bit_length()) if 1 << bit < width)


def recursive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    both = recursive_root(leaves[:k]) + recursive_root(leaves[k:])
    return hashlib.sha256(b"\x01" + both).digest()


def recursive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*recursive_path(index, leaves[:k]), recursive_root(leaves[k:])]
    return [*recursive_path(index - k, leaves[k:]), recursive_root(leaves[:k])]


def recursive_proof(old: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1."""
    if old == len(leaves):
        return [] if whole else [recursive_root(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*recursive_proof(old, leaves[:k], whole=whole), recursive_root(leaves[k:])]
    return [*recursive_proof(old - k, leaves[k:], whole=False), recursive_root(leaves[:k])]


def hexed(path: list[bytes]) -> list[str]:
    return [hashed.hex() for hashed in path]


def test_the_published_vectors():
    tree = Tree(CT_LEAVES)
    assert [tree.root(size).hex() for size in range(1, 9)] == CT_ROOTS
    assert tree.root(0) == EMPTY_ROOT == hashlib.sha256(b"").digest()
    for (index, size), path in CT_INCLUSION.items():
        assert hexed(tree.inclusion_proof(index, size)) == path
    for (old, size), path in CT_CONSISTENCY.items():
        assert hexed(tree.consistency_proof(old, size)) == path


def test_a_growing_tree_is_the_recursive_one():
    tree, frontier = Tree(), Frontier()
    for size, leaf in enumerate(LEAVES):
        assert tree.root() == frontier.root() == recursive_root(LEAVES[:size])
        assert tree.append(leaf) == size
        frontier.append(leaf)
        assert tree.size == frontier.size == size + 1
    for size in range(MOST + 1):
        assert tree.root(size) == recursive_root(LEAVES[:size]), "it knows every earlier root"


def test_every_inclusion_proof_up_to_seventy_leaves():
    for size in range(1, MOST + 1):
        root = TREE.root(size)
        for index in range(size):
            path = TREE.inclusion_proof(index, size)
            assert len(path) <= (size - 1).bit_length()
            assert verify_inclusion(index, size, leaf_hash(LEAVES[index]), path, root)
            for other in {0, index - 1, index + 1, size - 1} - {index}:
                assert not verify_inclusion(other, size, leaf_hash(LEAVES[index]), path, root)
                wrong = leaf_hash(LEAVES[other % MOST])
                assert not verify_inclusion(index, size, wrong, path, root)


def test_every_consistency_proof_up_to_seventy_leaves():
    for size in range(1, MOST + 1):
        for old in range(1, size + 1):
            path = TREE.consistency_proof(old, size)
            assert verify_consistency(old, size, path, TREE.root(old), TREE.root(size))
            assert not verify_consistency(old, size, path, TREE.root(old - 1), TREE.root(size))
            assert not verify_consistency(old, size, path, TREE.root(old), TREE.root(size - 1))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 33, 64, MOST])
def test_proofs_are_the_recursive_ones(size):
    leaves = LEAVES[:size]
    for index in range(size):
        assert TREE.inclusion_proof(index, size) == recursive_path(index, leaves)
        assert TREE.consistency_proof(index + 1, size) == recursive_proof(index + 1, leaves)


SIZES = st.integers(1, MOST)
JUNK = st.binary(min_size=32, max_size=32)


@st.composite
def other_path(draw, path):
    """The path with a hash changed, added, taken away or moved, or an ill-sized one."""
    changed = list(path)
    kinds = ["add", "short"] + (["change", "drop", "flip"] if path else [])
    kind = draw(st.sampled_from(kinds))
    at = draw(st.integers(0, len(path) - (0 if kind in {"add", "short"} else 1)))
    match kind:
        case "add":
            changed.insert(at, draw(JUNK | st.sampled_from([*path, EMPTY_ROOT])))
        case "short":
            changed.insert(at, draw(st.binary(max_size=31) | st.binary(min_size=33, max_size=64)))
        case "change":
            changed[at] = draw(JUNK)
        case "drop":
            del changed[at]
        case "flip":
            bit = draw(st.integers(0, 255))
            changed[at] = (int.from_bytes(path[at]) ^ 1 << bit).to_bytes(32)
    return changed


@given(st.data(), SIZES)
def test_a_forged_inclusion_proof_is_never_accepted(data, size):
    index = data.draw(st.integers(0, size - 1))
    leaf, root, path = leaf_hash(LEAVES[index]), TREE.root(size), TREE.inclusion_proof(index, size)
    forged = data.draw(other_path(path))
    if forged != path:
        assert not verify_inclusion(index, size, leaf, forged, root)
    assert not verify_inclusion(index, size, data.draw(JUNK), path, root)
    assert not verify_inclusion(index, size, leaf, path, data.draw(JUNK))
    other = data.draw(st.integers(-2, MAX_SIZE + 2).filter(lambda one: one != index))
    assert not verify_inclusion(other, size, leaf, path, root)
    other = data.draw(SIZES.filter(lambda one: one != size))
    assert not verify_inclusion(index, other, leaf, path, TREE.root(other))


@given(st.data(), SIZES)
def test_a_forged_consistency_proof_is_never_accepted(data, size):
    old = data.draw(st.integers(1, size))
    before, root, path = TREE.root(old), TREE.root(size), TREE.consistency_proof(old, size)
    forged = data.draw(other_path(path))
    if forged != path:
        assert not verify_consistency(old, size, forged, before, root)
    assert not verify_consistency(old, size, path, data.draw(JUNK), root)
    assert not verify_consistency(old, size, path, before, data.draw(JUNK))
    other = data.draw(st.integers(1, MOST).filter(lambda one: one != old))
    assert not verify_consistency(other, size, path, TREE.root(other), root)
    other = data.draw(SIZES.filter(lambda one: one != size))
    assert not verify_consistency(old, other, path, before, TREE.root(other))


@given(st.data(), st.integers(2, MOST))
def test_a_rewritten_history_is_never_consistent(data, size):
    old = data.draw(st.integers(1, size - 1))
    at = data.draw(st.integers(0, old - 1))
    rewritten = Tree([*LEAVES[:at], data.draw(st.binary(max_size=8)), *LEAVES[at + 1 : size]])
    for path in (rewritten.consistency_proof(old), TREE.consistency_proof(old, size)):
        assert not verify_consistency(old, size, path, TREE.root(old), rewritten.root())
        assert not verify_consistency(old, size, path, rewritten.root(old), TREE.root(size))


def test_a_leaf_never_passes_for_an_inner_node():
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right) == Tree([b"a", b"b"]).root()
    assert Tree([left + right]).root() != Tree([b"a", b"b"]).root()


def test_sizes_that_no_tree_has_prove_nothing():
    leaf, root = leaf_hash(LEAVES[0]), TREE.root(1)
    assert verify_inclusion(0, 1, leaf, [], root)
    for index, size in ((0, 0), (-1, 1), (1, 1), (0, MAX_SIZE + 1), (0, 2**70), (-1, -1)):
        assert not verify_inclusion(index, size, leaf, [], root)
    for old, size in ((0, 1), (-1, 1), (2, 1), (1, MAX_SIZE + 1), (0, 0)):
        assert not verify_consistency(old, size, [], root, root)
    assert not verify_consistency(1, MAX_SIZE, [b"\0" * 32] * 4096, root, root)


def test_a_tree_proves_nothing_that_it_does_not_have():
    tree = Tree(LEAVES[:5])
    for index, size in itertools.product((-1, 5, 6), (None, 5)):
        with pytest.raises(ValueError, match="no such leaf"):
            tree.inclusion_proof(index, size)
    for old in (-1, 0, 6):
        with pytest.raises(ValueError, match="no such older tree"):
            tree.consistency_proof(old)
    for size in (-1, 6):
        with pytest.raises(ValueError, match="not that many"):
            tree.root(size)


@given(st.lists(st.binary(max_size=4), max_size=40))
def test_hashes_may_be_appended_for_leaves(leaves):
    by_hash = Tree()
    assert [by_hash.append_hash(leaf_hash(leaf)) for leaf in leaves] == list(range(len(leaves)))
    assert by_hash.root() == Tree(leaves).root() == recursive_root(leaves)


def test_a_root_that_was_made_to_fit_does_not_help_a_path_of_the_wrong_form():
    """Who writes proofs writes roots, too: the lengths of path and hashes must be right alone."""
    leaves = [leaf_hash(leaf) for leaf in LEAVES[:8]]
    pair, other = node_hash(leaves[0], leaves[1]), b"\7" * 32
    assert verify_inclusion(0, 2, leaves[0], leaves[1:2], pair)
    assert not verify_inclusion(0, 2, leaves[0], [leaves[1], other], node_hash(other, pair))
    assert not verify_inclusion(0, 2, leaves[0], [leaves[1], other], node_hash(pair, other))
    assert not verify_inclusion(0, 8, leaves[0], leaves[1:2], pair)
    for ill_sized in (b"", b"\7" * 31, b"\7" * 33, b"\7" * 64):
        assert not verify_inclusion(0, 2, leaves[0], [ill_sized], node_hash(leaves[0], ill_sized))
        assert not verify_consistency(1, 2, [ill_sized], leaves[0], node_hash(leaves[0], ill_sized))
    four = node_hash(pair, other)
    assert verify_consistency(2, 4, [other], pair, four)
    assert not verify_consistency(2, 8, [other], pair, four)
    assert not verify_consistency(2, 4, [other, other], pair, node_hash(other, four))
    assert not verify_consistency(2, 4, [other, other], pair, node_hash(four, other))
    three = [leaves[2], leaves[3], pair]
    assert verify_consistency(3, 4, three, TREE.root(3), TREE.root(4))
    assert not verify_consistency(3, 8, three, TREE.root(3), TREE.root(4))
