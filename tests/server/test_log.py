"""The server's log: turns, heads, proofs, and that nothing is ever written that breaks a rule."""

from dataclasses import replace

import pytest

from deskbound_server import log as module
from deskbound_server import pki
from deskbound_server.database import Database
from deskbound_server.home import ServerHome, Settings
from deskbound_server.log import Log, cosigned_by, open_log, read_witnesses, witness_key
from deskbound_strategies import dsse, note, round_proof
from deskbound_strategies.checkpoint import Checkpoint, Trust
from deskbound_strategies.contract import PAYLOAD_TYPE
from deskbound_strategies.errors import BusyError, ConfigError, DiskFullError, VerificationError
from deskbound_strategies.log_entries import contract_leaf, receipt_leaf
from deskbound_strategies.note import Note
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.log import LOG_KEY, NO_ANCHORS, MemoryLog, Pen, witness

KEY = signing_key()
VERIFIER = MemoryLog().verifier
TRUST = Trust(VERIFIER)


@pytest.fixture
def database(tmp_path):
    opened = Database.open(tmp_path / "deskbound.db")
    yield opened
    opened.close()


@pytest.fixture
def log(database, tmp_path):
    return a_log(database, tmp_path)


def a_log(database, folder) -> Log:
    return Log(database, VERIFIER, LOG_KEY, KEY.public_key(), folder / "log.lock")


def a_leaf(number=1, anchors=NO_ANCHORS):
    contract = a_contract(run=f"{number:032x}", anchors=anchors)
    envelope = dsse.sign(contract.to_bytes(), PAYLOAD_TYPE, KEY)
    return contract, envelope, contract_leaf(envelope)


def grow(log, database, *numbers):
    """Log one contract after the other; returns the last and its prover."""
    for number in numbers:
        with log.turn() as rules:
            contract, envelope, leaf = a_leaf(number, rules.anchors.digest())
            index = rules.size
            log.check([leaf])
            database.add_leaves([leaf])
            prover = log.prover(index, log.checkpoint())
    return contract, envelope, prover


def write(log, database, leaves):
    with log.turn():
        log.check(leaves)
        database.add_leaves(leaves)


def test_two_writers_see_what_the_other_wrote(log, database, tmp_path):
    other = a_log(database, tmp_path)
    grow(log, database, 1)
    grow(other, database, 2)
    grow(log, database, 3)
    with other.turn() as rules:
        assert rules.size == 3
        assert other.checkpoint() == log.checkpoint()


def test_one_writer_at_a_time(log, database, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TURN_SECONDS", 0.05)
    other = a_log(database, tmp_path)
    with log.turn(), pytest.raises(BusyError), other.turn():
        pass
    with other.turn():
        pass


def test_what_breaks_a_rule_is_not_written_and_the_log_goes_on(log, database):
    contract, _, _ = grow(log, database, 1)
    pen = Pen()
    good = receipt_leaf(pen.receipt(contract.digest(), count=1))
    twice = receipt_leaf(pen.receipt(contract.digest(), count=2))
    with pytest.raises(VerificationError):
        write(log, database, [good, twice])
    assert len(database.leaves()) == 1
    grow(log, database, 2)
    with log.turn() as rules:
        assert len(rules.anchors) == 0, "what was checked and not written is forgotten"


def test_a_write_that_fails_is_forgotten_too(log, database, monkeypatch):
    grow(log, database, 1)

    def full(self, leaves):
        raise DiskFullError("There is no room.", "Make room.")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "add_leaves", full)
        with pytest.raises(DiskFullError):
            write(log, database, [a_leaf(2)[2]])
    grow(log, database, 2)
    assert log.rules.size == 2


def test_a_log_that_somebody_broke_is_not_written_to(log, database):
    grow(log, database, 1)
    database.add_leaves([b'{"model":{}}'])
    for _ in range(2):
        with pytest.raises(VerificationError, match="Leaf 1"), log.turn():
            pytest.fail("nobody writes on")


def test_a_head_is_signed_once_and_keeps_its_cosignatures(log, database):
    grow(log, database, 1)
    with log.turn():
        head = log.checkpoint()
    key, verifier = witness(1)
    signed = Note.parse(database.checkpoint(head.size))
    line = note.cosign(head.text, verifier.name, key, 5)
    database.keep_checkpoint(head.size, signed.with_signatures([line]).to_bytes())
    assert TRUST.open(database.checkpoint()) == head
    with log.turn():
        assert log.checkpoint() == head
    stranger = witness(2)[1]
    assert cosigned_by(database, head.size, [stranger, verifier]) == [verifier]
    assert cosigned_by(database, head.size + 1, [verifier]) == []


def proven(contract, envelope, prover, anchor):
    return round_proof.verify(prover.prove(anchor), envelope, contract, TRUST, anchor)


def test_a_laptop_is_shown_growth_from_all_it_was_shown(log, database):
    pen = Pen()
    seen = []
    for number in range(1, 6):
        contract, envelope, prover = grow(log, database, number)
        found = proven(contract, envelope, prover, pen.anchor)
        assert all(found.extends(head) for head in seen), "whichever of them it remembers"
        seen.append(found.checkpoint)
    again = proven(contract, envelope, prover, pen.anchor)
    assert again.extends(seen[-1]), "the same contract again"
    database.head_known(pen.anchor, seen[-2].size)
    contract, envelope, prover = grow(log, database, 9)
    assert proven(contract, envelope, prover, pen.anchor).older.keys() == {4, 5}


def test_a_laptop_that_is_never_heard_is_still_shown_what_it_knows_for_sure(log, database):
    """It may remember what it answered to last, however often it was asked in vain since."""
    pen = Pen()
    contract, envelope, prover = grow(log, database, 1)
    answered = proven(contract, envelope, prover, pen.anchor).checkpoint
    for size in range(2, 3 * round_proof.MAX_OLDER):
        database.show_head(pen.anchor, size)
    contract, envelope, prover = grow(log, database, *range(2, 3 * round_proof.MAX_OLDER))
    found = proven(contract, envelope, prover, pen.anchor)
    assert len(found.older) == round_proof.MAX_OLDER
    assert found.extends(answered)
    assert found.checkpoint.size - 1 in found.older


def test_a_prover_says_what_the_map_was_when_the_contract_was_logged(log, database):
    pen = Pen()
    contract, envelope, prover = grow(log, database, 1)
    write(log, database, [receipt_leaf(pen.receipt(contract.digest(), count=4))])
    assert prover.count_of(pen.anchor) == 0
    assert proven(contract, envelope, prover, pen.anchor).anchor is None
    contract, envelope, prover = grow(log, database, 2)
    assert prover.count_of(pen.anchor) == 4
    assert proven(contract, envelope, prover, pen.anchor).anchor.count == 4


def test_the_log_of_a_home_is_signed_by_its_own_key(tmp_path):
    home = ServerHome(tmp_path / "home")
    pki.init(home, Settings("127.0.0.1", 8443, "test"))
    database = Database.open(home.database)
    opened = open_log(home, database)
    with opened.turn():
        head = opened.checkpoint()
    assert Trust(pki.log_verifier(home)).open(database.checkpoint()) == head
    assert head == Checkpoint(pki.log_verifier(home).name, 0, head.root)
    database.close()


def test_witnesses_are_read_one_a_line(tmp_path):
    path = tmp_path / "witnesses"
    assert read_witnesses(path) == []
    one, two = witness(1)[1], witness(2)[1]
    path.write_text(f"{one}\n\n  {two}\n")
    assert read_witnesses(path) == [one, two]
    for content in (f"{one}x\n", f"{VERIFIER}\n", "nobody\n", str(replace(one, name="a b"))):
        path.write_text(content)
        with pytest.raises(ConfigError):
            read_witnesses(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError):
        read_witnesses(path)


def test_a_logs_own_key_is_no_witness():
    with pytest.raises(ConfigError, match="log"):
        witness_key(str(VERIFIER))
