"""What the agent decides, without doing it: which children should run now. Pure.

Each child is a small state: wanted or not, running since when, failed how often, not before when.
The SuperNode has one condition more: it is up only while the executor says that this laptop is
willing, and not in a silence. So whoever pauses, or has nothing to give, is offline in fact. The
governor's caps come on top; presence, which has neither vault nor network, is always there.
"""

import json
from dataclasses import dataclass, replace
from enum import StrEnum

from deskbound_client.governor.caps import Standing
from deskbound_client.processes import Backoff
from deskbound_strategies.errors import DeskboundError


class Role(StrEnum):
    """The children, in the order in which they start."""

    PRESENCE = "presence"
    CAPTURE = "capture"
    EXECUTOR = "executor"
    SUPERNODE = "supernode"


# The SuperLink takes a laptop that vanished for present a while longer and would not let it in.
BACKOFF = {
    Role.PRESENCE: Backoff(first=2.0, most=60.0),
    Role.CAPTURE: Backoff(first=2.0, most=60.0),
    Role.EXECUTOR: Backoff(first=2.0, most=60.0),
    Role.SUPERNODE: Backoff(first=5.0, most=60.0),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong with a child, for a person.

    Attributes:
        name: of the error's class.
        sentence: what happened.
        mend: what to do about it.
    """

    name: str
    sentence: str
    mend: str

    @classmethod
    def of(cls, error: DeskboundError) -> "Trouble":
        """Return what an error says."""
        return cls(type(error).__name__, error.sentence, error.mend)

    @classmethod
    def parse(cls, told: str) -> "Trouble | None":
        """Read what a worker told of its error: its name, or name, sentence and mend as JSON."""
        if told.isidentifier() and told.endswith("Error"):
            return cls(told, "", "")
        try:
            name, sentence, mend = json.loads(told)
        except (ValueError, TypeError):
            return None
        texts = all(isinstance(part, str) for part in (name, sentence, mend))
        return cls(name, sentence, mend) if texts and name.isidentifier() else None


@dataclass(frozen=True, slots=True)
class State:
    """What is known of one child.

    Attributes:
        running_since: monotonic seconds, or None while it does not run.
        failures: how often in a row it ended by itself.
        not_before: monotonic seconds before which it is not started again.
        ready: whether it said that it works.
        trouble: a code of what went wrong last, empty for nothing.
    """

    running_since: float | None = None
    failures: int = 0
    not_before: float = 0.0
    ready: bool = False
    trouble: str = ""

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.running_since is not None

    def started(self, now: float) -> "State":
        """Return the state after a start."""
        return replace(self, running_since=now, ready=False)

    def worked(self) -> "State":
        """Return the state of a child that said it works."""
        return replace(self, ready=True, trouble="")

    def stopped(self) -> "State":
        """Return the state after an end that was asked for."""
        return replace(self, running_since=None, ready=False)

    def ended(self, now: float, trouble: str, backoff: Backoff) -> "State":
        """Return the state after it ended by itself."""
        ran = 0.0 if self.running_since is None else now - self.running_since
        failures = 1 if ran >= backoff.steady else self.failures + 1
        later = now + backoff.delay(failures)
        return State(None, failures, later, ready=False, trouble=trouble)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of the children at this moment.

    Attributes:
        capture: whether this agent captures input.
        joined: whether this laptop is in a fleet.
        willing: whether the executor said so last.
        silent_until: Unix seconds until which this laptop is not to be seen.
        standing: what the governor allows.
    """

    capture: bool = True
    joined: bool = False
    willing: bool = False
    silent_until: float = 0.0
    standing: Standing = Standing()  # noqa: RUF009 - frozen

    def wants(self, role: Role, states: dict[Role, State], unix_now: float) -> bool:
        """Return whether a child should run now."""
        if role is Role.PRESENCE:
            return True
        if role is Role.CAPTURE:
            return self.capture and self.standing.capture
        if role is Role.EXECUTOR:
            return self.joined and self.standing.executor
        warm = states[Role.EXECUTOR].ready and self.standing.online
        return self.joined and warm and self.willing and unix_now >= self.silent_until


def overall(states: dict[Role, State], wanted: set[Role], failing: set[Role]) -> str:
    """Return one word for all: ``running`` only when everything wanted works, else why not.

    Args:
        states: of all children.
        wanted: those that should run now.
        failing: those of which an error is known.
    """
    if failing & wanted:
        return "degraded"
    if all(states[role].running and states[role].ready for role in wanted):
        return "running"
    if any(states[role].trouble for role in wanted):
        return "degraded"
    return "starting"
