"""What a vault remembers of a log, and what it finds out when it is put back to an older state."""

import shutil
from dataclasses import replace

import pytest

from deskbound_client.privacy.anchoring import MAX_UNLOGGED, Anchoring, Standing, anchor_key
from deskbound_strategies import round_proof
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.log_entries import Receipt
from tests.helpers.agreement import signing_key
from tests.helpers.learning import contract
from tests.helpers.log import ORIGIN, MemoryLog
from tests.helpers.privacy import laptop

CONTRACT_KEY = signing_key(7)


class Server:
    """A log, and what it proves to one laptop."""

    def __init__(self) -> None:
        self.log, self.round = MemoryLog(), 0

    def ask(self, mine, *, older=True, **changes):
        """Log the next contract and return it with what its proof shows to this laptop."""
        self.round += 1
        terms = {"run": f"{self.round:032x}", "anchors": self.log.anchors.digest()} | changes
        asked = contract(**terms)
        envelope, index = self.log.sign(asked, CONTRACT_KEY)
        sizes = range(1, self.log.tree.size) if older else ()
        proof = self.log.prove(index, mine.anchor, older=sizes)
        return asked, round_proof.verify(proof, envelope, asked, self.log.trust, mine.anchor)

    def take(self, envelope):
        self.log.anchors.put(Receipt.open(envelope).anchor)


@pytest.fixture
def desk(tmp_path):
    with laptop(tmp_path / "home") as found:
        yield found


@pytest.fixture
def mine(desk):
    return Anchoring(desk.vault.database, desk.vault.signing_key(), ORIGIN)


@pytest.fixture
def server():
    return Server()


def release(mine, server, head="ab" * 32, *, logged=True):
    """Follow the next contract and release an update for it."""
    asked, proven = server.ask(mine)
    mine.follow(proven, asked)
    receipt = mine.receipt(asked.digest(), head)
    if logged:
        server.take(receipt)
    return receipt


def refused(mine, server, **more) -> RefusalCode:
    asked, proven = server.ask(mine, **more)
    with pytest.raises(Refusal) as caught:
        mine.follow(proven, asked)
    return caught.value.code


def test_releases_count_on_and_are_found_in_the_log_again(mine, server):
    counts = [Receipt.open(release(mine, server)).count for _ in range(3)]
    assert counts == [1, 2, 3]
    asked, proven = server.ask(mine)
    mine.follow(proven, asked)
    assert mine.standing() == Standing(size=4, released=3, logged=3)


def test_the_same_release_has_the_same_receipt(mine, server):
    asked, proven = server.ask(mine)
    mine.follow(proven, asked)
    assert mine.receipt(asked.digest(), "ab" * 32) == mine.receipt(asked.digest(), "cd" * 32)
    assert mine.standing().released == 1


def test_a_receipt_tells_nothing_of_the_ledger_and_two_logs_cannot_be_joined(desk, mine, server):
    other = Anchoring(desk.vault.database, desk.vault.signing_key(), "other.example/log")
    assert other.anchor != mine.anchor
    one = Receipt.open(release(mine, server, "ab" * 32))
    two = Receipt.open(other.receipt(one.contract, "ab" * 32))
    assert one.commitment != two.commitment
    assert "ab" * 32 not in (one.commitment, two.commitment)
    assert anchor_key(desk.vault.signing_key(), ORIGIN).private_bytes_raw() != (
        desk.vault.signing_key().private_bytes_raw()
    )


def test_a_log_that_was_rewritten_is_not_followed(mine, server):
    release(mine, server)
    server.log.append(b"more")
    fork = Server()
    fork.log.anchors = server.log.anchors
    for number in range(server.log.tree.size + 2):
        fork.log.append(b"another leaf %d" % number)
    assert refused(mine, fork) is RefusalCode.LOG_FORKED
    release(mine, server)  # the old one still is


def test_a_log_that_does_not_show_that_it_grew_is_not_followed(mine, server):
    release(mine, server)
    assert refused(mine, server, older=False) is RefusalCode.LOG_FORKED


def test_a_shorter_log_is_not_followed(mine, server):
    for _ in range(3):
        release(mine, server)
    short = Server()
    short.log.anchors = server.log.anchors
    assert refused(mine, short) is RefusalCode.LOG_FORKED


def test_one_round_has_one_model(mine, server):
    asked, proven = server.ask(mine)
    mine.follow(proven, asked)
    again = {"run": asked.run, "issued": asked.issued + 1}
    same, proof = server.ask(mine, **again)
    mine.follow(proof, same)
    assert refused(mine, server, model_hash="f" * 64, **again) is RefusalCode.MODEL_FORKED


def test_what_is_refused_is_not_remembered(mine, server):
    release(mine, server)
    before = mine.standing()
    refused(mine, server, older=False)
    assert mine.standing() == before


def test_a_vault_that_was_put_back_finds_receipts_it_does_not_know(tmp_path, server):
    home = tmp_path / "home"
    with laptop(home) as found:
        release(Anchoring(found.vault.database, found.vault.signing_key(), ORIGIN), server)
        key = found.vault.signing_key()
        saved = tmp_path / "saved.db"
        found.vault.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(home / "vault.db", saved)
        mine = Anchoring(found.vault.database, key, ORIGIN)
        release(mine, server)
        # The rows of before, as an older file holds them.
        found.vault.database.execute("DELETE FROM log_receipts WHERE count = 2")
        assert refused(mine, server) is RefusalCode.ROLLED_BACK
        found.vault.database.execute("DELETE FROM log_receipts")
        assert refused(mine, server) is RefusalCode.ROLLED_BACK


def test_a_copy_on_a_second_machine_finds_the_receipts_of_the_first(tmp_path, server):
    with laptop(tmp_path / "one") as found:
        key = found.vault.signing_key()
        first = Anchoring(found.vault.database, key, ORIGIN)
        release(first, server)
        with laptop(tmp_path / "two") as copied:
            second = Anchoring(copied.vault.database, key, ORIGIN)
            rows = found.vault.database.execute("SELECT * FROM log_receipts")
            for row in rows:
                copied.vault.database.execute("INSERT INTO log_receipts VALUES (?, ?, ?, ?)", row)
            release(first, server, "11" * 32)
            assert refused(second, server) is RefusalCode.ROLLED_BACK


def test_a_server_that_logs_nothing_gets_no_more_than_a_few(mine, server):
    for _ in range(MAX_UNLOGGED + 1):
        release(mine, server, logged=False)
    assert refused(mine, server) is RefusalCode.NOT_LOGGED


def test_a_few_lost_replies_do_no_harm(mine, server):
    for _ in range(MAX_UNLOGGED):
        release(mine, server, logged=False)
    release(mine, server)
    assert mine.standing().released == MAX_UNLOGGED + 1
    release(mine, server)
    asked, proven = server.ask(mine)
    mine.follow(proven, asked)
    assert mine.standing().logged == MAX_UNLOGGED + 2


def test_a_receipt_of_ours_with_another_commitment_is_not_ours(mine, server):
    release(mine, server)
    entry = server.log.anchors.get(mine.anchor)
    server.log.anchors.put(replace(entry, commitment="0" * 64))
    assert refused(mine, server) is RefusalCode.ROLLED_BACK


def test_a_ledger_that_was_cut_is_missed_though_the_receipts_are_kept(desk, server):
    in_ledger = {}
    mine = Anchoring(desk.vault.database, desk.vault.signing_key(), ORIGIN, in_ledger.get)
    for head in ("ab" * 32, "cd" * 32):
        asked, proven = server.ask(mine)
        mine.follow(proven, asked)
        in_ledger[asked.digest()] = head
        server.take(mine.receipt(asked.digest(), head))
    mine.follow(*reversed(server.ask(mine)))
    whole = dict(in_ledger)
    in_ledger[asked.digest()] = "ef" * 32  # written anew
    assert refused(mine, server) is RefusalCode.ROLLED_BACK
    del in_ledger[asked.digest()]
    assert refused(mine, server) is RefusalCode.ROLLED_BACK
    in_ledger.update(whole)
    mine.follow(*reversed(server.ask(mine)))
