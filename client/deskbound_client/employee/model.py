"""The shared and the personal model on this laptop: how often right, and what is expected next.

A question is put together while the vault is open and holds words of the vocabulary and the model;
answering it needs torch, seconds, and neither vault nor key. So pages ask a process of its own
(``measuring.py``); the command answers by itself. Nothing of either has a way out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from deskbound_client.employee.words import words_of
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import ConfigError, NotFoundError, Refusal, VaultDamagedError
from deskbound_strategies.vocabulary import Action

if TYPE_CHECKING:
    from deskbound_client.learn.personal import PersonalModel
    from deskbound_strategies.task import Metrics, Unit

TASK = "next_action"
# Names of scores, beside those of the baselines.
SHARED, OWN, PERSONAL = "shared model", "own counts", "personal model"
CONTEXT = 5  # how many actions before a guess are told
UNIT_SECONDS, UNIT_ACTIONS = 600, 256


@dataclass(frozen=True, slots=True)
class Question:
    """What it takes to measure models on this laptop's days.

    Attributes:
        models: encoded weights, the one in question last.
        days: actions of complete days, oldest first.
        held_out: how many of the last of these no model was trained on.
        today: actions of the day that is not complete yet.
    """

    models: tuple[bytes, ...]
    days: Mapping[date, Sequence[Action]]
    held_out: int
    today: Sequence[Action] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """How often the next action was the first guess, or among the first five."""

    hit1: float
    hit5: float


@dataclass(frozen=True, slots=True)
class Guess:
    """One action that may come next, in words, and how likely the model holds it."""

    words: str
    probability: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found.

    Attributes:
        held_out: the days that were measured on.
        positions: how many actions were predicted.
        scores: by name: the baselines, ``before`` (untrained), ``SHARED``, ``OWN`` (this laptop's
            actions alone, counted on while guessing) and ``PERSONAL`` (those beside the shared
            model).
        models: of each model of the question, in order.
        after: the last actions that the guesses follow, in words.
        next: the likeliest next actions by the personal model, best first; none when nothing is
            stored lately.
    """

    held_out: tuple[date, ...]
    positions: int
    scores: Mapping[str, Score]
    models: tuple[Score, ...]
    after: tuple[str, ...]
    next: tuple[Guess, ...]


def ask(vault: Vault, files: Sequence[Path], holdout: int, today: date | None = None) -> Question:
    """Put a question together from the vault and from model files.

    Args:
        vault: whose days are measured on.
        files: encoded models, the one in question last.
        holdout: how many days before today are not trained on.
        today: the present day.

    Raises:
        NotFoundError: when there is no such model.
        ConfigError: when there are no days to measure on.
    """
    models = tuple(_read(path) for path in files)
    if holdout == 0:
        raise ConfigError(
            "No day is held out to measure on: holdout_days is 0.",
            "Set holdout_days to 1 or more in config.toml.",
        )
    present = today or datetime.now().astimezone().date()
    found = {day: _actions(vault, day) for day in vault.days() if day <= present}
    latest = found.pop(present, [])
    complete = {day: actions for day, actions in found.items() if actions}
    held = sum(day >= present - timedelta(holdout) for day in complete)
    if not 0 < held < len(complete):
        raise ConfigError(
            f"Measuring needs activity in the last {holdout} days before today, and before them.",
            "Come back after a day of work, or change holdout_days in config.toml.",
        )
    return Question(models, complete, held, latest)


def answer(question: Question) -> Measured:
    """Measure; it takes seconds and loads torch.

    Raises:
        ConfigError: when a model is none of this task.
    """
    from deskbound_client.learn.evaluate import compare, measure, split_days  # noqa: PLC0415
    from deskbound_client.learn.personal import PersonalModel  # noqa: PLC0415
    from deskbound_strategies.codec import decode  # noqa: PLC0415
    from deskbound_strategies.task import find_task, weights_of  # noqa: PLC0415

    task = find_task(TASK)
    try:
        *earlier, shared = [decode(model, task.layout()) for model in question.models]
    except Refusal:
        raise ConfigError(
            f"A model file does not hold finite weights of the task {TASK}.",
            "Name files that `deskbound-server model export` wrote, of this version.",
        ) from None
    days = [_units(actions) for actions in question.days.values()]
    training, held_out = split_days(days, question.held_out)
    found = compare(task, shared, training, held_out)
    before = measure(task, weights_of(task.build_model(0)), held_out)
    curve = [*(measure(task, each, held_out) for each in earlier), found.model]
    personal = PersonalModel(task, shared, training)
    alone, beside = personal.follow(held_out)
    scores = {**found.baselines, OWN: alone, "before": before, SHARED: found.model}
    scores[PERSONAL] = beside
    today = _units(question.today)
    personal.follow(today)
    latest = _latest([*held_out, *today])
    return Measured(
        held_out=tuple(list(question.days)[-question.held_out :]),
        positions=found.model.positions,
        scores={name: _score(metrics) for name, metrics in scores.items()},
        models=tuple(_score(metrics) for metrics in curve),
        after=() if latest is None else tuple(map(words_of, latest.tokens[-CONTEXT:].tolist())),
        next=() if latest is None else _guesses(personal, latest),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise NotFoundError(
            f"There is no shared model here yet ({path.name}).",
            "Join a fleet and wait for a round, or name a published model with --model.",
        ) from None


def _actions(vault: Vault, day: date) -> list[Action]:
    """Return a day's actions; of one that is damaged or was forgotten meanwhile, none."""
    try:
        return [stored.action for stored in vault.day(day).actions()]
    except (NotFoundError, VaultDamagedError):
        return []


def _units(actions: Sequence[Action]) -> "list[Unit]":
    from deskbound_client.learn.units import units  # noqa: PLC0415 - loads torch: seconds

    return units(actions, "session", UNIT_SECONDS, UNIT_ACTIONS)


def _latest(units: "Sequence[Unit]") -> "Unit | None":
    return next((unit for unit in reversed(units) if len(unit)), None)


def _guesses(personal: "PersonalModel", unit: "Unit") -> tuple[Guess, ...]:
    return tuple(Guess(words_of(token), chance) for token, chance in personal.forecast(unit))


def _score(metrics: "Metrics") -> Score:
    return Score(metrics.hit1, metrics.hit5)
