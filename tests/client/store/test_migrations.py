import pytest

from deskbound_client.privacy.schema import PRIVACY_SCHEMA
from deskbound_client.store.cipher import open_database
from deskbound_client.store.migrations import DAY_STEPS, VAULT_STEPS, migrate, migration
from deskbound_strategies.errors import VaultDamagedError

KEY = bytes(32)


@pytest.fixture
def database(tmp_path):
    connection = open_database(tmp_path / "a.db", KEY, create=True)
    yield connection
    connection.close()


def tables(database):
    return {
        row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }


def test_each_step_runs_once_and_is_counted(database):
    steps, ran = [], []
    migration(steps)(lambda _: ran.append(1))
    migrate(database, steps)
    migrate(database, steps)
    migration(steps)(lambda _: ran.append(2))
    migrate(database, steps)
    assert ran == [1, 2]
    assert database.execute("PRAGMA user_version") == [(2,)]


def test_a_step_that_fails_leaves_nothing_behind(database):
    steps = []

    @migration(steps)
    def half(connection):
        connection.execute("CREATE TABLE half (x INTEGER)")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        migrate(database, steps)
    assert tables(database) == set()
    assert database.execute("PRAGMA user_version") == [(0,)]


def test_a_database_of_the_future_is_refused(database):
    database.execute("PRAGMA user_version=99")
    with pytest.raises(VaultDamagedError, match="newer version"):
        migrate(database, DAY_STEPS)


def test_the_vault_holds_the_tables_of_budget_and_ledger(database):
    migrate(database, VAULT_STEPS)
    assert {"settings", "consents", "ledger", "privacy_blocks", "privacy_rounds"} <= tables(
        database
    )
    assert PRIVACY_SCHEMA


def test_no_column_of_a_day_file_can_hold_a_text(database):
    migrate(database, DAY_STEPS)
    for table in tables(database):
        columns = database.execute(f"PRAGMA table_info({table})")
        kinds = {(name, kind) for _, name, kind, *_ in columns}
        assert {kind for name, kind in kinds if (table, name) != ("thumbs", "pixels")} <= {
            "INTEGER"
        }
        (strict,) = database.execute(
            "SELECT strict FROM pragma_table_list WHERE name = ?", (table,)
        )
        assert strict == (1,)
