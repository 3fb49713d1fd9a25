import os
import sqlite3
import threading

import pytest

from deskbound_client.store.cipher import open_database
from deskbound_strategies.errors import (
    BusyError,
    NotFoundError,
    PermissionsError,
    VaultDamagedError,
)

KEY, OTHER = bytes(range(32)), bytes(32)


@pytest.fixture
def database(tmp_path):
    connection = open_database(tmp_path / "a.db", KEY, create=True)
    connection.execute("CREATE TABLE t (x INTEGER)")
    yield connection
    connection.close()


def everything(folder):
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_settings_hold_on_every_open(database, tmp_path):
    again = open_database(tmp_path / "a.db", KEY)
    for connection in (database, again):
        ask = {
            name: connection.execute(f"PRAGMA {name}")[0][0]
            for name in ("temp_store", "journal_mode", "synchronous", "secure_delete")
        }
        assert ask == {
            "temp_store": 2,
            "journal_mode": "wal",
            "synchronous": 2,
            "secure_delete": 1,
        }
    again.close()


def test_nothing_readable_is_in_any_file_while_open_or_closed(tmp_path):
    connection = open_database(tmp_path / "a.db", KEY, create=True)
    connection.execute("CREATE TABLE canary_table (x TEXT)")
    connection.execute_many("INSERT INTO canary_table VALUES (?)", [("CANARY-7391",)] * 500)
    assert (tmp_path / "a.db-wal").stat().st_size > 0
    for word in (b"CANARY-7391", b"canary_table", b"SQLite"):
        assert word not in everything(tmp_path)
    connection.close()
    assert b"CANARY" not in everything(tmp_path)


def test_files_are_private(database, tmp_path):
    database.execute("INSERT INTO t VALUES (1)")
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}


def test_another_key_is_refused(database, tmp_path):
    database.close()
    with pytest.raises(VaultDamagedError):
        open_database(tmp_path / "a.db", OTHER)
    with pytest.raises(VaultDamagedError):  # and create never overwrites
        open_database(tmp_path / "a.db", OTHER, create=True)
    assert open_database(tmp_path / "a.db", KEY).execute("SELECT count(*) FROM t") == [(0,)]


def test_a_plain_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "a.db"
    plain = sqlite3.connect(path)
    plain.execute("CREATE TABLE t (x)")
    plain.close()
    path.chmod(0o600)
    before = path.read_bytes()
    for create in (False, True):
        with pytest.raises(VaultDamagedError, match="not encrypted"):
            open_database(path, KEY, create=create)
    assert path.read_bytes() == before


@pytest.mark.parametrize("size", [0, 1, 15, 100, 4095])
def test_a_cut_file_is_refused(database, tmp_path, size):
    database.close()
    os.truncate(tmp_path / "a.db", size)
    with pytest.raises(VaultDamagedError):
        open_database(tmp_path / "a.db", KEY, create=True)


def test_others_may_not_read_the_journal_either(database, tmp_path):
    database.execute("INSERT INTO t VALUES (1)")
    (tmp_path / "a.db-wal").chmod(0o644)
    with pytest.raises(PermissionsError):
        open_database(tmp_path / "a.db", KEY)


def test_a_missing_file_is_not_made_unasked(tmp_path):
    with pytest.raises(NotFoundError):
        open_database(tmp_path / "a.db", KEY)
    assert list(tmp_path.iterdir()) == []


def test_many_threads_make_one_file(tmp_path):
    opened, barrier = [], threading.Barrier(8)

    def make():
        barrier.wait()
        opened.append(open_database(tmp_path / "a.db", KEY, create=True))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    opened[0].execute("CREATE TABLE t (x INTEGER)")
    assert [connection.execute("SELECT count(*) FROM t") for connection in opened] == [[(0,)]] * 8
    for connection in opened:
        connection.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def fail_after(database, value):
    with database.transaction():
        database.execute("INSERT INTO t VALUES (?)", (value,))
        raise ZeroDivisionError


def test_an_error_inside_a_transaction_undoes_all_of_it(database):
    with pytest.raises(ZeroDivisionError):
        fail_after(database, 1)
    assert database.execute("SELECT count(*) FROM t") == [(0,)]


def test_a_caught_error_undoes_the_inner_transaction_alone(database):
    with database.transaction():
        database.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(ZeroDivisionError):
            fail_after(database, 2)
        with database.transaction():
            database.execute("INSERT INTO t VALUES (3)")
    assert database.execute("SELECT x FROM t ORDER BY x") == [(1,), (3,)]


def test_threads_take_turns_with_transactions(database):
    def add():
        for _ in range(50):
            with database.transaction():
                (count,) = database.execute("SELECT count(*) FROM t")[0]
                database.execute("INSERT INTO t VALUES (?)", (count,))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.execute("SELECT x FROM t ORDER BY x") == [(i,) for i in range(200)]


def test_another_holder_of_the_write_lock_is_named(database, tmp_path):
    other = open_database(tmp_path / "a.db", KEY)
    other.execute("PRAGMA busy_timeout=1")
    with database.transaction():
        database.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(BusyError), other.transaction():
            pass
    other.close()


def test_errors_never_carry_values(database):
    database.execute("CREATE TABLE u (x TEXT UNIQUE, y TEXT CHECK (y != 'CANARY-1')) STRICT")
    database.execute("INSERT INTO u VALUES ('CANARY-2', '')")
    for row in (("CANARY-2", ""), ("a", "CANARY-1"), ("b", b"CANARY-3")):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
            database.execute("INSERT INTO u VALUES (?, ?)", row)
        shown = repr(caught.value) + repr(caught.value.__cause__)
        assert "CANARY-2" not in shown
        assert "CANARY-3" not in shown


def test_integrity_is_checked_page_by_page(database, tmp_path):
    database.execute_many("INSERT INTO t VALUES (?)", [(i,) for i in range(20_000)])
    assert database.damaged_pages() == []
    database.close()
    data = bytearray((tmp_path / "a.db").read_bytes())
    data[10 * 4096 + 77] ^= 1
    (tmp_path / "a.db").write_bytes(data)
    connection = open_database(tmp_path / "a.db", KEY)
    assert connection.damaged_pages()
    with pytest.raises(VaultDamagedError):
        connection.execute("SELECT sum(x) FROM t")
    connection.close()
