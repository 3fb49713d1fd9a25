"""A real server and laptops that do as they are told: real SuperNodes, scripted answers."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import RecordDict

from deskbound_client.federation.executor import free_port
from deskbound_client.federation.private_flwr import Runtime
from deskbound_server import enroll, pki, superlink
from deskbound_server.control import Control
from deskbound_server.database import Database
from deskbound_server.home import ServerHome, Settings
from deskbound_server.plan import RoundPlan
from deskbound_strategies.codec import Layout, encode
from deskbound_strategies.contract import PAYLOAD_TYPE, RoundContract
from deskbound_strategies.dsse import payload_of
from deskbound_strategies.stop_order import ORDER_TYPE, StopOrder
from deskbound_strategies.task import find_task
from deskbound_strategies.wire import (
    MAX_WEIGHTS_BYTES,
    is_stop,
    parse_request,
    parse_stop,
    reply_content,
    stopped_content,
)
from tests.helpers.log import Pen
from tests.helpers.patience import until

Script = Callable[[RoundContract], "RecordDict | bytes | None"]


def new_plan(**changes: object) -> RoundPlan:
    """A plan of two quick rounds for two laptops."""
    terms: dict[str, object] = {
        "task": "next_action", "profile": "research", "rounds": 2, "cohort": 2,
        "minimum_cohort": 2, "deadline_seconds": 60, "gather_seconds": 60,
        "sampling_rate": 0.1, "noise_multiplier": 1.5, "clip": 1.0, "steps": 2,
        "divisor": 8.0, "local_learning_rate": 0.1, "norm_bound": 1000.0, "held_out": "none",
    }  # fmt: skip
    return RoundPlan(**(terms | changes))


def write_plan(path: Path, plan: RoundPlan) -> Path:
    """Write a plan as TOML."""
    lines = []
    for name in RoundPlan.__slots__:
        value = getattr(plan, name)
        lines.append(f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value!r}")
    path.write_text("\n".join(lines))
    return path


def constant_update(layout: Layout, value: float) -> bytes:
    """An update that is the same everywhere."""
    return encode({s.name: np.full(s.shape, value, np.float32) for s in layout}, layout)


def answers_with(value: float) -> Script:
    """Answer every contract with a constant update and a receipt."""
    layout = find_task("next_action").layout()
    update = constant_update(layout, value)
    return lambda _: update


class ScriptedLaptop:
    """A real SuperNode whose tasks are answered by a script.

    Bytes are sent as an update with a receipt; None lets a task go unanswered. Orders to stop are
    answered as every laptop does.
    """

    def __init__(self, folder: Path, home: ServerHome, script: Script) -> None:
        folder.mkdir(parents=True)
        self.script, self.asked = script, list[RoundContract]()
        self._home, self._folder = home, folder
        self._stop = threading.Event()
        self._port = free_port()
        self._key = ec.generate_private_key(ec.SECP384R1())
        self.pen = Pen(self._port)
        self._write_files()

    def _write_files(self) -> None:
        private = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        (self._folder / "node.key").write_bytes(private)
        (self._folder / "secret").write_bytes(os.urandom(32))
        public = self._key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        self.public_key = self._folder / "node.pub"
        self.public_key.write_bytes(
            public + f" {enroll.ANCHOR_COMMENT}{self.pen.anchor}\n".encode()
        )

    def start(self) -> None:
        command = [
            str(Path(sys.executable).parent / "flower-supernode"),
            "--superlink", f"127.0.0.1:{self._home.settings().port}",
            "--root-certificates", str(self._home.ca_certificate),
            "--auth-supernode-private-key", str(self._folder / "node.key"),
            "--isolation", "process", "--host", "127.0.0.1", "--port", str(self._port),
            "--superexec-auth-secret-file", str(self._folder / "secret"),
        ]  # fmt: skip
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self._folder), "FLWR_HOME": str(self._folder),
            "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1",
        }  # fmt: skip
        with (self._folder / "supernode.log").open("ab") as log:
            self._node = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        runtime = Runtime(f"127.0.0.1:{self._port}", (self._folder / "secret").read_bytes())
        while not self._stop.wait(0.2):  # each look costs the SuperNode as much as us
            with suppress(Exception):
                claimed = runtime.claim()
                if claimed is not None:
                    with claimed:
                        self._answer(claimed)
        runtime.close()

    def _answer(self, claimed) -> None:
        content = claimed.pull(MAX_WEIGHTS_BYTES).content
        assert content is not None
        if is_stop(content):
            order = StopOrder.from_bytes(payload_of(parse_stop(content).envelope, ORDER_TYPE))
            claimed.answer(stopped_content(order.digest()))
            return
        envelope = parse_request(content).envelope
        contract = RoundContract.from_bytes(payload_of(envelope, PAYLOAD_TYPE))
        self.asked.append(contract)
        reply = self.script(contract)
        if isinstance(reply, bytes):
            receipt = self.pen.receipt(contract.digest())
            reply = reply_content(contract.digest(), "0.1.0", reply, receipt)
        if reply is not None:
            claimed.answer(reply)

    def stop(self) -> None:
        self._stop.set()
        with suppress(ProcessLookupError):
            os.killpg(self._node.pid, signal.SIGKILL)
        self._node.wait(30)
        self._thread.join(30)


@contextmanager
def server(root: Path) -> Iterator[ServerHome]:
    """Set up a server and keep it up for the length of a test."""
    home = ServerHome(root)
    pki.init(home, Settings("127.0.0.1", free_port(), "test"))
    superlink.start_detached(home)
    try:
        yield home
    finally:
        if superlink.supervisor_pid(home) is not None:
            superlink.stop(home)


@contextmanager
def laptops(home: ServerHome, root: Path, *scripts: Script) -> Iterator[list[ScriptedLaptop]]:
    """Enroll and start one laptop per script, and wait until all are connected."""
    made = [ScriptedLaptop(root / str(n), home, script) for n, script in enumerate(scripts)]
    database = Database.open(home.database)
    with Control(home) as control:
        for laptop in made:
            key = enroll.read_public_key(laptop.public_key)
            enroll.enroll(control, database, key, laptop.pen.anchor, "")
        database.close()
        try:
            for laptop in made:
                laptop.start()
            until(lambda: len(control.online()) == len(made), "all are connected", every=0.2)
            yield made
        finally:
            for laptop in made:
                laptop.stop()


def command(home: ServerHome, *arguments: str) -> list[str]:
    """The command line of ``deskbound-server`` for this home."""
    return [sys.executable, "-m", "deskbound_server.cli", "--home", str(home.root), *arguments]


def run_command(home: ServerHome, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        command(home, *arguments), capture_output=True, text=True, timeout=240, check=False
    )


def processes(home, word: str) -> list[int]:
    """Processes of this server whose command line has a word in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                ours = (
                    f"DESKBOUND_SERVER_HOME={home.root}\0".encode()
                    in (entry / "environ").read_bytes() + b"\0"
                )
                if ours and word.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
