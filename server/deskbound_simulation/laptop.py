"""A virtual laptop: everything a laptop does in a round, with memory for a vault.

The product's own: reading and judging a contract, the log followed, the budget's filter and ledger,
units, DP-SGD, codec, receipts. Replaced: where it is kept (``memory.py``), where days come from
(``activity.py``), the source of random bits (``seeds.py``) and the clock. It is always willing:
pause, consent, power and presence are not simulated; who is there at all, ``fleet_grid.py``
decides. Answers are not kept to be sent again, for a lost one is never asked for again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from numpy.typing import NDArray

from deskbound_client.federation.participant import Accepted, Answered
from deskbound_client.learn.trainer import train
from deskbound_client.privacy.anchoring import Anchoring, anchor_key
from deskbound_client.privacy.budget import Budget, Reservation
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.state import PrivacyState
from deskbound_simulation.activity import Activity
from deskbound_simulation.memory import MemoryVault
from deskbound_simulation.seeds import seeded_bytes, seeded_key, seeded_source
from deskbound_strategies import dsse, weighing
from deskbound_strategies import task as tasks
from deskbound_strategies.checkpoint import Trust
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import LOCAL_ONLY, Refusal, RefusalCode
from deskbound_strategies.floor import PROFILES, PolicyFloor
from deskbound_strategies.log_entries import anchor_of
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.note import SIGNATURE, Verifier
from deskbound_strategies.round_proof import Proven
from deskbound_strategies.stop_order import StopOrder
from deskbound_strategies.task import Task, Unit
from deskbound_strategies.weighing import Told

LOG_NAME = "simulation.invalid/deskbound/log"
NO_DATA, NO_BUDGET = "no-data", "no-budget"  # why a laptop is silent, beside codes


@dataclass(frozen=True, slots=True)
class Fleet:
    """What all virtual laptops share.

    Attributes:
        seed: of everything that is drawn.
        profile: of their policy floor.
    """

    seed: int
    profile: str

    @property
    def floor(self) -> PolicyFloor:
        """The policy floor of every laptop."""
        return PROFILES[self.profile]

    @property
    def contract_key(self) -> Ed25519PrivateKey:
        """Signs contracts; laptops read its public half."""
        return seeded_key(self.seed, "contract")

    @property
    def log_key(self) -> Ed25519PrivateKey:
        """Signs the log's heads."""
        return seeded_key(self.seed, "log")

    @property
    def log(self) -> Verifier:
        """The log's name and public key."""
        return Verifier(LOG_NAME, SIGNATURE, self.log_key.public_key())

    def device_key(self, laptop: int) -> Ed25519PrivateKey:
        """Return a laptop's key."""
        return seeded_key(self.seed, "device", laptop)

    def anchor(self, laptop: int) -> str:
        """Return under which name the log speaks of a laptop."""
        key = anchor_key(self.device_key(laptop), LOG_NAME)
        return anchor_of(key.public_key().public_bytes_raw())


@cache
def _task_named(name: str) -> Task:
    """Look once: a worker answers thousands of messages, and installed packages do not change."""
    return tasks.find_task(name)


class VirtualLaptop:
    """One laptop for the length of one message; ``federation.participant.Laptop``.

    Args:
        fleet: that it belongs to.
        number: which of its laptops.
        state: what ``to_bytes`` gave after its last message; empty before the first.
        activity: gives its units.
        now: Unix seconds of the simulated clock.
    """

    def __init__(
        self, fleet: Fleet, number: int, state: bytes, activity: Activity, now: float
    ) -> None:
        self._fleet = fleet
        self._number = number
        self._activity = activity
        self._now = now
        salt = seeded_bytes(fleet.seed, "salt", number)
        self._vault = MemoryVault(state, fleet.device_key(number), salt)
        self.floor = fleet.floor
        self.contract_key: Ed25519PublicKey = fleet.contract_key.public_key()
        self._whom = dsse.fingerprint(self.contract_key)
        self.trust = Trust(fleet.log)
        self.budget = Budget(LedgerStore(self._vault, self.now), self.floor, self.now)
        self._state = PrivacyState(self._vault.database)
        self._telling: Told | None = None
        self._cuts: dict[date, str] = {}
        self.silent_because = ""

    @cached_property
    def _anchoring(self) -> Anchoring:
        return Anchoring(
            self._vault.database, self._vault.signing_key(), LOG_NAME, self.budget.released
        )

    @property
    def anchor(self) -> str:
        """Under which the log speaks of this laptop (hex)."""
        return self._anchoring.anchor

    def to_bytes(self) -> bytes:
        """Return all that it remembers, and let go of it."""
        state = self._vault.database.to_bytes()
        self._vault.database.close()
        return state

    def now(self) -> float:
        """Return the simulated Unix time."""
        return self._now

    def is_willing(self) -> bool:
        """Return that it takes part."""
        return True

    def find_task(self, name: str) -> Task:
        """Return an installed task."""
        return _task_named(name)

    def refuse(self, code: RefusalCode, contract_digest: str | None) -> None:
        """Write a refusal into the ledger."""
        if code in LOCAL_ONLY:
            self.silent_because = code.value
        self.budget.refuse(code, contract_digest)

    def follow(self, accepted: Accepted) -> None:
        """Check the log against what this laptop saw and released before."""
        self._anchoring.follow(accepted.proven, accepted.contract)

    def answered(self, asked: RoundContract) -> Answered | None:  # noqa: ARG002
        """Return that nothing is kept to be sent again."""
        return None

    def check_release(self, asked: RoundContract) -> None:
        """Check nothing: no profile names reviewers."""

    def keep_model(self, accepted: Accepted) -> None:
        """Keep nothing: nobody asks this laptop for predictions."""

    def units(self, asked: RoundContract) -> Mapping[date, Sequence[Unit]]:
        """Return the units of each day that may be trained on."""
        found = self._activity.training(self._number, asked)
        self._cuts = {day: cut.digest for day, cut in found.items()}
        if not found:
            self.silent_because = NO_DATA
        return {day: cut.units for day, cut in found.items()}

    def reserve(
        self,
        asked: RoundContract,
        days: Mapping[date, Sequence[Unit]],
        lattice: Lattice,
    ) -> Reservation | None:
        """Charge the days; see ``Budget.reserve``."""
        reserved = self.budget.reserve(asked, {day: self._cuts[day] for day in days}, lattice)
        if reserved is None:
            self.silent_because = NO_BUDGET
        return reserved

    def train(self, accepted: Accepted, units: Sequence[Unit]) -> Mapping[str, NDArray[Any]]:
        """Train and weigh as every laptop does, with bits that the seed determines.

        An attempt has a date of its own, so no two draw the same bits.
        """
        asked = accepted.contract
        source = seeded_source(
            self._fleet.seed, "noise", self._number, asked.run, asked.round, asked.issued
        )
        update = train(accepted.task, accepted.weights, units, asked, source)
        self._telling = weighing.told(asked, update)
        return weighing.weighed(
            update, weighing.weight(self._state.told(self._whom), asked.told_mean)
        )

    def release(self, asked: RoundContract, update: bytes) -> bytes:
        """Write the release down and return its receipt."""
        with self._vault.database.transaction():
            entry = self.budget.release(asked, update)
            if self._telling is not None:
                self._state.keep_told(self._telling, self._whom)
            return self._anchoring.receipt(asked.digest(), entry.digest)

    def stop(self, order: StopOrder, proven: Proven) -> None:  # noqa: ARG002
        """Refuse: no order to stop is ever sent in a simulation.

        Raises:
            Refusal: ``internal``.
        """
        raise Refusal(RefusalCode.INTERNAL)

    def listen_while_training(self, listen: Callable[[], None]) -> None:
        """Listen to nothing: one message is all there is."""
