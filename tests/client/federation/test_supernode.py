"""How the SuperNode is started, and what may be kept of what it writes."""

import string

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.federation import supernode
from deskbound_client.federation.join import Server
from deskbound_client.paths import HomePaths
from deskbound_strategies.errors import UnreachableError, UntrustedServerError
from tests.helpers.log import MemoryLog

SERVER = Server(
    "link.example.org:8000",
    "",
    Ed25519PrivateKey.generate().public_key(),
    MemoryLog().verifier,
    "fleet",
)


def test_it_is_isolated_pinned_and_named(tmp_path):
    command = supernode.command(SERVER, HomePaths(tmp_path), 4000)
    assert command[command.index("--isolation") + 1] == "process"
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--root-certificates") + 1] == str(tmp_path / "server" / "ca.pem")
    assert "--superexec-auth-secret-file" in command
    assert "--auth-supernode-private-key" in command
    assert "--insecure" not in command


def test_its_environment_is_ours_alone(tmp_path, monkeypatch):
    for name in ("HTTPS_PROXY", "FLWR_LOG_LEVEL", "DESKBOUND_X", "PYTHONPATH", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("FLWR_TELEMETRY_ENABLED", "1")
    found = supernode.environment(HomePaths(tmp_path))
    assert found["FLWR_TELEMETRY_ENABLED"] == "0"
    assert found["FLWR_DISABLE_UPDATE_CHECK"] == "1"
    assert found["FLWR_HOME"].startswith(str(tmp_path))
    assert not {
        "HTTPS_PROXY",
        "FLWR_LOG_LEVEL",
        "DESKBOUND_X",
        "PYTHONPATH",
        "SSL_CERT_FILE",
    } & set(found)


def test_the_secret_is_new_at_each_start_and_private(tmp_path):
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    supernode.fresh_secret(paths)
    first = paths.superexec_secret.read_bytes()
    supernode.fresh_secret(paths)
    assert paths.superexec_secret.read_bytes() != first
    assert len(first) == supernode.SECRET_BYTES
    assert paths.superexec_secret.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("INFO :      SuperNode ID: 123456", "connected"),
        ("INFO :      Receiving: train message (ID: abc)", "message-received"),
        ("ERROR:      Exit Code: 305", "exit-305"),
        ("[code: 2004] Failed to activate SuperNode.", "superlink-2004"),
        ("ERROR:      Something about C:\\secret.txt", "error"),
        ("INFO :      [RUN 42, ROUND 1]", ""),
    ],
)
def test_lines_become_codes(line, kept):
    assert supernode.scrub(line) == kept


@given(st.text(alphabet=string.printable, max_size=200))
def test_no_text_of_a_line_survives(text):
    kept = supernode.scrub(text)
    known = {event for _, event in supernode._EVENTS} | {"", "error", "critical"}
    head, _, number = kept.rpartition("-")
    assert kept in known or (head in {"exit", "superlink"} and number.isdigit())


@pytest.mark.parametrize(
    ("finding", "error"),
    [
        (supernode.Finding.REACHED, None),
        (supernode.Finding.UNREACHABLE, UnreachableError),
        (supernode.Finding.UNTRUSTED, UntrustedServerError),
    ],
)
def test_what_was_found_becomes_a_sentence_that_names_the_server(finding, error):
    found = supernode.meaning(finding, SERVER)
    assert type(found) is (error or type(None))
    assert found is None or (SERVER.superlink in found.sentence and found.mend)
