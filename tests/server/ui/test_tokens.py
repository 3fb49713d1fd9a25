"""Tokens: random, kept as hashes, gone when revoked; nothing else opens anything."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_server.home import ServerHome
from deskbound_server.ui.tokens import MOST_TOKENS, Role, TokenBook
from deskbound_strategies.errors import ConfigError, NotFoundError


@pytest.fixture
def home(tmp_path):
    made = ServerHome(tmp_path / "home")
    made.create()
    return made


@pytest.fixture
def book(home):
    return TokenBook(home)


def test_a_token_opens_its_role_until_it_is_revoked(book):
    viewer, secret = book.add(Role.VIEWER, "board", 7.9)
    other, other_secret = book.add(Role.METRICS, "", 8.0)
    assert book.find(secret) == viewer
    assert book.find(other_secret) == other
    assert (viewer.role, viewer.label, viewer.created) == (Role.VIEWER, "board", 7)
    assert book.revoke(viewer.id[:6]) == viewer
    assert book.find(secret) is None
    assert not book.holds(viewer)
    assert book.all() == [other]


def test_what_is_kept_is_private_and_is_no_token(book, home):
    secrets = [book.add(role, "", 1.0)[1] for role in Role]
    assert home.ui_tokens.stat().st_mode & 0o777 == 0o600
    kept = home.ui_tokens.read_text()
    for secret in secrets:
        name, random = secret.split(".")
        assert len(random) == 43, "256 bits"
        assert random not in kept
        assert book.find(name) is None
    assert len({row["hash"] for row in json.loads(kept)}) == len(secrets)


@given(given_=st.text(max_size=80))
def test_nothing_else_opens_anything(tmp_path_factory, given_):
    home = ServerHome(tmp_path_factory.getbasetemp() / "tokens")
    home.create()
    book = TokenBook(home)
    if not book.all():
        book.add(Role.OPERATOR, "", 1.0)
    assert book.find(given_) is None
    (kept,) = book.all()
    assert book.find(kept.hash) is None
    assert book.find(kept.id + "." + given_) is None


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"null", b"7", b"[7]", b"[{}]", b"\xff", b"[" * 100_000,
        b'[{"id":"a","role":"root","hash":"b","label":"","created":1}]',
        b'[{"id":"a","role":"viewer","hash":7,"label":"","created":1}]',
        b'[{"id":"a","role":"viewer","hash":"b","label":"","created":1,"more":1}]',
    ],
)  # fmt: skip
def test_a_file_that_was_changed_by_hand_opens_nothing(book, home, content):
    _, secret = book.add(Role.OPERATOR, "", 1.0)
    home.ui_tokens.write_bytes(content)
    with pytest.raises(ConfigError, match=r"ui-tokens\.json"):
        book.find(secret)


def test_names_that_do_not_do(book):
    one, _ = book.add(Role.VIEWER, "", 1.0)
    for name in ("", "zz", one.id + "0"):
        with pytest.raises(NotFoundError):
            book.revoke(name)
    for label in ("x" * 41, "<b>", "a\nb", " a"):
        with pytest.raises(ConfigError):
            book.add(Role.VIEWER, label, 1.0)
    assert book.all() == [one]


def test_there_are_only_so_many(book, monkeypatch):
    monkeypatch.setattr("deskbound_server.ui.tokens.MOST_TOKENS", 3)
    for _ in range(3):
        book.add(Role.VIEWER, "", 1.0)
    with pytest.raises(ConfigError, match="3 tokens already"):
        book.add(Role.VIEWER, "", 1.0)
    assert MOST_TOKENS > 3
