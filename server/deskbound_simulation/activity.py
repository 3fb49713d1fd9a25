"""What virtual laptops hold: days made up by the generator, or a published set's people.

A laptop's days end the day before the simulation begins, and stay: while rounds go on, no day is
added and none is let go. They are made when they are first asked for, and the units cut of them are
kept in a folder, so that neither memory nor time grows with laptops that are never asked.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Protocol

import numpy as np

from deskbound_client.archive.set_readers import READERS
from deskbound_client.archive.sets import actions
from deskbound_client.learn.units import digest, units
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.encoder import Encoder
from deskbound_strategies.generator import generate_day
from deskbound_strategies.observations import AppFocused, Observation
from deskbound_strategies.personas import PERSONAS
from deskbound_strategies.task import Unit
from deskbound_strategies.vocabulary import Action

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)  # a Monday; the first contract is dated to its midnight
HOLDOUT_DAYS = 1  # as many as a laptop leaves out of training

Actions = Mapping[date, Sequence[Action]]
_DAY_MS = 86_400_000
_COLUMNS = ("tokens", "apps", "gaps", "hours")


class Source(Protocol):
    """Where activity comes from; small, and the same in every worker."""

    @property
    def days(self) -> int:
        """Most days that a laptop trains on."""
        ...

    @property
    def label(self) -> str:
        """What results say of it."""
        ...

    def actions(self, laptop: int, *, held_out: bool) -> Actions:
        """Return the days a laptop trains on, or those it leaves out."""
        ...


@dataclass(frozen=True, slots=True)
class Generated:
    """Days of made-up people: persona after persona, each laptop another person.

    Attributes:
        seed: of everybody's days.
        days: to train on.
    """

    seed: int
    days: int

    @property
    def label(self) -> str:
        """What results say of it."""
        return "generated"

    def actions(self, laptop: int, *, held_out: bool) -> Actions:
        """Return a laptop's days."""
        persona = list(PERSONAS.values())[laptop % len(PERSONAS)]
        return {
            day: _encoded(generate_day(persona, day, self.seed + laptop))
            for day in _dates(self.days, held_out=held_out)
        }


@dataclass(frozen=True, slots=True)
class Published:
    """The people of a published set, one a laptop: their last days at work, one after the other.

    Attributes:
        name: one of ``READERS``.
        folder: of the set.
        days: most days to train on.
    """

    name: str
    folder: Path
    days: int

    @property
    def label(self) -> str:
        """What results say of it."""
        return self.name

    def actions(self, laptop: int, *, held_out: bool) -> Actions:
        """Return a person's days; people who did something on too few have fewer, or none."""
        read = READERS[self.name](self.folder, laptop + 1)
        moments = [(at, what) for at, what in read if not isinstance(what, str)]
        kept = _last_days(sorted(moments, key=itemgetter(0)), self.days + HOLDOUT_DAYS)
        found: dict[date, list[Action]] = {}
        for action in actions(kept, BEGIN.date(), _utc):
            found.setdefault(_day_of(action), []).append(action)
        dates = _dates(len(found) - HOLDOUT_DAYS, held_out=False) + _dates(0, held_out=True)
        packed = zip(sorted(found), dates[len(dates) - len(found) :], strict=True)
        wanted = set(_dates(self.days, held_out=held_out))
        return {to: _moved(found[day], to - day) for day, to in packed if to in wanted}


def _last_days(
    moments: Sequence[tuple[int, Observation]], most: int
) -> list[tuple[int, Observation]]:
    """Return the moments of the last days on which anything happened."""
    wanted = set(sorted({at // _DAY_MS for at, _ in moments})[-most:])
    kept = [(at, what) for at, what in moments if at // _DAY_MS in wanted]
    before = reversed(moments[: len(moments) - len(kept)])
    front = next((what for _, what in before if isinstance(what, AppFocused)), None)
    if front is not None:  # still in front when these days begin
        kept.insert(0, (kept[0][0], AppFocused(kept[0][0], front.app)))
    return kept


def _moved(some: Sequence[Action], by: timedelta) -> list[Action]:
    """Return actions at the same time of another day."""
    return [replace(action, at=action.at + int(by.total_seconds())) for action in some]


def _encoded(moments: Iterable[tuple[Observation, int]]) -> list[Action]:
    encoder, at = Encoder(rhythm=True), 0
    found: list[Action] = []
    for observation, at in moments:
        found += encoder.feed(observation, at)
    return found + list(encoder.flush(at))


def _dates(days: int, *, held_out: bool) -> list[date]:
    first, last = (HOLDOUT_DAYS, 1) if held_out else (days + HOLDOUT_DAYS, 1 + HOLDOUT_DAYS)
    return [BEGIN.date() - timedelta(days=back) for back in range(first, last - 1, -1)]


def _day_of(action: Action) -> date:
    return datetime.fromtimestamp(action.at, UTC).date()


def _utc(wall_ms: int) -> int:
    """Return the Unix second of a wall clock that shows UTC."""
    return wall_ms // 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A day's units, and their digest, as a laptop would work it out."""

    units: list[Unit]
    digest: str


class Activity:
    """Units of virtual laptops, each cut once and kept in a folder that all workers share.

    Args:
        source: makes the days.
        folder: for the files; whoever made it removes it.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        self._source = source
        self._folder = folder

    def training(self, laptop: int, asked: RoundContract) -> dict[date, Cut]:
        """Return what a laptop trains on, as a contract cuts it; days without units left out."""
        return self._find(laptop, asked, held_out=False)

    def held_out(self, laptop: int, asked: RoundContract) -> list[Unit]:
        """Return the units of the days a laptop leaves out of training."""
        cuts = self._find(laptop, asked, held_out=True)
        return [unit for cut in cuts.values() for unit in cut.units]

    def _find(self, laptop: int, asked: RoundContract, *, held_out: bool) -> dict[date, Cut]:
        terms = asked.unit, asked.unit_seconds, asked.unit_actions
        name = "-".join(map(str, (laptop, "held-out" if held_out else "training", *terms)))
        path = self._folder / f"{name}.npy"
        if not path.exists():
            actions = self._source.actions(laptop, held_out=held_out)
            _write(path, {day: units(some, *terms) for day, some in actions.items()})
        return _read(path)


def _write(path: Path, by_day: Mapping[date, list[Unit]]) -> None:
    """Write columns below one another, then the shape of it as a line of JSON."""
    shape = [
        [day.isoformat(), digest(found), [len(unit) for unit in found]]
        for day, found in by_day.items()
        if found
    ]
    every = [unit for found in by_day.values() for unit in found]
    columns = [
        np.concatenate([getattr(unit, name) for unit in every] or [np.zeros(0, np.int64)])
        for name in _COLUMNS
    ]
    draft = path.with_suffix(f".{os.getpid()}")
    with draft.open("wb") as file:
        np.save(file, np.stack(columns).astype(np.int16))
        file.write(json.dumps(shape).encode("ascii"))
    draft.replace(path)


def _read(path: Path) -> dict[date, Cut]:
    with path.open("rb") as file:
        columns = np.load(file).astype(np.int64)
        shape = json.loads(file.read())
    found, begin = dict[date, Cut](), 0
    for day, name, sizes in shape:
        some = []
        for size in sizes:
            some.append(Unit(*columns[:, begin : begin + size]))
            begin += size
        found[date.fromisoformat(day)] = Cut(some, name)
    return found
