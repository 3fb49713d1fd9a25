"""A home of one laptop for the commands under test."""

import pytest

from tests.helpers.cli import Desk


@pytest.fixture
def empty(tmp_path, capsys, monkeypatch):
    """A home without a vault; nobody is at the terminal."""
    monkeypatch.setenv("COLUMNS", "200")
    return Desk(tmp_path, capsys)


@pytest.fixture
def desk(empty):
    """A home with a new vault that opens by its passphrase file."""
    empty.init("--profile", "research")
    return empty
