"""What this laptop answers to a round contract: an update, a refusal code, or nothing at all.

    willing? ── no ───────────────────────────────────────────► silence
       │
    read: message, signature, contract ──┐
    judge: policy floor, log, weights ───┴─ anything wrong ───► refusal code
       │                                                        (in the ledger first)
    follow: the log and the model as seen before, receipts ───► silence
       │
    answered before? ── yes ──────────────────────────────────► the same bytes again
       │
    this release named? ── no ────────────────────────────────► silence
       │
    take part: days, reserve, train, encode, release ─ any ───► silence
       │                                                        (what was reserved stays spent)
    the noised update and its receipt

The line between the two kinds of failure is the line at which data is first looked at. Above it,
everything depends on message, contract and public policy, so a code may travel. Below it, even
"something failed" could tell what the vault holds, so the laptop is as good as offline.

What this laptop did before lies below the line too: that a contract was answered already, or that
a day's rounds are used up, would tell that a silent laptop had begun a round. And so does which
release runs here. Every check above is done before these are looked at, so that no message can be
made whose code tells which of the two held.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flwr.app import RecordDict
from numpy.typing import NDArray

from deskbound_client import __version__
from deskbound_strategies import codec, contract, dsse, round_proof, wire
from deskbound_strategies.checkpoint import Trust
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import LOCAL_ONLY, Refusal, RefusalCode, VerificationError
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.policy import PolicyFloor, check_contract, lattice_for
from deskbound_strategies.round_proof import Proven
from deskbound_strategies.stop_order import StopOrder
from deskbound_strategies.task import Task, Unit

Weights = Mapping[str, NDArray[np.float32]]

# A laptop that stays silent looks offline at least this long, and at most until the deadline.
LONGEST_SILENCE_SECONDS = 900
SHORTEST_SILENCE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer, and no sign of life until then.

    Attributes:
        until: Unix seconds.
    """

    until: int


Outcome = RecordDict | Silence


@dataclass(frozen=True, slots=True, eq=False)
class Accepted:
    """A contract that passed everything that can be checked without looking at data.

    Attributes:
        contract: what is asked.
        task: the installed task it names.
        encoded: the weights as they came.
        weights: the same, decoded.
        proven: what the log's proof showed.
        lattice: on which the noise will be drawn.
    """

    contract: RoundContract
    task: Task
    encoded: bytes
    weights: Weights
    proven: Proven
    lattice: Lattice


@dataclass(frozen=True, slots=True)
class Answered:
    """What leaves: an encoded update and the receipt for the log."""

    update: bytes
    receipt: bytes


class Reserved(Protocol):
    """A round that is paid for."""

    @property
    def days(self) -> tuple[date, ...]:
        """Whose data may be sampled; no other day may."""


class Laptop(Protocol):
    """What a participant needs of the laptop it runs on."""

    @property
    def floor(self) -> PolicyFloor:
        """The local policy floor."""

    @property
    def contract_key(self) -> Ed25519PublicKey:
        """The one key whose contracts count."""

    @property
    def trust(self) -> Trust:
        """Whose word counts for the server's log."""

    @property
    def anchor(self) -> str:
        """Under which the log speaks of this laptop (hex)."""

    def now(self) -> float:
        """Return Unix time."""

    def is_willing(self) -> bool:
        """Return whether the employee lets this laptop take part at this moment."""

    def find_task(self, name: str) -> Task:
        """Return the installed task of that name, or refuse with ``task-unknown``."""

    def refuse(self, code: RefusalCode, contract_digest: str | None) -> None:
        """Write a refusal into the ledger."""

    def follow(self, accepted: Accepted) -> None:
        """Check the log against what this laptop saw and released before, and remember it.

        Raises:
            Refusal: with a code of ``LOCAL_ONLY``.
        """

    def answered(self, asked: RoundContract) -> Answered | None:
        """Return what was released for this very contract, if it may be sent again."""

    def check_release(self, asked: RoundContract) -> None:
        """Check that a contract is for the code that runs here, where the floor asks for that.

        Raises:
            Refusal: ``release-not-logged``.
        """

    def keep_model(self, accepted: Accepted) -> None:
        """Keep the shared model that came with a contract."""

    def units(self, asked: RoundContract) -> Mapping[date, Sequence[Unit]]:
        """Return the units of each day that may be trained on; days without units are left out."""

    def reserve(
        self, asked: RoundContract, days: Mapping[date, Sequence[Unit]], lattice: Lattice
    ) -> Reserved | None:
        """Charge the days and write it down, or return None when none can afford the round.

        Raises:
            Refusal: with a code of ``LOCAL_ONLY``; nothing was charged.
        """

    def train(self, accepted: Accepted, units: Sequence[Unit]) -> Mapping[str, NDArray[Any]]:
        """Return the noised update."""

    def release(self, asked: RoundContract, update: bytes) -> bytes:
        """Write into the ledger that these bytes leave, before they do; return the receipt."""

    def stop(self, order: StopOrder, proven: Proven) -> None:
        """Pause for good and write it down, unless this order was obeyed before.

        Raises:
            Refusal: with a code of ``LOCAL_ONLY``; nothing is changed then.
        """

    def listen_while_training(self, listen: Callable[[], None]) -> None:
        """Have this called again and again while a round is worked on; it must not raise."""


def answer(content: RecordDict | None, laptop: Laptop) -> Outcome:
    """Answer one message.

    Args:
        content: its records, or None when they could not even be read as such.
        laptop: this one.

    Returns:
        The content of a reply, or silence. Nothing that depends on data is in it, except the
        noised update. It never raises.
    """
    digest = None
    try:
        if not laptop.is_willing():
            return silence(laptop)
        request, asked = read(content, laptop)
        digest = asked.digest()
        accepted = judge(asked, request, laptop)
    except Refusal as refusal:
        return refused(refusal.code, laptop, digest)
    except Exception:  # noqa: BLE001 - its words must not travel
        return refused(RefusalCode.INTERNAL, laptop, digest)
    return _take_part(accepted, laptop)


def silence(laptop: Laptop, asked: RoundContract | None = None) -> Silence:
    """Return how long to be silent: until nobody waits for the answer any more."""
    now = int(laptop.now())
    deadline = now + LONGEST_SILENCE_SECONDS if asked is None else asked.deadline
    shortest, longest = now + SHORTEST_SILENCE_SECONDS, now + LONGEST_SILENCE_SECONDS
    return Silence(min(max(deadline, shortest), longest))


def refused(code: RefusalCode, laptop: Laptop, digest: str | None = None) -> Outcome:
    """Write a refusal into the ledger, then return it; what cannot be written is not sent."""
    try:
        laptop.refuse(code, digest)
    except Exception:  # noqa: BLE001 - a full disk, a damaged ledger: nothing leaves unrecorded
        return silence(laptop)
    return silence(laptop) if code in LOCAL_ONLY else wire.refusal_content(code)


def read(content: RecordDict | None, laptop: Laptop) -> tuple[wire.Request, RoundContract]:
    """Return a request, and the contract in it that our server signed.

    Raises:
        Refusal: when message, signature or contract is not as agreed.
    """
    if content is None:
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
    request = wire.parse_request(content, max_weights_bytes=laptop.floor.max_message_bytes)
    try:
        payload = dsse.verify(request.envelope, contract.PAYLOAD_TYPE, laptop.contract_key)
    except VerificationError:
        raise Refusal(RefusalCode.CONTRACT_SIGNATURE) from None
    return request, RoundContract.from_bytes(payload)


def judge(asked: RoundContract, request: wire.Request, laptop: Laptop) -> Accepted:
    """Check a contract, its proof and its weights against what this laptop allows and trusts.

    Raises:
        Refusal: with the first reason.
    """
    if asked.task not in laptop.floor.tasks:
        raise Refusal(RefusalCode.TASK_UNKNOWN)
    task, encoded = laptop.find_task(asked.task), request.weights
    check_contract(
        asked,
        laptop.floor,
        now=laptop.now(),
        model_bytes=len(encoded),
        vocabulary_hash=task.vocabulary_hash,
        client_version=__version__,
    )
    proven = round_proof.verify(request.proof, request.envelope, asked, laptop.trust, laptop.anchor)
    if hashlib.sha256(encoded).hexdigest() != asked.model_hash:
        raise Refusal(RefusalCode.MODEL_MISMATCH)
    layout = task.layout()
    weights = codec.decode(encoded, layout)
    lattice = lattice_for(asked, sum(spec.elements for spec in layout))
    return Accepted(asked, task, encoded, weights, proven, lattice)


def _take_part(accepted: Accepted, laptop: Laptop) -> Outcome:
    asked = accepted.contract
    try:
        laptop.follow(accepted)
        found = laptop.answered(asked) or _work(accepted, laptop)
        if found is None:
            return silence(laptop, asked)
    except Refusal as refusal:
        _note(refusal.code, laptop, asked)
        return silence(laptop, asked)
    except Exception:  # noqa: BLE001 - from here on even a failure could tell something
        return silence(laptop, asked)
    return wire.reply_content(asked.digest(), __version__, found.update, found.receipt)


def _note(code: RefusalCode, laptop: Laptop, asked: RoundContract) -> None:
    """Write down for the employee what the server does not hear."""
    if code in LOCAL_ONLY:
        with suppress(Exception):  # nothing leaves, so nothing depends on this entry
            laptop.refuse(code, asked.digest())


def _work(accepted: Accepted, laptop: Laptop) -> Answered | None:
    """Make an update and release it."""
    laptop.check_release(accepted.contract)
    update = _update(accepted, laptop)
    # The employee may have paused while this trained; what is reserved stays spent.
    if update is None or not laptop.is_willing():
        return None
    return Answered(update, laptop.release(accepted.contract, update))


def _update(accepted: Accepted, laptop: Laptop) -> bytes | None:
    laptop.keep_model(accepted)
    by_day = laptop.units(accepted.contract)
    if not by_day:
        return None
    reserved = laptop.reserve(accepted.contract, by_day, accepted.lattice)
    if reserved is None:
        return None
    units = [unit for day in reserved.days for unit in by_day[day]]
    return codec.encode(laptop.train(accepted, units), accepted.task.layout())
