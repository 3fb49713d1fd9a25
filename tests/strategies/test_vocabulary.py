import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies import vocabulary as v
from deskbound_strategies.vocabulary import FAMILY, FAMILY_SIZES, TOKENS, Kind


def test_the_published_vocabulary_is_frozen():
    # A new hash is a new VOCABULARY_VERSION: laptops and servers of both never train together.
    assert v.VOCABULARY_VERSION == 1
    assert v.VOCABULARY_HASH == "66c6aa6512d65641a94582469366233970fe482eb273ac0875c3db12dc8ad369"


def test_tokens_are_distinct_and_their_arguments_fit_their_family():
    assert len({token.name for token in TOKENS}) == len(TOKENS) == len(v.TOKEN_INDEX)
    for index, token in enumerate(TOKENS):
        assert 0 <= token.argument < FAMILY_SIZES[FAMILY[token.kind]]
        assert v.token_of(token.kind, token.argument) == index
    assert {token.kind for token in TOKENS} == set(Kind)


def test_no_word_holds_a_typed_character_alone():
    for token in TOKENS:
        if token.kind is Kind.KEY:
            assert len(token.name.removeprefix("key:")) > 1
        if token.kind is Kind.TYPE:
            assert token.name.removeprefix("type:").split("/")[0] in v.BURST_CLASSES


@given(st.floats(-9.0, 9.0), st.floats(-9.0, 9.0))
def test_every_point_has_a_cell_also_outside_the_screen(x, y):
    assert 0 <= v.cell_at(x, y) < v.CELLS


def test_cells_run_row_by_row():
    assert v.cell_at(0.0, 0.0) == 0
    assert v.cell_at(0.999, 0.0) == v.CELL_COLUMNS - 1
    assert v.cell_at(0.0, 0.999) == v.CELLS - v.CELL_COLUMNS
    assert v.cell_at(1.0, 1.0) == v.CELLS - 1


def test_gap_bins_are_monotone_and_closed():
    bins = [v.gap_bin(ms) for ms in (-5, 0, 250, 251, 500, 1_000, 60_000, 60_001, 10**12)]
    assert bins == [0, 0, 0, 1, 1, 2, 6, 7, 7]
    assert max(bins) == v.GAPS - 1 < v.GAP_UNKNOWN


@given(st.sampled_from(v.BURST_CLASSES), st.integers(1, 10_000))
def test_every_burst_has_a_token(burst_class, length):
    name = TOKENS[v.token_of(Kind.TYPE, v.burst_argument(burst_class, length))].name
    low, _, high = name.split("/")[1].replace("+", "-100000").partition("-")
    assert name.startswith(f"type:{burst_class}/")
    assert int(low) <= length <= int(high or low)


@pytest.mark.parametrize("key", v.KEYS)
def test_every_key_has_a_token(key):
    assert TOKENS[v.token_of(Kind.KEY, v.key_argument(key))].name == f"key:{key}"


def test_a_shortcut_that_is_not_listed_becomes_other():
    other = v.token_of(Kind.SHORTCUT, v.shortcut_argument("ctrl+alt+shift+q"))
    assert TOKENS[other].name == "shortcut:other"
    copy = v.token_of(Kind.SHORTCUT, v.shortcut_argument("ctrl+c"))
    assert TOKENS[copy].name == "shortcut:ctrl+c"


def test_a_kind_and_argument_that_do_not_belong_together_have_no_token():
    for kind, argument in ((Kind.SWITCH, len(v.APPS)), (Kind.SCROLL_UP, 1), (Kind.KEY, 0)):
        with pytest.raises(KeyError):
            v.token_of(kind, argument)
