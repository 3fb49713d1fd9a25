"""``deskbound-server ui`` as a process, and the commands for its tokens."""

import json
import os
import re
import signal
import subprocess
import sys

import httpx
import pytest

from deskbound_server.cli import app
from deskbound_server.home import ServerHome
from deskbound_server.ui.tokens import TokenBook
from deskbound_strategies.pages.letter import FILE_NAME
from deskbound_strategies.shell import exit_code_of


@pytest.fixture
def home(tmp_path):
    return ServerHome(tmp_path / "home")


@pytest.fixture
def say(home):
    return lambda *words: exit_code_of(app, ["--home", str(home.root), *words])


def test_it_says_how_to_come_in_works_without_a_superlink_and_ends_calmly(say, home):
    say("init", "--port", "9")
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "deskbound_server.cli", "--home", str(home.root),
         "ui", "--no-browser", "--port", "0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "200"},
    )  # fmt: skip
    said = "".join(process.stdout.readline() for _ in range(4))
    address, code = re.search(r"http://[\d.:]+", said), re.search(r"code ([A-Z\d-]+)", said)
    assert address is not None, said
    assert code is not None, said
    letter = home.run / FILE_NAME
    assert letter.stat().st_mode & 0o777 == 0o600
    with httpx.Client(base_url=address[0], trust_env=False, timeout=60) as visitor:
        assert visitor.get("/").status_code == 401
        assert visitor.post("/enter", data={"code": code[1].lower()}).status_code == 200
        assert "Nothing was run yet" in visitor.get("/").text
        assert "does not answer" in visitor.get("/fleet").text
    process.send_signal(signal.SIGINT)
    _, trouble = process.communicate(timeout=60)
    assert (process.returncode, trouble) == (0, "")
    assert not letter.exists()


def test_a_token_is_shown_once_listed_without_itself_and_revoked(say, home, capsys):
    say("init", "--port", "9")
    capsys.readouterr()
    assert say("ui", "tokens") == 0
    assert "deskbound-server ui token" in capsys.readouterr().out
    assert say("ui", "token", "--role", "metrics", "--label", "prometheus") == 0
    first, secret = capsys.readouterr().out.splitlines()
    assert "metrics" in first
    kept = TokenBook(home).find(secret)
    assert kept is not None
    for words in (("ui", "tokens"), ("ui", "tokens", "--json")):
        assert say(*words) == 0
        shown = capsys.readouterr().out
        assert kept.id in shown
        assert secret not in shown
        assert kept.hash not in shown
    assert say("ui", "token", "--role", "viewer", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert TokenBook(home).find(made["token"]).role == "viewer"
    assert say("ui", "revoke", kept.id) == 0
    assert TokenBook(home).find(secret) is None
    assert say("ui", "revoke", kept.id) == 17


@pytest.mark.parametrize("words", [("ui",), ("ui", "tokens"), ("ui", "token", "--role", "viewer")])
def test_without_a_server_it_says_so(say, words, home):
    assert say(*words) == 17
    assert not home.ui_tokens.exists()


def test_a_role_that_is_none_is_refused(say):
    say("init", "--port", "9")
    assert say("ui", "token", "--role", "admin") == 2
