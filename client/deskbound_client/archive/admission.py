"""Which days may come into a vault, and which of them rounds may learn from.

What was forgotten stays forgotten: the ledger, which cannot be rewritten, names the blocks of which
something was erased. A day whose key was destroyed has none that could take it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, Self

from deskbound_client.config import load_config
from deskbound_client.employee.forgetting import finish
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.state import PrivacyState
from deskbound_client.store.vault import Vault
from deskbound_strategies.ledger_bodies import LedgerKind

RESEARCH = "research"  # the profile whose vaults are for experiments, not for a person's work
_MOVED = "moved-here/"  # setting of a day that came from an earlier vault of the same person


@dataclass(frozen=True, slots=True)
class Admission:
    """What bars a day.

    Attributes:
        first: the oldest day that the retention keeps.
        last: the newest day that may come in.
        forgotten: blocks of which something was forgotten here.
        state: knows the blocks' names.
    """

    first: date
    last: date
    forgotten: frozenset[str]
    state: PrivacyState

    @classmethod
    def of(cls, paths: HomePaths, vault: Vault, now: datetime | None, *, again: bool) -> Self:
        """Return what bars days from a vault today.

        Args:
            paths: of the home.
            vault: open.
            now: the present, local.
            again: do not bar what was forgotten.
        """
        finish(vault)  # a forget that was cut short counts as one
        config = load_config(paths.config)
        today = (now or datetime.now().astimezone()).date()
        forgotten: set[str] = set()
        for entry in LedgerStore(vault).entries(kinds=(LedgerKind.FORGET,)):
            forgotten.update(entry.body["blocks"])
        return cls(
            today - timedelta(days=config.retention_days - 1),
            today,
            frozenset() if again else frozenset(forgotten),
            PrivacyState(vault.database),
        )

    def bars(self, day: date) -> Literal["future", "old", "forgotten"] | None:
        """Return why a day may not come in, or None when it may."""
        if day > self.last:
            return "future"
        if day < self.first:
            return "old"
        return "forgotten" if self.state.name_of(day) in self.forgotten else None


def mark_as_moved(vault: Vault, day: date) -> None:
    """Note that a day came from an earlier vault, before any row of it is stored."""
    vault.settings.set(_MOVED + day.isoformat(), "1")


def moved_days(vault: Vault) -> frozenset[date]:
    """Return the days that came from an earlier vault: their budget was spent there."""
    names = (name for name, _ in vault.settings if name.startswith(_MOVED))
    return frozenset(date.fromisoformat(name.removeprefix(_MOVED)) for name in names)
