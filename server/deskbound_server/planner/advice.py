"""Warnings in plain words, and what would help: worked out, never canned. Pure.

Fleets, days and epsilons that would help are found by asking the relation again. The accountants
are asked only where an epsilon is new; what they said before is kept (``noise.py``).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from deskbound_server.planner.cohort import RARE, cohort_of
from deskbound_server.planner.expected import Expected, expected, pairs_only
from deskbound_server.planner.noise import least_epsilon
from deskbound_server.planner.options import Option, cohort, sigma_of
from deskbound_server.planner.question import SESSIONS_A_DAY, Question

MOST_LAPTOPS = 1_000_000
MOST_DAYS = 60
CLEARLY = 0.01  # a difference that is worth a word


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
    sigma = sigma_of(asked, epsilon)
    return None if sigma is None else expected(asked, sigma)


def cautions(asked: Question, options: Sequence[Option]) -> list[Caution]:
    """Return all that is wrong with what was asked, the gravest first."""
    found = list(_cohort(asked))
    found += _too_little(asked, options)
    found += _floor(asked, options)
    admitted = [one.epsilon for one in options if not one.refused]
    pays = {epsilon: _pays(asked, epsilon) for epsilon in admitted}
    if admitted and not pays[admitted[0]]:
        # The largest epsilon is the best that can be had: if that is pointless, all are.
        found += _pointless(asked, admitted[0])
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


def _too_little(asked: Question, options: Sequence[Option]) -> Iterator[Caution]:
    missing = sorted(set(asked.epsilons) - {one.epsilon for one in options})
    if missing:
        steps = asked.steps * asked.rounds
        least = least_epsilon(asked.floor.delta_day, asked.rate, steps)
        yield Caution(
            f"Epsilon {missing[-1]:g} is too little: the laptops' filter vouches for nothing below "
            f"{least:.2f}, whatever the noise."
        )


def _floor(asked: Question, options: Sequence[Option]) -> Iterator[Caution]:
    refused = [one for one in options if one.refused]
    for one in refused:
        mend = ""
        if one.epsilon > asked.floor.epsilon_day:
            mend = f"Ask for epsilon {asked.floor.epsilon_day:g} or less, the most that a day has."
        yield Caution(
            f"Epsilon {one.epsilon:g}: laptops of profile {asked.profile} refuse: "
            f"{one.why_refused}.",
            (mend,) if mend else (),
        )


def _pays(asked: Question, epsilon: float) -> bool:
    told = foreseen(asked, epsilon)
    return told is None or told.worth_it


def _pointless(asked: Question, epsilon: float) -> Iterator[Caution]:
    told = foreseen(asked, epsilon)
    if told is None:
        return
    words = (
        f"At epsilon {epsilon:g} sharing is not worth it for laptops with {_days(asked.days)} of "
        f"their own: shared counts are expected to guess {told.shared.mid:.0%}, own counts guess "
        f"{told.alone:.0%} alone, and what they gain from the shared ones ("
        f"{100 * told.gain.mid:+.1f} points) cannot be told from none."
    )
    yield Caution(words, tuple(_mends(asked, epsilon, told)))


def _too_much_noise(asked: Question, pays: dict[float, bool]) -> Caution:
    low = max(epsilon for epsilon, worth in pays.items() if not worth)
    high = min(epsilon for epsilon, worth in pays.items() if worth and epsilon > low)
    tenths = _least(round(10 * low), round(10 * high), lambda one: _pays(asked, one / 10))
    words = (
        f"At epsilon {low:g} and below, noise takes what sharing would be worth to laptops with "
        f"{_days(asked.days)} of their own."
    )
    mends = [f"Epsilon {(tenths or 10 * high) / 10:g} is the least that pays."]
    return Caution(words, (*mends, *_fleet(asked, low), *_coarser(asked, low)))


def _mends(asked: Question, epsilon: float, told: Expected) -> Iterator[str]:
    """Yield what would make it worth something, each by itself."""
    found = [*_fleet(asked, epsilon), *_changes(asked, epsilon)]
    yield from found or ["Nothing that was tried would: more laptops, days, steps or epsilon."]
    if told.alone_after and told.shared.low > told.shared.mid / 2:
        yield (
            f"Who joins without data of their own gains all the same: {told.shared.mid:.0%} from "
            f"the first minute, for which a laptop alone needs {_own(asked, told.alone_after)}."
        )
    yield from _coarser(asked, epsilon)


def _fleet(asked: Question, epsilon: float) -> Iterator[str]:
    needed = _least(
        asked.laptops, MOST_LAPTOPS,
        lambda laptops: _pays(replace(asked, laptops=laptops), epsilon),
    )  # fmt: skip
    if needed is not None:
        size = f"{_round_up(needed):,} laptops"
        yield f"A fleet of about {size} would get there at epsilon {epsilon:g}."


def _coarser(asked: Question, epsilon: float) -> Iterator[str]:
    sigma, told = sigma_of(asked, epsilon), foreseen(asked, epsilon)
    found = None if sigma is None else pairs_only(asked, sigma)
    if found is not None and told is not None and found > told.shared.mid + CLEARLY:
        yield (
            f"A coarser task would guess better at epsilon {epsilon:g}: counts of pairs without "
            f"triples {found:.0%} instead of {told.shared.mid:.0%}; no such task is installed yet."
        )


def _changes(asked: Question, epsilon: float) -> Iterator[str]:
    days = [one for one in range(1, MOST_DAYS + 1) if _pays(replace(asked, days=one), epsilon)]
    fewer, more = (
        [one for one in days if one < asked.days],
        [one for one in days if one > asked.days],
    )
    if fewer:
        yield (
            f"It pays for laptops with {_days(max(fewer))} of data or less, which know less by "
            "themselves."
        )
    if more:
        yield f"With {_days(min(more))} of data a laptop there would be enough to count."
    yield from _samples(asked, epsilon)
    if asked.unit == "day":
        sessions = replace(asked, unit="session", units_per_day=float(SESSIONS_A_DAY))
        if _pays(sessions, epsilon):
            yield f"The unit session would do it, at {SESSIONS_A_DAY} a day; it hides less."
    cap = asked.floor.epsilon_day
    if epsilon < cap and _pays(asked, cap):
        tenths = _least(round(10 * epsilon), round(10 * cap), lambda one: _pays(asked, one / 10))
        yield f"Epsilon {(tenths or 10 * cap) / 10:g} would do it; a day affords {cap:g}."


def _samples(asked: Question, epsilon: float) -> Iterator[str]:
    if asked.rate == 1.0:
        return
    if asked.task in asked.floor.unsampled_tasks:
        if _pays(replace(asked, rate=1.0, steps=1), epsilon):
            yield "To count every unit once (--rate 1) would do it at the same epsilon."
        return
    most = asked.floor.steps_max
    if asked.steps < most and _pays(replace(asked, steps=most), epsilon):
        yield f"{most} steps with more noise would do it at the same epsilon."


def _own(asked: Question, units: float) -> str:
    days = units / asked.units_per_day
    if days >= 1 or asked.unit == "day":
        return f"about {max(1, round(days))} of its own days"
    return f"about {max(1, round(units))} of its own sessions"


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
    grain = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // grain) * grain
