"""``deskbound-audit witness``: its key, and how it ends."""

import pytest

from deskbound_audit.cli import app
from deskbound_audit.witness import Witness, load_key
from deskbound_audit.witness_remote import Source
from deskbound_server.cli import app as server
from deskbound_server.home import ServerHome
from deskbound_strategies.note import COSIGNATURE, Verifier
from deskbound_strategies.shell import exit_code_of

NAME = "privacy.example.org"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "witness"


@pytest.fixture
def bundle(tmp_path):
    """Of a server that is down."""
    home = ServerHome(tmp_path / "server")
    assert exit_code_of(server, ["--home", str(home.root), "init", "--port", "9"]) == 0
    path = tmp_path / "bundle.json"
    assert exit_code_of(server, ["--home", str(home.root), "witness", "bundle", str(path)]) == 0
    return path


@pytest.fixture
def say(folder):
    return lambda *words: exit_code_of(app, ["witness", *map(str, words), "--folder", str(folder)])


def test_a_key_is_made_once_and_printed_as_others_know_it(say, folder, capsys):
    assert say("init", NAME) == 0
    line = capsys.readouterr().out.strip()
    name, key = load_key(folder)
    assert line == str(Verifier(name, COSIGNATURE, key.public_key()))
    assert say("init", NAME) == 15
    assert load_key(folder)[1].private_bytes_raw() == key.private_bytes_raw()
    assert say("init", "a name") == 15


def test_a_name_that_cannot_be_one(say, folder, capsys):
    for name in ("a b", "zw\u00f6lf"):
        assert say("init", name) == 10
        assert "privacy.example.org" in capsys.readouterr().err
    assert not folder.exists()


def test_what_is_missing_is_said(say, folder, bundle, tmp_path):
    assert say("run", bundle, "--once") == 17, "no key yet"
    say("init", NAME)
    assert say("run", tmp_path / "none.json", "--once") == 17
    (tmp_path / "bad.json").write_text("{}")
    assert say("run", tmp_path / "bad.json", "--once") == 10


def test_a_server_that_is_down(say, bundle, capsys):
    say("init", NAME)
    capsys.readouterr()
    assert say("run", bundle, "--once") == 30
    assert "does not answer" in capsys.readouterr().err


def test_a_witness_that_raised_an_alarm_stays_down(say, folder, bundle, capsys):
    say("init", NAME)
    (folder / "alarm").write_bytes(b"the head that showed it")
    capsys.readouterr()
    assert say("run", bundle, "--once") == 50
    assert "alarm" in capsys.readouterr().err


def test_one_process_at_a_time(say, folder, bundle):
    say("init", NAME)
    with Witness(folder, Source.load(bundle)):
        assert say("run", bundle, "--once") == 15
