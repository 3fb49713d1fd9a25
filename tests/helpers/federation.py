"""A real fleet on loopback: SuperLink over TLS, laptops with agents, and a server that may lie.

``Fleet.run`` takes the ServerApp's task itself instead of a SuperExec, so that a test can send
whatever a hostile server could.
"""

import hashlib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)
from flwr.app import Message, RecordDict
from flwr.common.serde import fab_to_proto, user_config_to_proto
from flwr.proto.control_pb2 import StartRunRequest
from flwr.proto.runtime_pb2 import AcquireTaskRequest, PullTaskInputRequest
from flwr.supercore.constant import TaskType
from flwr.supercore.fab import Fab
from flwr.supercore.heartbeat import HeartbeatSender, make_task_heartbeat_fn_http
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor, SuperExecAuthHttpInterceptor
from flwr.supercore.run import Run
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supercore.task_identity import TaskIdentity
from flwr.superlink.grid.http_grid import HttpGrid

from deskbound_client import agent, consent
from deskbound_client.capture.control import Control as Pause
from deskbound_client.capture.signals import KEYS, SIGNALS
from deskbound_client.federation.executor import free_port
from deskbound_client.federation.join import join
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floor_keeper import floor_in_force
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.files import create_private
from deskbound_client.store.keystore import choose_keystore
from deskbound_client.store.rows import GENERATED, StoredAction
from deskbound_client.store.vault import Vault
from deskbound_server import pki, superlink
from deskbound_server.control import Control
from deskbound_server.enroll import read_anchor
from deskbound_server.home import ServerHome, Settings
from deskbound_strategies import codec, wire
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.ledger import LedgerEntry
from deskbound_strategies.log_entries import Receipt, receipt_leaf
from deskbound_strategies.pointer import POINTER_SHA256, pointer_fab
from deskbound_strategies.task import find_task, weights_of
from deskbound_strategies.vocabulary import APPS, TOKENS, VOCABULARY_HASH
from tests.helpers.log import MemoryLog
from tests.helpers.patience import PATIENCE, until

PASSPHRASE = "four unrelated plain words"


@dataclass
class Desk:
    """One laptop of the fleet."""

    paths: HomePaths
    node: int = 0
    anchor: str = ""

    @contextmanager
    def vault(self) -> Iterator[Vault]:
        with Vault.open(self.paths.home, choose_keystore(self.paths.home, lambda: PASSPHRASE)) as v:
            yield v

    def ledger(self) -> list[LedgerEntry]:
        with self.vault() as vault:
            return list(LedgerStore(vault).entries())

    def start(self) -> agent.AgentStatus:
        return agent.start(self.paths, PASSPHRASE, capture=False)

    def stop(self) -> None:
        agent.stop(self.paths)

    def pause(self) -> None:
        control = Pause.open(self.paths.control)
        control.pause()
        control.close()

    def resume(self) -> None:
        control = Pause.open(self.paths.control)
        control.resume()
        control.close()

    def codes(self) -> list[str]:
        """What the agent wrote down, without times."""
        lines = self.paths.agent_log.read_text(encoding="ascii").splitlines()
        return [line.partition(" ")[2] for line in lines]


def new_desk(home: Path, *, days: int = 3, profile: str = "research", updates: bool = True) -> Desk:
    """Make a laptop with a small vault of random activity, everything agreed to."""
    paths = HomePaths(home)
    paths.prepare()
    create_private(paths.floor, f'profile = "{profile}"\n'.encode())
    settings = "training_only_on_mains = false\ntraining_only_when_idle = false\n"
    create_private(paths.config, settings.encode())
    keystore = choose_keystore(home, lambda: PASSPHRASE, kind="passphrase")
    Pause.create(paths.control).close()
    with Vault.create(home, keystore) as vault:
        ledger = LedgerStore(vault)
        floor_in_force(paths, vault)
        for signal in SIGNALS:
            if updates or signal.name != "updates":
                consent.grant(vault, signal.name, ledger)
        for back in range(days, 0, -1):
            fill(vault, back, seed=back)
    return Desk(paths)


def fill(vault: Vault, days_ago: int, seed: int, count: int = 200) -> None:
    """Store one day of random actions, in sessions of about twenty."""
    rng = np.random.default_rng(seed)
    noon = datetime.now().astimezone().replace(hour=12, minute=0, second=0, microsecond=0)
    at = int((noon - timedelta(days=days_ago)).timestamp())
    rows = []
    for number in range(count):
        at += 300 if number % 20 == 0 else 2
        token, app = int(rng.integers(len(TOKENS))), int(rng.integers(len(APPS)))
        rows.append(StoredAction(token, app, 1, at, stream=KEYS, source=GENERATED))
    vault.append(rows)


class Fleet:
    """A SuperLink and whoever is enrolled."""

    def __init__(self, home: ServerHome) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        settings = self.home.settings()
        with (self.home.run / "superlink.log").open("ab") as log:
            self.process = subprocess.Popen(
                superlink.superlink_command(self.home, settings),
                env=superlink.environment(self.home),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home.run,
            )
        until(lambda: superlink.answers(self.home), "the SuperLink answers")

    def down(self) -> None:
        if self.process is not None:
            self.process.kill()  # SIGTERM would wait for connections that nobody closes
            self.process.wait(30)

    def enroll(self, desk: Desk) -> None:
        """Join the laptop to the fleet and let it in."""
        with desk.vault() as vault:
            public = join(desk.paths, self.home.join_bundle, LedgerStore(vault))
        key = load_ssh_public_key(public.read_bytes())
        desk.anchor = read_anchor(public)
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with Control(self.home) as control:
            desk.node = control.register(pem, "laptop")

    def revoke(self, desk: Desk) -> None:
        with Control(self.home) as control:
            control.unregister(desk.node)

    def online(self) -> set[int]:
        with Control(self.home) as control:
            return control.online()

    def run(self, bundle: bytes | None = None) -> "Server":
        """Start a run and be its ServerApp."""
        fab = pointer_fab() if bundle is None else bundle
        digest = hashlib.sha256(fab).hexdigest()
        assert bundle is not None or digest == POINTER_SHA256
        request = StartRunRequest(
            fab=fab_to_proto(Fab(digest, fab, {})),
            override_config=user_config_to_proto({"run": "test"} if bundle is None else {}),
        )
        with Control(self.home) as control:
            control._client.StartRun(request)
        return Server(self.home)


_LOGS: dict[Path, MemoryLog] = {}


def log_of(home: ServerHome) -> MemoryLog:
    """The log of a server, the same for all its runs: laptops remember it."""
    if home.root not in _LOGS:
        _LOGS[home.root] = MemoryLog(pki.log_key(home), pki.log_verifier(home).name)
    return _LOGS[home.root]


class Server:
    """The server's side of one run, which sends what the test says."""

    def __init__(self, home: ServerHome) -> None:
        self.home = home
        address = f"127.0.0.1:{home.settings().port}"
        trust = home.ca_certificate.read_bytes()
        secret = SuperExecAuthHttpInterceptor(
            master_secret=home.superexec_secret.read_bytes(),
            protected_methods={"/flwr.proto.Runtime/AcquireTask"},
        )
        version = RuntimeVersionHttpInterceptor(component_name="SuperExec")
        client = RuntimeHttpClient.from_server_address(
            address, insecure=False, root_certificates=trust, interceptors=[version, secret]
        )
        request = AcquireTaskRequest(supported_task_types=[TaskType.SERVER_APP])
        claimed = until(lambda: _claimed(client, request), "the ServerApp's task")
        self.grid = HttpGrid(address, False, trust, token=claimed.token)
        got = self.grid._runtime_client.PullTaskInput(PullTaskInputRequest())
        self.grid.set_run(Run.create_empty(got.run.run_id))
        TaskIdentity.task_id, TaskIdentity.run_id = got.task_id, got.run.run_id
        TaskIdentity.node_id = got.context.node_id
        self.heartbeat = HeartbeatSender(make_task_heartbeat_fn_http(self.grid._runtime_client))
        self.heartbeat.start()
        self.key = pki.contract_key(home)
        self.log = log_of(home)
        self.task = find_task("next_action")
        weights = weights_of(self.task.build_model(1))
        self.weights = codec.encode(weights, self.task.layout())

    def close(self) -> None:
        self.heartbeat.stop()
        self.grid.close()

    def contract(self, **changes: object) -> RoundContract:
        """A contract that the research floor accepts."""
        now = int(time.time())
        terms = RoundContract(
            run=hashlib.sha256(str(time.time_ns()).encode()).hexdigest()[:32],
            round=1,
            task="next_action",
            profile="research",
            vocabulary_hash=VOCABULARY_HASH,
            model_hash=hashlib.sha256(self.weights).hexdigest(),
            anchors=self.log.anchors.digest(),
            unit="session",
            unit_seconds=600,
            unit_actions=256,
            sampling_rate=0.1,
            noise_multiplier=2.0,
            clip=1.0,
            steps=2,
            divisor=4.0,
            local_optimizer="sgd",
            learning_rate=0.1,
            aggregation="plain",
            minimum_cohort=2,
            issued=now - 1,
            deadline=now + 300,
            client_version_min="0.1.0",
            client_version_below="0.2.0",
        )
        return replace(terms, **changes)  # type: ignore[arg-type]

    def request(self, asked: RoundContract, weights: bytes | None = None) -> "Request":
        """A signed and logged request; the proof in it is made for each laptop."""
        envelope, index = self.log.sign(asked, self.key)
        return Request(envelope, index, self.weights if weights is None else weights)

    def message(self, request: "Request", desk: Desk) -> RecordDict:
        """What one laptop gets; all heads of the log that there were are proven to have grown."""
        older = range(1, self.log.tree.size)
        proof = self.log.prove(request.index, desk.anchor, older=older)
        return wire.contract_message(request.envelope, proof, request.weights)

    def send(
        self, content: "RecordDict | Request", *desks: Desk, message_type: str = "train"
    ) -> list[str]:
        """Push one message to each laptop; return the messages' ids."""
        messages = [
            Message(
                self.message(content, desk) if isinstance(content, Request) else content,
                dst_node_id=desk.node,
                message_type=message_type,
                group_id="1",
            )
            for desk in desks
        ]
        return list(self.grid.push_messages(messages))

    def take(self, reply: wire.Reply) -> None:
        """Log the receipt that came with a reply."""
        self.log.append(receipt_leaf(reply.receipt))
        self.log.anchors.put(Receipt.open(reply.receipt).anchor)

    def replies(self, ids: list[str], patience: float = PATIENCE) -> list[Message]:
        """Wait for all replies."""
        waiting, found = set(ids), []
        deadline = time.monotonic() + patience
        while waiting and time.monotonic() < deadline:
            for message in self.grid.pull_messages(list(waiting)):
                waiting.discard(message.metadata.reply_to_message_id)
                found.append(message)
            time.sleep(0.1)  # between two looks; a reply ends the wait, and its absence fails
        assert not waiting, "a laptop did not reply"
        return found

    def ask(
        self, desk: Desk, content: "RecordDict | Request", **more: str
    ) -> wire.Reply | RefusalCode:
        """Send to one laptop, and read its reply as the real server would."""
        (message,) = self.replies(self.send(content, desk, **more))
        assert message.has_content(), f"an error travelled: {message.error}"
        reply = wire.parse_reply(message.content)
        if isinstance(reply, wire.Reply):
            self.take(reply)
        return reply


@dataclass(frozen=True)
class Request:
    """A signed contract, its place in the log, and the weights beside it."""

    envelope: bytes
    index: int
    weights: bytes


def _claimed(client: RuntimeHttpClient, request: AcquireTaskRequest) -> object:
    response = client.AcquireTask(request)
    return response if response.token else None


@contextmanager
def fleet(root: Path) -> Iterator[Fleet]:
    """Start a SuperLink with keys of its own."""
    home = ServerHome(root)
    pki.init(home, Settings("127.0.0.1", free_port(), "test"))
    made = Fleet(home)
    try:
        made.up()
        yield made
    finally:
        made.down()
