"""Looks at what runs in the background, as it told itself; the doctor asks no server."""

import os
from collections.abc import Mapping

from deskbound_client import agent
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import STREAMS
from deskbound_client.capture.status import CaptureStatus, is_alive, is_fresh, read_status
from deskbound_client.doctor.finding import Finding, Level, note, ok, warn, wrong
from deskbound_client.employee.alarm import ALARMS
from deskbound_client.employee.autostart import entry_path
from deskbound_client.employee.status import REASONS
from deskbound_client.employee.summary import read_summary
from deskbound_client.employee.words import counted
from deskbound_client.governor.report import read_report
from deskbound_client.paths import HomePaths
from deskbound_client.store.files import read_private
from deskbound_strategies.errors import DeskboundError

_LAST_HOUR = 3600
_OFTEN = 3


def check_agent(paths: HomePaths) -> Finding:
    """What should run does."""
    found = agent.status(paths)
    if not found.pid:
        return note("agent", "Deskbound is not running.", "Begin with `deskbound start`.")
    for name, child in found.children.items():
        if child.get("sentence"):
            return warn("agent", f"{name}: {child['sentence']}", str(child.get("mend", "")))
        if child.get("trouble"):
            return warn(
                "agent",
                f"{name} does not run as it should (last trouble: {child['trouble']}).",
                "Look at `deskbound status` again in a minute; then stop and start.",
            )
    if found.state == "starting":
        return note("agent", "Deskbound is starting.")
    return ok("agent", "Deskbound runs, and so does everything it should run.")


def check_log(paths: HomePaths) -> Finding:
    """The server's log is in order, and this vault is the newest of its kind."""
    told = read_summary(paths)
    codes = {code.value: alarm for code, alarm in ALARMS.items()}
    alarm = None if told is None else codes.get(told.alarm)
    if alarm is not None:
        return wrong("log", alarm.sentence, alarm.mend)
    return ok("log", "Nothing speaks against the server's log, nor against this copy of the vault.")


def check_restarts(paths: HomePaths, now: float) -> Finding:
    """Nothing had to be started again and again in the last hour."""
    try:
        lines = read_private(paths.agent_log).decode("ascii", "replace").splitlines()
    except DeskboundError:
        return ok("restarts", "Nothing has ended by itself.")
    ended: dict[str, int] = {}
    for at, role, code in (line.split() for line in lines if line.count(" ") == 2):
        if code.startswith("ended-") and at.isdecimal() and now - int(at) < _LAST_HOUR:
            ended[role] = ended.get(role, 0) + 1
    worst = max(ended, key=lambda role: ended[role], default="")
    if worst and ended[worst] >= _OFTEN:
        return warn(
            "restarts",
            f"{worst} ended by itself {ended[worst]} times in the last hour.",
            "`deskbound status` says why; docs/troubleshooting.md says what to do.",
        )
    return ok("restarts", "Nothing keeps ending by itself.")


def check_capture(paths: HomePaths, now: float) -> Finding:
    """Capture says what it does, and did so just now."""
    control = Control.open(paths.control)
    paused, agreed = control.paused, [one.name for one in STREAMS if control.streams & one.bit]
    control.close()
    if paused:
        return note("capture", "Paused: nothing is kept.", "`deskbound resume` ends it.")
    if not agreed:
        return note("capture", "You agreed to no stream.", "See `deskbound consent show`.")
    told = read_status(paths.run / "capture.json")
    gone = told is None or told.state == "stopped" or not is_alive(told)
    if told is None or gone or not agent.status(paths).pid:
        return note("capture", "Capture is not running.", "Begin with `deskbound start`.")
    if not is_fresh(told, now):
        return warn(
            "capture", "Capture has said nothing for a while.", "Run `deskbound stop` and `start`."
        )
    return _told(told)


def _told(told: CaptureStatus) -> Finding:
    if told.disk_full:
        return wrong("capture", "Capture found no room on the disk.", "Free some space.")
    if told.state == "display-lost":
        return warn(
            "capture",
            "The display does not answer, so nothing is captured.",
            "Capture goes on by itself when it does; after a new login, stop and start.",
        )
    stored = counted(sum(told.rows_last_minute.values()), "row")
    words = REASONS.get(told.state, told.state)
    return ok("capture", f"Capture is {words}; {stored} in the last minute.")


def check_server(paths: HomePaths) -> Finding:
    """The way to the server, as the agent's lookout last found it."""
    if not paths.join.exists():
        return note("server", "In no fleet: nothing can leave.", "`deskbound join` enters one.")
    found = agent.status(paths)
    if not found.pid:
        return note("server", "Not known while Deskbound is not running.")
    child = found.children.get("supernode", {})
    if child.get("sentence"):
        return Finding("server", Level.WARN, str(child["sentence"]), str(child.get("mend", "")))
    if child.get("state") == "running":
        return ok("server", "The connection to the server works.")
    return note("server", "Not connected: this laptop is not to be seen by the server now.")


def check_governor(paths: HomePaths) -> Finding:
    """Nothing was slowed or stopped for taking too much."""
    told = read_report(paths) if agent.status(paths).pid else None
    if told is None or told.state == "free":
        return ok("governor", "Nothing is slowed, stopped or waiting.")
    level = Level.WARN if told.state == "limiting" else Level.NOTE
    return Finding("governor", level, told.sentence, told.mend)


def check_autostart(environ: Mapping[str, str]) -> Finding:
    """Whether Deskbound starts at log-in; it does not unless told to."""
    entry = entry_path(environ)
    if not os.path.lexists(entry):
        return ok("autostart", "Deskbound does not start by itself.")
    if entry.is_symlink() or entry.stat().st_uid != os.getuid() or entry.stat().st_mode & 0o022:
        return wrong(
            "autostart",
            "Others could change what starts at log-in in Deskbound's name.",
            f"Delete {entry} and run `deskbound autostart on` again.",
        )
    return ok("autostart", "Deskbound starts when you log in; a pause stays a pause.")
