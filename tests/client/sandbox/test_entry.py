"""Real workers in their sandboxes: the vault opens, the keystore turns, thumbnails are taken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import STREAMS
from deskbound_client.config_edit import set_value
from deskbound_client.processes import worker
from deskbound_client.sandbox.confine import possible
from tests.helpers.cli import PASSPHRASE, desk, empty
from tests.helpers.display import agree, desktop, eventually

__all__ = ["desk", "desktop", "empty"]
pytestmark = pytest.mark.skipif(not possible().whole, reason="this system confines less")


def started(role, paths, environment=os.environ):
    process = subprocess.Popen(
        worker(role, "--home", str(paths.home)),
        env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdin.write(PASSPHRASE + "\n")
    process.stdin.flush()
    return process


def ended(process):
    process.stdin.close()
    process.stdout.close()
    return process.wait(60)


def told(paths, role):
    return json.loads(paths.sandbox_report(role).read_bytes())


@pytest.mark.display
def test_capture_works_in_its_sandbox(desk, desktop):
    """Keys and thumbnails of a real display reach a real vault, behind the closed door."""
    set_value(desk.paths.config, "thumbnail_seconds", 1.0)
    set_value(desk.paths.config, "sandbox", "required")
    with desk.vault() as vault:
        control = Control.open(desk.paths.control)
        agree(vault, control, sum(one.bit for one in STREAMS))
        control.close()
    process = started("capture", desk.paths, os.environ | desktop.environment)
    try:
        assert process.stdout.readline() == "ready\n"
        state = Path(f"/proc/{process.pid}/status").read_text()
        assert "Seccomp:\t2" in state
        assert "NoNewPrivs:\t1" in state
        assert told(desk.paths, "capture")["seccomp"] is True
        desktop.activate(desktop.open("xterm"))

        def kept():
            desktop.type("hello")
            with desk.vault() as vault:
                days = [vault.day(day) for day in vault.days()]
                return any(list(day.thumbs()) and list(day.actions()) for day in days)

        eventually(kept, "keys and a thumbnail", 30)
    finally:
        assert ended(process) == 0


def test_the_executor_ends_where_it_cannot_be_confined(desk, monkeypatch, tmp_path):
    """A system that is no Linux, as far as this process can tell, and a required sandbox."""
    set_value(desk.paths.config, "sandbox", "required")
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nreal = os.uname()\nos.uname = lambda: type(real)((*real[:4], 'riscv64'))\n"
    )
    process = started("executor", desk.paths, os.environ | {"PYTHONPATH": str(tmp_path)})
    said = process.stdout.read()
    assert ended(process) == 19
    assert "SandboxError" in said


def test_a_key_in_the_systems_keystore_is_reached_through_the_doorman(tmp_path):
    """Load and replace from inside, where no bus can be spoken to; the keystore stays outside."""
    program = """
import sys
from pathlib import Path
from deskbound_client.config import Config
from deskbound_client.paths import HomePaths
from deskbound_client.sandbox import entry
from deskbound_client.store.files import replace_private
from deskbound_client.store.vault import Vault
from tests.helpers.store import FileKeystore
home, key = Path(sys.argv[1]), Path(sys.argv[2])
paths = HomePaths(home)
paths.prepare()
Vault.create(home, FileKeystore(key)).close()
replace_private(home / "keystore.json", b'{"kind": "keyring", "entry": "vault-1"}')
entry.KeyringKeystore = lambda _: FileKeystore(key)
inside = entry.enter("executor", paths, Config(sandbox="required"))
try:
    key.read_bytes()
except PermissionError:
    print("closed")
with Vault.open(home, inside.keystore) as vault:
    before = inside.keystore.load()
    inside.keystore.replace(before)
    print("open", inside.port > 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "home"), str(tmp_path / "key")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.split("\n")[:2] == ["closed", "open True"], done.stderr
