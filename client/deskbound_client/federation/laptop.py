"""Gives a participant what it needs of this laptop: vault, budget, consent, training."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from numpy.typing import NDArray

from deskbound_client import consent
from deskbound_client.archive.admission import RESEARCH, moved_days
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import RHYTHM, WINDOWS, mask_of
from deskbound_client.config import Config
from deskbound_client.employee.model import TASK as PREDICTING
from deskbound_client.federation.join import Server
from deskbound_client.federation.participant import Accepted, Answered
from deskbound_client.federation.stopping import take
from deskbound_client.governor.caps import MEGABYTE
from deskbound_client.governor.network import MESSAGE_BYTES, NetworkAccount
from deskbound_client.learn.trainer import train
from deskbound_client.learn.units import digest
from deskbound_client.learn.units import units as units_of
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.anchoring import Anchoring
from deskbound_client.privacy.budget import Budget, Reservation
from deskbound_client.privacy.floor_keeper import FloorKeeper
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.outbox import Cuts, KeptAnswer, Outbox
from deskbound_client.privacy.state import PrivacyState
from deskbound_client.store.files import replace_private
from deskbound_client.store.rows import IMPORTED
from deskbound_client.store.vault import Vault, day_of
from deskbound_strategies import dsse, weighing
from deskbound_strategies import task as tasks
from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.checkpoint import Trust
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import (
    DeskboundError,
    NotFoundError,
    Refusal,
    RefusalCode,
    VaultDamagedError,
)
from deskbound_strategies.floor import PolicyFloor
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.note import Verifier
from deskbound_strategies.round_proof import Proven
from deskbound_strategies.stop_order import StopOrder
from deskbound_strategies.task import Task, Unit
from deskbound_strategies.vocabulary import APP_OTHER, GAP_UNKNOWN, Action
from deskbound_strategies.weighing import Told

UPDATES = "updates"
_WAIT_SECONDS = 0.2


class VaultLaptop:
    """This laptop, around an open vault.

    Args:
        paths: of its home.
        vault: open as long as this is used.
        config: what the employee has set.
        server: the one it joined.
        meets: whether this process is what a floor demands of it.
        manifest: the name of the manifest by which a floor's reviewer signed this code.
        may_train: whether the governor lets a round be worked on at this moment.
        clock: Unix time.
    """

    def __init__(
        self,
        paths: HomePaths,
        vault: Vault,
        config: Config,
        server: Server,
        *,
        meets: Callable[[PolicyFloor], bool] = lambda _: True,
        manifest: Callable[[PolicyFloor], str] = lambda _: "",
        may_train: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.contract_key = server.contract_key
        self._whom = dsse.fingerprint(server.contract_key)
        self._log = server.log
        self._paths = paths
        self._vault = vault
        self._config = config
        self._meets = meets
        self._manifest = manifest
        self._may_train = may_train
        self._clock = clock
        self._network = NetworkAccount(paths.network_account, clock)
        self._control = Control.open(paths.control)
        self._anchoring = Anchoring(
            vault.database,
            vault.signing_key(),
            server.log.name,
            self._released,
        )
        self._outbox = Outbox(vault.database)
        self._floors = FloorKeeper(paths, vault, clock)
        self.floor = self._floors.current()
        self._paid_under = self.floor  # the floor of what was reserved last
        self._cuts: Mapping[date, str] = {}  # of the days reserved last, by digest
        self._state = PrivacyState(vault.database)
        self._telling: Told | None = None  # by what was trained last
        self._charged = True  # before this process began, for all it knows
        self._listen: Callable[[], None] = lambda: None

    @property
    def trust(self) -> Trust:
        """Whose word counts for the server's log, as the floor in force says."""
        witnesses = tuple(Verifier.parse(one) for one in self.floor.witnesses)
        return Trust(self._log, witnesses, self.floor.witness_quorum)

    @property
    def anchor(self) -> str:
        """Under which the log speaks of this laptop (hex)."""
        return self._anchoring.anchor

    def now(self) -> float:
        """Return Unix time."""
        return self._clock()

    def is_willing(self) -> bool:
        """Return whether nothing is paused, updates are agreed to, and the floor's demands met."""
        if self._control.replaced:
            self._control.close()
            self._control = Control.open(self._paths.control)
        # Read here and nowhere else, so that one answer is judged by one floor from end to end.
        self.floor = self._floors.current()
        agreed = not self._control.paused and UPDATES in consent.granted(self._vault)
        return agreed and self._meets(self.floor)

    def _released(self, contract: str) -> str | None:
        return self._budget.released(contract)

    @property
    def _budget(self) -> Budget:
        return Budget(LedgerStore(self._vault, self._clock), self.floor, self._clock)

    def find_task(self, name: str) -> Task:
        """Return an installed task."""
        return tasks.find_task(name)

    def refuse(self, code: RefusalCode, contract_digest: str | None) -> None:
        """Write a refusal into the ledger."""
        self._budget.refuse(code, contract_digest)

    def follow(self, accepted: Accepted) -> None:
        """Check the log against what this vault knows; see ``Anchoring.follow``."""
        self._anchoring.follow(accepted.proven, accepted.contract)

    def answered(self, asked: RoundContract) -> Answered | None:
        """Return what was released for this very contract, if it may be sent again.

        Raises:
            Refusal: ``internal`` when what it was made of is not there any more, or the month's
                bytes do not suffice.
        """
        kept = self._outbox.find(asked.digest())
        if kept is None:
            return None
        try:
            self._check_cuts(asked, kept.cuts)
        except Refusal:
            self._outbox.settle(asked.digest())
            raise
        self._charge_network(len(kept.update))
        return Answered(kept.update, kept.receipt)

    def check_release(self, asked: RoundContract) -> None:
        """Check that a contract names the manifest by which a reviewer signed this code.

        Contracts name only what the log holds, so the signature is there for everybody to see.
        Where the floor names no reviewers, nothing is asked.

        Raises:
            Refusal: ``release-not-logged``; nothing was charged.
        """
        if self.floor.reviewers and self._manifest(self.floor) not in asked.named_releases:
            raise Refusal(RefusalCode.RELEASE_NOT_LOGGED)

    def keep_model(self, accepted: Accepted) -> None:
        """Keep the shared model for the employee's own predictions, if it is of their task."""
        asked = accepted.contract
        if asked.task != PREDICTING:
            return
        card = {
            "task": asked.task,
            "model_hash": asked.model_hash,
            "vocabulary_hash": asked.vocabulary_hash,
            "run": asked.run,
            "round": asked.round,
        }
        replace_private(self._paths.model_weights, accepted.encoded)
        replace_private(self._paths.model_card, canonical_bytes(card))

    def units(self, asked: RoundContract) -> Mapping[date, Sequence[Unit]]:
        """Return the units of each complete day that the task asks for, oldest first."""
        choose = held_out_days if self.find_task(asked.task).held_out else training_days
        days = choose(self._vault.days(), day_of(self._clock()), self._config.holdout_days)
        found = {day: self._units_of(asked, day) for day in days}
        return {day: units for day, units in found.items() if units}

    def _units_of(self, asked: RoundContract, day: date) -> list[Unit]:
        return units_of(self._actions(day), asked.unit, asked.unit_seconds, asked.unit_actions)

    def _actions(self, day: date) -> list[Action]:
        """Return a day's actions of streams still agreed to; a damaged day has none.

        What was imported is left out: it may be another person's, or charged in another vault,
        and this budget would speak of it as if it were neither. Research vaults hold little else.
        """
        research = self.floor.profile == RESEARCH
        if not research and day in moved_days(self._vault):
            return []
        agreed = mask_of(consent.granted(self._vault))
        try:
            rows = list(self._vault.day(day).actions())
        except (NotFoundError, VaultDamagedError):
            return []
        return [
            _without(row.action, agreed)
            for row in rows
            if (row.stream == 0 or row.stream & agreed) and (research or row.source != IMPORTED)
        ]

    def reserve(
        self, asked: RoundContract, days: Mapping[date, Sequence[Unit]], lattice: Lattice
    ) -> Reservation | None:
        """Charge the days; see ``Budget.reserve``.

        Raises:
            Refusal: ``internal`` when the floor was tightened since the contract was judged, or
                could not be written down yet.
        """
        held = self._floors.state().held
        if held.floor != self.floor or not held.number:
            raise Refusal(RefusalCode.INTERNAL)
        self._paid_under = self.floor
        cuts = {day: digest(units) for day, units in days.items()}
        reserved = self._budget.reserve(asked, cuts, lattice)
        self._cuts = {} if reserved is None else {day: cuts[day] for day in reserved.days}
        self._charged = self._charged or reserved is not None
        return reserved

    def train(self, accepted: Accepted, units: Sequence[Unit]) -> Mapping[str, NDArray[Any]]:
        """Train with DP-SGD, and weigh it as asked; see ``trainer.train`` and ``weighing.py``.

        Raises:
            Refusal: ``internal`` when the employee paused or took consent back, or the deadline
                passed while the governor wanted the laptop for its owner. What was reserved stays
                spent.
        """
        seen = self._control.generation

        def unwanted() -> bool:
            nonlocal seen
            self._listen()
            # Its owner is back: what is paid for waits where it is, as long as anybody wants it.
            while not self._may_train() and not self._is_over(accepted.contract):
                time.sleep(_WAIT_SECONDS)
                self._listen()
            if self._is_over(accepted.contract):
                return True
            before, seen = seen, self._control.generation
            return before != seen and not self.is_willing()

        asked = accepted.contract
        update = train(accepted.task, accepted.weights, units, asked, should_stop=unwanted)
        self._telling = weighing.told(asked, update)
        return weighing.weighed(
            update, weighing.weight(self._state.told(self._whom), asked.told_mean)
        )

    def _is_over(self, asked: RoundContract) -> bool:
        return self._control.paused or self._clock() > asked.deadline

    def release(self, asked: RoundContract, update: bytes) -> bytes:
        """Write the release down, keep what leaves, and return its receipt; see ``Budget.release``.

        Raises:
            Refusal: ``internal`` when what it was made of was forgotten, or consent to it was
                taken back, or the floor was changed, while it was made, or when the month's bytes
                do not suffice.
        """
        if self._floors.current() != self._paid_under:
            raise Refusal(RefusalCode.INTERNAL)
        self._check_cuts(asked, self._cuts)
        self._charge_network(len(update))
        with self._vault.database.transaction():
            entry = self._budget.release(asked, update)
            receipt = self._anchoring.receipt(asked.digest(), entry.digest)
            self._outbox.keep(asked.digest(), entry.seq, KeptAnswer(update, receipt, self._cuts))
            if self._telling is not None:
                self._state.keep_told(self._telling, self._whom)
        return receipt

    def _check_cuts(self, asked: RoundContract, cuts: Cuts) -> None:
        # Of the days that paid, whatever the task would ask for by now: midnight may have passed.
        if any(digest(self._units_of(asked, day)) != cut for day, cut in cuts.items()):
            raise Refusal(RefusalCode.INTERNAL)

    def _charge_network(self, count: int) -> None:
        limit = self._config.network_mb_per_month * MEGABYTE
        if not self._network.charge(count + MESSAGE_BYTES, limit):
            raise Refusal(RefusalCode.INTERNAL)

    def stop(self, order: StopOrder, proven: Proven) -> None:
        """Pause for good, once for each order; see ``stopping.take``."""
        ledger = LedgerStore(self._vault, self._clock)
        take(order, proven, ledger=ledger, anchoring=self._anchoring, control=self._control)

    def listen_while_training(self, listen: Callable[[], None]) -> None:
        """Have this called before every unit, and while training waits for the owner to go."""
        self._listen = listen

    def received(self, count: int) -> None:
        """Charge a message that came, whatever was made of it; it never raises."""
        with suppress(DeskboundError, OSError):  # it is here already
            self._network.note(count + MESSAGE_BYTES)

    def work_out_figures(self) -> None:
        """After a charge, work out what `deskbound budget` will ask for; it never raises.

        Here the accountant is loaded already. Call it between tasks, when nobody waits.
        """
        if self._charged:
            self._charged = False
            with suppress(DeskboundError):  # whoever asks is told, or works it out
                self._budget.report(self._vault.days())


def training_days(days: Sequence[date], today: date, holdout: int) -> list[date]:
    """Return the days to train on; the days before today are left out, to measure the model.

    The calendar decides and not which days have a file: else a first session on a Saturday would
    decide whether Friday is trained on, at a cost that no block was charged.

    Args:
        days: that have a file.
        today: not complete yet.
        holdout: how many of the days before today to leave out.
    """
    return sorted(day for day in days if day < today - timedelta(holdout))


def held_out_days(days: Sequence[date], today: date, holdout: int) -> list[date]:
    """Return the complete days that are not trained on yet; see ``training_days``."""
    return sorted(day for day in days if today - timedelta(holdout) <= day < today)


def _without(action: Action, agreed: int) -> Action:
    """Return an action without what came from streams that are not agreed to any more."""
    app = action.app if agreed & WINDOWS else APP_OTHER
    gap = action.gap if agreed & RHYTHM else GAP_UNKNOWN
    return replace(action, app=app, gap=gap)
