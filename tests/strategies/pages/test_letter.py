"""A letter is taken away in time, and never another visit's."""

from pathlib import Path

import pytest

from deskbound_strategies.pages.keys import DoorKeys
from deskbound_strategies.pages.letter import SECONDS, Letter


class Clock:
    """Seconds that a test moves."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys() -> DoorKeys:
    return DoorKeys()


def in_place(path: Path, content: bytes) -> None:
    """Write a file over an older one, so that it keeps its inode: the worst case."""
    path.write_bytes(content)


@pytest.fixture
def letter(tmp_path, keys, clock) -> Letter:
    return Letter(tmp_path, in_place, "127.0.0.1:1", keys, clock)


def test_it_carries_the_code_until_its_time_is_over(letter, keys, clock):
    letter.tidy()
    assert keys.code in letter.path.read_text("utf-8")
    clock.seconds += SECONDS
    letter.tidy()
    assert not letter.path.exists()
    letter.burn()


def test_a_code_that_was_used_is_taken_away(letter, keys):
    assert keys.enter(keys.code)
    letter.tidy()
    assert not letter.path.exists()


def test_another_visits_letter_stays_even_with_the_same_inode(letter, tmp_path, clock):
    other = Letter(tmp_path, in_place, "127.0.0.1:1", DoorKeys(), clock)
    letter.burn()
    assert other.path.exists()
    other.burn()
    assert not other.path.exists()
