"""What is so at this desk now, from what was committed and said; the icon and notices show this.

Never what was meant to be: an agent that was started and stores nothing shows as not capturing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from deskbound_client.capture.control import Control
from deskbound_client.capture.status import is_fresh, read_status
from deskbound_client.governor.report import is_breach, read_report
from deskbound_client.paths import HomePaths
from deskbound_strategies.errors import DeskboundError
from deskbound_strategies.stop_order import StopReason

_NOT_AT_ALL = frozenset({"stopped", "paused", "no-consent", "display-lost", "schedule"})


@dataclass(frozen=True, slots=True)
class DeskState:
    """What an onlooker may know.

    Attributes:
        capture: ``on``, ``closed`` (agreed to, and not now: idle, locked, excluded), ``paused`` or
            ``off``.
        until: Unix time at which a pause ends by itself, None for no pause or one without end.
        by_timer: the last pause ended by its own time.
        stopped_for: why the operator stopped the fleet, while the pause is of that.
        held: sentence of a cap that was reached, or empty.
        mend: what to do about that.
    """

    capture: str = "off"
    until: float | None = None
    by_timer: bool = False
    stopped_for: StopReason | None = None
    held: str = ""
    mend: str = ""

    @property
    def capturing(self) -> bool:
        """Whether input is looked at, or will be as soon as the moment allows it."""
        return self.capture in ("on", "closed")


def desk_state(paths: HomePaths, clock: Callable[[], float] = time.time) -> DeskState:
    """Return what is so at this desk; it never raises."""
    told = read_status(paths.run / "capture.json")
    state = told.state if told is not None and is_fresh(told, clock()) else "stopped"
    held = read_report(paths)
    breach = held if held is not None and is_breach(held.reason) else None
    try:
        control = Control.open(paths.control)
    except DeskboundError:
        return DeskState()
    try:
        word = "paused" if control.paused else _word(state)
        return DeskState(
            word,
            control.paused_until,
            control.ended_by_timer,
            control.stopped_for,
            "" if breach is None else breach.sentence,
            "" if breach is None else breach.mend,
        )
    finally:
        control.close()


def _word(state: str) -> str:
    if state in _NOT_AT_ALL:
        return "off"
    return "on" if state == "open" else "closed"


def line(state: DeskState) -> str:
    """Return one line for a person, e.g. as the icon's title."""
    match state.capture:
        case "on":
            return "Deskbound: capturing what you agreed to"
        case "closed":
            return "Deskbound: on, and not looking at this moment"
        case "paused" if state.stopped_for is not None:
            return "Deskbound: stopped by the operator until you resume"
        case "paused" if state.until:
            return f"Deskbound: paused until {_hour(state.until)}"
        case "paused":
            return "Deskbound: paused until you resume"
    return "Deskbound: not capturing"


def _hour(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%a %H:%M")
