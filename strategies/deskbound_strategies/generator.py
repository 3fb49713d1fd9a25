"""Days of made-up activity, for the demo, tests and simulation: generated, never recorded.

A day is a sequence of stretches of a few minutes with pauses of more than two minutes between
them, from morning to evening with a lunch break: about 45 stretches. Within a stretch a persona
does one routine after another, often the same again, with slips in between. The same persona, date
and seed give the same day on every machine with the same numpy major version.

What it is not: evidence. It has the regularity that its author put in, so figures made with it show
that the parts work together, never how well the model does for people.
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from typing import cast

import numpy as np

from deskbound_strategies.observations import (
    AppFocused,
    Button,
    CharacterClass,
    Direction,
    KeyPressed,
    Observation,
    PointerPressed,
    PointerReleased,
    Scrolled,
)
from deskbound_strategies.personas import PLACES, ROUTINES, Persona
from deskbound_strategies.vocabulary import APPS, KEYS

STRETCH_S = (180, 540)
PAUSE_S = (130, 420)
LUNCH_S = 2_700
WORK_H = 8.75
# How likely the routine just done is done again: people stay at one thing for a while.
AGAIN = 0.6
# Standard deviation of a click around its place, in fractions of the screen.
HAND = 0.018


def generate_day(persona: Persona, day: date, seed: int) -> Iterator[tuple[Observation, int]]:
    """Yield one day of a persona's observations with their wall clock in whole Unix seconds.

    Args:
        persona: one of ``PERSONAS``.
        day: the date, as UTC; it sets the clock and, with the seed, the day's chances.
        seed: any non-negative integer; laptops with different seeds live different days.
    """
    desk = _Desk(persona, _chances(persona, day, seed))
    midnight = datetime.combine(day, time(), UTC).timestamp()
    desk.t_ms = round(1_000 * (midnight + 3_600 * (persona.starts + 0.3 * desk.chance())))
    ends = desk.t_ms + round(3_600_000 * WORK_H)
    lunch = desk.t_ms + (ends - desk.t_ms) * 2 // 5
    routines = _mix(persona, desk)
    desk.focus("browser")
    while desk.t_ms < ends:
        until = desk.t_ms + 1_000 * desk.between(*STRETCH_S)
        yield from _stretch(desk, routines, until)
        desk.t_ms += 1_000 * desk.between(*PAUSE_S)
        if lunch and desk.t_ms > lunch:
            desk.t_ms, lunch = desk.t_ms + 1_000 * LUNCH_S, 0


def _chances(persona: Persona, day: date, seed: int) -> np.random.Generator:
    name = int.from_bytes(hashlib.sha256(persona.name.encode()).digest()[:8], "big")
    return np.random.Generator(np.random.PCG64([seed, day.toordinal(), name]))


def _mix(persona: Persona, desk: "_Desk") -> tuple[list[str], list[float]]:
    """Return the routines and their cumulated shares on this day: no two days are the same mix."""
    names = list(persona.routines)
    weights = desk.dirichlet([2.0 * persona.routines[name] for name in names])
    return names, list(np.cumsum(weights))


def _stretch(
    desk: "_Desk", routines: tuple[list[str], list[float]], until: int
) -> Iterator[tuple[Observation, int]]:
    names, shares = routines
    name = ""
    while desk.t_ms < until:
        if not name or desk.chance() > AGAIN:
            name = names[min(int(np.searchsorted(shares, desk.chance())), len(names) - 1)]
        routine = ROUTINES[name]
        desk.play(routine.opening)
        for _ in range(desk.between(*routine.laps)):
            desk.play(routine.lap)
        desk.play(routine.ending)
        yield from desk.take()


class _Desk:
    """The state of a made-up person at work; steps append to ``_out``."""

    def __init__(self, persona: Persona, chances: np.random.Generator) -> None:
        self._persona = persona
        self._chances = chances
        self._app = ""
        self._out: list[tuple[Observation, int]] = []
        self._acts: dict[str, Callable[[str], None]] = {
            "letters": lambda range_: self._type("letters", range_),
            "digits": lambda range_: self._type("digits", range_),
            "mixed": lambda range_: self._type("mixed", range_),
            "scroll-up": lambda range_: self._scroll("up", range_),
            "scroll-down": lambda range_: self._scroll("down", range_),
            "scroll-sideways": lambda range_: self._scroll("sideways", range_),
            "click": self._click,
            "right-click": self._right,
            "double": self._double,
            "drag": self._drag,
        }
        self.t_ms = 0

    def chance(self) -> float:
        return float(self._chances.random())

    def between(self, least: int, most: int) -> int:
        return least + int(self.chance() * (most - least + 1))

    def dirichlet(self, weights: list[float]) -> list[float]:
        return cast("list[float]", self._chances.dirichlet(weights).tolist())

    def take(self) -> list[tuple[Observation, int]]:
        out, self._out = self._out, []
        return out

    def play(self, words: str) -> None:
        for word in words.split():
            if word.endswith("?") and self.chance() < 0.5:
                continue
            self._step(word.removesuffix("?"))
            if self.chance() < self._persona.slips:
                self._slip()

    def focus(self, app: str) -> None:
        self._app = app
        self._emit(AppFocused(self.t_ms, APPS.index(app)))

    def _step(self, word: str) -> None:
        self._wait(self._persona.think_ms)
        if word.startswith("@"):
            self._go(word[1:])
            return
        act, _, argument = word.partition(":")
        if act in self._acts:
            self._acts[act](argument)
        else:
            self._press(word)

    def _slip(self) -> None:
        slip = self.between(0, 2)
        if slip == 0:
            self._step("backspace")
            self._step("letters:1-5")
        else:
            self._step(("scroll-down:1-2", "click:body")[slip - 1])

    def _go(self, app: str) -> None:
        if app == self._app:
            return
        if self.chance() < self._persona.keyboard_switching:
            self._press("alt+tab")
        else:
            self._click("taskbar")
        self._wait(150)
        self.focus(app)

    def _type(self, burst: str, range_: str) -> None:
        least, most = (int(number) for number in range_.split("-"))
        for index in range(self.between(least, most)):
            self._wait(self._persona.key_ms, spread=0.35)
            if burst == "letters" and index and self.chance() < 0.15:
                self._emit(KeyPressed(self.t_ms, "space", "key"))
            else:
                self._emit(KeyPressed(self.t_ms, self._character(burst, index), "character"))

    def _character(self, burst: str, index: int) -> CharacterClass:
        if burst == "letters":
            return "letter"
        if burst == "digits":
            return "digit"
        # A mixed burst begins with one of each, so that its class never depends on chance.
        opening: tuple[CharacterClass, ...] = ("letter", "symbol")
        if index < len(opening):
            return opening[index]
        return "letter" if self.chance() < 0.75 else "symbol"

    def _press(self, name: str) -> None:
        self._emit(KeyPressed(self.t_ms, name, "key" if name in KEYS else "shortcut"))

    def _scroll(self, direction: Direction, range_: str) -> None:
        least, most = (int(number) for number in range_.split("-"))
        for _ in range(self.between(least, most)):
            self._wait(120)
            self._emit(Scrolled(self.t_ms, direction))

    def _click(self, place: str) -> None:
        self._press_pointer("left", *self._aim(place))

    def _right(self, place: str) -> None:
        self._press_pointer("right", *self._aim(place))

    def _double(self, place: str) -> None:
        x, y = self._aim(place)
        self._press_pointer("left", x, y)
        self.t_ms += 90
        self._press_pointer("left", x, y)

    def _drag(self, place: str) -> None:
        x, y = self._aim(place)
        self._emit(PointerPressed(self.t_ms, "left", x, y))
        self._wait(500)
        self._emit(PointerReleased(self.t_ms, "left", x + 0.12, y + 0.04))

    def _press_pointer(self, button: Button, x: float, y: float) -> None:
        self._emit(PointerPressed(self.t_ms, button, x, y))
        self.t_ms += 80
        self._emit(PointerReleased(self.t_ms, button, x, y))

    def _aim(self, place: str) -> tuple[float, float]:
        x, y = PLACES[place]
        dx, dy = self._chances.standard_normal(2) * HAND
        return min(max(x + float(dx), 0.0), 1.0), min(max(y + float(dy), 0.0), 1.0)

    def _wait(self, typical_ms: int, spread: float = 0.7) -> None:
        self.t_ms += round(typical_ms * math.exp(spread * float(self._chances.standard_normal())))

    def _emit(self, observation: Observation) -> None:
        self._out.append((observation, self.t_ms // 1_000))
