"""Units that look like work, for attacks on what people do: generated, never recorded."""

from datetime import date, timedelta

import numpy as np

from deskbound_strategies.encoder import Encoder
from deskbound_strategies.generator import generate_day
from deskbound_strategies.personas import PERSONAS
from deskbound_strategies.task import Unit
from deskbound_strategies.vocabulary import GAP_UNKNOWN, Action

FIRST_DAY = date(2026, 1, 5)  # a Monday


def units(count: int, actions: int, seed: int) -> list[Unit]:
    """Return units of so many consecutive actions from days of all personas, in turn.

    Args:
        count: how many units.
        actions: in each.
        seed: of the days.
    """
    found: list[Unit] = []
    day = FIRST_DAY
    while len(found) < count:
        for persona in PERSONAS:
            found += _cut(_actions(persona, day, seed), actions)
        day += timedelta(days=1)
    order = np.random.default_rng([seed, 3]).permutation(len(found))
    return [found[index] for index in order[:count]]


def _actions(persona: str, day: date, seed: int) -> list[Action]:
    encoder, at = Encoder(), 0
    found: list[Action] = []
    for observation, at in generate_day(PERSONAS[persona], day, seed):
        found += encoder.feed(observation, at)
    return found + list(encoder.flush(at))


def _cut(actions: list[Action], size: int) -> list[Unit]:
    whole = len(actions) // size * size
    rows = np.array([(a.token, a.app, a.gap, a.at % 86_400 // 3600) for a in actions[:whole]])
    cut = []
    for part in rows.reshape(-1, size, 4):
        tokens, apps, gaps, hours = (column.copy() for column in part.T)
        gaps[0] = GAP_UNKNOWN
        cut.append(Unit(tokens, apps, gaps, hours))
    return cut
