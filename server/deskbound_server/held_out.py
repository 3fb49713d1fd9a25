"""Public data that a model is tried on before it is released; never data of laptops.

Either made-up days of the activity generator, always the same, or a file that the plan names. The
file is kept under its hash beside the models, so that a run that is resumed is judged by the same.
"""

import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_strategies.codec import Tensors
from deskbound_strategies.encoder import Encoder
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.generator import generate_day
from deskbound_strategies.personas import PERSONAS, Persona
from deskbound_strategies.task import Task, Unit, find_task, load_weights
from deskbound_strategies.units import units
from deskbound_strategies.vocabulary import APPS, GAPS, TOKENS, VOCABULARY_HASH, Action

FORMAT = "deskbound-held-out/1"
ENDING = ".jsonl"
MAX_BYTES = 16 * 1024 * 1024
# A day that no demo, test or simulation trains on. Of its sessions every fourth is enough.
_DAY, _SEED, _EVERY = date(2026, 1, 5), 180_301_498, 4
_AT_ONCE = 16
_MOST = {"tokens": len(TOKENS), "apps": len(APPS), "gaps": GAPS + 1, "hours": 24}
_MOST_ACTIONS = 4096


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Units of public activity, and the task that is tried on them."""

    task: Task
    units: tuple[Unit, ...]

    def loss(self, weights: Tensors) -> float:
        """Return the mean loss per unit, nats.

        Raises:
            Refusal: when the weights are not those of the task or are not finite.
        """
        import torch  # noqa: PLC0415 - seconds long; whoever only reads the data does without

        model = self.task.build_model(0)
        load_weights(model, weights)
        ordered = sorted(self.units, key=len)
        with torch.no_grad():
            losses = [
                self.task.loss_per_unit(model, self.task.collate(ordered[at : at + _AT_ONCE]))
                for at in range(0, len(ordered), _AT_ONCE)
            ]
        return float(torch.cat(losses).double().mean())


def open_held_out(plan: RoundPlan, task: Task, models: ModelStore) -> HeldOut | None:
    """Return what a plan's models are tried on, or None.

    Raises:
        ConfigError: the task reads another vocabulary than the generator writes.
        NotFoundError, VaultDamagedError: the file that was kept is gone or was changed.
    """
    if plan.held_out == "none":
        return None
    if plan.held_out == "file":
        found = read_units(models.load(plan.held_out_hash), task.vocabulary_hash)
        return HeldOut(task, tuple(found))
    if task.vocabulary_hash != VOCABULARY_HASH:
        raise ConfigError(
            f"The activity generator does not speak the vocabulary of task {task.name}.",
            'Plan with held_out = "file", or "none".',
        )
    return HeldOut(task, tuple(generated_units()))


def keep_file(plan: RoundPlan, folder: Path, models: ModelStore) -> RoundPlan:
    """Check and keep the file that a plan names; returns the plan with the file's hash.

    Args:
        plan: as it was read.
        folder: what a relative path starts from.
        models: where it is kept.

    Raises:
        ConfigError: there is no such file, it is none, or not the one whose hash the plan names.
    """
    if plan.held_out != "file":
        return plan
    data = _bytes_of(
        folder / plan.held_out_file,
        plan.held_out_file,
        "Name a readable file in held_out_file; a relative path starts beside the plan.",
    )
    read_units(data, find_task(plan.task).vocabulary_hash)
    name = models.save(data)
    if plan.held_out_hash not in {"", name}:
        raise ConfigError(
            f"The held-out file {plan.held_out_file} is not the one that held_out_hash names.",
            f"Take the file of that hash, or write {name}.",
        )
    return replace(plan, held_out_hash=name)


def read_from(path: Path, vocabulary_hash: str) -> list[Unit]:
    """Return the units of a held-out file, or of all in a folder whose names end in ``.jsonl``.

    Args:
        path: of file or folder.
        vocabulary_hash: that the words must be of.

    Raises:
        ConfigError: there is none, or one is not what it should be; the file is named.
    """
    files = sorted(path.glob("*" + ENDING)) if path.is_dir() else [path]
    if not files:
        raise ConfigError(
            f"There is no held-out data in the folder {path}.",
            f"Put files there whose names end in {ENDING}; docs/operations.md shows the format.",
        )
    mend = "Name a readable file of held-out data, or a folder of such files."
    return [
        unit
        for file in files
        for unit in read_units(_bytes_of(file, str(file), mend), vocabulary_hash, file.name)
    ]


def _bytes_of(path: Path, name: str, mend: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"The held-out file {name} cannot be read ({error.__class__.__name__}).", mend
        ) from None


def generated_units() -> list[Unit]:
    """Return sessions of one made-up day of every persona."""
    found = [unit for persona in PERSONAS.values() for unit in _day_of(persona)]
    return found[::_EVERY]


def _day_of(persona: Persona) -> list[Unit]:
    encoder, at = Encoder(), 0
    actions: list[Action] = []
    for observation, at in generate_day(persona, _DAY, _SEED):
        actions += encoder.feed(observation, at)
    actions += encoder.flush(at)
    return units(actions, "session", 600, 256)


def write_units(found: list[Unit], vocabulary_hash: str) -> bytes:
    """Return units as a held-out file: JSON lines, the first one names format and vocabulary."""
    head = {"format": FORMAT, "vocabulary": vocabulary_hash}
    rows = [{name: getattr(unit, name).tolist() for name in _MOST} for unit in found]
    return "".join(json.dumps(line) + "\n" for line in [head, *rows]).encode("ascii")


def read_units(data: bytes, vocabulary_hash: str, name: str = "") -> list[Unit]:
    """Read a held-out file strictly.

    Args:
        data: bytes of the file, see ``write_units``.
        vocabulary_hash: that its words must be of.
        name: of the file, where there are several.

    Raises:
        ConfigError: naming the line that is not acceptable.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError(f"T{_called(name)[1:]} is larger than 16 MiB.", "Take a part of it.")
    lines = data.splitlines()
    head = _parsed(lines[0]) if lines else None
    if head != {"format": FORMAT, "vocabulary": vocabulary_hash}:
        raise _not_acceptable(1, name)
    found: list[Unit] = []
    for number, line in enumerate(lines[1:], start=2):
        unit = _unit(_parsed(line))
        if unit is None:
            raise _not_acceptable(number, name)
        found.append(unit)
    if not found:
        raise _not_acceptable(2, name)
    return found


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _unit(row: Any) -> Unit | None:
    if not isinstance(row, dict) or row.keys() != _MOST.keys():
        return None
    for name, most in _MOST.items():
        column = row[name]
        if not isinstance(column, list) or not 2 <= len(column) <= _MOST_ACTIONS:
            return None
        if not all(type(value) is int and 0 <= value < most for value in column):
            return None
    columns = [np.array(row[name], np.int64) for name in _MOST]
    return Unit(*columns) if len({len(column) for column in columns}) == 1 else None


def _not_acceptable(number: int, name: str) -> ConfigError:
    return ConfigError(
        f"Line {number} of {_called(name)} is not what it should be.",
        "docs/operations.md shows the format; the vocabulary must be the task's.",
    )


def _called(name: str) -> str:
    return f"the held-out file {name}" if name else "the held-out file"
