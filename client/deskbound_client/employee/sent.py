"""Every upload that ever left this laptop, and every request that was turned down, in plain words.

All of it comes from the ledger, whose chain and signatures are checked on the way; so what is
shown here is what an auditor finds in an export. The ledger knows no time finer than the hour.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deskbound_client.employee.pausing import stop_words
from deskbound_client.employee.words import counted, sure
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.outbox import Outbox
from deskbound_client.store.files import read_private
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import NotFoundError, RefusalCode, VerificationError
from deskbound_strategies.ledger import LedgerEntry
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.refusal_words import REFUSED
from deskbound_strategies.stop_order import StopReason

KINDS = (
    LedgerKind.RESERVE, LedgerKind.RELEASE, LedgerKind.REFUSE, LedgerKind.JOIN, LedgerKind.STOP,
)  # fmt: skip

# What an upload is, for each task of ours; another's goes by its name.
_PURPOSES = {
    "next_action": "learning",
    "action_counts": "counting",
    "next_action_hits": "trial",
}
_UPLOADS = {
    "next_action": "A noised change to {:,} numbers of the shared model",
    "action_counts": "{:,} noised counts of which action comes after which",
    "next_action_hits": "{:,} noised counts of how often a shared model was right",
}
_UPLOAD = "A noised answer of {:,} numbers"


def purpose_of(task: str | None) -> str:
    """Return what a round was for, in a word; another's task is called by its name."""
    return "untold" if task is None else _PURPOSES.get(task, task)


@dataclass(frozen=True, slots=True)
class Stop:
    """An order of the operator to stop, which this laptop obeyed and said so.

    Attributes:
        seq: of the ledger's entry.
        at: Unix seconds of the hour in which it came.
        reason: why.
    """

    seq: int
    at: int
    reason: StopReason

    @property
    def words(self) -> str:
        """It, in words."""
        return f"{stop_words(self.reason)} Your laptop answered that the order had come."


@dataclass(frozen=True, slots=True)
class Upload:
    """One update that left.

    Attributes:
        seq: of the ledger's release entry.
        at: Unix seconds of the hour in which it left.
        run: identifier of the run.
        round: its number in the run.
        task: what it was for; None where an older client paid for it and wrote no task down.
        bytes: how long it was.
        sha256: of these bytes; the server can be asked what it received.
        days: how many days of data could be sampled for it.
        unit: what the noise hides one of, ``session`` or ``day``.
        numbers: how many it is made of.
        noise: standard deviation of the noise, as a multiple of what one unit can move.
        epsilon: what this round alone gave away about one unit, at most.
        delta: probability with which ``epsilon`` does not hold.
    """

    seq: int
    at: int
    run: str
    round: int
    task: str | None
    bytes: int
    sha256: str
    days: int
    unit: str
    numbers: int
    noise: float
    epsilon: float
    delta: float

    @property
    def purpose(self) -> str:
        """What it was for, in a word."""
        return purpose_of(self.task)

    @property
    def words(self) -> str:
        """What it was, for people who never heard of epsilon."""
        told = _UPLOADS.get(self.task or "", _UPLOAD).format(self.numbers)
        return (
            f"{told}, made from {counted(self.days, 'day')}. No action can be read from it. "
            f"Whoever knew everything else and held any one {self.unit} for as likely as not is at "
            f"most {sure(self.epsilon)} sure of it after this round, except with probability "
            f"{self.delta:.0e}."
        )


@dataclass(frozen=True, slots=True)
class Unsent:
    """A round that was paid for and whose update never left; what was paid stays paid."""

    seq: int
    at: int
    run: str
    round: int
    task: str | None
    days: int
    epsilon: float
    delta: float

    @property
    def purpose(self) -> str:
        """What it was for, in a word."""
        return purpose_of(self.task)


@dataclass(frozen=True, slots=True)
class Declined:
    """A request that was turned down; it cost nothing.

    Attributes:
        seq: of the ledger's entry.
        at: Unix seconds of the hour.
        contract: digest of what was asked; None when it could not be read.
        code: the reason, all that the server heard of it, if anything.
    """

    seq: int
    at: int
    contract: str | None
    code: RefusalCode

    @property
    def words(self) -> str:
        """The reason in plain words."""
        return REFUSED[self.code]


@dataclass(frozen=True, slots=True)
class Membership:
    """A fleet was joined or left."""

    seq: int
    at: int
    joined: bool
    server_key: str


@dataclass(frozen=True, slots=True)
class Received:
    """The shared model as it came last: the way down is not in the ledger, this is all there is."""

    run: str
    round: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Everything that left or was asked for, oldest first."""

    uploads: tuple[Upload, ...]
    unsent: tuple[Unsent, ...]
    declined: tuple[Declined, ...]
    memberships: tuple[Membership, ...]
    stops: tuple[Stop, ...]
    head: str

    @property
    def bytes(self) -> int:
        """How many bytes of updates left in all."""
        return sum(upload.bytes for upload in self.uploads)


def sent(vault: Vault) -> Sent:
    """Return every upload, refusal, joining, leaving and stop.

    Raises:
        VerificationError: when the ledger is not what this device wrote.
    """
    ledger = LedgerStore(vault)
    found = list(ledger.entries(kinds=KINDS))
    paid = {entry.seq: entry for entry in found if entry.kind is LedgerKind.RESERVE}
    left = [entry for entry in found if entry.kind is LedgerKind.RELEASE]
    used = {entry.body["reserve"] for entry in left}
    return Sent(
        uploads=tuple(_upload(entry, paid[entry.body["reserve"]].body) for entry in left),
        unsent=tuple(_unsent(entry) for seq, entry in paid.items() if seq not in used),
        declined=tuple(_declined(entry) for entry in found if entry.kind is LedgerKind.REFUSE),
        memberships=tuple(_membership(entry) for entry in found if entry.kind is LedgerKind.JOIN),
        stops=tuple(_stop(entry) for entry in found if entry.kind is LedgerKind.STOP),
        head=ledger.head(),
    )


def bytes_of(vault: Vault, sha256: str) -> tuple[Upload, bytes]:
    """Return an upload and the very bytes that left.

    Args:
        vault: open.
        sha256: beginning of the hash of these bytes (hex).

    Raises:
        NotFoundError: no upload has that hash, more than one has, or its bytes are not kept any
            more: only the latest are.
        VerificationError: when what is kept is not what the ledger names.
    """
    found = [one for one in sent(vault).uploads if sha256 and one.sha256.startswith(sha256.lower())]
    if len(found) != 1:
        which = "more than one upload has" if found else "no upload has"
        raise NotFoundError(f"{which.capitalize()} that hash.", "List them with `deskbound sent`.")
    kept = Outbox(vault.database).bytes_of(found[0].seq)
    if kept is None:
        raise NotFoundError(
            "The bytes of that upload are not kept any more.",
            "Only the latest 64 MB are; the ledger still has hash and length.",
        )
    if hashlib.sha256(kept).hexdigest() != found[0].sha256:
        raise VerificationError(
            "The bytes that are kept are not those that the ledger names.", "Report this."
        )
    return found[0], kept


def received(paths: HomePaths) -> Received | None:
    """Return which shared model came last, or None; it needs no vault."""
    try:
        card = json.loads(read_private(paths.model_card))
        size = paths.model_weights.stat().st_size
        return Received(str(card["run"]), int(card["round"]), size, str(card["model_hash"]))
    except (NotFoundError, OSError, ValueError, TypeError, KeyError):
        return None


def reasons(declined: Sequence[Declined]) -> list[tuple[RefusalCode, int]]:
    """Return how often each reason was given, most frequent first."""
    codes = [one.code for one in declined]
    return sorted(((code, codes.count(code)) for code in set(codes)), key=lambda one: -one[1])


def _upload(entry: LedgerEntry, paid: dict[str, Any]) -> Upload:
    return Upload(
        seq=entry.seq,
        at=entry.at,
        run=paid["run"],
        round=paid["round"],
        task=paid.get("task"),
        bytes=entry.body["bytes"],
        sha256=entry.body["update"],
        days=len(paid["blocks"]),
        unit=paid["unit"],
        numbers=paid["lattice"]["dimension"],
        noise=paid["noise_multiplier"],
        epsilon=paid["epsilon"],
        delta=paid["delta"],
    )


def _unsent(entry: LedgerEntry) -> Unsent:
    paid = entry.body
    days = len(paid["blocks"])
    cost = (paid["epsilon"], paid["delta"])
    told = (paid["run"], paid["round"], paid.get("task"))
    return Unsent(entry.seq, entry.at, *told, days, *cost)


def _declined(entry: LedgerEntry) -> Declined:
    code = RefusalCode(entry.body["code"])
    return Declined(entry.seq, entry.at, entry.body["contract"], code)


def _stop(entry: LedgerEntry) -> Stop:
    return Stop(entry.seq, entry.at, StopReason(entry.body["reason"]))


def _membership(entry: LedgerEntry) -> Membership:
    joined = entry.body["action"] == "join"
    return Membership(entry.seq, entry.at, joined, entry.body["server_key"])
