"""The whole audit: hold rounds, read them, plant faults, and look for people and their actions."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deskbound_audit.attack import fdp, inversion, one_run, people, plants
from deskbound_audit.attack.membership import Roc, roc
from deskbound_audit.attack.reading import Reader
from deskbound_audit.attack.releases import (
    Matrix,
    canaries,
    clipped,
    coins,
    gradients,
    hold,
    hostile_weights,
)
from deskbound_audit.attack.results import Finding, Inversion, Outcome
from deskbound_audit.attack.setting import Setting, event_with, measured, sharpest
from deskbound_audit.attack.trainers import Installed
from deskbound_audit.attack.wiener import Wiener
from deskbound_strategies import codec
from deskbound_strategies.floor import PolicyFloor
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.task import Task, Unit, Weights, find_task
from deskbound_strategies.vocabulary import APPS, GAPS, TOKENS

AS_RELEASED = "as released"
_SIZES = {"tokens": len(TOKENS), "apps": len(APPS), "gaps": GAPS + 1, "hours": 24}
_NO_CLIP = 2.0**20  # a clip that no gradient of these units reaches


@dataclass(frozen=True, slots=True)
class Size:
    """How much is tried.

    Attributes:
        canaries: m of the one-run audit.
        rounds: held on the same data.
        members: units of made-up work, half of which take part.
        inverted: units whose actions are sought.
    """

    canaries: int
    rounds: int
    members: int
    inverted: int


QUICK = Size(canaries=320, rounds=20, members=80, inverted=4)
FULL = Size(canaries=1000, rounds=20, members=300, inverted=20)

Say = Callable[[str, int], None]


class Audit:
    """One audit of an installed trainer under a floor.

    Args:
        installed: what is audited.
        floor: what laptops allow.
        size: how much is tried.
        seed: of everything but the noise and the sampling, which are the laptop's own.
        say: told what begins, or, with empty words, that so many rounds are done.

    Raises:
        ConfigError: when the floor admits no rounds to audit.
    """

    def __init__(
        self, installed: Installed, floor: PolicyFloor, size: Size, seed: int, say: Say
    ) -> None:
        self._train, self._distribution = installed.train, installed.distribution
        self._task: Task = find_task(floor.tasks[0])
        self._size, self._seed, self._say = size, seed, say
        self.setting: Setting = sharpest(floor, self._task, size.rounds)
        asked = self.setting.contract
        self._weights: Weights = hostile_weights(self._task, seed)
        self._lattice = Lattice(asked.clip, self.setting.dimension, asked.noise_multiplier)

    def run(self) -> Outcome:
        """Do everything and return what was found."""
        units = canaries(self._size.canaries, self._seed, _SIZES)
        took_part = coins(len(units), self._seed)
        reader = self._reader(units)
        present = [unit for unit, heads in zip(units, took_part, strict=True) if heads]
        every = {AS_RELEASED: nullcontext, **plants.PLANTS}
        findings = [
            self._finding(name, self._held(name, plant, present), reader, took_part)
            for name, plant in every.items()
        ]
        truth, inversions, prior = self._inversions()
        return Outcome(
            trainer=self._distribution,
            seed=self._seed,
            setting=self.setting,
            honest=findings[0],
            controls=tuple(findings[1:]),
            members=self._size.members,
            membership=self._membership(),
            inversions=inversions,
            truth=truth,
            prior=prior,
            inverted=self._size.inverted,
        )

    @property
    def steps(self) -> int:
        """How many rounds and updates there will be, for a progress bar."""
        return self._size.rounds * (len(plants.PLANTS) + 3) + 3 * self._size.inverted

    def _reader(self, units: list[Unit]) -> Reader:
        asked = self.setting.contract
        whole = gradients(self._task, self._weights, units)
        return Reader(
            as_clipped=Wiener(clipped(whole, asked.clip)),
            as_whole=Wiener(whole),
            clip=asked.clip,
            rate=asked.sampling_rate,
            guess=lambda seed, number: plants.guessed(self._lattice, seed, number),
            seeds=plants.GUESSABLE,
        )

    def _held(self, name: str, plant: Callable[[], Any], units: list[Unit]) -> Matrix:
        self._say(name, 0)
        with plant():
            return hold(
                self._train,
                self._task,
                self._weights,
                units,
                self.setting.contract,
                rounds=self.setting.rounds,
                after_each=lambda: self._say("", 1),
            )

    def _finding(
        self,
        name: str,
        sums: Matrix,
        reader: Reader,
        took_part: NDArray[np.bool_],
    ) -> Finding:
        setting = self.setting
        read = reader.read(sums)
        found = one_run.audit(read.scores, took_part, setting.delta)
        event = event_with(setting, setting.contract.noise_multiplier, rounds=setting.rounds)
        return Finding(
            name=name,
            claimed=setting.epsilon_claimed,
            one_run=found,
            epsilon_fdp=fdp.lower_bound(found, event, setting.delta),
            sigma=read.sigma,
            epsilon_measured=measured(setting, read.sigma_upper),
            guessed_seed=read.guessed_seed,
            alike=len(read.alike),
            clipped=read.clipped,
            roc=roc(read.scores, took_part),
        )

    def _membership(self) -> dict[str, Roc]:
        """Seek units of made-up work among those that took part."""
        units = people.units(self._size.members, inversion.MOST_ACTIONS, self._seed)
        took_part = coins(len(units), self._seed + 1)
        reader = self._reader(units)
        present = [unit for unit, heads in zip(units, took_part, strict=True) if heads]
        found = {}
        for name, plant in ((AS_RELEASED, nullcontext), ("noise off", plants.noise_off)):
            sums = self._held(f"membership, {name}", plant, present)
            found[name] = roc(reader.read(sums).scores, took_part)
        return found

    def _inversions(self) -> tuple[tuple[str, ...], tuple[Inversion, ...], float]:
        """Read single units out of single updates; every unit is sampled for certain."""
        units = people.units(self._size.inverted, inversion.MOST_ACTIONS, self._seed + 1)
        others = people.units(50 * len(units), inversion.MOST_ACTIONS, self._seed + 2)
        sure = replace(self.setting.contract, sampling_rate=1.0)
        ways: tuple[tuple[str, Callable[[], Any], float], ...] = (
            ("plain training", plants.exact_sums, _NO_CLIP),
            ("clipped, no noise", plants.exact_sums, sure.clip),
            (AS_RELEASED, nullcontext, sure.clip),
        )
        found = []
        for name, plant, clip in ways:
            self._say(f"inversion, {name}", 0)
            asked = replace(sure, clip=clip)
            with plant():
                read = [self._invert(unit, asked) for unit in units]
            order = float(np.mean([one.right for one in read]))
            words = float(np.mean([one.words for one in read]))
            found.append(Inversion(name, order, words, _names(read[0].tokens)))
        commonest, _ = inversion.most_frequent(others)
        prior = float(np.mean([np.mean(unit.tokens[:-1] == commonest) for unit in units]))
        return _names(units[0].tokens[:-1].tolist()), tuple(found), prior

    def _invert(self, unit: Unit, asked: Any) -> inversion.Recovered:
        sums = hold(self._train, self._task, self._weights, [unit], asked, rounds=1)[0]
        self._say("", 1)
        layout = self._task.layout()
        return inversion.recover(_tensors(sums, layout), self._weights, unit)


def _tensors(values: NDArray[np.float64], layout: codec.Layout) -> inversion.Tensors:
    ends = np.cumsum([spec.elements for spec in layout])[:-1]
    parts = np.split(values, ends)
    return {spec.name: part.reshape(spec.shape) for spec, part in zip(layout, parts, strict=True)}


def _names(tokens: Any) -> tuple[str, ...]:
    return tuple(TOKENS[token].name for token in tokens)
