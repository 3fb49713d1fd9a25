"""Warnings in plain words, and what would help: worked out, never canned. Pure.

Fleets, days and epsilons that would help are found by asking the relation again. The accountants
are asked only where an epsilon is new; what they said before is kept (``noise.py``).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from deskbound_server.planner.cohort import RARE, cohort_of
from deskbound_server.planner.expected import Expected, expected
from deskbound_server.planner.noise import sigma_for
from deskbound_server.planner.options import Option, cohort
from deskbound_server.planner.question import SESSIONS_A_DAY, Question

MOST_LAPTOPS = 1_000_000
MOST_DAYS = 60


@dataclass(frozen=True, slots=True)
class Caution:
    """One warning, and what would help.

    Attributes:
        words: what is wrong, one sentence.
        mends: what would help, a sentence each; empty where nothing was found that would.
    """

    words: str
    mends: tuple[str, ...] = ()


def foreseen(asked: Question, epsilon: float) -> Expected | None:
    """Return what is expected of a question at one epsilon, under the floor's least noise."""
    floor = asked.floor
    solved = sigma_for(epsilon, floor.delta_day, asked.rate, asked.steps * asked.rounds)
    return None if solved is None else expected(asked, max(solved, floor.sigma_min))


def cautions(asked: Question, options: Sequence[Option]) -> list[Caution]:
    """Return all that is wrong with what was asked, the gravest first."""
    found = list(_cohort(asked))
    found += _floor(asked, options)
    admitted = [one.epsilon for one in options if not one.refused]
    pays = {epsilon: _pays(asked, epsilon) for epsilon in admitted}
    if admitted and not pays[admitted[0]]:
        # The largest epsilon is the best that can be had: if that is pointless, all are.
        found.append(_pointless(asked, admitted[0]))
    elif not all(pays.values()):
        found.append(_too_much_noise(asked, pays))
    return found


def _cohort(asked: Question) -> Iterator[Caution]:
    who = cohort(asked)
    if who.enough >= 1 - RARE:
        return
    needed = _least(
        1, MOST_LAPTOPS,
        lambda laptops: cohort_of(laptops, asked.participation, who.needed).enough >= 1 - RARE,
    )  # fmt: skip
    mends = (f"With {needed:,} laptops it would be enough in 99 of 100 rounds.",) if needed else ()
    told = (
        f"Laptops of profile {asked.profile} ask for {who.needed} replies; of {asked.laptops} "
        f"laptops, {who.expected:.1f} are expected to answer, and a round has enough with a chance "
        f"of {who.enough:.0%}."
    )
    yield Caution(told, mends)


def _floor(asked: Question, options: Sequence[Option]) -> Iterator[Caution]:
    refused = [one for one in options if one.refused]
    for one in refused:
        words = "; ".join(one.refused)
        mend = ""
        if one.epsilon > asked.floor.epsilon_day:
            mend = f"Ask for epsilon {asked.floor.epsilon_day:g} or less, the most that a day has."
        yield Caution(
            f"Epsilon {one.epsilon:g}: laptops of profile {asked.profile} refuse: {words}.",
            (mend,) if mend else (),
        )


def _pays(asked: Question, epsilon: float) -> bool:
    told = foreseen(asked, epsilon)
    return told is None or told.worth_it


def _pointless(asked: Question, epsilon: float) -> Caution:
    told = foreseen(asked, epsilon)
    assert told is not None, "what was never measured is never called pointless"
    words = (
        f"At epsilon {epsilon:g} sharing is not worth it for laptops with {_days(asked.days)} of "
        f"their own: shared counts are expected to guess {told.shared.mid:.0%}, own counts guess "
        f"{told.alone:.0%} alone and gain {100 * told.gain.mid:+.1f} points from them."
    )
    return Caution(words, tuple(_mends(asked, epsilon)))


def _too_much_noise(asked: Question, pays: dict[float, bool]) -> Caution:
    low = max(epsilon for epsilon, worth in pays.items() if not worth)
    high = min(epsilon for epsilon, worth in pays.items() if worth and epsilon > low)
    tenths = _least(round(10 * low), round(10 * high), lambda one: _pays(asked, one / 10))
    words = (
        f"At epsilon {low:g} and below, noise takes what sharing would be worth to laptops with "
        f"{_days(asked.days)} of their own."
    )
    mends = [f"Epsilon {(tenths or 10 * high) / 10:g} is the least that pays."]
    return Caution(words, (*mends, *_fleet(asked, low)))


def _mends(asked: Question, epsilon: float) -> Iterator[str]:
    """Yield what would make it worth something, each by itself."""
    found = [*_fleet(asked, epsilon), *_changes(asked, epsilon)]
    yield from found or ["Nothing that was tried would: more laptops, days, steps or epsilon."]
    told = foreseen(asked, epsilon)
    if told is not None and told.alone_after:
        days = told.alone_after / asked.units_per_day
        yield (
            f"Who joins without days of their own gains all the same: {told.shared.mid:.0%} from "
            f"the first minute, for which a laptop alone needs about {days:.1f} days."
        )


def _fleet(asked: Question, epsilon: float) -> Iterator[str]:
    needed = _least(
        asked.laptops, MOST_LAPTOPS,
        lambda laptops: _pays(replace(asked, laptops=laptops), epsilon),
    )  # fmt: skip
    if needed is not None:
        yield f"A fleet of about {_round_up(needed):,} laptops would get there at epsilon {epsilon:g}."


def _changes(asked: Question, epsilon: float) -> Iterator[str]:
    days = [one for one in range(1, MOST_DAYS + 1) if _pays(replace(asked, days=one), epsilon)]
    if days:
        near = min(days, key=lambda one: abs(one - asked.days))
        yield f"With {_days(near)} of data a laptop it would be worth it: {_why(asked, near)}."
    most = asked.floor.steps_max
    if asked.steps < most and _pays(replace(asked, steps=most), epsilon):
        yield f"So would {most} steps instead of {asked.steps}, with more noise at the same epsilon."
    if asked.unit == "day":
        sessions = replace(asked, unit="session", units_per_day=float(SESSIONS_A_DAY))
        if _pays(sessions, epsilon):
            yield f"So would the unit session, at {SESSIONS_A_DAY} a day; it hides less."
    cap = asked.floor.epsilon_day
    if epsilon < cap and _pays(asked, cap):
        tenths = _least(round(10 * epsilon), round(10 * cap), lambda one: _pays(asked, one / 10))
        yield f"So would epsilon {(tenths or 10 * cap) / 10:g}; a day affords {cap:g}."


def _why(asked: Question, days: int) -> str:
    return "more to count" if days > asked.days else "they know less by themselves then"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _least(low: int, high: int, holds: Callable[[int], bool]) -> int | None:
    """Return the least whole number that holds, if every larger one does as well."""
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high


def _round_up(count: int) -> int:
    """Round up to two digits: the relation tells no more."""
    grain = 10 ** max(0, len(str(count)) - 2)
    return -(-count // grain) * grain
