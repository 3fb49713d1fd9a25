"""Every word of the vocabulary can be said, and no two are said alike."""

from datetime import datetime, timedelta

import pytest

from deskbound_client.employee.words import counted, size, until, words_of
from deskbound_strategies.vocabulary import TOKENS, Kind, burst_argument, key_argument, token_of


def test_every_token_has_words_of_its_own():
    said = [words_of(token) for token in range(len(TOKENS))]
    assert len(set(said)) == len(TOKENS)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (token_of(Kind.TYPE, burst_argument("letters", 5)), "typed letters, 4-7 keys"),
        (token_of(Kind.TYPE, burst_argument("digits", 1)), "typed digits, 1 key"),
        (token_of(Kind.KEY, key_argument("enter")), "pressed enter"),
        (token_of(Kind.CLICK, 0), "clicked top left (cell 0,0)"),
        (token_of(Kind.SWITCH, 0), "switched to browser"),
        (token_of(Kind.SCROLL_DOWN), "scrolled down"),
    ],
)
def test_words(token, said):
    assert words_of(token) == said


@pytest.mark.parametrize(("count", "said"), [(0, "0 bytes"), (2500, "2.5 kB"), (3e6, "3.0 MB")])
def test_size(count, said):
    assert size(int(count)) == said


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "14:05"),
        (1, "14:05 on Saturday"),
        (6, "14:05 on Thursday"),
        (7, "14:05 on 27 November 2026"),
        (-1, "14:05 on 19 November 2026"),
    ],
)
def test_an_end_is_said_with_as_much_of_its_date_as_it_takes(days, said):
    noon, later = datetime.fromisoformat("2026-11-20 12:00"), timedelta(days=days, minutes=125)
    assert until((noon + later).timestamp(), noon.timestamp()) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 days"), (1, "1 day"), (2, "2 days"), (1000, "1,000 days")]
)
def test_things_are_counted_in_the_right_number(count, said):
    assert counted(count, "day") == said
