"""The private parts of flwr 1.41 that the server leans on: gone or changed, this says which."""

import importlib
import inspect
from importlib.metadata import version

import httpx
import pytest
from flwr.common.constant import HEARTBEAT_DEFAULT_INTERVAL
from flwr.supercore.constant import FLEET_HTTP_PUBLIC_KEY_HEADER
from flwr.supercore.inflatable.inflatable_object import get_object_tree, iterate_object_tree
from flwr.superlink import extensions
from flwr.superlink import main as superlink_main
from flwr.superlink.grid import HttpGrid
from flwr.supernode import fleet_http_client, fleet_http_connection

from deskbound_server import control as module
from deskbound_server import pki
from deskbound_server.control import Control, check_flwr
from deskbound_server.home import ServerHome, Settings
from deskbound_server.recall import HEARTBEAT_PATH, KEY_HEADER, SECONDS
from deskbound_strategies.errors import ConfigError, UnreachableError

NEWS = "flwr's inside has changed: read deskbound_server.control, strict_grid and link again"


def test_the_installed_flower_is_the_known_one(monkeypatch):
    assert version("flwr").startswith("1.41."), NEWS
    check_flwr()
    monkeypatch.setattr(module, "version", lambda _: "1.42.0")
    with pytest.raises(ConfigError, match=r"1\.42"):
        check_flwr()


def test_flower_still_asks_extensions_for_the_outermost_middleware(monkeypatch):
    asked = []
    monkeypatch.setattr(extensions, "get_middleware", lambda: asked.append(1) or ("ours",))
    assert superlink_main._get_middleware()[0] == "ours", NEWS
    assert asked, NEWS


def test_flower_still_serves_through_uvicorn_run():
    # The package exports a function of the same name, so the module is not an attribute of it.
    module_ = importlib.import_module("flwr.superlink.cli.flower_superlink")
    assert "uvicorn.run(" in inspect.getsource(module_._run_superlink_http_api), NEWS


@pytest.mark.parametrize("name", ["_runtime_client", "run", "push_messages", "get_node_ids"])
def test_the_grid_has_what_the_strict_reader_uses(name):
    assert hasattr(HttpGrid, name), NEWS


def test_object_trees_are_as_the_strict_reader_expects():
    from flwr.app import ConfigRecord, RecordDict

    tree = get_object_tree(RecordDict({"deskbound": ConfigRecord({"a": b"x"})}))
    assert len(list(iterate_object_tree(tree))) == 2, NEWS


def test_a_supernode_still_ends_when_its_heartbeat_is_answered_with_401():
    source = inspect.getsource(fleet_http_connection)
    assert "httpx.codes.UNAUTHORIZED" in source, NEWS
    assert "os.kill(os.getpid(), signal.SIGINT)" in source, NEWS
    assert f'"{HEARTBEAT_PATH}"' in inspect.getsource(fleet_http_client), NEWS
    assert FLEET_HTTP_PUBLIC_KEY_HEADER.encode() == KEY_HEADER, NEWS
    assert HEARTBEAT_DEFAULT_INTERVAL <= SECONDS, NEWS


def test_no_superlink_is_one_sentence(tmp_path):
    home = ServerHome(tmp_path / "home")
    pki.init(home, Settings("127.0.0.1", 9, "x"))
    with Control(home) as control, pytest.raises(UnreachableError):
        control.online()


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_an_answer_that_is_no_success_tells_its_status_only(tmp_path, status):
    home = ServerHome(tmp_path / "home")
    pki.init(home, Settings("127.0.0.1", 9, "x"))
    with Control(home) as control:
        control._client._client = httpx.Client(
            transport=httpx.MockTransport(lambda _: httpx.Response(status, text="inner secret"))
        )
        with pytest.raises(ConfigError) as error:
            control.online()
    assert str(status) in error.value.sentence
    assert "secret" not in error.value.sentence + error.value.mend
