"""A hostile server over the real wire: each move gets its code, a ledger entry, and no budget."""

import hashlib
import io
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, RecordDict
from flwr.supercore.task_identity import TaskIdentity

from deskbound_strategies import codec, wire
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.ledger_bodies import LedgerKind

pytestmark = pytest.mark.federation


@pytest.fixture
def desk(world):
    return world.desks[0]


def refusals(desk):
    return [e.body for e in desk.ledger() if e.kind is LedgerKind.REFUSE]


def reserves(desk):
    return sum(e.kind is LedgerKind.RESERVE for e in desk.ledger())


OUTSIDE = {
    "noise_multiplier": (0.1, RefusalCode.SIGMA_TOO_LOW),
    "clip": (1e6, RefusalCode.CLIP_TOO_HIGH),
    "sampling_rate": (0.99, RefusalCode.SAMPLING_TOO_HIGH),
    "steps": (100_000, RefusalCode.STEPS_TOO_MANY),
    "minimum_cohort": (1, RefusalCode.COHORT_TOO_SMALL),
    "vocabulary_hash": ("0" * 64, RefusalCode.VOCABULARY_MISMATCH),
    "model_hash": ("0" * 64, RefusalCode.MODEL_MISMATCH),
    "task": ("keylogger", RefusalCode.TASK_UNKNOWN),
    "client_version_min": ("9.0.0", RefusalCode.CLIENT_VERSION),
    "deadline": (2**40, RefusalCode.DEADLINE_TOO_FAR),
}


def poisoned(server):
    """Weights of the right size with a NaN among them."""
    weights = bytearray(server.weights)
    start = codec.HEADER_BYTES
    weights[start : start + 4] = np.float32("nan").tobytes()
    return bytes(weights)


@pytest.fixture(scope="module")
def outcomes(world):
    """All contracts at once: the SuperNode takes one after the other without pausing between."""
    server, desk = world.server, world.desks[0]
    before = reserves(desk)
    asked = {
        field: (server.contract(**{field: value}), server.weights, code)
        for field, (value, code) in OUTSIDE.items()
    }
    for name, weights, code in (
        ("not finite", poisoned(server), RefusalCode.WEIGHTS_NOT_FINITE),
        ("wrong shape", server.weights[:-4], RefusalCode.WEIGHTS_MALFORMED),
        ("another layout", server.weights[:8] + bytes(len(server.weights) - 8),
         RefusalCode.WEIGHTS_MALFORMED),
    ):  # fmt: skip
        digest = hashlib.sha256(weights).hexdigest()
        asked[name] = server.contract(model_hash=digest), weights, code
    sent = {
        server.send(server.request(terms, weights), desk)[0]: name
        for name, (terms, weights, _) in asked.items()
    }
    replies = {
        sent[reply.metadata.reply_to_message_id]: wire.parse_reply(reply.content)
        for reply in server.replies(list(sent))
    }
    written = refusals(desk)
    assert reserves(desk) == before, "a refused contract cost budget"
    return {name: (asked[name], replies[name], written) for name in asked}


@pytest.mark.parametrize("case", [*OUTSIDE, "not finite", "wrong shape", "another layout"])
def test_what_is_outside_is_refused_with_its_code_and_written_down(outcomes, case):
    (terms, _, code), reply, written = outcomes[case]
    assert reply is code
    assert {"contract": terms.digest(), "code": code.value} in written


def test_another_attempt_at_a_round_is_another_charge(world, desk):
    before, run = reserves(desk), "ab" * 16
    for seconds_ago in (1, 2):  # a contract names the log's receipts, so one after the other
        attempt = world.server.contract(run=run, issued=int(time.time()) - seconds_ago)
        reply = world.server.ask(desk, world.server.request(attempt))
        assert isinstance(reply, wire.Reply)
        assert reply.contract_digest == attempt.digest()
    assert reserves(desk) == before + 2


def test_a_contract_that_our_server_did_not_sign(world, desk):
    request = world.server.request(world.server.contract())
    forged = replace(request, envelope=request.envelope.replace(b'"sig":"', b'"sig":"A', 1))
    assert world.server.ask(desk, forged) is RefusalCode.CONTRACT_SIGNATURE


def test_messages_of_another_shape(world, desk):
    arrays = RecordDict({"arrays": ArrayRecord({"w": _array()})})
    more = world.server.message(world.server.request(world.server.contract()), desk)
    more["extra"] = ConfigRecord({"run": "this"})
    for content in (arrays, more, RecordDict({"deskbound": ConfigRecord({"shell": "rm"})})):
        assert world.server.ask(desk, content) is RefusalCode.MESSAGE_MALFORMED


def _array():
    from flwr.app import Array

    return Array(np.ones(3, np.float32))


def test_other_sorts_of_messages(world, desk):
    request = world.server.request(world.server.contract())
    for sort in ("evaluate", "query"):
        answer = world.server.ask(desk, request, message_type=sort)
        assert answer is RefusalCode.MESSAGE_MALFORMED


def test_a_bundle_that_carries_code_is_refused_and_never_unpacked(world, desk):
    files = {"evil/__init__.py": "", "evil/app.py": "raise SystemExit('evil code ran')"}
    server = world.fleet.run(bundle=_bundle_with(files))
    try:
        answer = server.ask(desk, server.request(server.contract()))
        assert answer is RefusalCode.BUNDLE_UNKNOWN
        assert {"contract": None, "code": "bundle-unknown"} in refusals(desk)
        held = [path for path in desk.paths.home.rglob("*") if path.is_file()]
        assert not any(b"evil code ran" in path.read_bytes() for path in held)
    finally:
        server.close()
        TaskIdentity.run_id = world.server.grid.run.run_id


def _bundle_with(files: dict[str, str]) -> bytes:
    """A bundle as ``flwr build`` makes it, with code inside."""
    toml = """\
[project]
name = "deskbound"
version = "1.0.0"
dependencies = []
license = {text = "Apache-2.0"}

[tool.flwr.app]
publisher = "deskbound"

[tool.flwr.app.components]
serverapp = "evil.app:app"
clientapp = "evil.app:app"
"""
    contents = {"pyproject.toml": toml, **files}
    listing = "\n".join(
        f"{name},{hashlib.sha256(text.encode()).hexdigest()},{8 * len(text.encode())}"
        for name, text in contents.items()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, text in contents.items():
            bundle.writestr(name, text)
        bundle.writestr(".info/CONTENT", listing)
    return buffer.getvalue()
