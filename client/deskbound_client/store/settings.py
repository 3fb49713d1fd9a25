"""What the employee has set, as short texts by name in ``vault.db``."""

from collections.abc import Iterator

from deskbound_client.store.cipher import Connection


class Settings:
    """Named texts, each written durably.

    Args:
        database: ``vault.db``.
    """

    def __init__(self, database: Connection) -> None:
        self._database = database

    def get(self, name: str, default: str = "") -> str:
        """Return a setting, or ``default`` when it was never set."""
        rows = self._database.execute("SELECT value FROM settings WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else default

    def set(self, name: str, value: str) -> None:
        """Keep a setting."""
        with self._database.transaction():
            self._database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def remove(self, name: str) -> None:
        """Forget a setting."""
        with self._database.transaction():
            self._database.execute("DELETE FROM settings WHERE name = ?", (name,))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        rows = self._database.execute("SELECT name, value FROM settings ORDER BY name")
        return iter([(str(name), str(value)) for name, value in rows])
