"""What the employee must know of the server's log: rewritten, incomplete, or ahead of this vault.

These are refusals that never travel; here they are said out loud. An alarm stands until the next
update was released: then the log was in order again.
"""

from dataclasses import dataclass

from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.cipher import Connection
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.ledger_bodies import LedgerKind

_TELL = "Nothing is sent. Tell your privacy team and the operator."


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is wrong, and what to do about it."""

    sentence: str
    mend: str


ALARMS: dict[RefusalCode, Alarm] = {
    RefusalCode.LOG_FORKED: Alarm(
        "The server's log is not the one it showed this laptop before.", _TELL
    ),
    RefusalCode.MODEL_FORKED: Alarm(
        "The server sent this laptop two different models for one round.", _TELL
    ),
    RefusalCode.ROLLED_BACK: Alarm(
        "This vault is older than what this laptop sent last, or another machine has a copy of it.",
        "Nothing is sent, so that no budget is spent twice. Go back to the newer vault, or make a"
        " new one with `deskbound leave --erase` and `deskbound init`.",
    ),
    RefusalCode.NOT_LOGGED: Alarm(
        "The server does not enter into its log what this laptop sends.", _TELL
    ),
    RefusalCode.RELEASE_NOT_LOGGED: Alarm(
        "The server's log does not show that the code running here was reviewed.", _TELL
    ),
}


def alarm_of(database: Connection, ledger: LedgerStore) -> RefusalCode | None:
    """Return the alarm that stands, if any: the latest since the last release.

    Raises:
        VerificationError: when an entry is not what this device wrote.
    """
    rows = database.execute(
        "SELECT seq FROM ledger WHERE kind = ? AND seq >"
        " (SELECT coalesce(max(seq), -1) FROM ledger WHERE kind = ?) ORDER BY seq DESC LIMIT 100",
        (LedgerKind.REFUSE.value, LedgerKind.RELEASE.value),
    )
    for (seq,) in rows:
        entry = ledger.entry(seq)
        code = None if entry is None else RefusalCode(entry.body["code"])
        if code in ALARMS:
            return code
    return None
