"""Published sets as crowds: for each person, what was done, as whole numbers, and when.

Each set has its own vocabulary here, and all of it, so that figures can be set beside those of
others. What a research vault makes of the same files is ``deskbound import --set``.
"""

import argparse
import csv
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

Whole = NDArray[np.int64]

FEWEST = 20  # events; who has fewer has nothing to be tested on
TRAINED = 0.8  # share of a person's events to learn from, the first ones
# abb_ide: what the editor says by itself when the caret or the view moves, half of all lines.
_CARET, _SCROLL = 0, 1
_FEWEST_LINES = 2  # shakespeare_roles, as in the literature


@dataclass(frozen=True, slots=True)
class Person:
    """One person's events, oldest first.

    Attributes:
        tokens: (n,) what was done, from 0 to the crowd's ``size`` less one.
        seconds: (n,) when, in whole seconds since some origin.
    """

    tokens: Whole
    seconds: Whole

    def split(self, trained: float = TRAINED) -> tuple["Person", "Person"]:
        """Return the first share of the events, and the rest."""
        count = int(len(self.tokens) * trained)
        first = Person(self.tokens[:count], self.seconds[:count])
        return first, Person(self.tokens[count:], self.seconds[count:])


@dataclass(frozen=True, slots=True)
class Crowd:
    """The people of a set.

    Attributes:
        name: of the set.
        people: those with enough events.
        size: of the vocabulary, which is taken as public.
    """

    name: str
    people: tuple[Person, ...]
    size: int


def abb_ide(folder: Path) -> Crowd:
    """Developers' commands in an IDE: without caret and scroll events, repeats merged."""
    table = pq.read_table(folder / "events.parquet")
    users, tokens = (table[name].to_numpy().astype(np.int64) for name in ("user", "action"))
    seconds = table["t"].to_numpy().astype("datetime64[s]").astype(np.int64)
    kept = (tokens != _CARET) & (tokens != _SCROLL)
    users, tokens, seconds = users[kept], tokens[kept], seconds[kept]
    order = np.argsort(users, kind="stable")
    users, tokens, seconds = users[order], tokens[order], seconds[order]
    fresh = np.r_[True, (users[1:] != users[:-1]) | (tokens[1:] != tokens[:-1])]
    return _crowd("abb_ide", users[fresh], tokens[fresh], seconds[fresh])


def cyber_shell(folder: Path) -> Crowd:
    """Trainees' shell commands, by name; repeats are kept, for they are typed."""
    with (folder / "commands.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = {name: token for token, name in enumerate(sorted({row["name"] for row in rows}))}
    users = np.array([int(row["user"]) for row in rows])
    seconds = np.array([int(datetime.fromisoformat(row["t"]).timestamp()) for row in rows])
    order = np.lexsort((np.arange(len(rows)), seconds, users))
    tokens = np.array([names[row["name"]] for row in rows])
    return _crowd("cyber_shell", users[order], tokens[order], seconds[order])


def shakespeare_roles(folder: Path) -> Crowd:
    """What each role of each play says, character by character; a line takes a second."""
    spoken: dict[str, list[str]] = {}
    with (folder / "lines.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            spoken.setdefault(row["user"], []).append(row["text"] + "\n")
    roles = [lines for lines in spoken.values() if len(lines) >= _FEWEST_LINES]
    every = [line for lines in roles for line in lines]
    tokens = np.frombuffer("".join(every).encode("utf-32-le"), np.uint32).astype(np.int64)
    users = np.repeat(np.arange(len(roles)), [sum(map(len, lines)) for lines in roles])
    seconds = np.repeat(
        np.concatenate([np.arange(len(lines)) for lines in roles]), list(map(len, every))
    )
    return _crowd("shakespeare_roles", users, tokens, seconds)


SETS: dict[str, Callable[[Path], Crowd]] = {
    "abb_ide": abb_ide,
    "cyber_shell": cyber_shell,
    "shakespeare_roles": shakespeare_roles,
}


def load(name: str, data: Path) -> Crowd:
    """Return a set.

    Raises:
        SystemExit: when its folder is not there.
    """
    folder = data / name
    if not folder.is_dir():
        raise SystemExit(f"There is no set {name} in {data}. Name the folder of sets with --data.")
    return SETS[name](folder)


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows where the sets are."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    place = Path(os.environ.get("DESKBOUND_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=place, help="Folder that holds the sets.")
    return parser


def _crowd(name: str, users: Whole, tokens: Whole, seconds: Whole) -> Crowd:
    """Part events that are sorted by person, and number what occurs without gaps."""
    present, numbered = np.unique(tokens, return_inverse=True)
    edges = np.flatnonzero(np.diff(users)) + 1
    parts = zip(np.split(numbered.astype(np.int64), edges), np.split(seconds, edges), strict=True)
    people = (Person(done, when) for done, when in parts)
    return Crowd(name, tuple(one for one in people if len(one.tokens) >= FEWEST), len(present))
