"""The presence process: puts its parts together, tries again what fails, and says what works."""

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass

from deskbound_client.config import Config
from deskbound_client.employee import pausing
from deskbound_client.paths import HomePaths
from deskbound_client.presence.desk import DeskState, desk_state
from deskbound_client.presence.hotkey import Hotkey
from deskbound_client.presence.keys import parse
from deskbound_client.presence.notices import Notice, Notices, news
from deskbound_client.presence.somebody import Somebody
from deskbound_client.presence.tray import no_tray
from deskbound_client.processes import Child, worker
from deskbound_client.store.files import read_private, replace_private
from deskbound_client.supervision import Trouble
from deskbound_strategies.errors import ConfigError, DeskboundError, NotFoundError

TICK_SECONDS = 1.0
SAY_SECONDS = 5.0  # the agent takes silence for "nobody can tell"
AGAIN_SECONDS = 30.0  # before a part that failed is tried again
FILE = "presence.json"


@dataclass(frozen=True, slots=True)
class PartState:
    """How one part does.

    Attributes:
        state: ``on``, ``off`` (not wanted, or nothing to do) or ``failed``.
        sentence: why it failed.
        mend: what to do about it.
    """

    state: str
    sentence: str = ""
    mend: str = ""


OFF, ON = PartState("off"), PartState("on")


class Presence:
    """All parts, for one thread.

    Args:
        paths: of the home.
        config: what the employee has set.
        say: tells the agent one line.
        environ: the environment of this process.
    """

    def __init__(
        self,
        paths: HomePaths,
        config: Config,
        say: Callable[[str], None],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._paths, self._config, self._say, self._environ = paths, config, say, environ
        self._somebody = Somebody(config.training_idle_seconds, environ)
        self._notices = Notices(environ)
        self._hotkey: Hotkey | None = None
        self._tray: Child | None = None
        self._tray_error: NotFoundError | None = None
        self._parts = dict.fromkeys(("hotkey", "notifications", "tray"), OFF)
        self._again = dict.fromkeys(self._parts, 0.0)
        self._seen = DeskState()
        self._said = ("", 0.0)
        self._written: dict[str, PartState] = {}

    def tick(self) -> None:
        """Look after everything once; it does not raise."""
        now = time.monotonic()
        self._tell_presence(now)
        for name, attend in (
            ("hotkey", self._attend_hotkey),
            ("notifications", self._attend_notices),
            ("tray", self._attend_tray),
        ):
            if now >= self._again[name]:
                self._attend(name, attend, now)
        seen, self._seen = self._seen, desk_state(self._paths)
        self._show(seen, now)
        self._write()

    def stop(self) -> None:
        """Give everything back."""
        if self._hotkey is not None:
            self._hotkey.stop()
            self._hotkey.join(2.0)
        self._stop_tray()
        self._notices.close()
        self._somebody.close()
        (self._paths.run / FILE).unlink(missing_ok=True)

    def _tell_presence(self, now: float) -> None:
        word = {True: "in-use", False: "away", None: "unsure"}[self._somebody.is_there()]
        if word != self._said[0] or now - self._said[1] >= SAY_SECONDS:
            self._say(word)
            self._said = (word, now)

    def _attend(self, name: str, attend: Callable[[], PartState], now: float) -> None:
        try:
            self._parts[name] = attend()
        except DeskboundError as error:
            self._parts[name] = PartState("failed", error.sentence, error.mend)
            self._again[name] = now + AGAIN_SECONDS

    # --- the parts ------------------------------------------------------------------------

    def _attend_hotkey(self) -> PartState:
        if not self._config.hotkey or not self._has_desktop():
            return OFF
        if self._is_wayland():
            raise ConfigError(
                "Under Wayland no program can have a hotkey of its own.",
                "Bind `deskbound pause` to keys in your desktop's settings.",
            )
        if self._hotkey is not None and self._hotkey.is_alive():
            return ON
        if self._hotkey is not None and self._hotkey.trouble is not None:
            trouble, self._hotkey = self._hotkey.trouble, None
            raise trouble
        made = Hotkey(self._environ["DISPLAY"], parse(self._config.hotkey), self._pause)
        made.take()
        made.start()
        self._hotkey = made
        return ON

    def _pause(self) -> None:
        """Pause without end; whoever pauses in a hurry says later when it is over."""
        with suppress(DeskboundError):  # a damaged control file reads as paused
            before = pausing.state(self._paths)
            if not before.paused or before.until is not None:
                pausing.pause(self._paths)

    def _attend_notices(self) -> PartState:
        if not self._config.notifications or not self._has_desktop():
            return OFF
        if self._parts["notifications"] is not ON:
            self._notices.check()
        return ON

    def _attend_tray(self) -> PartState:
        if not self._config.tray or not self._has_desktop():
            return OFF
        if self._tray is None:
            command = worker("tray", "--home", str(self._paths.home))
            self._tray = Child("tray", command, self._environ, "", self._hear_tray)
        elif self._tray.exit_code is not None:
            self._stop_tray()
            raise self._tray_error or no_tray()
        return self._parts["tray"]

    def _hear_tray(self, _: str, told: str) -> None:
        word, _, rest = told.partition(" ")
        if word == "ready":
            self._tray_error, self._parts["tray"] = None, ON
        elif word == "error" and (trouble := Trouble.parse(rest)):
            self._tray_error = NotFoundError(trouble.sentence, trouble.mend)

    def _stop_tray(self) -> None:
        if self._tray is not None:
            self._tray.stop()
            self._tray = None

    def _show(self, before: DeskState, now: float) -> None:
        for notice in news(before, self._seen):
            if self._parts["notifications"] is ON:
                self._attend("notifications", lambda told=notice: self._hand_over(told), now)  # type: ignore[misc]

    def _hand_over(self, notice: Notice) -> PartState:
        self._notices.show(notice)
        return ON

    def _has_desktop(self) -> bool:
        return bool(self._environ.get("DISPLAY") or self._environ.get("WAYLAND_DISPLAY"))

    def _is_wayland(self) -> bool:
        wayland = self._environ.get("WAYLAND_DISPLAY")
        return bool(wayland) or self._environ.get("XDG_SESSION_TYPE") == "wayland"

    def _write(self) -> None:
        if self._parts != self._written:
            text = json.dumps({name: asdict(part) for name, part in self._parts.items()})
            with suppress(DeskboundError):  # a full disk
                replace_private(self._paths.run / FILE, text.encode("ascii"))
                self._written = dict(self._parts)


def run_presence(paths: HomePaths, config: Config, say: Callable[[str], None]) -> None:
    """Stand at the desk until SIGTERM (``SystemExit``)."""
    presence = Presence(paths, config, say)
    presence.tick()
    say("ready")
    try:
        while True:
            time.sleep(TICK_SECONDS)
            presence.tick()
    finally:
        presence.stop()


def read_presence(paths: HomePaths) -> dict[str, PartState]:
    """Return how hotkey, notices and icon do; empty while no agent runs."""
    try:
        found = json.loads(read_private(paths.run / FILE))
        return {name: PartState(**part) for name, part in found.items()}
    except (NotFoundError, ValueError, TypeError, AttributeError):
        return {}
