"""Personas: every word of every routine can be done."""

from deskbound_strategies.personas import PERSONAS, PLACES, ROUTINES
from deskbound_strategies.vocabulary import APPS, KEYS, SHORTCUTS

POINTER = {"click", "double", "right-click", "drag"}
RANGES = {"letters", "digits", "mixed", "scroll-up", "scroll-down", "scroll-sideways"}


def words():
    for routine in ROUTINES.values():
        for part in (routine.opening, routine.lap, routine.ending):
            yield from (word.removesuffix("?") for word in part.split())


def known(word: str) -> bool:
    act, _, argument = word.partition(":")
    if word.startswith("@"):
        return word[1:] in APPS
    if act in POINTER:
        return argument in PLACES
    if act in RANGES:
        least, most = (int(number) for number in argument.split("-"))
        return 1 <= least <= most
    return word in KEYS or word in SHORTCUTS


def test_every_word_is_in_the_public_vocabulary():
    assert [word for word in words() if not known(word)] == []


def test_personas_use_known_routines_and_share_some():
    used = [set(persona.routines) for persona in PERSONAS.values()]
    assert len(used) >= 3
    assert set().union(*used) == set(ROUTINES)
    assert len(set.intersection(*used)) >= 3


def test_places_are_on_the_screen():
    assert all(0 < x < 1 and 0 < y < 1 for x, y in PLACES.values())
