"""What each day of data has given away so far, for the employee to see."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.metadata import version

from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.state import PrivacyState
from deskbound_strategies.accounting import (
    SampledGaussian,
    epsilon_prv,
    guaranteed,
    noise_delta,
)
from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.errors import BusyError, DiskFullError
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.policy import PolicyFloor


@dataclass(frozen=True, slots=True)
class DaySpent:
    """What one day of data has given away about one unit so far.

    Attributes:
        day: the day.
        rounds: rounds it was charged for.
        epsilon: numerically composed (PRV) at ``delta``.
        epsilon_guaranteed: what holds even if rounds were chosen after seeing earlier ones.
        epsilon_cap: what ``epsilon_guaranteed`` never exceeds.
        delta: probability with which the figures do not hold.
    """

    day: date
    rounds: int
    epsilon: float
    epsilon_guaranteed: float
    epsilon_cap: float
    delta: float


def report(
    ledger: LedgerStore, state: PrivacyState, floor: PolicyFloor, days: Iterable[date]
) -> list[DaySpent]:
    """Return what each of the days has given away, oldest first.

    The rounds come from the ledger, whose chain and signatures are checked on the way; what is
    guaranteed comes from the blocks that the filter goes by.

    Raises:
        VerificationError: when the ledger is not what this device wrote.
    """
    wanted = {state.name_of(day): day for day in days}
    events: dict[str, list[SampledGaussian]] = {name: [] for name in wanted}
    for entry in ledger.entries(kinds=(LedgerKind.RESERVE,)):
        body = entry.body
        event = SampledGaussian(body["sampling_rate"], body["noise_multiplier"], body["steps"])
        for name in events.keys() & body["blocks"]:
            events[name].append(event)
    found = [_spent(state, floor, day, events[name]) for name, day in wanted.items()]
    return sorted(found, key=lambda spent: spent.day)


def _spent(
    state: PrivacyState, floor: PolicyFloor, day: date, events: list[SampledGaussian]
) -> DaySpent:
    block = state.block(state.name_of(day))
    held = guaranteed(block.curve, floor.delta_day, steps=block.steps)
    composed = _composed(state, events, floor.delta_day - noise_delta(block.steps))
    return DaySpent(day, block.charges, composed, held, floor.epsilon_day, floor.delta_day)


def _composed(state: PrivacyState, events: list[SampledGaussian], delta: float) -> float:
    """Return what the rounds come to, from memory where it can: Opacus takes seconds to load."""
    if not events:
        return 0.0
    name = _name_of(events, delta)
    found = state.epsilon(name)
    if found is None:
        found = epsilon_prv(events, delta)
        with suppress(DiskFullError, BusyError):  # it can always be worked out again
            state.keep_epsilon(name, found)
    return found


def _name_of(events: list[SampledGaussian], delta: float) -> bytes:
    """Name a figure by all that determines it: the rounds in order, delta, and the accountant."""
    rounds = [[e.sampling_rate, e.noise_multiplier, e.steps] for e in events]
    terms = {"accountant": _accountant(), "delta": delta, "rounds": rounds}
    return hashlib.sha256(canonical_bytes(terms)).digest()


@cache
def _accountant() -> str:
    return f"opacus {version('opacus')}"
