"""What learning has cost, what is left, and what happens when nothing is.

Two things are told apart throughout. What a *day* of data gives away about any one unit of it is
bounded by the floor, whatever a server does. What all days *together* give away about somebody
who left one unit in each is more: the simple bound adds up, and soon says nothing.
It is shown all the same, with these words, rather than passed over in silence.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from deskbound_client.employee.words import counted, sure
from deskbound_client.privacy.budget import Budget, DaySpent
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.vault import Vault
from deskbound_strategies import dsse
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.policy import PolicyFloor


@dataclass(frozen=True, slots=True)
class Together:
    """What some days give away together about somebody who left one unit in each of them.

    Attributes:
        days: how many of them were charged at all.
        epsilon: the sum of what each day guarantees.
        delta: probability with which it does not hold; 1 when the sum bounds nothing.
    """

    days: int
    epsilon: float
    delta: float

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
                "of each single day."
            )
        return (
            f"One unit in each of {days} together: epsilon {self.epsilon:.2f} at delta "
            f"{self.delta:.1e}. Whoever held them, all or none, for as likely as not is at most "
            f"{sure(self.epsilon)} sure, except with that probability."
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound of the policy floor.

    Attributes:
        name: as in ``floor.toml``.
        value: as people read it.
        words: what it is for, one sentence.
    """

    name: str
    value: str
    words: str


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
    return Spending(
        floor=floor,
        days=days,
        window=together((day.epsilon_guaranteed for day in days), floor.delta_day),
        life=together(budget.each(), floor.delta_day),
        rounds=sum(1 for _ in ledger.entries(kinds=(LedgerKind.RESERVE,))),
        head=ledger.head(),
        device=dsse.fingerprint(vault.signing_key().public_key()),
    )


def together(epsilons: Iterable[float], delta: float) -> Together:
    """Compose days by group privacy: one unit of each, taken away one after the other.

    ``P(D) <= e^e1 P(D1) + delta`` for the first day, and so on; so epsilon is the sum, and each
    later delta is multiplied by ``exp`` of what came before. The days may be taken in any order;
    the smallest first gives the least delta.

    Args:
        epsilons: what each day guarantees at ``delta``; zero for one that was not charged.
        delta: of each day.
    """
    charged = sorted(epsilon for epsilon in epsilons if epsilon > 0.0)
    total, off = 0.0, 0.0
    for epsilon in charged:
        off += delta * math.exp(min(total, 700.0))
        total += epsilon
    return Together(len(charged), total, min(off, 1.0))


def bounds(floor: PolicyFloor) -> tuple[Bound, ...]:
    """Return what a server may ask at most, in words."""
    total = floor.epsilon_total
    return (
        Bound(
            "epsilon_day", f"{floor.epsilon_day:g} at delta {floor.delta_day:g}",
            f"What a day may give away about one unit, ever: nobody gets more than "
            f"{sure(floor.epsilon_day)} sure.",
        ),
        Bound(
            "epsilon_total", "no bound" if math.isinf(total) else f"{total:g}",
            "What all days ever charged may add up to; when it is reached, no round is answered.",
        ),
        Bound("sigma_min", f"{floor.sigma_min:g}", "The least noise, against what one unit moves."),
        Bound("clip_max", f"{floor.clip_max:g}", "The most that one unit may weigh."),
        Bound(
            "sampling_max", f"{100 * floor.sampling_max:g} %",
            "The most of your units that a step may look at.",
        ),
        Bound("steps_max", f"{floor.steps_max:,}", "The most steps in a round."),
        Bound(
            "rounds_per_day_max", f"{floor.rounds_per_day_max:,}",
            "The most rounds this laptop takes part in a day.",
        ),
        Bound(
            "minimum_cohort", f"{floor.minimum_cohort:,}",
            "The fewest laptops a round must have for its model to be released.",
        ),
        Bound(
            "units", " or ".join(floor.units),
            "What the noise hides one of: a stretch of work, or all of a day.",
        ),
    )  # fmt: skip


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
        "No message can raise a bound: they lie in floor.toml, set by whoever deploys this laptop.",
        "If that file is changed, the next round writes the change into the ledger.",
    )
