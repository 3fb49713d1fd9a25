"""A server with two faces: two histories for two laptops, and who finds out.

Real vaults, a real witness and the laptop's own answer to a message; what carries the message is
not part of this, see ``test_real_witness.py`` for that.
"""

import hashlib
import time
from dataclasses import replace

import pytest

from deskbound_audit.witness import Witness, make_key
from deskbound_audit.witness_remote import Source
from deskbound_client.config import Config
from deskbound_client.employee.alarm import alarm_of
from deskbound_client.federation.join import Server
from deskbound_client.federation.laptop import VaultLaptop
from deskbound_client.federation.participant import Silence, answer
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_strategies import codec, round_proof, wire
from deskbound_strategies.errors import RefusalCode, VerificationError
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.log_entries import Receipt, receipt_leaf
from deskbound_strategies.note import Note
from deskbound_strategies.policy import PROFILES
from deskbound_strategies.task import find_task, weights_of
from tests.helpers.agreement import signing_key
from tests.helpers.federation import new_desk
from tests.helpers.floors import put_in_force
from tests.helpers.learning import contract
from tests.helpers.log import History, MemoryLog

KEY = signing_key()
TASK = find_task("next_action")
WEIGHTS = codec.encode(weights_of(TASK.build_model(1)), TASK.layout())


class Face:
    """One history of the server's log; there are as many as it pleases, all under its one key."""

    def __init__(self):
        self.log = History(KEY, laptops=0)
        self.cosigned = b""

    def checkpoint(self):
        return self.log.note()

    def leaves(self, begin):
        return self.log.leaves[begin:]

    def cosignature(self, note):
        signed = Note.parse(self.log.note()).with_signatures(Note.parse(note).signatures)
        self.cosigned = signed.to_bytes()

    def ask(self, mine, number, witness=None, **changes):
        """Ask a laptop, with the witness's cosignature where it can be had."""
        now = int(time.time())
        self.log.ask(
            contract(
                run=f"{number:032x}", model_hash=hashlib.sha256(WEIGHTS).hexdigest(),
                vocabulary_hash=TASK.vocabulary_hash, sampling_rate=0.1, noise_multiplier=3.0,
                steps=2, issued=now - 1, deadline=now + 300, **changes,
            )
        )  # fmt: skip
        tree, index = self.log.tree, self.log.tree.size - 1
        if witness is not None:
            witness.step(self)
        proof = round_proof.encode(
            checkpoint=self.cosigned or self.checkpoint(),
            index=index,
            inclusion=tree.inclusion_proof(index),
            consistency={size: tree.consistency_proof(size) for size in range(1, tree.size)},
            anchor=self.log.anchors.prove(mine.anchor),
        )
        envelope_leaf = self.log.leaves[index]
        envelope = envelope_leaf.removeprefix(b'{"contract":').removesuffix(b"}")
        found = answer(wire.contract_message(envelope, proof, WEIGHTS), mine)
        self.cosigned = b""
        return found if isinstance(found, Silence) else wire.parse_reply(found)

    def take(self, reply):
        self.log.append(receipt_leaf(reply.receipt))
        self.log.anchors.put(Receipt.open(reply.receipt).anchor)


@pytest.fixture
def witness(tmp_path):
    folder = tmp_path / "witness"
    verifier = make_key(folder, "privacy.example.org")
    source = Source("https://log/", "", MemoryLog().verifier, KEY.public_key(), "token")
    with Witness(folder, source) as made:
        assert made.verifier == verifier
        yield made


@pytest.fixture
def desks(tmp_path, witness):
    """Two laptops whose floors ask for the witness."""
    floor = replace(
        PROFILES["research"], profile="custom", witnesses=(str(witness.verifier),),
        witness_quorum=1,
    )  # fmt: skip
    server = Server("localhost:1", "", KEY.public_key(), MemoryLog().verifier, "test")
    made = [new_desk(tmp_path / name) for name in ("one", "two")]
    with made[0].vault() as one, made[1].vault() as two:
        found = []
        for desk, vault in zip(made, (one, two), strict=True):
            put_in_force(vault, floor)
            found.append((VaultLaptop(desk.paths, vault, Config(), server), vault))
        yield found


def charges(vault):
    return [e for e in LedgerStore(vault).entries() if e.kind is LedgerKind.RESERVE]


def test_with_the_witness_both_laptops_take_part(desks, witness):
    face = Face()
    for number, (mine, _) in enumerate(desks):
        reply = face.ask(mine, number, witness)
        assert isinstance(reply, wire.Reply)
        face.take(reply)
    assert isinstance(face.ask(desks[0][0], 7, witness), wire.Reply)


def test_without_the_witness_nothing_is_paid_and_the_reason_is_told(desks):
    for number, (mine, vault) in enumerate(desks):
        assert Face().ask(mine, number) is RefusalCode.WITNESS_QUORUM
        assert not charges(vault)


def test_a_second_face_finds_no_witness(desks, witness):
    """One witness cosigns one history; the other one stays without, and so without updates."""
    honest, hidden = Face(), Face()
    (one, _), (two, vault) = desks
    assert isinstance(honest.ask(one, 1, witness), wire.Reply)
    with pytest.raises(VerificationError):
        hidden.ask(two, 2, witness)
    assert hidden.cosigned == b""
    assert hidden.ask(two, 3) is RefusalCode.WITNESS_QUORUM
    assert not charges(vault)


def test_a_laptop_that_saw_both_faces_is_silent_and_says_why(desks, witness, tmp_path):
    """Even if a second witness is deceived, or bought: the laptop remembers what it saw."""
    folder = tmp_path / "bought"
    folder.mkdir()
    (folder / "witness.key").write_bytes((tmp_path / "witness" / "witness.key").read_bytes())
    source = Source("https://log/", "", MemoryLog().verifier, KEY.public_key(), "token")
    honest, hidden = Face(), Face()
    (mine, vault), _ = desks
    assert isinstance(honest.ask(mine, 1, witness), wire.Reply)
    paid = len(charges(vault))
    with Witness(folder, source) as bought:
        for number in range(2, 6):
            assert isinstance(hidden.ask(mine, number, bought), Silence)
    assert len(charges(vault)) == paid
    assert alarm_of(vault.database, LedgerStore(vault)) is RefusalCode.LOG_FORKED
