"""What learning has cost, what is left, and what happens when nothing is.

Two things are told apart throughout. What a *day* of data gives away about any one unit of it is
bounded by the floor, whatever a server does. What all days *together* give away about somebody
who left one unit in each is more: the simple bound adds up, and soon says nothing.
It is shown all the same, with these words, rather than passed over in silence.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from deskbound_client.employee.words import counted, sure
from deskbound_client.privacy.budget import Budget, DaySpent
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.vault import Vault
from deskbound_strategies import composition, dsse
from deskbound_strategies.accounting import SampledGaussian
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.policy import PolicyFloor


@dataclass(frozen=True, slots=True)
class Together:
    """What some days give away together about somebody who left one unit in each of them.

    Attributes:
        days: how many of them were charged at all.
        epsilon: the sum of what each day guarantees; holds however the rounds were chosen.
        delta: probability with which it does not hold; 1 when the sum bounds nothing.
        composed: what the rounds as they were come to for the same group, at ``composed_delta``,
            taken as if they had been fixed in advance.
        composed_delta: delta of a single day.
    """

    days: int
    epsilon: float
    delta: float
    composed: float = 0.0
    composed_delta: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the bound says anything."""
        return self.delta < 1.0

    @property
    def words(self) -> str:
        """What it means, for people who never heard of epsilon."""
        if not self.days:
            return "No day has been charged, so nothing was given away."
        days = counted(self.days, "charged day")
        if not self.holds:
            return (
                f"For one unit in each of {days} together the simple bound adds up to epsilon "
                f"{self.epsilon:.1f}, where it promises nothing any more. What holds is the bound "
                f"of each single day.{self._composed_words}"
            )
        return (
            f"One unit in each of {days} together: epsilon {self.epsilon:.2f} at delta "
            f"{self.delta:.1e}. Whoever held them, all or none, for as likely as not is at most "
            f"{sure(self.epsilon)} sure, except with that probability.{self._composed_words}"
        )

    @property
    def _composed_words(self) -> str:
        if not 0.0 < self.composed < math.inf:
            return ""
        return (
            f" The rounds as they were come to epsilon {self.composed:.2f} at delta "
            f"{self.composed_delta:.0e} for these units together, if the server did not choose "
            "them by what it saw."
        )


@dataclass(frozen=True, slots=True)
class Spending:
    """The budget of this laptop at one moment.

    Attributes:
        floor: the local policy floor.
        days: what each stored day has given away, oldest first.
        window: the stored days together.
        life: all days ever charged together, forgotten and retired ones included.
        rounds: rounds that were ever paid for.
        head: digest of the ledger's last entry.
        device: fingerprint of the key that signs the ledger.
    """

    floor: PolicyFloor
    days: tuple[DaySpent, ...]
    window: Together
    life: Together
    rounds: int
    head: str
    device: str

    @property
    def worst(self) -> DaySpent | None:
        """The stored day that has given away most, if any was charged."""
        charged = [day for day in self.days if day.rounds]
        return max(charged, key=lambda day: day.epsilon_guaranteed, default=None)

    @property
    def words(self) -> str:
        """What the worst day gives away, for people who never heard of epsilon."""
        if self.worst is None:
            return "No round has learned from a day that is stored."
        return (
            f"Of the days that are stored, {self.worst.day.isoformat()} has given away most: "
            f"whoever knew everything else and held any one session of it for as likely as not is "
            f"at most {sure(self.worst.epsilon_guaranteed)} sure of it."
        )


def spending(vault: Vault, floor: PolicyFloor) -> Spending:
    """Return what was spent and what is left.

    Raises:
        VerificationError: when the ledger is not what this device wrote.
    """
    ledger = LedgerStore(vault)
    budget = Budget(ledger, floor)
    days = tuple(budget.report(vault.days()))
    paid = [entry.body for entry in ledger.entries(kinds=(LedgerKind.RESERVE,))]
    return Spending(
        floor=floor,
        days=days,
        window=replace(
            together((day.epsilon_guaranteed for day in days), floor.delta_day),
            composed=composed(paid, floor.delta_day, {budget.block_of(day.day) for day in days}),
            composed_delta=floor.delta_day,
        ),
        life=replace(
            together(budget.each(), floor.delta_day),
            composed=composed(paid, floor.delta_day),
            composed_delta=floor.delta_day,
        ),
        rounds=len(paid),
        head=ledger.head(),
        device=dsse.fingerprint(vault.signing_key().public_key()),
    )


def composed(
    paid: Iterable[Mapping[str, Any]], delta: float, blocks: set[str] | None = None
) -> float:
    """Return epsilon of all rounds for somebody who left one unit in each of the days.

    A round that charged several of the days may sample as many of the units (``group.py``).

    Args:
        paid: bodies of the ledger's reserve entries.
        delta: of the figure.
        blocks: pseudonyms of the days; all that were ever charged when None.

    Returns:
        Infinity where no order bounds it, 0 where nothing was charged.
    """
    sizes = (
        (body, len(body["blocks"]) if blocks is None else len(blocks & set(body["blocks"])))
        for body in paid
    )
    return composition.composed(((_event(body), size) for body, size in sizes), delta)


def _event(body: Mapping[str, Any]) -> SampledGaussian:
    return SampledGaussian(body["sampling_rate"], body["noise_multiplier"], body["steps"])


def together(epsilons: Iterable[float], delta: float) -> Together:
    """Compose days by group privacy: one unit of each, taken away one after the other.

    Args:
        epsilons: what each day guarantees at ``delta``; zero for one that was not charged.
        delta: of each day.
    """
    found = composition.together((epsilon, delta) for epsilon in epsilons)
    return Together(found.days, found.epsilon, found.delta)


def when_spent(floor: PolicyFloor) -> tuple[str, ...]:
    """Return what happens when a day's budget is spent, step by step."""
    ends = (
        f"All days together may reach {floor.epsilon_total:g}; from then on this laptop answers "
        "no round at all."
        if math.isfinite(floor.epsilon_total)
        else "Over all days there is no bound in this floor: fresh days go on taking part."
    )
    return (
        "A day that cannot afford a round sits it out; the other days take part without it.",
        "When no day can afford it, this laptop is silent, as if switched off; no reason is told.",
        "Nothing is given back: not after a crash, not for a failed round, not for forgetting.",
        "A spent day stays yours to see, and is destroyed at its age as ever.",
        ends,
        "No message can raise a bound, and no file: a looser floor waits until you accept it.",
        "A tighter one holds at once; each that ever held is signed, and named in the ledger.",
    )
