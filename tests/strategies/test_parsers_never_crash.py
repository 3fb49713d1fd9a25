"""Whatever bytes come, each reader of foreign bytes takes them or says no, in bounded memory.

``python -m fuzz`` sends the same readers far more, guided by which lines the bytes reach.
"""

import gc
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.parsers import PARSERS

NAMES = sorted(PARSERS)


def spoiled(seed: bytes) -> st.SearchStrategy[bytes]:
    """The seed with some places changed, cut, doubled or filled with something else."""
    place = st.integers(0, len(seed))
    piece = st.binary(max_size=8) | st.sampled_from(
        [b"\n", b"\n\n", b"}", b"]", b'"', b",", b"null", b"-1", b"1e9", b"0.0", b"\\u2014", b"=="]
    )
    cut = st.tuples(place, place, piece)

    def apply(cuts: list[tuple[int, int, bytes]]) -> bytes:
        data = seed
        for begin, end, filling in cuts:
            first, last = sorted((begin % (len(data) + 1), end % (len(data) + 1)))
            keep = data[first:last] if len(filling) % 2 else b""
            data = data[:first] + filling + keep + data[last:]
        return data

    return st.lists(cut, min_size=1, max_size=3).map(apply)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_taken(name):
    assert all(PARSERS[name].takes(seed) for seed in PARSERS[name].seeds)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_any_bytes_are_taken_or_refused(name, data):
    parser = PARSERS[name]
    seed = data.draw(st.sampled_from(parser.seeds))
    parser.takes(data.draw(st.binary(max_size=400) | spoiled(seed)))


def bombs(size: int) -> dict[str, bytes]:
    """Bytes that are small for their trouble, as many as are let through."""

    def filled(before: bytes, piece: bytes, after: bytes) -> bytes:
        return before + piece * ((size - len(before) - len(after)) // len(piece)) + after

    return {
        "lists": filled(b"[", b"[],", b"0]"),
        "objects": filled(b"[", b"{},", b"0]"),
        "floats": filled(b"[", b"0.1,", b"0]"),
        "numbers": filled(b"[", b"%d," % 10**18, b"0]"),
        "huge numbers": filled(b"[", b"9" * 4200 + b",", b"0]"),
        "one number": filled(b"", b"9", b""),
        "exponents": filled(b"[", b"1e308,", b"0]"),
        "depth": filled(b"", b"[", b""),
        "keys": b"{" + b",".join(b'"%06x":0' % one for one in range(size // 12)) + b"}",
        "escapes": filled(b'"', b"\\u2014", b'"'),
        "newlines": filled(b"", b"\n", b""),
        "short lines": filled(b"", b"{}\n", b""),
        "signatures": filled(b"a\n\n", "\u2014 a AAAAAAAA\n".encode(), b""),
        "blank text": filled(b"", b"\n", "\n\u2014 a AAAAAAAA\n".encode()),
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", sorted(bombs(4096)))
@pytest.mark.parametrize("in_a_seed", [False, True])
def test_a_message_costs_little_more_than_it_weighs(name, kind, in_a_seed):
    """At most 40 bytes of memory a byte (Python's smallest list is 64), and no time that grows with
    the square: a MiB would then take minutes of this thread, and ten seconds are allowed."""
    parser = PARSERS[name]
    bomb = bombs(parser.most)[kind]
    if in_a_seed:  # what is in front of the bomb is in order, so that it is reached
        seed = parser.seeds[0]
        half = seed.index(b"\n") + 1 if b"\n" in seed else len(seed) // 2
        bomb = seed[:half] + bomb[: parser.most - len(seed)] + seed[half:]
    gc.freeze()  # or new lists would have everything that earlier tests left looked through again
    begun = time.thread_time()
    assert not parser.takes(bomb)
    assert time.thread_time() - begun < 1 + 1e-5 * len(bomb)
    tracemalloc.start()
    try:
        parser.takes(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 256 * 1024 + 40 * len(bomb)
