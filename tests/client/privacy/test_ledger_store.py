"""The ledger as it lies in a real, encrypted vault."""

import stat
import threading
from pathlib import Path

import pytest

from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.ledger import NO_ENTRY
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.ledger_export import verify_export
from tests.helpers.privacy import Laptop, laptop

PAUSE = {"timed": False}


def kinds(store: LedgerStore) -> list[str]:
    return [entry.kind.value for entry in store.entries()]


def test_the_first_entry_brings_a_genesis_and_each_names_the_one_before(tmp_path: Path) -> None:
    with laptop(tmp_path / "home", bare=True) as mine:
        assert mine.ledger.head() == NO_ENTRY
        first = mine.ledger.append(LedgerKind.PAUSE, PAUSE)
        second = mine.ledger.append("resume", {"by": "person"})
        assert kinds(mine.ledger) == ["genesis", "pause", "resume"]
        assert (first.seq, second.seq, second.prev) == (1, 2, first.digest)
        assert mine.ledger.head() == second.digest
        assert mine.ledger.entry(1) == first
        assert mine.ledger.entry(3) is None
        only = list(mine.ledger.entries(kinds=(LedgerKind.PAUSE,)))
        assert only == [first]


def test_entries_carry_no_time_finer_than_an_hour(tmp_path: Path) -> None:
    with laptop(tmp_path / "home", bare=True) as mine:
        mine.clock.now += 1234.5
        assert mine.ledger.append("pause", PAUSE).at % 3600 == 0


def test_what_was_appended_is_there_after_another_open(tmp_path: Path) -> None:
    with laptop(tmp_path / "home", bare=True) as mine:
        entry = mine.ledger.append("pause", PAUSE)
        again = LedgerStore(mine.vault)
        assert again.head() == entry.digest


def test_a_body_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    with laptop(tmp_path / "home", bare=True) as mine:
        with pytest.raises(ValueError, match="pause"):
            mine.ledger.append("pause", {"timed": False, "note": "no free text"})
        assert mine.ledger.head() == NO_ENTRY


def test_an_undone_transaction_leaves_nothing(tmp_path: Path) -> None:
    with laptop(tmp_path / "home", bare=True) as mine:

        def append_and_fail() -> None:
            with mine.vault.database.transaction():
                mine.ledger.append("pause", PAUSE)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            append_and_fail()
        assert kinds(mine.ledger) == []


def test_threads_that_append_at_once_make_one_chain(tmp_path: Path) -> None:
    with laptop(tmp_path / "home", bare=True) as mine:

        def append_some() -> None:
            for _ in range(10):
                mine.ledger.append("pause", PAUSE)

        threads = [threading.Thread(target=append_some) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(kinds(mine.ledger)) == 41


def test_the_database_itself_refuses_to_rewrite_or_shorten(tmp_path: Path) -> None:
    with laptop(tmp_path / "home", bare=True) as mine:
        mine.ledger.append("pause", PAUSE)
        for sql in ("UPDATE ledger SET line = x'00'", "DELETE FROM ledger"):
            with pytest.raises(Exception, match="append-only"):
                mine.vault.database.execute(sql)
        assert kinds(mine.ledger) == ["genesis", "pause"]


def rewrite(mine: Laptop, seq: int, line: bytes) -> None:
    """Change a stored line as someone with the vault's key could."""
    mine.vault.database.execute("DROP TRIGGER ledger_is_never_rewritten")
    mine.vault.database.execute("UPDATE ledger SET line = ? WHERE seq = ?", (line, seq))


@pytest.mark.parametrize("seq", [0, 1, 2])
def test_a_changed_line_is_found_and_never_built_upon_or_signed(tmp_path: Path, seq: int) -> None:
    with laptop(tmp_path / "home", bare=True) as mine:
        for _ in range(2):
            mine.ledger.append("pause", PAUSE)
        entry = mine.ledger.entry(seq)
        assert entry is not None
        rewrite(mine, seq, entry.envelope.replace(b'"sig":"', b'"sig":"A', 1)[:-1])
        with pytest.raises(VerificationError):
            list(mine.ledger.entries())
        with pytest.raises(VerificationError):
            mine.ledger.export(tmp_path / "export.jsonl")
        assert not (tmp_path / "export.jsonl").exists()
        if seq == 2:
            with pytest.raises(VerificationError):
                mine.ledger.append("pause", PAUSE)


def test_an_export_verifies_and_any_changed_byte_does_not(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    with laptop(tmp_path / "home", bare=True) as mine:
        mine.ledger.append("pause", PAUSE)
        assert mine.ledger.export(path) == mine.ledger.head()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    data = path.read_bytes()
    assert verify_export(data).entries == 2
    for position in range(0, len(data), 7):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises(VerificationError):
            verify_export(bytes(changed))


def test_an_empty_ledger_can_be_exported(tmp_path: Path) -> None:
    with laptop(tmp_path / "home", bare=True) as mine:
        assert mine.ledger.export(tmp_path / "export.jsonl") == NO_ENTRY
    assert verify_export((tmp_path / "export.jsonl").read_bytes()).entries == 0
