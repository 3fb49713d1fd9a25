"""Tables of the privacy budget and the ledger inside ``vault.db``.

The vault's migrations create them; ``budget.py`` and ``ledger_store.py`` are the only readers and
writers. Blocks carry a salted pseudonym instead of a date, the same one the ledger names, so that
an exported ledger tells how much was spent and never on which day somebody worked.
"""

PRIVACY_SCHEMA: tuple[str, ...] = (
    # One line of the hash-chained, signed ledger. Lines are appended, never updated or deleted.
    """
    CREATE TABLE ledger (
        seq INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        line BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER ledger_is_never_rewritten BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TRIGGER ledger_is_never_shortened BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    # What one day of data has been charged so far: Renyi divergences at the public orders,
    # little-endian float64, how many rounds and steps they stem from, and how its units were cut:
    # charges add up only while "one unit" means the same stretch of activity.
    """
    CREATE TABLE privacy_blocks (
        block TEXT PRIMARY KEY,
        unit TEXT NOT NULL,
        charges INTEGER NOT NULL,
        steps INTEGER NOT NULL,
        curve BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # One row per round this laptop reserved budget for: stops replays, counts rounds per day.
    """
    CREATE TABLE privacy_rounds (
        contract TEXT PRIMARY KEY,
        run TEXT NOT NULL,
        round INTEGER NOT NULL,
        utc_day INTEGER NOT NULL,
        reserve_seq INTEGER NOT NULL,
        release_seq INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX privacy_rounds_by_day ON privacy_rounds (utc_day)",
    # The salt of block pseudonyms and the latest UTC day ever seen (a clock set back gives no
    # fresh allowance).
    """
    CREATE TABLE privacy_state (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

FLOOR_SCHEMA: tuple[str, ...] = (
    # Every policy floor that was ever in force, signed by the device; the newest one holds.
    # ``floors.py`` is the only reader and writer. Appended, never updated or deleted.
    """
    CREATE TABLE policy_floors (
        number INTEGER PRIMARY KEY,
        digest TEXT NOT NULL,
        envelope BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER floors_are_never_rewritten BEFORE UPDATE ON policy_floors
    BEGIN SELECT RAISE(ABORT, 'policy floors are append-only'); END
    """,
    """
    CREATE TRIGGER floors_are_never_removed BEFORE DELETE ON policy_floors
    BEGIN SELECT RAISE(ABORT, 'policy floors are append-only'); END
    """,
)

EPSILON_SCHEMA: tuple[str, ...] = (
    # Numerically composed figures that were worked out before. ``name`` is SHA-256 of all that
    # determines one; ``value`` is the float64 and eight bytes that bind it to its name. Nothing
    # depends on this table: whatever is missing or damaged is worked out again.
    """
    CREATE TABLE privacy_epsilons (
        name BLOB PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

LOG_SCHEMA: tuple[str, ...] = (
    # The head of each log as seen last, and how many of this laptop's releases it knew of.
    """
    CREATE TABLE log_heads (
        origin TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        root BLOB NOT NULL CHECK (length(root) = 32),
        logged INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # Which model each round was about when it was first heard of: there is one for everybody.
    """
    CREATE TABLE log_models (
        run TEXT NOT NULL,
        round INTEGER NOT NULL,
        model TEXT NOT NULL,
        PRIMARY KEY (run, round)
    ) STRICT, WITHOUT ROWID
    """,
    # The receipts that this vault ever signed; a receipt in the log that is not here is of another
    # copy of this vault, or of a later time.
    """
    CREATE TABLE log_receipts (
        origin TEXT NOT NULL,
        count INTEGER NOT NULL,
        contract TEXT NOT NULL,
        commitment TEXT NOT NULL,
        PRIMARY KEY (origin, count),
        UNIQUE (origin, contract)
    ) STRICT, WITHOUT ROWID
    """,
    # Released answers, byte for byte. ``cuts`` names what one was made from while it may be sent
    # again, and is empty after that.
    """
    CREATE TABLE outbox (
        contract TEXT PRIMARY KEY,
        release INTEGER NOT NULL,
        body BLOB NOT NULL,
        receipt BLOB NOT NULL,
        cuts BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)
