"""Whoever runs the SuperLink is the attacker: real processes, real TLS, and lies of every sort.

Each attack has one of three ends, and each of them is in the laptop's ledger or costs nothing:
*refused* (a code from the closed list travels), *silent* (as if offline; the code stays here), or
*harmless* (the laptop answers, and what it says is the mechanism's noise within its budget).
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx
import numpy as np
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.proto.runtime_pb2 import AcquireTaskRequest
from flwr.supercore.constant import TaskType
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor
from flwr.supercore.runtime import RuntimeHttpClient

from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_strategies import codec, dsse, wire
from deskbound_strategies.anchors import Anchor
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.contract import PAYLOAD_TYPE
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.log_entries import contract_leaf
from deskbound_strategies.policy import PROFILES
from tests.helpers.federation import Desk, Server
from tests.helpers.log import MemoryLog
from tests.helpers.patience import until
from tests.helpers.processes import memory

pytestmark = pytest.mark.federation

STRANGER = Ed25519PrivateKey.from_private_bytes(b"a key that nobody was ever given")


@dataclass(frozen=True)
class Attack:
    """What is sent, and the code that answers it."""

    send: Callable[[Server, Desk], RecordDict]
    code: RefusalCode


def asking(**changes: object) -> Callable[[Server, Desk], RecordDict]:
    """A contract with hostile terms, signed and logged as it should be."""
    return lambda server, desk: server.message(server.request(server.contract(**changes)), desk)


def weighing(change: Callable[[bytes], bytes]) -> Callable[[Server, Desk], RecordDict]:
    """Hostile weights under a contract that names exactly them."""

    def send(server: Server, desk: Desk) -> RecordDict:
        weights = change(server.weights)
        asked = server.contract(model_hash=hashlib.sha256(weights).hexdigest())
        return server.message(server.request(asked, weights), desk)

    return send


def proving(change: Callable[[Server, Desk, bytes, int], bytes]) -> Callable[..., RecordDict]:
    """A good contract with a hostile proof."""

    def send(server: Server, desk: Desk) -> RecordDict:
        envelope, index = server.log.sign(server.contract(), server.key)
        proof = change(server, desk, envelope, index)
        return wire.contract_message(envelope, proof, server.weights)

    return send


def first_value(number: float) -> Callable[[bytes], bytes]:
    start = codec.HEADER_BYTES
    return lambda weights: weights[:start] + np.float32(number).tobytes() + weights[start + 4 :]


def an_honest_proof(server: Server, desk: Desk, _envelope: bytes, index: int) -> bytes:
    return server.log.prove(index, desk.anchor, older=range(1, server.log.tree.size))


def changed(**fields: object) -> Callable[..., bytes]:
    def change(server: Server, desk: Desk, envelope: bytes, index: int) -> bytes:
        proof = parse_canonical(an_honest_proof(server, desk, envelope, index))
        return canonical_bytes(proof | fields)

    return change


def of_a_strangers_log(_server: Server, desk: Desk, envelope: bytes, _index: int) -> bytes:
    other = MemoryLog(STRANGER, _server.log.origin)
    return other.prove(other.append(contract_leaf(envelope)), desk.anchor)


def of_the_leaf_before(server: Server, desk: Desk, _envelope: bytes, index: int) -> bytes:
    return server.log.prove(index - 1, desk.anchor)


def about_another_laptop(server: Server, _desk: Desk, _envelope: bytes, index: int) -> bytes:
    return server.log.prove(index, "f" * 64)


def not_logged_at_all(server: Server, desk: Desk) -> RecordDict:
    envelope = dsse.sign(server.contract().to_bytes(), PAYLOAD_TYPE, server.key)
    proof = server.log.prove(server.log.tree.size - 1, desk.anchor)
    return wire.contract_message(envelope, proof, server.weights)


def naming_a_map_that_never_was(server: Server, desk: Desk) -> RecordDict:
    return server.message(server.request(server.contract(anchors="a" * 64)), desk)


def with_a_stranger_s_signature(server: Server, desk: Desk) -> RecordDict:
    asked = server.contract()
    honest = server.request(asked)
    forged = dsse.sign(asked.to_bytes(), PAYLOAD_TYPE, STRANGER)
    return server.message(replace(honest, envelope=forged), desk)


def with_another_type_of_signature(server: Server, desk: Desk) -> RecordDict:
    asked = server.contract()
    honest = server.request(asked)
    other = dsse.sign(asked.to_bytes(), "application/vnd.deskbound.receipt+json", server.key)
    return server.message(replace(honest, envelope=other), desk)


def with_a_field_too_many(server: Server, desk: Desk) -> RecordDict:
    raw = parse_canonical(server.contract().to_bytes()) | {"shell": "rm"}
    envelope = dsse.sign(canonical_bytes(raw), PAYLOAD_TYPE, server.key)
    return server.message(replace(server.request(server.contract()), envelope=envelope), desk)


def with_a_command(_server: Server, _desk: Desk) -> RecordDict:
    return RecordDict({wire.RECORD: ConfigRecord({"exec": "curl", "weights": b""})})


def with_an_array_in_place_of_bytes(server: Server, desk: Desk) -> RecordDict:
    content = server.message(server.request(server.contract()), desk)
    content["arrays"] = ArrayRecord({"w": Array(np.ones(3, np.float32))})
    return content


def larger_than_the_floor_allows(server: Server, desk: Desk) -> RecordDict:
    bytes_allowed = PROFILES["research"].max_message_bytes
    return weighing(lambda _: bytes(bytes_allowed + 1))(server, desk)


def a_proof_without_end(server: Server, desk: Desk) -> RecordDict:
    honest = server.request(server.contract())
    return wire.contract_message(honest.envelope, b"1" * 200_000, honest.weights)


def a_contract_without_end(server: Server, desk: Desk) -> RecordDict:
    honest = server.message(server.request(server.contract()), desk)[wire.RECORD]
    return wire.contract_message(b"{" * 100_000, honest["proof"], server.weights)


NOW = int(time.time())
ATTACKS: dict[str, Attack] = {
    "no noise": Attack(asking(noise_multiplier=1e-6), RefusalCode.SIGMA_TOO_LOW),
    "a little less noise than the floor": Attack(
        asking(noise_multiplier=0.4999), RefusalCode.SIGMA_TOO_LOW
    ),
    "a huge clip": Attack(asking(clip=1e9), RefusalCode.CLIP_TOO_HIGH),
    "every unit in every step": Attack(asking(sampling_rate=1.0), RefusalCode.SAMPLING_TOO_HIGH),
    "every unit, once, where something is learned": Attack(
        asking(sampling_rate=1.0, steps=1), RefusalCode.SAMPLING_TOO_HIGH
    ),
    "steps without end": Attack(asking(steps=10**6), RefusalCode.STEPS_TOO_MANY),
    "one round for all the budget": Attack(
        asking(noise_multiplier=0.5, sampling_rate=0.5, steps=500), RefusalCode.EPSILON_TOO_HIGH
    ),
    "a cohort of one": Attack(asking(minimum_cohort=1), RefusalCode.COHORT_TOO_SMALL),
    "sessions of a second": Attack(asking(unit_seconds=1), RefusalCode.UNIT_NOT_ALLOWED),
    "sessions of one action": Attack(asking(unit_actions=1), RefusalCode.UNIT_NOT_ALLOWED),
    "units larger than memory": Attack(asking(unit_actions=2**40), RefusalCode.UNIT_NOT_ALLOWED),
    "another task": Attack(asking(task="keylogger"), RefusalCode.TASK_UNKNOWN),
    "another vocabulary": Attack(asking(vocabulary_hash="0" * 64), RefusalCode.VOCABULARY_MISMATCH),
    "a contract of last year": Attack(
        asking(issued=NOW - 31_536_000, deadline=NOW - 31_535_000), RefusalCode.CONTRACT_EXPIRED
    ),
    "a contract from the future": Attack(
        asking(issued=NOW + 86_400, deadline=NOW + 87_000), RefusalCode.CONTRACT_EXPIRED
    ),
    "a round that never ends": Attack(asking(deadline=2**52), RefusalCode.DEADLINE_TOO_FAR),
    "a client yet to be released": Attack(
        asking(client_version_min="9.0.0", client_version_below="10.0.0"),
        RefusalCode.CLIENT_VERSION,
    ),
    "another model than it signed for": Attack(
        asking(model_hash="0" * 64), RefusalCode.MODEL_MISMATCH
    ),
    "weights with a NaN": Attack(
        weighing(first_value(float("nan"))), RefusalCode.WEIGHTS_NOT_FINITE
    ),
    "weights with an infinity": Attack(
        weighing(first_value(float("-inf"))), RefusalCode.WEIGHTS_NOT_FINITE
    ),
    "weights of another type": Attack(
        weighing(lambda w: w + bytes(len(w) - codec.HEADER_BYTES)), RefusalCode.WEIGHTS_MALFORMED
    ),
    "an injected layer": Attack(
        weighing(lambda w: w[:8] + hashlib.sha256(b"more layers").digest() + w[40:]),
        RefusalCode.WEIGHTS_MALFORMED,
    ),
    "no weights": Attack(weighing(lambda _: b""), RefusalCode.WEIGHTS_MALFORMED),
    "more weights than the floor allows": Attack(
        larger_than_the_floor_allows, RefusalCode.MESSAGE_TOO_LARGE
    ),
    "a stranger's signature": Attack(with_a_stranger_s_signature, RefusalCode.CONTRACT_SIGNATURE),
    "a signature for something else": Attack(
        with_another_type_of_signature, RefusalCode.CONTRACT_SIGNATURE
    ),
    "a contract with one field more": Attack(with_a_field_too_many, RefusalCode.CONTRACT_MALFORMED),
    "a contract without end": Attack(a_contract_without_end, RefusalCode.MESSAGE_TOO_LARGE),
    "a command": Attack(with_a_command, RefusalCode.MESSAGE_MALFORMED),
    "an array beside the bytes": Attack(
        with_an_array_in_place_of_bytes, RefusalCode.MESSAGE_MALFORMED
    ),
    "a contract that is in no log": Attack(not_logged_at_all, RefusalCode.LOG_PROOF),
    "a log of a stranger's": Attack(proving(of_a_strangers_log), RefusalCode.LOG_PROOF),
    "a proof of another leaf": Attack(proving(of_the_leaf_before), RefusalCode.LOG_PROOF),
    "a proof about another laptop": Attack(proving(about_another_laptop), RefusalCode.LOG_PROOF),
    "a map of receipts that never was": Attack(naming_a_map_that_never_was, RefusalCode.LOG_PROOF),
    "a proof of nothing": Attack(proving(changed(inclusion=[])), RefusalCode.LOG_PROOF),
    "a proof at no place": Attack(proving(changed(index=2**60)), RefusalCode.LOG_PROOF),
    "a checkpoint of its own": Attack(
        proving(changed(checkpoint="log\n1\nAAAA\n\n\u2014 log AAAAAAAA\n")), RefusalCode.LOG_PROOF
    ),
    "a proof without end": Attack(a_proof_without_end, RefusalCode.MESSAGE_TOO_LARGE),
}


def entries(desk: Desk, kind: LedgerKind) -> list[dict]:
    return [entry.body for entry in desk.ledger() if entry.kind is kind]


@pytest.fixture(scope="module")
def siege(world):
    """All attacks on one laptop, as it takes them; then what its ledger says."""
    server, desk = world.server, world.desks[0]
    server.log.anchors.put(Anchor("f" * 64, 1, "0" * 64))  # some other laptop
    server.ask(desk, server.request(server.contract()))  # so that the log has something before
    paid = len(entries(desk, LedgerKind.RESERVE))
    sent = {
        server.send(attack.send(server, desk), desk)[0]: name for name, attack in ATTACKS.items()
    }
    answers = {
        sent[message.metadata.reply_to_message_id]: wire.parse_reply(message.content)
        for message in server.replies(list(sent), patience=180.0)
    }
    assert len(entries(desk, LedgerKind.RESERVE)) == paid, "an attack cost budget"
    return answers, [body["code"] for body in entries(desk, LedgerKind.REFUSE)]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_with_its_code_written_down_and_costs_nothing(siege, name):
    answers, written = siege
    assert answers[name] is ATTACKS[name].code
    assert written.count(ATTACKS[name].code.value) >= sum(
        attack.code is ATTACKS[name].code for attack in ATTACKS.values()
    )


def test_after_the_siege_an_honest_round_goes_on_as_before(world, siege):
    desk = world.desks[0]
    assert isinstance(
        world.server.ask(desk, world.server.request(world.server.contract())), wire.Reply
    )


@pytest.mark.parametrize("scale", [1e30, 1e-40, 0.0])
def test_trap_weights_get_noise_within_the_budget(world, scale):
    server, desk = world.server, world.desks[0]
    layout = server.task.layout()
    trap = {
        name: np.full_like(array, np.float32(scale))
        for name, array in codec.decode(server.weights, layout).items()
    }
    weights = codec.encode(trap, layout)
    asked = server.contract(model_hash=hashlib.sha256(weights).hexdigest())
    reply = server.ask(desk, server.request(asked, weights))
    assert isinstance(reply, wire.Reply)
    update = np.concatenate([a.ravel() for a in codec.decode(reply.update, layout).values()])
    assert np.isfinite(update).all()
    # steps x learning rate x (C + sigma C sqrt(d)) / divisor, and nothing beyond
    noise = asked.noise_multiplier * asked.clip * np.sqrt(update.size)
    most = asked.steps * asked.learning_rate * (1.1 * noise + 40 * asked.clip) / asked.divisor
    assert np.linalg.norm(update.astype(np.float64)) < most


def silent_after(world, desk: Desk, content: RecordDict, code: RefusalCode) -> None:
    """Send it, and wait until the laptop went offline with this code in its own ledger alone."""
    told = desk.codes().count("supernode reply-sent")
    world.server.send(content, desk)
    until(
        lambda: code.value in [body["code"] for body in entries(desk, LedgerKind.REFUSE)],
        f"{code.value} is written down",
    )
    until(lambda: desk.node not in world.fleet.online(), "it is offline")
    assert desk.codes().count("supernode reply-sent") == told, "something was answered"


def back_online(world, desk: Desk) -> None:
    desk.stop()
    desk.start()
    until(lambda: desk.node in world.fleet.online(), "it is back", patience=180.0)


def test_two_models_for_one_round_end_in_silence_and_in_the_log(world):
    server, desk = world.server, world.desks[1]
    first = server.contract(deadline=int(time.time()) + 60)
    assert isinstance(server.ask(desk, server.request(first)), wire.Reply)
    trap = first_value(7.0)(server.weights)
    other = server.contract(
        run=first.run, model_hash=hashlib.sha256(trap).hexdigest(), deadline=first.deadline
    )
    paid = len(entries(desk, LedgerKind.RESERVE))
    content = server.message(server.request(other, trap), desk)
    silent_after(world, desk, content, RefusalCode.MODEL_FORKED)
    assert len(entries(desk, LedgerKind.RESERVE)) == paid
    back_online(world, desk)


def test_a_second_history_ends_in_silence(world):
    server, desk = world.server, world.desks[1]
    assert isinstance(server.ask(desk, server.request(server.contract())), wire.Reply)
    fork = MemoryLog(server.log.key, server.log.origin)
    for number in range(server.log.tree.size + 3):
        fork.append(b"another history %d" % number)
    asked = server.contract(anchors=fork.anchors.digest(), deadline=int(time.time()) + 60)
    envelope, index = fork.sign(asked, server.key)
    proof = fork.prove(index, desk.anchor, older=range(1, fork.tree.size))
    content = wire.contract_message(envelope, proof, server.weights)
    silent_after(world, desk, content, RefusalCode.LOG_FORKED)
    back_online(world, desk)


def test_repeated_chunks_are_never_inflated(world):
    """5 MB that Flower would inflate to 2 GB: the laptop's memory does not move."""
    server, desk = world.server, world.desks[0]
    processes = [
        child
        for child in psutil.process_iter(["cmdline"])
        if any(str(desk.paths.home) in word for word in child.info["cmdline"] or ())
    ]
    before = sum(memory(child) for child in processes)
    array = Array(np.zeros(1_300_000, np.float32))
    bomb = RecordDict({"arrays": ArrayRecord({f"copy {n}": array for n in range(40)})})
    message = Message(bomb, dst_node_id=desk.node, message_type="train", group_id="1")
    (sent,) = server.grid.push_messages([message])
    (reply,) = server.replies([sent])
    assert wire.parse_reply(reply.content) is RefusalCode.MESSAGE_MALFORMED
    after = sum(memory(child) for child in processes)
    assert after - before < 150e6


def test_a_local_process_gets_no_task_without_the_secret(world):
    desk = world.desks[0]
    ports = {
        connection.laddr.port
        for child in psutil.process_iter(["cmdline"])
        if any(str(desk.paths.node_key) == word for word in child.info["cmdline"] or ())
        for connection in child.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert ports, "the SuperNode offers its runtime interface on loopback"
    for port in ports:
        client = RuntimeHttpClient.from_server_address(
            f"127.0.0.1:{port}", insecure=True, root_certificates=None, retry_invoker=None,
            interceptors=[RuntimeVersionHttpInterceptor(component_name="SuperExec")],
        )  # fmt: skip
        with pytest.raises(httpx.HTTPStatusError) as caught:
            client.AcquireTask(AcquireTaskRequest(supported_task_types=[TaskType.CLIENT_APP]))
        assert caught.value.response.status_code in {401, 403}
        client.close()


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_rounds_cost_no_more_than_the_cap(tmp_path, count):
    """Whatever a server asks for, and however often: the vault's own budget, without processes."""
    from tests.helpers.federation import new_desk
    from tests.helpers.privacy import a_lattice

    desk = new_desk(tmp_path / "desk")
    floor = replace(PROFILES["research"], rounds_per_day_max=count)
    with desk.vault() as vault:
        budget = Budget(LedgerStore(vault), floor)
        days = dict.fromkeys(vault.days(), "cut")
        charged = 0
        from tests.helpers.privacy import a_round

        for number in range(1, count + 1):
            asked = replace(
                a_round(number), noise_multiplier=0.5 + number % 7 / 4, steps=1 + number % 40
            )
            charged += budget.reserve(asked, days, a_lattice(asked)) is not None
        assert 0 < charged < count
        for day in days:
            epsilon, delta = budget.spent(day)
            assert epsilon <= floor.epsilon_day
            assert delta <= floor.delta_day
