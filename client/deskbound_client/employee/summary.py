"""What left last and how much budget is left, in a small file that is read without the vault.

Whoever has the vault open writes it when the ledger has grown; so it says as of which entry it is.
It names counts and the hour of an upload, as the ledger does, and no day, no run and no content.
"""

import json
from dataclasses import asdict, dataclass

from deskbound_client.employee.alarm import alarm_of
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.files import read_private, replace_private
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import DeskboundError
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.policy import PolicyFloor

FILE = "summary.json"


@dataclass(frozen=True, slots=True)
class Summary:
    """What left, and what is left to spend.

    Attributes:
        entry: number of the ledger's entries when this was written.
        uploads: how many updates ever left.
        last_at: Unix seconds of the hour in which the last one left, 0 for none.
        last_round: its round, 0 for none.
        last_bytes: how long it was.
        budget_left: share of the budget that is left to the stored day with least of it, or to
            this laptop's life where that is less; 1.0 when nothing was spent.
        alarm: code of what is wrong with the server's log or this copy of the vault, or empty.
    """

    entry: int
    uploads: int = 0
    last_at: int = 0
    last_round: int = 0
    last_bytes: int = 0
    budget_left: float = 1.0
    alarm: str = ""


def entries_of(vault: Vault) -> int:
    """Return how many entries the ledger has."""
    return int(vault.database.execute("SELECT count(*) FROM ledger")[0][0])


def summarize(vault: Vault, floor: PolicyFloor) -> Summary:
    """Read the ledger's last upload, and the blocks of the days that are stored.

    Raises:
        VerificationError: when the entry is not what this device wrote.
    """
    ledger = LedgerStore(vault)
    alarm = alarm_of(vault.database, ledger)
    found = Summary(
        entries_of(vault),
        budget_left=_left(Budget(ledger, floor), vault, floor),
        alarm="" if alarm is None else alarm.value,
    )
    uploads = vault.database.execute(
        "SELECT count(*), max(seq) FROM ledger WHERE kind = ?", (LedgerKind.RELEASE.value,)
    )
    count, newest = uploads[0]
    release = ledger.entry(newest) if count else None
    reserve = ledger.entry(release.body["reserve"]) if release is not None else None
    if release is None or reserve is None:
        return found
    return Summary(
        entry=found.entry,
        uploads=count,
        last_at=release.at,
        last_round=reserve.body["round"],
        last_bytes=release.body["bytes"],
        budget_left=found.budget_left,
        alarm=found.alarm,
    )


def _left(budget: Budget, vault: Vault, floor: PolicyFloor) -> float:
    worst = max((budget.spent(day)[0] for day in vault.days()), default=0.0)
    spent = max(worst / floor.epsilon_day, budget.total() / floor.epsilon_total)
    return max(0.0, 1.0 - spent)


def write_summary(paths: HomePaths, summary: Summary) -> None:
    """Replace the file as a whole; only its owner can read it.

    Raises:
        DiskFullError: there is no room.
    """
    paths.run.mkdir(mode=0o700, exist_ok=True)
    text = json.dumps(asdict(summary), sort_keys=True)
    replace_private(paths.run / FILE, text.encode("ascii"))


def read_summary(paths: HomePaths) -> Summary | None:
    """Return what was written last, or None."""
    try:
        return Summary(**json.loads(read_private(paths.run / FILE)))
    except (DeskboundError, OSError, ValueError, TypeError):
        return None
