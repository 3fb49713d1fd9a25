"""The budget: which days may still take part, and the charge that comes before any computing.

A block is one day of data. A round charges every block it could sample, whether or not it does.
A day cut into units one way by its first round is not cut another way by a later one: the charges
would speak of different units.
Charge, ledger entry and the record that the contract was used are one transaction, on the disk
before training starts. Nothing is ever given back: a crash costs budget, never privacy.

A laptop with nothing to give stays silent (``reserve`` returns None); refusals depend on contracts
and the clock alone.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.outbox import Outbox
from deskbound_client.privacy.report import DaySpent, report
from deskbound_client.privacy.state import Block, PastRound, PrivacyState
from deskbound_strategies.accounting import (
    admits,
    epsilon_of,
    guaranteed,
    noise_delta,
    round_cost,
)
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.ledger import LedgerEntry
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.policy import PolicyFloor, cap_of

__all__ = ["Budget", "DaySpent", "Reservation"]

REFUSALS_PER_DAY = 1000  # written down; a server that keeps asking must not fill the disk


@dataclass(frozen=True, slots=True)
class Reservation:
    """A round that is paid for; it entitles to one release.

    Attributes:
        contract: the contract's digest.
        seq: of the ledger's reserve entry.
        days: whose data may be sampled, oldest first; no other day may.
        epsilon: cost of this round alone to one unit, at ``delta``.
        delta: see ``epsilon``.
    """

    contract: str
    seq: int
    days: tuple[date, ...]
    epsilon: float
    delta: float


class Budget:
    """Charges blocks and writes what happened into the ledger.

    Args:
        ledger: of the same vault.
        floor: the policy floor in force; ``floors.py`` has written it into the ledger.
        clock: Unix time.
    """

    def __init__(
        self, ledger: LedgerStore, floor: PolicyFloor, clock: Callable[[], float] = time.time
    ) -> None:
        self._ledger = ledger
        self._floor = floor
        self._clock = clock
        self._state = PrivacyState(ledger.database)

    def block_of(self, day: date) -> str:
        """Return the pseudonym under which the ledger speaks of a day."""
        return self._state.name_of(day)

    def plan(self, contract: RoundContract, days: Mapping[date, str]) -> tuple[date, ...]:
        """Return which of the days can afford the round, oldest first; nothing is charged.

        Args:
            contract: a round that passed the policy floor.
            days: those that have units, with the digest of these.
        """
        charged = self._charged(contract, days)
        return tuple(sorted(charged))

    def reserve(
        self, contract: RoundContract, days: Mapping[date, str], lattice: Lattice
    ) -> Reservation | None:
        """Charge every day that can afford the round, and write it down, before any computing.

        A day whose units are not those it was first charged for sits out for ever: after part of
        it was forgotten, or a consent changed, a new unit could span two that were charged.

        Args:
            contract: a round that passed the policy floor.
            days: those that have units, with the digest of these.
            lattice: of this contract and the model.

        Returns:
            What may be sampled, or None when no day can afford the round: stay silent then.

        Raises:
            Refusal: ``contract-replayed`` or ``rounds-per-day``; nothing was charged.
            DiskFullError: when there is no room to write it down; nothing was charged.
        """
        with self._ledger.database.transaction():
            today = self._state.utc_day(self._clock())
            if self._past(contract) is not None:
                raise Refusal(RefusalCode.CONTRACT_REPLAYED)
            if self._state.rounds_on(today) >= self._floor.rounds_per_day_max:
                raise Refusal(RefusalCode.ROUNDS_PER_DAY)
            charged = self._charged(contract, days)
            if not charged:
                return None
            for block in charged.values():
                self._state.store(block)
            delta = self._floor.delta_day
            spendable = delta - noise_delta(contract.steps)
            epsilon = max(epsilon_of(round_cost(contract), spendable), 1e-12)
            names = sorted(block.name for block in charged.values())
            body = _reserve_body(contract, lattice, names, epsilon, delta)
            entry = self._ledger.append(LedgerKind.RESERVE, body)
            digest = contract.digest()
            self._state.remember_round(digest, contract.run, contract.round, today, entry.seq)
        return Reservation(digest, entry.seq, tuple(sorted(charged)), epsilon, delta)

    def release(self, contract: RoundContract, update: bytes) -> LedgerEntry:
        """Write down that these bytes leave; call it before they do.

        A reservation entitles to one update; the same bytes may be sent again.

        Raises:
            Refusal: ``internal`` when nothing was reserved, or other bytes left before.
        """
        digest, hashed = contract.digest(), hashlib.sha256(update).hexdigest()
        with self._ledger.database.transaction():
            past = self._state.past_round(digest)
            if past is None:
                raise Refusal(RefusalCode.INTERNAL)
            if past.release_seq is not None:
                return self._same_release(past.release_seq, hashed)
            body = {
                "contract": digest,
                "reserve": past.reserve_seq,
                "update": hashed,
                "bytes": len(update),
            }
            entry = self._ledger.append(LedgerKind.RELEASE, body)
            self._state.mark_released(digest, entry.seq)
        return entry

    def released(self, contract: str) -> str | None:
        """Return the digest of the ledger's release entry for a contract, or None for none.

        Raises:
            VerificationError: when that entry is not what this device wrote.
        """
        past = self._state.past_round(contract)
        if past is None or past.release_seq is None:
            return None
        entry = self._ledger.entry(past.release_seq)
        return entry.digest if entry is not None and entry.body["contract"] == contract else None

    def refuse(self, code: RefusalCode, contract_digest: str | None = None) -> None:
        """Write a refusal down; past a thousand a day only the first thousand are.

        Args:
            code: why.
            contract_digest: of the contract; None when it could not be read.
        """
        with self._ledger.database.transaction():
            today = self._state.utc_day(self._clock())
            if self._state.refusals_on(today) < REFUSALS_PER_DAY:
                self._state.count_refusal(today)
                body = {"contract": contract_digest, "code": code.value}
                self._ledger.append(LedgerKind.REFUSE, body)

    def forgotten(self, scope: str, days: Iterable[date]) -> None:
        """Write down that the employee erased data; what was spent on it stays spent.

        Args:
            scope: ``range``, ``app``, ``day`` or ``all``.
            days: the days touched.
        """
        touched = set(days)
        blocks = sorted({self.block_of(day) for day in touched})
        with self._ledger.database.transaction():
            self._ledger.append(LedgerKind.FORGET, {"scope": scope, "blocks": blocks})
            Outbox(self._ledger.database).forget(touched)

    def retired(self, day: date, reason: str) -> None:
        """Write down that a day was destroyed for its age (``retention``) or ``size``."""
        with self._ledger.database.transaction():
            body = {"block": self.block_of(day), "reason": reason}
            self._ledger.append(LedgerKind.RETIRE, body)
            Outbox(self._ledger.database).forget({day})

    def spent(self, day: date) -> tuple[float, float]:
        """Return (epsilon, delta) that a day has given away about one unit, whatever came when."""
        block = self._state.block(self.block_of(day))
        delta = self._floor.delta_day
        return guaranteed(block.curve, delta, steps=block.steps), delta

    def report(self, days: Iterable[date]) -> list[DaySpent]:
        """Return what each of the days has given away, from the ledger and from the blocks."""
        return report(self._ledger, self._state, self._floor, days)

    def each(self) -> list[float]:
        """Return what each day ever charged has given away, forgotten ones included."""
        delta = self._floor.delta_day
        return [guaranteed(one.curve, delta, steps=one.steps) for one in self._state.blocks()]

    def total(self) -> float:
        """Return the sum of what all days ever gave away, forgotten ones included."""
        return sum(self.each())

    def _past(self, contract: RoundContract) -> PastRound | None:
        return self._state.past_round(contract.digest())

    def _charged(self, contract: RoundContract, days: Mapping[date, str]) -> dict[date, Block]:
        """Return the blocks that can afford the round as they would be after it, by day."""
        cost, steps, charged = round_cost(contract), contract.steps, {}
        for day, digest in days.items():
            unit = f"{_unit_of(contract)}/{digest}"
            block = self._state.block(self.block_of(day))
            same = block.unit in ("", unit)
            if same and admits(block.curve, cost, cap_of(self._floor), steps=block.steps + steps):
                charged[day] = block.charged(unit, cost, steps)
        names = {block.name for block in charged.values()}
        others = [block for block in self._state.blocks() if block.name not in names]
        total = self._total([*others, *charged.values()])
        return charged if total <= self._floor.epsilon_total else {}

    def _total(self, blocks: Iterable[Block]) -> float:
        delta = self._floor.delta_day
        return sum(guaranteed(block.curve, delta, steps=block.steps) for block in blocks)

    def _same_release(self, seq: int, hashed: str) -> LedgerEntry:
        entry = self._ledger.entry(seq)
        if entry is None or entry.body["update"] != hashed:
            raise Refusal(RefusalCode.INTERNAL)
        return entry


def _unit_of(contract: RoundContract) -> str:
    """Name how a contract cuts units; two rounds add up on a day only if they cut alike."""
    if contract.unit == "day":
        return f"day/{contract.unit_actions}"
    return f"session/{contract.unit_seconds}/{contract.unit_actions}"


def _reserve_body(
    contract: RoundContract, lattice: Lattice, blocks: list[str], epsilon: float, delta: float
) -> dict[str, Any]:
    return {
        "contract": contract.digest(),
        "run": contract.run,
        "round": contract.round,
        "task": contract.task,
        "unit": contract.unit,
        "mechanism": "rounded-gaussian",
        "sampling_rate": contract.sampling_rate,
        "noise_multiplier": contract.noise_multiplier,
        "clip": contract.clip,
        "steps": contract.steps,
        "lattice": {
            "dimension": lattice.dimension,
            "step": lattice.step,
            "sensitivity": lattice.sensitivity,
            "scale": lattice.scale,
        },
        "epsilon": epsilon,
        "delta": delta,
        "blocks": blocks,
    }
