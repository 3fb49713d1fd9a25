"""What is really so at this desk: from committed rows and from what each process last said.

Needs no vault and no passphrase. Whatever is not said freshly is not claimed: a process that was
started and stores nothing shows as storing nothing.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

from deskbound_client import agent
from deskbound_client.agent import AgentStatus
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import STREAMS
from deskbound_client.capture.status import CaptureStatus, Hole, is_alive, is_fresh, read_status
from deskbound_client.employee.alarm import ALARMS, Alarm
from deskbound_client.employee.protection import Protection, protection_of
from deskbound_client.employee.summary import Summary, read_summary
from deskbound_client.employee.words import until
from deskbound_client.governor.report import GovernorReport, read_report
from deskbound_client.paths import HomePaths
from deskbound_strategies.stop_order import REASON_WORDS, StopReason

OPEN, TROUBLE, RESUMING, SILENT = "open", "trouble", "resuming", "silent"
REASONS = {
    OPEN: "on",
    TROUBLE: "in trouble: something is typed or clicked and nothing of it is stored",
    "paused": "paused",
    RESUMING: "about to go on: capture has not looked since the pause ended",
    "no-consent": "off: you agreed to no stream (see `deskbound consent show`)",
    SILENT: "silent: its process is there and says nothing, so nothing is claimed of it",
    "unknown": "closed: no window is active, or its program or its privacy cannot be told",
    "locked": "closed: the screen is locked",
    "idle": "closed: nobody is here",
    "excluded": "closed: this application is excluded",
    "private": "closed: this is a private window",
    "password": "closed: a password is being asked for",
    "schedule": "closed: outside the hours you set",
    "remote": "closed: this is another machine's screen",
    "display-lost": "closed: the display does not answer",
    "deaf": "closed: input cannot be heard, and is tried again",
    "stopped": "not running",
}
NOT_NOW = {
    OPEN: "",
    "paused": "paused",
    RESUMING: "capture has not looked since the pause ended",
    "no-consent": "not agreed to",
    SILENT: "capture says nothing",
    "unknown": "no window is active, or it cannot be told",
    "locked": "the screen is locked",
    "idle": "nobody is here",
    "excluded": "this application is excluded",
    "private": "a private window is open",
    "password": "a password is being asked for",
    "schedule": "outside the hours you set",
    "remote": "this is another machine's screen",
    "display-lost": "the display does not answer",
    "deaf": "input cannot be heard, and is tried again",
    "stopped": "capture is not running",
}


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream.

    Attributes:
        name: of its signal.
        on: the employee agreed to it.
        rows_last_minute: rows of it that reached the disk.
        seen_last_minute: observations of it that came through the gate.
        now: ``open``, or the reason why nothing of it would be captured at this moment.
        trouble: something was seen, and nothing of it stored for half a minute.
    """

    name: str
    on: bool
    rows_last_minute: int
    seen_last_minute: int
    now: str
    trouble: bool

    @property
    def words(self) -> str:
        """Whether something of it would be captured now, and if not, why."""
        if self.trouble:
            return "in trouble: seen, and not stored"
        return "yes" if self.now == OPEN else f"no: {NOT_NOW.get(self.now, self.now)}"


@dataclass(frozen=True, slots=True)
class Status:
    """All that is known without opening the vault.

    Attributes:
        agent: what the agent last knew of its children.
        capture: ``open``, ``trouble``, ``paused``, the reason the gate is closed, ``silent`` (its
            process is there and says nothing), or ``stopped``.
        joined: whether this laptop is in a fleet.
        paused_until: Unix time at which a pause ends by itself; None for none.
        stopped_for: why the operator stopped the fleet, while this laptop is paused by it.
        streams: each of them, in the order of consent.
        disk_full: the last commit found no room.
        holes: what was missed in the last hour, with its cause.
        upload: what left last and what budget is left, as of its ledger entry; None if nobody
            has written it yet.
        governor: what is held back to keep the caps; None when no agent runs.
        protection: whether the code is the reviewed one, and how far the system confines it.
    """

    agent: AgentStatus
    capture: str
    joined: bool
    paused_until: float | None
    stopped_for: StopReason | None
    streams: tuple[StreamStatus, ...]
    disk_full: bool
    holes: tuple[Hole, ...]
    upload: Summary | None
    governor: GovernorReport | None
    protection: Protection

    @property
    def alarm(self) -> Alarm | None:
        """What is wrong with the server's log or this copy of the vault, if anything."""
        codes = {code.value: alarm for code, alarm in ALARMS.items()}
        return None if self.upload is None else codes.get(self.upload.alarm)

    @property
    def words(self) -> str:
        """What capture does, e.g. ``paused until 15:00``."""
        if self.capture == "paused" and self.paused_until:
            return f"paused until {until(self.paused_until, time.time())}"
        if self.stopped_for is not None:
            why = REASON_WORDS[self.stopped_for]
            return f"paused: the operator stopped the fleet ({why}), until `deskbound resume`"
        if self.capture == "paused":
            return "paused until you say `deskbound resume`"
        return REASONS.get(self.capture, self.capture)

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON value; what was once in it stays in it."""
        found = asdict(self)
        streams = {stream.pop("name"): stream for stream in found["streams"]}
        return found | {"streams": streams}


def status_of(paths: HomePaths, now: float | None = None) -> Status:
    """Return all that is known without opening the vault.

    Raises:
        PermissionsError: others could write the control file.
    """
    present = time.time() if now is None else now
    control = Control.open(paths.control)
    try:
        told = read_status(paths.run / "capture.json")
        fresh = told if told is not None and is_fresh(told, present) else None
        known = agent.status(paths)
        absent = SILENT if known.pid and told is not None and _hangs(told) else "stopped"
        streams = _streams(control, fresh, absent)
        return Status(
            agent=known,
            capture=_capture(control, fresh, streams, absent),
            joined=paths.join.exists(),
            paused_until=control.paused_until,
            stopped_for=control.stopped_for,
            streams=streams,
            disk_full=fresh is not None and fresh.disk_full,
            holes=fresh.holes if fresh is not None else (),
            upload=read_summary(paths),
            governor=read_report(paths),
            protection=protection_of(paths, known),
        )
    finally:
        control.close()


def _capture(
    control: Control, told: CaptureStatus | None, streams: tuple[StreamStatus, ...], absent: str
) -> str:
    if control.paused:
        return "paused"
    state = _since_the_pause(told.state) if told is not None else absent
    return TROUBLE if any(stream.trouble for stream in streams) else state


def _hangs(told: CaptureStatus) -> bool:
    """Return whether a process that says nothing fresh is there and has not said farewell."""
    return told.state != "stopped" and is_alive(told)


def _streams(control: Control, told: CaptureStatus | None, absent: str) -> tuple[StreamStatus, ...]:
    return tuple(
        StreamStatus(
            name=stream.name,
            on=(on := bool(control.streams & stream.bit)),
            rows_last_minute=told.rows_last_minute.get(stream.name, 0) if told else 0,
            seen_last_minute=told.seen_last_minute.get(stream.name, 0) if told else 0,
            now=_now(control, told, stream.name, absent, on=on),
            trouble=told is not None and on and stream.name in told.trouble,
        )
        for stream in STREAMS
    )


def _now(control: Control, told: CaptureStatus | None, name: str, absent: str, *, on: bool) -> str:
    """Return why nothing of a stream would be captured now; what the employee said comes first."""
    if control.paused:
        return "paused"
    if not on:
        return "no-consent"
    if told is None:
        return absent
    if told.state == "stopped":
        return "stopped"
    return _since_the_pause(told.now.get(name, told.state))


def _since_the_pause(told: str) -> str:
    """Return what capture told; that it is paused, when it is not, was told before it ended."""
    return RESUMING if told == "paused" else told
