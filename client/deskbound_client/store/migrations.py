"""How the tables of a database come to be: numbered steps, one transaction each.

A step that was ever released is never edited; a change is a new step. ``PRAGMA user_version`` says
how many are done, inside the same transaction, so a crash leaves a step wholly done or not at all.
"""

from collections.abc import Callable

from deskbound_client.privacy.schema import (
    EPSILON_SCHEMA,
    FLOOR_SCHEMA,
    LOG_SCHEMA,
    PRIVACY_SCHEMA,
)
from deskbound_client.store.cipher import Connection
from deskbound_client.store.tally import TALLY_SCHEMA
from deskbound_strategies.errors import VaultDamagedError

Step = Callable[[Connection], None]
VAULT_STEPS: list[Step] = []
DAY_STEPS: list[Step] = []


def migration(steps: list[Step]) -> Callable[[Step], Step]:
    """Register a function as the next step of a kind of database."""

    def register(step: Step) -> Step:
        steps.append(step)
        return step

    return register


def migrate(connection: Connection, steps: list[Step]) -> None:
    """Run the steps that a database still lacks.

    Raises:
        VaultDamagedError: when a newer Deskbound has written it.
    """
    while _done(connection) < len(steps):
        with connection.transaction():
            done = _done(connection)  # another process may have been faster
            if done < len(steps):
                steps[done](connection)
                connection.execute(f"PRAGMA user_version={done + 1:d}")
    if _done(connection) > len(steps):
        raise VaultDamagedError(
            f"{connection.path.name} was written by a newer version of Deskbound.",
            "Update Deskbound on this laptop.",
        )


def _done(connection: Connection) -> int:
    return int(connection.execute("PRAGMA user_version")[0][0])


@migration(VAULT_STEPS)
def settings_consents_and_privacy(connection: Connection) -> None:
    """What the employee has set and agreed to, and what was spent."""
    connection.execute(
        "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"
    )
    connection.execute(
        """CREATE TABLE consents (
            id INTEGER PRIMARY KEY,
            subject TEXT NOT NULL,
            version INTEGER NOT NULL,
            granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
            at INTEGER NOT NULL,
            signature BLOB NOT NULL CHECK (length(signature) = 64)
        ) STRICT"""
    )
    for statement in PRIVACY_SCHEMA:
        connection.execute(statement)


@migration(DAY_STEPS)
def gestures_pictures_and_holes(connection: Connection) -> None:
    """One day of activity. Strict tables of integers: there is no column that could hold a text.

    ``extent`` spans all times ever written, so that a search by time can pass a file over.
    """
    connection.execute(
        "CREATE TABLE boots (number INTEGER PRIMARY KEY, boot INTEGER NOT NULL UNIQUE) STRICT"
    )
    connection.execute(
        """CREATE TABLE actions (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            mono INTEGER NOT NULL,
            boot INTEGER NOT NULL REFERENCES boots,
            token INTEGER NOT NULL CHECK (token >= 0),
            app INTEGER NOT NULL CHECK (app >= 0),
            bucket INTEGER NOT NULL,
            gap INTEGER NOT NULL CHECK (gap BETWEEN 0 AND 8),
            stream INTEGER NOT NULL,
            fx INTEGER NOT NULL CHECK (fx BETWEEN -1 AND 15),
            fy INTEGER NOT NULL CHECK (fy BETWEEN -1 AND 15),
            source INTEGER NOT NULL CHECK (source IN (0, 1, 2))
        ) STRICT"""
    )
    connection.execute(
        """CREATE TABLE thumbs (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            mono INTEGER NOT NULL,
            boot INTEGER NOT NULL REFERENCES boots,
            app INTEGER NOT NULL,
            pixels BLOB NOT NULL CHECK (length(pixels) = 1152),
            source INTEGER NOT NULL CHECK (source IN (0, 1, 2))
        ) STRICT"""
    )
    connection.execute(
        """CREATE TABLE gaps (
            id INTEGER PRIMARY KEY,
            started INTEGER NOT NULL,
            ended INTEGER NOT NULL,
            cause INTEGER NOT NULL CHECK (cause >= 0)
        ) STRICT"""
    )
    connection.execute("CREATE TABLE extent (first INTEGER, last INTEGER) STRICT")
    connection.execute("INSERT INTO extent VALUES (NULL, NULL)")


@migration(VAULT_STEPS)
def figures_worked_out_before(connection: Connection) -> None:
    """What composing rounds numerically came to, so that it is not worked out at every look."""
    for statement in EPSILON_SCHEMA:
        connection.execute(statement)


@migration(VAULT_STEPS)
def receipts_of_forgetting(connection: Connection) -> None:
    """What the employee was told is gone; days, counts and what was spent, nothing finer."""
    connection.execute(
        """CREATE TABLE forget_receipts (
            id INTEGER PRIMARY KEY,
            body BLOB NOT NULL,
            signature BLOB NOT NULL CHECK (length(signature) = 64)
        ) STRICT"""
    )


@migration(VAULT_STEPS)
def consent_to_what_was_shown(connection: Connection) -> None:
    """A receipt names the digest of what was declared; older ones name none and hold no more."""
    connection.execute("ALTER TABLE consents ADD COLUMN digest TEXT NOT NULL DEFAULT ''")


@migration(DAY_STEPS)
def tally_of_hours(connection: Connection) -> None:
    """How many rows of which sort each hour holds; those that are there are counted as they come.

    Integers again, no finer than the rows themselves; see ``tally.py``.
    """
    for statement in TALLY_SCHEMA:
        connection.execute(statement)


@migration(VAULT_STEPS)
def intents_to_forget(connection: Connection) -> None:
    """What was begun to be forgotten and is not in the ledger yet; empty but for moments."""
    connection.execute("CREATE TABLE intents (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")


@migration(DAY_STEPS)
def rows_that_were_moved(connection: Connection) -> None:
    """Up to which id rows may have been moved, so that pages may hold copies; see ``scrub``."""
    columns = "actions INTEGER NOT NULL, thumbs INTEGER NOT NULL, gaps INTEGER NOT NULL"
    connection.execute(f"CREATE TABLE moved ({columns}, due INTEGER NOT NULL) STRICT")
    # What an older version deleted may have moved rows as well.
    connection.execute(
        "INSERT INTO moved SELECT coalesce((SELECT max(id) FROM actions), 0),"
        " coalesce((SELECT max(id) FROM thumbs), 0), coalesce((SELECT max(id) FROM gaps), 0), 0"
    )


@migration(VAULT_STEPS)
def log_and_outbox(connection: Connection) -> None:
    """What this laptop saw of the server's log, the receipts it signed, the answers it released."""
    for statement in LOG_SCHEMA:
        connection.execute(statement)


@migration(VAULT_STEPS)
def floors_in_force(connection: Connection) -> None:
    """Which policy floor holds, signed, and to which one consent to updates was given.

    Receipts of before name none: whoever agreed to updates then is asked anew.
    """
    for statement in FLOOR_SCHEMA:
        connection.execute(statement)
    connection.execute("ALTER TABLE consents ADD COLUMN floor TEXT NOT NULL DEFAULT ''")
