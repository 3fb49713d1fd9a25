import sqlite3
import stat
from contextlib import closing

import pytest

from deskbound_server.database import Database
from deskbound_server.publication import Cause, Check
from deskbound_server.schema import RoundState, RunState
from deskbound_strategies.dp_fedavg import Outcome, Progress
from deskbound_strategies.errors import BusyError, NotFoundError, VaultDamagedError
from tests.helpers.server import new_plan

RUN = "a1" * 16


def contract(number=1, issued=100):
    return new_plan().contract(
        run=RUN,
        number=number,
        vocabulary_hash="a" * 64,
        model_hash="b" * 64,
        anchors="c" * 64,
        issued=issued,
    )


def outcome(admitted=2):
    return Outcome(4, admitted, {"sigma-too-low": 1}, {"norm": 1}, 0, None)


@pytest.fixture
def database(tmp_path):
    opened = Database.open(tmp_path / "deskbound.db")
    opened.add_run(RUN, new_plan().to_bytes(), 50)
    yield opened
    opened.close()


def test_a_released_round_has_its_model_and_its_counts(database):
    assert database.open_round(contract(), b"envelope", b"leaf") == 1
    (row,) = database.rounds(RUN)
    assert (row.state, row.envelope, row.closed) == (RoundState.OPEN, b"envelope", 0)
    assert database.last_released(RUN) is None
    database.close_round(row.digest, outcome(), 120, model_out="c" * 64, optimizer_state="d" * 64)
    last = database.last_released(RUN)
    assert last is not None
    assert (last.state, last.model_out, last.admitted) == (RoundState.RELEASED, "c" * 64, 2)
    assert (last.refused, last.rejected) == ({"sigma-too-low": 1}, {"norm": 1})


def test_attempts_are_numbered_and_the_failed_one_has_no_model(database):
    first, second = contract(issued=100), contract(issued=101)
    assert database.open_round(first, b"1", b"leaf 1") == 1
    database.close_round(first.digest(), outcome(1), 110)
    assert database.open_round(second, b"2", b"leaf 2") == 2
    assert [row.state for row in database.rounds(RUN)] == [RoundState.FAILED, RoundState.OPEN]


def test_a_model_that_is_held_back_leaves_its_figures_and_no_model(database):
    database.open_round(contract(), b"1", b"leaf")
    check = Check(Cause.WORSE, 7.0, 5.0)
    database.close_round(contract().digest(), outcome(), 110, check=check)
    (row,) = database.rounds(RUN)
    assert (row.state, row.check, row.model_out) == (RoundState.HELD_BACK, check, "")
    assert database.last_released(RUN) is None


def test_a_database_of_before_checks_is_read_and_goes_on(tmp_path, database):
    first, second = contract(1), contract(2, issued=101)
    database.open_round(first, b"1", b"leaf")
    database.close_round(first.digest(), outcome(), 110, model_out="c" * 64)
    database.close()
    with closing(sqlite3.connect(tmp_path / "deskbound.db")) as raw:
        raw.execute("DROP TABLE checks")
    with closing(Database.open(tmp_path / "deskbound.db")) as opened:
        assert opened.last_released(RUN).check == Check()
        opened.open_round(second, b"2", b"leaf 2")
        check = Check(None, 3.0, 4.0)
        opened.close_round(second.digest(), outcome(), 120, model_out="d" * 64, check=check)
        assert opened.last_released(RUN).check == check


def test_a_contract_is_recorded_once(database):
    database.open_round(contract(), b"1", b"leaf")
    with pytest.raises(VaultDamagedError):
        database.open_round(contract(), b"1", b"leaf")


def test_only_open_rounds_are_abandoned(database):
    database.open_round(contract(1), b"1", b"leaf")
    database.close_round(contract(1).digest(), outcome(), 120, model_out="c" * 64)
    database.open_round(contract(2), b"2", b"leaf 2")
    assert database.abandon_open_rounds(RUN) == 1
    states = [row.state for row in database.rounds(RUN)]
    assert states == [RoundState.RELEASED, RoundState.ABANDONED]


def test_runs_are_found_by_the_beginning_of_their_id(database):
    database.add_run("a2" * 16, b"{}", 60)
    assert database.find_run("a1").id == RUN
    assert database.find_run(RUN.upper()).id == RUN
    for name in ("", "a", "b"):
        with pytest.raises(NotFoundError):
            database.find_run(name)
    assert [row.id for row in database.runs()] == [RUN, "a2" * 16]


def test_states_and_laptops_are_kept(database, tmp_path):
    database.set_run(RUN, RunState.FAILED, "too-few-replies")
    database.set_flower_run(RUN, 2**63)
    database.add_laptop(2**63 + 1, "f" * 64, "desk-1", "a" * 64)
    database.revoke_laptop(2**63 + 1)
    again = Database.open(tmp_path / "deskbound.db")
    row, (laptop,) = again.find_run(RUN), again.laptops()
    assert (row.state, row.reason) == (RunState.FAILED, "too-few-replies")
    assert row.flower_run == str(2**63)
    assert (laptop.node, laptop.revoked) == (str(2**63 + 1), True)
    again.close()


def test_the_file_is_private_and_survives_a_power_cut(database, tmp_path):
    path = tmp_path / "deskbound.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with database._engine.connect() as connection:
        pragma = connection.exec_driver_sql
        assert pragma("PRAGMA journal_mode").scalar_one() == "wal"
        assert pragma("PRAGMA synchronous").scalar_one() == 2
        assert pragma("PRAGMA foreign_keys").scalar_one() == 1


def test_no_table_of_rounds_names_a_laptop(database):
    from deskbound_server import schema

    for name in ("runs", "rounds", "progress", "log_leaves", "checkpoints"):
        table = schema.metadata.tables[name]
        assert not {"node", "fingerprint", "laptop", "anchor"} & set(table.columns.keys())


def test_how_far_a_round_is_is_written_over_and_goes_when_it_closes(database):
    database.open_round(contract(), b"envelope", b"leaf")
    digest = contract().digest()
    assert database.progress(digest) is None
    database.note_progress(digest, Progress(4, 0, 0, 0))
    database.note_progress(digest, Progress(4, 1, 2, 0))
    assert database.progress(digest) == Progress(4, 1, 2, 0)
    database.close_round(digest, outcome(), 120, model_out="c" * 64)
    assert database.progress(digest) is None


def test_how_far_a_round_was_goes_when_it_is_abandoned_and_no_other_runs(database):
    database.open_round(contract(), b"envelope", b"leaf")
    database.note_progress(contract().digest(), Progress(4, 1, 2, 0))
    database.abandon_open_rounds("a2" * 16)
    assert database.progress(contract().digest()) is not None
    database.abandon_open_rounds(RUN)
    assert database.progress(contract().digest()) is None


def test_what_is_opened_to_read_sees_what_is_written_and_writes_nothing(database, tmp_path):
    with closing(Database.open_to_read(tmp_path / "deskbound.db")) as reader:
        assert [run.id for run in reader.runs()] == [RUN]
        database.set_run(RUN, RunState.RUNNING)
        assert reader.find_run(RUN).state is RunState.RUNNING
        with pytest.raises(VaultDamagedError):
            reader.set_run(RUN, RunState.FAILED)
    assert database.find_run(RUN).state is RunState.RUNNING


def test_a_database_is_read_with_nobody_else_there_and_one_that_is_not_is_not_made(tmp_path):
    path = tmp_path / "odd ?#%20name.db"
    with closing(Database.open(path)) as database:
        database.add_run(RUN, b"{}", 1)
    with closing(Database.open_to_read(path)) as reader:
        assert [run.id for run in reader.runs()] == [RUN]
    with (
        closing(Database.open_to_read(tmp_path / "none.db")) as reader,
        pytest.raises(VaultDamagedError),
    ):
        reader.runs()
    assert not (tmp_path / "none.db").exists()


def test_a_round_and_its_leaves_are_one(database):
    database.open_round(contract(), b"envelope", b"contract")
    digest = contract().digest()
    database.close_round(digest, outcome(), 120, model_out="c" * 64, leaves=[b"one", b"two"])
    assert database.leaves() == [b"contract", b"one", b"two"]
    with pytest.raises(VaultDamagedError):
        database.open_round(contract(), b"envelope", b"a contract that is there already")
    assert database.leaves(1, 1) == [b"one"]


def test_a_laptop_knows_the_heads_it_was_shown_since_it_answered_last(database):
    for size in (3, 7, 7, 9):
        database.show_head("a", size)
    database.show_head("b", 4)
    assert database.heads_shown("a") == [3, 7, 9]
    database.head_known("a", 7)
    assert database.heads_shown("a") == [7, 9]
    assert database.heads_shown("b") == [4]


def test_a_head_is_kept_with_what_was_signed_later(database):
    assert database.checkpoint() is None
    database.keep_checkpoint(3, b"three")
    database.keep_checkpoint(5, b"five")
    database.keep_checkpoint(3, b"three, cosigned")
    assert database.checkpoint() == b"five"
    assert database.checkpoint(3) == b"three, cosigned"
    assert database.checkpoint(4) is None


@pytest.mark.parametrize("content", [b"x" * 4096, b"SQLite format 3\0" + b"x" * 4096])
def test_a_file_that_is_no_database_is_damage(tmp_path, content):
    (tmp_path / "bad.db").write_bytes(content)
    with pytest.raises(VaultDamagedError):
        Database.open(tmp_path / "bad.db")


def test_a_database_held_by_another_is_busy(tmp_path, monkeypatch):
    path = tmp_path / "held.db"
    opened = Database.open(path)
    holder = sqlite3.connect(path)
    holder.execute("BEGIN EXCLUSIVE")
    with opened._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=1")
    with pytest.raises(BusyError):
        opened.add_run(RUN, b"{}", 1)
    holder.close()
    opened.close()
