"""A stop order on a real vault: it pauses once, for good; nothing else that comes does a thing."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from flwr.app import ConfigRecord, RecordDict

import deskbound_client
from deskbound_client import consent
from deskbound_client.capture.control import Control
from deskbound_client.config import Config
from deskbound_client.employee import pausing
from deskbound_client.federation.client_app import respond
from deskbound_client.federation.join import Server
from deskbound_client.federation.laptop import VaultLaptop
from deskbound_client.federation.participant import Silence
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.vault import Vault
from deskbound_strategies import dsse, wire
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.errors import DiskFullError, RefusalCode
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.log_entries import stop_leaf
from deskbound_strategies.policy import PROFILES
from deskbound_strategies.stop_order import ORDER_TYPE, StopReason
from tests.client.federation.test_client_app import task
from tests.helpers.agreement import signing_key
from tests.helpers.floors import put_in_force
from tests.helpers.log import MemoryLog, a_stop, witness
from tests.helpers.store import MemoryKeystore

KEY, FOREIGN = signing_key(1), signing_key(2)


class Desk:
    """A laptop with a real vault, and a server that may be anybody."""

    def __init__(self, root: Path) -> None:
        self.paths = HomePaths(root / "home")
        self.paths.prepare()
        Control.create(self.paths.control).close()
        self.vault = Vault.create(self.paths.home, MemoryKeystore())
        put_in_force(self.vault, PROFILES["research"])
        for subject in ("keys", "updates"):
            consent.grant(self.vault, subject)
        self.log = MemoryLog()
        server = Server("localhost:1", "", KEY.public_key(), self.log.verifier, "test")
        self.laptop = VaultLaptop(self.paths, self.vault, Config(), server)
        self.control = Control.open(self.paths.control)

    def send(self, content):
        """Hand a message to the laptop as the executor does."""
        return respond(task(content=content), self.laptop)

    def order(self, order=None, *, key=KEY, log=None):
        """An order in the server's log, or in another, with its proof."""
        log = log or self.log
        older = range(1, log.tree.size + 1)
        envelope, index = log.stop(order or a_stop(), key)
        return wire.stop_message(envelope, log.prove_stop(index, older=older))

    def entries(self, *kinds):
        return [entry.body for entry in LedgerStore(self.vault).entries(kinds=kinds)]

    @property
    def state(self):
        """All that an order might change."""
        stops = self.entries(LedgerKind.STOP)
        return self.control.paused, self.control.stopped_for, self.control.streams, stops


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.control.close()
    made.vault.close()


def answered(outcome):
    return wire.parse_stopped(outcome)


def test_an_order_pauses_for_good_says_why_and_is_in_the_ledger(desk):
    assert answered(desk.send(desk.order())) == a_stop().digest()
    assert desk.control.paused
    assert desk.control.paused_until is None
    assert desk.control.stopped_for is StopReason.SECURITY
    assert desk.entries(LedgerKind.STOP) == [{"order": a_stop().id, "reason": "security"}]
    assert not desk.laptop.is_willing(), "learning stops as well"
    with desk.control.committing() as word:
        assert word & 1, "whatever was seen before is not stored"


def test_it_ends_by_the_employees_own_word_and_no_pause_of_theirs_gives_it_an_end(desk):
    desk.send(desk.order())
    found = pausing.pause(desk.paths, "5m")
    assert (found.until, found.stopped_for) == (None, StopReason.SECURITY)
    assert not desk.control.expire()
    pausing.resume(desk.paths)
    assert desk.control.is_open
    assert desk.control.stopped_for is None
    pausing.pause(desk.paths)
    assert desk.control.stopped_for is None, "the next pause is the employee's own again"


def test_an_order_is_obeyed_once_and_its_replay_is_answered_alike(desk):
    message = desk.order()
    first = desk.send(message)
    pausing.resume(desk.paths)
    before = desk.state
    assert answered(desk.send(message)) == answered(first)
    assert desk.state == before
    later = a_stop("0b" * 16, StopReason.ENDED)
    assert answered(desk.send(desk.order(later))) == later.digest()
    assert desk.control.stopped_for is StopReason.ENDED


def test_an_old_order_does_nothing_also_in_a_later_process_under_a_later_head(desk):
    desk.send(desk.order())
    pausing.resume(desk.paths)
    desk.log.append(stop_leaf(a_stop("0c" * 16).signed(KEY)))
    server = Server("localhost:1", "", KEY.public_key(), desk.log.verifier, "test")
    desk.laptop = VaultLaptop(desk.paths, desk.vault, Config(), server)
    again = desk.log.prove_stop(0, older=(1,))
    assert answered(desk.send(wire.stop_message(a_stop().signed(KEY), again)))
    assert desk.control.is_open


def no_order(desk):
    raw = parse_canonical(a_stop().to_bytes()) | {"until": 1}
    return wire.stop_message(dsse.sign(canonical_bytes(raw), ORDER_TYPE, KEY), b"{}")


HOSTILE = {
    "forged": (
        lambda desk: desk.order(key=FOREIGN),
        RefusalCode.STOP_SIGNATURE,
    ),
    "of another server's log": (
        lambda desk: desk.order(log=MemoryLog(FOREIGN, "other.example/deskbound")),
        RefusalCode.LOG_PROOF,
    ),
    "not in the log": (
        lambda desk: wire.stop_message(
            a_stop("0d" * 16).signed(KEY), parse_stop(desk.order()).proof
        ),
        RefusalCode.LOG_PROOF,
    ),
    "without a proof": (
        lambda _: wire.stop_message(a_stop().signed(KEY), b""),
        RefusalCode.LOG_PROOF,
    ),
    "with a field more": (no_order, RefusalCode.STOP_MALFORMED),
    "no envelope": (lambda _: wire.stop_message(b"{}", b"{}"), RefusalCode.STOP_MALFORMED),
    "too long": (
        lambda _: wire.stop_message(b"x" * (wire.MAX_ORDER_BYTES + 1), b""),
        RefusalCode.MESSAGE_TOO_LARGE,
    ),
    "of texts": (
        lambda _: RecordDict({wire.RECORD: ConfigRecord({"stop": "a", "proof": "b"})}),
        RefusalCode.MESSAGE_MALFORMED,
    ),
}


def parse_stop(message):
    return wire.parse_stop(message)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_is_no_order_is_refused_costs_nothing_and_changes_nothing(desk, name):
    make, code = HOSTILE[name]
    before = desk.state
    assert wire.parse_reply(desk.send(make(desk))) is code
    assert desk.state == before == (False, None, before[2], [])
    refused = desk.entries(LedgerKind.REFUSE)
    assert refused == [{"contract": None, "code": code.value}]
    assert Budget(LedgerStore(desk.vault), desk.laptop.floor).total() == 0.0
    assert desk.laptop.is_willing()
    assert answered(desk.send(desk.order(a_stop("0e" * 16)))), "a real one is obeyed after it"


def test_an_order_in_a_log_that_was_rewritten_is_silence_and_changes_nothing(desk):
    desk.send(desk.order())
    pausing.resume(desk.paths)
    before = desk.state
    other = MemoryLog()
    other.append(b"another first leaf")
    forked = desk.order(a_stop("0f" * 16), log=other)
    assert isinstance(desk.send(forked), Silence)
    assert desk.state == before
    assert desk.entries(LedgerKind.REFUSE)[-1]["code"] == RefusalCode.LOG_FORKED


def test_where_the_floor_asks_for_witnesses_an_order_needs_them_too(desk):
    key, verifier = witness(0)
    floor = replace(
        PROFILES["research"], profile="custom", witnesses=(str(verifier),), witness_quorum=1
    )
    put_in_force(desk.vault, floor)
    assert desk.laptop.is_willing()
    assert wire.parse_reply(desk.send(desk.order())) is RefusalCode.WITNESS_QUORUM
    assert desk.control.is_open
    signed = desk.log.prove_stop(0, cosigners=[key])
    assert answered(desk.send(wire.stop_message(a_stop().signed(KEY), signed)))
    assert desk.control.paused


def test_who_is_not_willing_hears_nothing_and_says_nothing(desk):
    pausing.pause(desk.paths, "5m")
    assert isinstance(desk.send(desk.order()), Silence)
    assert desk.control.stopped_for is None
    pausing.resume(desk.paths)
    consent.revoke(desk.vault, "updates")
    assert isinstance(desk.send(desk.order(a_stop("0b" * 16))), Silence)
    assert desk.entries(LedgerKind.STOP) == []


def test_an_order_that_cannot_be_written_down_still_pauses_and_is_not_acknowledged(
    desk, monkeypatch
):
    def full(*_):
        raise DiskFullError("no room", "make some")

    monkeypatch.setattr(LedgerStore, "append", full)
    assert isinstance(desk.send(desk.order()), Silence)
    assert desk.control.paused
    assert desk.control.stopped_for is StopReason.SECURITY


def test_the_answer_is_the_same_whatever_the_vault_holds(desk, tmp_path):
    other = Desk(tmp_path / "other")
    other.vault.forget_all()
    consent.revoke(other.vault, "keys")
    assert dict(desk.send(desk.order())[wire.RECORD]) == dict(
        other.send(other.order())[wire.RECORD]
    )
    other.vault.close()


WORDS = ("resume", "start", "unpause", "open", "cancel", "withdraw", "consent", "grant")


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("value", [b"", b"1", "now", 1, True])
def test_no_message_resumes_anything(desk, word, value):
    """P2: whatever a server composes, what is paused stays paused."""
    message = desk.order()
    desk.send(message)
    order, proof = (message[wire.RECORD][name] for name in ("stop", "proof"))
    for values in (
        {word: value},
        {word: order, "proof": proof},
        {"stop": order, "proof": proof, word: value},
        {"contract": order, "proof": proof, "weights": b"", word: value},
    ):
        desk.send(RecordDict({wire.RECORD: ConfigRecord(values)}))
        assert desk.control.paused
        assert desk.control.stopped_for is StopReason.SECURITY


def calls_of_resume():
    """Files of the client, and in them every call of something named ``resume``."""
    root = Path(deskbound_client.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name == "resume":
                    yield str(path.relative_to(root))


def test_only_the_employees_own_doors_resume():
    """Nothing that a message reaches can call it: not the executor, not the agent."""
    assert set(calls_of_resume()) == {
        "cli/resume.py", "employee/pausing.py", "presence/tray.py", "ui/pages/today.py",
    }  # fmt: skip
