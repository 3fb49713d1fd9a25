"""Days become units: the stretches of activity whose presence differential privacy hides.

A *session* unit is a stretch without a pause longer than ``PAUSE_SECONDS``, cut where it reaches
the contract's ``unit_seconds`` or ``unit_actions``. A *day* unit is all of a day's actions; of a
day with more than ``unit_actions`` the last ones are kept, since a unit is one padded sequence and
memory must be bounded. Either way a unit never spans two days, and every action belongs to at most
one unit: adding or removing a unit is adding or removing one sample, and changes no other.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from deskbound_strategies.contract import Unit as UnitKind
from deskbound_strategies.task import Unit
from deskbound_strategies.vocabulary import GAP_UNKNOWN, Action

# Public and fixed: where a pause ends a session must not depend on anybody's data.
PAUSE_SECONDS = 120
_DAY = 86_400


def units(
    actions: Iterable[Action], unit: UnitKind, unit_seconds: int, unit_actions: int
) -> list[Unit]:
    """Cut one day's actions into units, in order.

    Args:
        actions: of one day, oldest first.
        unit: ``session`` or ``day``.
        unit_seconds: longest session, from its first action, seconds.
        unit_actions: most actions in a unit.

    Raises:
        ValueError: when a length is not positive.
    """
    if unit_seconds < 1 or unit_actions < 1:
        raise ValueError("a unit holds at least one second and one action")
    day = list(actions)
    if unit == "day":
        return [_unit(day[-unit_actions:])] if day else []
    return [_unit(stretch) for stretch in _sessions(day, unit_seconds, unit_actions)]


def _sessions(actions: Sequence[Action], seconds: int, most: int) -> list[list[Action]]:
    sessions: list[list[Action]] = []
    for action in actions:
        current = sessions[-1] if sessions else None
        if current and len(current) < most and _together(current, action, seconds):
            current.append(action)
        else:
            sessions.append([action])
    return sessions


def _together(session: Sequence[Action], action: Action, seconds: int) -> bool:
    # A clock set back gives a negative pause: the actions still followed each other.
    return (
        action.at - session[-1].at <= PAUSE_SECONDS
        and action.at - session[0].at < seconds
        and action.at // _DAY == session[0].at // _DAY
    )


def _unit(actions: Sequence[Action]) -> Unit:
    columns = np.array([(a.token, a.app, a.gap, a.at % _DAY // 3600) for a in actions], np.int64)
    tokens, apps, gaps, hours = columns.T.copy()
    gaps[0] = GAP_UNKNOWN  # the pause before it tells about the unit before it
    return Unit(tokens, apps, gaps, hours)
