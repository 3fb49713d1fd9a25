"""The real SuperLink: how it is started, what it lets through, and that nothing outlives it."""

import http.client
import ssl
import subprocess

import pytest

from deskbound_server import pki, superlink
from deskbound_server.home import ServerHome, Settings
from deskbound_strategies.errors import BusyError, NotFoundError, UnreachableError
from tests.helpers import server as real


def test_a_server_for_this_machine_listens_on_loopback_only(tmp_path):
    home = ServerHome(tmp_path)
    here = superlink.superlink_command(home, Settings("127.0.0.1", 1, "x"))
    there = superlink.superlink_command(home, Settings("learn.example.org", 1, "x"))
    assert here[here.index("--host") + 1] == "127.0.0.1"
    assert there[there.index("--host") + 1] == "0.0.0.0"
    for command in (here, there):
        assert "--insecure" not in command
        assert {"--enable-supernode-auth", "--superexec-auth-secret-file"} <= set(command)
        assert "--disable-runtime-dependency-installation" in command


def test_a_folder_where_somebody_else_writes_lends_no_code(tmp_path):
    command = superlink.superlink_command(ServerHome(tmp_path), Settings("127.0.0.1", 1, "x"))
    (tmp_path / "deskbound_server").mkdir()
    (tmp_path / "deskbound_server" / "__init__.py").write_text("raise SystemExit(99)")
    module = command.index("-m") + 1
    probe = [*command[: module + 1], "--help"]
    found = subprocess.run(probe, cwd=tmp_path, capture_output=True, check=False)
    assert found.returncode != 99


def test_nobody_is_told_anything(tmp_path, monkeypatch):
    monkeypatch.setenv("FLWR_TELEMETRY_ENABLED", "1")
    monkeypatch.setenv("FLWR_LOG_LEVEL", "DEBUG")
    environment = superlink.environment(ServerHome(tmp_path))
    assert environment["FLWR_TELEMETRY_ENABLED"] == "0"
    assert environment["FLWR_DISABLE_UPDATE_CHECK"] == "1"
    assert "FLWR_LOG_LEVEL" not in environment


def test_a_port_that_is_taken_is_one_sentence(tmp_path, monkeypatch):
    import socket

    monkeypatch.setattr(superlink, "START_SECONDS", 6.0)
    home = ServerHome(tmp_path / "home")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        pki.init(home, Settings("127.0.0.1", taken.getsockname()[1], "x"))
        with pytest.raises(UnreachableError):
            superlink.start_detached(home)
    real.until(lambda: superlink.supervisor_pid(home) is None, "the supervisor is gone")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with real.server(tmp_path_factory.mktemp("server") / "home") as made:
        yield made


def status(home, method, path, body=None, **headers):
    trust = ssl.create_default_context(cafile=str(home.ca_certificate))
    link = http.client.HTTPSConnection("127.0.0.1", home.settings().port, context=trust, timeout=60)
    link.request(method, path, body, headers)
    answer = link.getresponse().status
    link.close()
    return answer


@pytest.mark.federation
def test_the_gate_stands_in_front_of_the_real_superlink(home):
    assert status(home, "GET", "/health") == 200
    for path in ("start-run", "register-node", "list-nodes", "stop-run"):
        assert status(home, "POST", f"/v1/control/{path}", b"") == 403
    assert status(home, "GET", "/docs") == 403
    assert status(home, "GET", "/openapi.json") == 403
    big = {"Content-Length": str(10**9)}
    assert status(home, "POST", "/v1/fleet/push-object", None, **big) == 413
    # A path of the fleet reaches Flower, which wants a laptop's signature.
    assert status(home, "POST", "/v1/fleet/pull-messages", b"") in {400, 401, 415, 422}


@pytest.mark.federation
def test_without_the_secret_nobody_takes_a_serverapp(home):
    assert status(home, "POST", "/v1/runtime/acquire-task", b"") in {400, 401, 403, 415}


@pytest.mark.federation
def test_it_is_up_once(home):
    with pytest.raises(BusyError):
        superlink.start_detached(home)
    assert superlink.supervisor_pid(home) is not None


@pytest.mark.federation
def test_down_leaves_no_process_and_no_pid(home):
    assert real.processes(home, "deskbound_server.link")
    superlink.stop(home)
    assert superlink.supervisor_pid(home) is None
    assert not real.processes(home, "deskbound_server.link")
    assert not real.processes(home, "superexec")
    assert not (home.run / "up.pid").exists()
    with pytest.raises(NotFoundError):
        superlink.stop(home)
