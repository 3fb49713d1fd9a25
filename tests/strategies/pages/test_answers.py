"""What is put between backticks is code, all else is text; errors have their status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies.errors import BusyError, ConfigError, NotFoundError, VaultDamagedError
from deskbound_strategies.pages.answers import coded, mark, status_of


def test_a_command_in_a_sentence_is_code():
    assert coded("Run `deskbound ui` <now>.") == "Run <code>deskbound ui</code> &lt;now&gt;."
    assert coded("a ` alone") == "a ` alone"


@given(st.text())
def test_whatever_the_words_they_are_never_markup(text):
    said = coded(text).replace("<code>", "").replace("</code>", "")
    assert "<" not in said
    assert '"><script' not in mark(text + '"><script>')


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFoundError, 404), (ConfigError, 400), (BusyError, 503), (VaultDamagedError, 500)],
)
def test_an_error_has_its_status(error, status):
    assert status_of(error("It broke.")) == status
