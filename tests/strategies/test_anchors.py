"""Proofs of being in the map and of not being there, and every lie about either."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies.anchors import Anchor, AnchorMap, AnchorProof, Placed, map_digest
from deskbound_strategies.merkle import EMPTY_ROOT, Tree


def name(number: int) -> str:
    return f"{number:064x}"


def entry(number: int, count: int = 1) -> Anchor:
    return Anchor(name(number), count, f"{number:062x}{count:02x}")


def a_map(size: int) -> AnchorMap:
    """Entries at 2, 4, 6, ...: there is room before, between and after them."""
    return AnchorMap(entry(2 * number) for number in range(1, size + 1))


def proves_nothing(proof: AnchorProof, anchor: str, digest: str) -> None:
    with pytest.raises(ValueError, match="proof"):
        proof.lookup(anchor, digest)


@pytest.mark.parametrize("size", range(21))
def test_every_place_of_a_map_can_be_proved(size):
    anchors = a_map(size)
    digest = anchors.digest()
    for number in range(1, 2 * size + 2):
        proof = AnchorProof.from_json(anchors.prove(name(number)).to_json())
        found = proof.lookup(name(number), digest)
        assert found == (entry(number) if number % 2 == 0 else None) == anchors.get(name(number))
        for other in range(1, 2 * size + 2):
            if other == number:
                continue
            # The proof of a gap serves for that gap alone, and of an entry for it alone; only at
            # either end does an entry's proof show, truly, that nothing lies beyond.
            try:
                elsewhere = proof.lookup(name(other), digest)
            except ValueError:
                continue
            assert elsewhere == anchors.get(name(other))


@pytest.mark.parametrize("size", range(1, 21))
def test_what_is_there_cannot_be_denied(size):
    """Every pair, and every single one, of honestly proved entries, taken as a proof of absence."""
    anchors = a_map(size)
    digest = anchors.digest()
    proved = [anchors.prove(name(2 * number)) for number in range(1, size + 1)]
    base, placed = proved[0], [one.placed[0] for one in proved]
    candidates = [(), *((one,) for one in placed)]
    candidates += [(one, other) for one in placed for other in placed]
    for wanted in range(1, size + 1):
        for some in candidates:
            try:
                found = replace(base, placed=some).lookup(name(2 * wanted), digest)
            except ValueError:
                continue
            assert found == entry(2 * wanted)


@pytest.mark.parametrize("size", range(1, 21))
def test_a_lie_about_the_size_or_the_root_is_found(size):
    anchors = a_map(size)
    digest = anchors.digest()
    for number in range(1, 2 * size + 2):
        proof = anchors.prove(name(number))
        for lie in (0, size - 1, size + 1, 2 * size, 2**53):
            proves_nothing(replace(proof, size=lie), name(number), digest)
        for root in (EMPTY_ROOT, b"", b"\0" * 32, a_map(size + 1)._sorted()[1].root()):
            proves_nothing(replace(proof, root=root), name(number), digest)


def test_the_end_of_the_list_cannot_be_cut_off():
    """The roots of 3 and of 4 entries take paths of one shape; only the digest tells the sizes."""
    anchors = a_map(4)
    third = anchors.prove(name(6)).placed[0]
    short = AnchorProof(3, anchors.prove(name(8)).root, (third,))
    proves_nothing(short, name(8), anchors.digest())


@pytest.mark.parametrize("size", range(21))
def test_the_proof_of_another_map_is_refused(size):
    anchors, grown, moved = a_map(size), a_map(size + 1), a_map(size)
    moved.put(entry(2, count=9))
    for other in (grown, moved):
        if other.digest() == anchors.digest():
            continue
        for number in (1, 2, 3, 2 * size + 1):
            proves_nothing(other.prove(name(number)), name(number), anchors.digest())


def test_an_empty_map_has_nobody():
    empty = AnchorMap()
    assert len(empty) == 0
    assert empty.digest() == map_digest(0, EMPTY_ROOT)
    assert empty.prove(name(1)) == AnchorProof(0, EMPTY_ROOT, ())
    assert empty.prove(name(1)).lookup(name(1), empty.digest()) is None
    odd = AnchorProof(0, b"\0" * 32, ())
    proves_nothing(odd, name(1), map_digest(0, odd.root))


def test_a_digest_covers_the_size_and_the_root():
    root = b"\x07" * 32
    words = f"deskbound-anchors/1\n12\n{root.hex()}\n".encode()
    assert map_digest(12, root) == hashlib.sha256(words).hexdigest()


def test_the_tree_is_over_the_sorted_entries():
    anchors = AnchorMap([entry(5), entry(1), entry(3)])
    assert anchors.entries() == [entry(1), entry(3), entry(5)]
    leaf = b'{"anchor":"%s","commitment":"%s","count":1}' % (
        name(1).encode(),
        entry(1).commitment.encode(),
    )
    assert entry(1).to_bytes() == leaf
    tree = Tree([leaf, entry(3).to_bytes(), entry(5).to_bytes()])
    assert anchors.digest() == map_digest(3, tree.root())


ENTRIES = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 90)), max_size=40)


@given(ENTRIES, st.data())
def test_a_map_that_grew_is_the_one_made_at_once(steps, data):
    grown, latest = AnchorMap(), {}
    for number, count in steps:
        if data.draw(st.booleans()):
            grown.digest()  # what was built so far must not outlive the change
        grown.put(entry(number, count))
        latest[number] = entry(number, count)
    fresh = AnchorMap(latest.values())
    assert grown.digest() == fresh.digest()
    assert grown.entries() == fresh.entries() == sorted(latest.values())
    assert len(grown) == len(latest)
    for number in range(32):
        proof = grown.prove(name(number))
        assert proof.lookup(name(number), fresh.digest()) == latest.get(number)


@pytest.mark.parametrize("size", range(1, 21))
def test_entries_that_are_not_in_the_map_are_believed_nowhere(size):
    anchors = a_map(size)
    digest = anchors.digest()
    for number in range(1, size + 1):
        proof = anchors.prove(name(2 * number))
        (there,) = proof.placed
        for changes in ({"count": 2}, {"commitment": "0" * 64}):
            other = replace(there, entry=replace(there.entry, **changes))
            proves_nothing(replace(proof, placed=(other,)), name(2 * number), digest)
        # Neighbours invented so that the entry itself lies nowhere.
        for low, high in ((2 * number - 1, 2 * number + 1), (2 * number + 1, 2 * number + 2)):
            first, last = (replace(there, entry=entry(one)) for one in (low, high))
            pair = (first, replace(last, index=there.index + 1))
            for wanted in (2 * number, low, high):
                proves_nothing(replace(proof, placed=pair), name(wanted), digest)
            for one in (replace(first, index=0), replace(last, index=size - 1)):
                proves_nothing(replace(proof, placed=(one,)), name(2 * number), digest)


@given(st.integers(0, 20), st.data())
def test_a_forged_proof_never_tells_anything_untrue(size, data):
    anchors = a_map(size)
    digest = anchors.digest()
    wanted = data.draw(st.integers(1, 2 * size + 2))
    honest = anchors.prove(name(data.draw(st.integers(1, 2 * size + 2))))
    placed = [data.draw(forged(one, wanted)) for one in honest.placed]
    if placed:
        placed = data.draw(st.lists(st.sampled_from(placed), max_size=3))
    proof = AnchorProof(honest.size, honest.root, tuple(placed))
    try:
        found = proof.lookup(name(wanted), digest)
    except ValueError:
        return
    assert found == anchors.get(name(wanted))


@st.composite
def forged(draw, one: Placed, wanted: int):
    path = list(one.path)
    if path and draw(st.booleans()):
        path[draw(st.integers(0, len(path) - 1))] = draw(st.binary(min_size=32, max_size=32))
    return Placed(
        draw(st.just(one.entry) | st.builds(entry, st.integers(wanted - 1, wanted + 1))),
        draw(st.just(one.index) | st.integers(0, 22)),
        tuple(path),
    )


def test_a_proof_comes_back_as_it_was_written():
    anchors = a_map(7)
    for number in range(1, 16):
        proof = anchors.prove(name(number))
        assert AnchorProof.from_json(proof.to_json()) == proof


GOOD = a_map(3).prove(name(3)).to_json()
PLACED = GOOD["placed"][0]


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "size",
        {},
        {"size": 3, "root": GOOD["root"]},
        GOOD | {"more": 1},
        GOOD | {"size": "3"},
        GOOD | {"size": 3.0},
        GOOD | {"size": True},
        GOOD | {"size": -1},
        GOOD | {"size": 2**53},
        GOOD | {"root": None},
        GOOD | {"root": GOOD["root"].upper()},
        GOOD | {"root": GOOD["root"] + " "},
        GOOD | {"root": "xy"},
        GOOD | {"placed": None},
        GOOD | {"placed": {"anchor": 1}},
        GOOD | {"placed": [None]},
        GOOD | {"placed": [[]]},
        GOOD | {"placed": ["anchor"]},
        GOOD | {"placed": [PLACED] * 3},
        *(
            GOOD | {"placed": [PLACED | change]}
            for change in (
                {"more": 1},
                {"anchor": PLACED["anchor"][:-1]},
                {"anchor": 7},
                {"anchor": "F" * 64},
                {"commitment": None},
                {"commitment": "g" * 64},
                {"count": -1},
                {"count": 1.0},
                {"count": True},
                {"index": 2**60},
                {"index": "0"},
                {"path": None},
                {"path": "abcd"},
                {"path": [7]},
                {"path": ["0"]},
                {"path": ["AB" * 32]},
                {"path": {"ab": 1}},
            )
        ),
    ],
)
def test_other_json_is_no_proof(raw):
    with pytest.raises(ValueError, match=r"."):
        AnchorProof.from_json(raw)
