"""A real vault with a ledger and a budget, and a clock that the test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.floors import Floors, Why
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.vault import Vault
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.policy import PROFILES, PolicyFloor
from tests.helpers.agreement import AT, a_contract
from tests.helpers.store import DAY, MemoryKeystore

DAYS = tuple(DAY - timedelta(days=back) for back in range(4, -1, -1))


class Clock:
    """Unix time that stands still until it is set."""

    def __init__(self, now: float = AT) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Laptop:
    """What the privacy tests need of one laptop."""

    vault: Vault
    ledger: LedgerStore
    budget: Budget
    clock: Clock

    def with_floor(self, floor: PolicyFloor) -> Budget:
        """Return a budget of the same vault under another floor."""
        return Budget(self.ledger, floor, self.clock)


@contextmanager
def laptop(
    home: Path, floor: PolicyFloor = PROFILES["research"], *, bare: bool = False
) -> Iterator[Laptop]:
    """Make a vault whose ledger holds nothing but the floor in force, or not even that."""
    clock = Clock()
    with Vault.create(home, MemoryKeystore(), today=DAY) as vault:
        ledger = LedgerStore(vault, clock)
        if not bare:
            Floors(vault, clock).adopt(floor, Why.FIRST)
        yield Laptop(vault, ledger, Budget(ledger, floor, clock), clock)


def a_round(number: int = 1, **changes: Any) -> RoundContract:
    """A contract of a run's round that costs about 1.3 under the research floor's filter."""
    terms: dict[str, Any] = {"sampling_rate": 0.1, "noise_multiplier": 2.0, "steps": 10}
    return a_contract(**(terms | {"round": number} | changes))


def a_lattice(contract: RoundContract, dimension: int = 1000) -> Lattice:
    """The lattice of a contract for a small model."""
    return Lattice(contract.clip, dimension, contract.noise_multiplier)


def dates(*back: int) -> tuple[date, ...]:
    """Days before the last one, oldest first."""
    return tuple(sorted(DAY - timedelta(days=days) for days in back))
