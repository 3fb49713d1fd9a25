from deskbound_client.capture.categories import _PROGRAMS, ALWAYS_EXCLUDED, CATEGORY_OF
from deskbound_strategies.vocabulary import APPS


def test_every_category_is_a_published_word_and_has_a_program():
    assert set(CATEGORY_OF.values()) == set(APPS)


def test_every_program_stands_in_the_table_once_and_in_lower_case():
    names = [name for programs in _PROGRAMS.values() for name in programs.split()]
    assert len(names) == len(set(names)) > 200
    assert all(name == name.lower() for name in (*names, *ALWAYS_EXCLUDED))
