"""Does what ``supervision`` decides: starts, hears and ends the children of one home.

It holds the vault's passphrase, to hand it on, so it opens no socket: what needs a network or a
port is a child's work. Of what children write it keeps words and codes of closed lists; every
other line is dropped unread.
"""

import json
import os
import queue
import signal
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from deskbound_client.capture.control import Control
from deskbound_client.federation import supernode
from deskbound_client.federation.join import Server, load_server
from deskbound_client.federation.supernode import Finding
from deskbound_client.governor.governor import Governor, Now, orders_for
from deskbound_client.governor.report import FILE as GOVERNOR_FILE
from deskbound_client.lookout import Lookout
from deskbound_client.paths import HomePaths
from deskbound_client.processes import Child, worker
from deskbound_client.store.files import create_private, replace_private
from deskbound_client.supervision import BACKOFF, Role, State, Trouble, Wishes, overall
from deskbound_strategies.errors import DeskboundError, NotFoundError

TICK_SECONDS = 0.5
BREATH_SECONDS = 0.05  # whatever the children have to say, the agent does little else
PRESENCE_SECONDS = 15.0  # what it said holds so long; it says it every five
FIRST_LOOK_SECONDS = 5.0  # until then a sound SuperNode has connected by itself
LOG_LIMIT_BYTES = 1_000_000
# Flower 1.41 (supercore/error): the key is unknown, or its laptop is still counted as online.
_NOT_LET_IN = "superlink-2004"
# What answers an order to stop says nothing but that it came; then the laptop is off as ever. The
# SuperLink forgets the answer of a laptop that signs off before its server has taken it.
PARTING_SECONDS = 20.0
FAREWELL_SECONDS = 6.0  # of these, after the answer was sent
_HOLD_THE_VAULT = frozenset({Role.CAPTURE, Role.EXECUTOR})


class Supervisor:
    """Supervises the children of one home; run it in the main thread.

    Args:
        paths: of the home.
        passphrase: of the vault; empty where the system's keystore is used.
        capture: whether input is captured; not on machines without a display.
    """

    def __init__(self, paths: HomePaths, passphrase: str, *, capture: bool = True) -> None:
        self._paths = paths
        self._passphrase = passphrase
        self._control = Control.open(paths.control)
        self._port = 0
        self._heard: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._news = threading.Event()
        self._children: dict[Role, Child] = {}
        self._states = {role: State() for role in Role}
        self._wishes = Wishes(capture=capture)
        self._errors: dict[Role, Trouble] = {}
        self._server: Server | None = None
        self._written = ""
        self._stopping = False
        self._lookout = Lookout(paths)
        self._governor = Governor(paths)
        self._in_use = ("unsure", 0.0)
        self._told: dict[Role, str] = {}
        self._rested_since = 0
        self._parting_until = 0.0

    def run(self) -> None:
        """Supervise until SIGTERM, SIGINT or SIGHUP; no child is left when this returns."""
        supernode.fresh_secret(self._paths)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            while not self._stopping:
                self.tick()
                if self._news.wait(TICK_SECONDS):
                    time.sleep(BREATH_SECONDS)
                    self._news.clear()
        finally:
            self._stop_all()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def tick(self) -> None:
        """Take one look at everything."""
        self._control.expire()
        self._load_server()
        self._listen()
        self._bury()
        self._govern()
        wanted = self._wanted()
        self._look_out(wanted)
        for role in Role:
            if role in wanted:
                self._start(role)
            elif role in self._children:
                self._end(role)
        self._write(wanted)

    def _load_server(self) -> None:
        try:
            self._server = load_server(self._paths)
        except DeskboundError:
            self._server = None
        self._wishes = replace(self._wishes, joined=self._server is not None)

    def _wanted(self) -> set[Role]:
        if self._control.replaced:
            self._control.close()
            self._control = Control.open(self._paths.control)
        # The pause word is also looked at here, so that the network is off as soon as it can be.
        wishes = replace(self._wishes, willing=self._wishes.willing and not self._control.paused)
        now = time.time()
        wanted = {role for role in Role if wishes.wants(role, self._states, now)}
        if Role.SUPERNODE in self._children and time.monotonic() < self._parting_until:
            wanted.add(Role.SUPERNODE)
        return wanted

    # --- what it may use ------------------------------------------------------------------

    def _govern(self) -> None:
        """Keep to the caps: what may not run ends in this tick, what may only wait is told so."""
        pids = {role: child.pid for role, child in self._children.items()}
        ready = self._states[Role.CAPTURE].ready  # what a start costs is not what capture costs
        standing = self._governor.look(
            Now(
                capture_pid=pids.get(Role.CAPTURE, 0) if ready else 0,
                executor_pid=pids.get(Role.EXECUTOR, 0),
                connected=Role.SUPERNODE in pids,
                in_use=self._somebody_is_there(),
            )
        )
        self._wishes = replace(self._wishes, standing=standing)
        if standing.capture is False and Role.CAPTURE in self._children:
            self._rested_since = int(time.time())
        for name, order in orders_for(standing).items():
            role = Role(name)
            if role in self._children and self._told.get(role) != order:
                self._children[role].tell(order)
                self._told[role] = order

    def _somebody_is_there(self) -> bool | None:
        """Return what presence said last, None when it could not tell or says nothing any more."""
        word, said = self._in_use
        fresh = time.monotonic() - said < PRESENCE_SECONDS
        return {"in-use": True, "away": False}.get(word) if fresh else None

    # --- children -------------------------------------------------------------------------

    def _start(self, role: Role) -> None:
        state = self._states[role]
        if state.running or time.monotonic() < state.not_before:
            return
        environment = dict(os.environ) | {"NO_PROXY": "*"}
        command = self._command(role)
        if role is Role.SUPERNODE:
            environment = supernode.environment(self._paths)
            command = worker("exec", *command)
        secret = self._passphrase if role in _HOLD_THE_VAULT else ""
        self._children[role] = Child(role.value, command, environment, secret, self._hear)
        self._told.pop(role, None)
        self._states[role] = state.started(time.monotonic())
        self._log(role, "started")

    def _command(self, role: Role) -> list[str]:
        home = str(self._paths.home)
        if role is Role.CAPTURE:
            rested, self._rested_since = self._rested_since, 0
            return worker("capture", "--home", home, "--rested-since", str(rested))
        if role is not Role.SUPERNODE:
            return worker(role.value, "--home", home)
        if self._server is None:
            raise NotFoundError("This laptop is in no fleet.", "Run `deskbound join` first.")
        return supernode.command(self._server, self._paths, self._port)

    def _end(self, role: Role) -> None:
        """End a child that is no longer wanted."""
        self._children.pop(role).stop()
        self._states[role] = self._states[role].stopped()
        self._log(role, "stopped")

    def _bury(self) -> None:
        """Take note of children that ended by themselves."""
        for role, child in list(self._children.items()):
            code = child.exit_code
            if code is None:
                continue
            child.stop()
            self._listen()
            del self._children[role]
            ended = f"exit-{code}" if code >= 0 else f"signal-{-code}"
            trouble = self._states[role].trouble or ended
            self._states[role] = self._states[role].ended(time.monotonic(), trouble, BACKOFF[role])
            self._log(role, f"ended-{code}")
            if role is Role.EXECUTOR:
                self._wishes = replace(self._wishes, willing=False)
            if role is Role.PRESENCE:
                self._in_use = ("unsure", 0.0)
            if role is Role.SUPERNODE:
                self._lookout.hurry()

    # --- the way to the SuperLink ---------------------------------------------------------

    def _look_out(self, wanted: set[Role]) -> None:
        """Ask from time to time whether the SuperLink answers: Flower itself retries in silence."""
        if self._server is None or Role.SUPERNODE not in wanted:
            self._lookout.stop()  # who is not to be seen does not look either
            return
        state, now = self._states[Role.SUPERNODE], time.monotonic()
        begun = state.running_since is not None and now - state.running_since > FIRST_LOOK_SECONDS
        if begun or state.failures:
            self._lookout.look(now)
        finding = self._lookout.found(now)
        if finding is not None:
            self._diagnose(finding, self._server)

    def _diagnose(self, finding: Finding, server: Server) -> None:
        """Say why the SuperNode cannot do its work, in words for a person."""
        error = supernode.meaning(finding, server)
        if error is None and self._states[Role.SUPERNODE].trouble == _NOT_LET_IN:
            error = supernode.not_let_in(server)
        if error is None:
            self._errors.pop(Role.SUPERNODE, None)
            return
        trouble = Trouble.of(error)
        if trouble != self._errors.get(Role.SUPERNODE):
            self._log(Role.SUPERNODE, trouble.name)
        self._errors[Role.SUPERNODE] = trouble

    def _stop_all(self) -> None:
        self._lookout.stop()
        for child in self._children.values():
            child.ask_to_stop()
        for role in reversed(Role):
            if role in self._children:
                self._end(role)
        self._control.close()
        self._paths.superexec_secret.unlink(missing_ok=True)
        self._paths.status.unlink(missing_ok=True)
        (self._paths.run / GOVERNOR_FILE).unlink(missing_ok=True)

    # --- what they say --------------------------------------------------------------------

    def _hear(self, name: str, line: str) -> None:
        self._heard.put((name, line))
        self._news.set()

    def _listen(self) -> None:
        with suppress(queue.Empty):
            while True:
                name, line = self._heard.get_nowait()
                role = Role(name)
                if role is Role.SUPERNODE:
                    self._hear_supernode(supernode.scrub(line))
                else:
                    self._hear_worker(role, line)

    def _hear_worker(self, role: Role, line: str) -> None:
        word, _, rest = line.partition(" ")
        match word:
            case "ready":
                self._states[role] = self._states[role].worked()
                self._errors.pop(role, None)
            case "willing" | "unwilling":
                self._wishes = replace(self._wishes, willing=word == "willing")
            case "in-use" | "away" | "unsure" if role is Role.PRESENCE:
                self._in_use = (word, time.monotonic())
                return  # said every few seconds, and nobody's business later
            case "port" if rest.isdecimal():
                self._port = int(rest)
            case "parting" if role is Role.EXECUTOR:
                self._parting_until = time.monotonic() + PARTING_SECONDS
            case "silent" if rest.isdecimal():
                self._wishes = replace(self._wishes, silent_until=float(rest))
            case "error" if trouble := Trouble.parse(rest):
                self._errors[role] = trouble
                self._states[role] = replace(self._states[role], trouble=trouble.name)
            case "claimed" | "answered" | "lost":
                pass
            case _:
                return  # not a word of ours: a library's chatter, never kept
        self._log(role, word)

    def _hear_supernode(self, code: str) -> None:
        if not code:
            return
        state = self._states[Role.SUPERNODE]
        if code == "connected":
            self._states[Role.SUPERNODE] = state.worked()
            self._errors.pop(Role.SUPERNODE, None)
        elif code == "reply-sent":
            farewell = time.monotonic() + FAREWELL_SECONDS
            self._parting_until = min(self._parting_until, farewell)
        elif code.startswith("superlink-"):
            self._states[Role.SUPERNODE] = replace(state, trouble=code)
        self._log(Role.SUPERNODE, code)

    # --- what it says ---------------------------------------------------------------------

    def _write(self, wanted: set[Role]) -> None:
        status = {
            "state": overall(self._states, wanted, set(self._errors)),
            "pid": os.getpid(),
            "children": {role.value: self._described(role, wanted) for role in Role},
            "willing": self._wishes.willing,
            "silent_until": self._wishes.silent_until,
        }
        text = json.dumps(status, sort_keys=True)
        if text != self._written:
            replace_private(self._paths.status, text.encode("ascii"))
            self._written = text

    def _described(self, role: Role, wanted: set[Role]) -> dict[str, Any]:
        state, error = self._states[role], self._errors.get(role)
        word = "running" if state.ready else "starting" if state.running else "waiting"
        return {
            "state": word if role in wanted else "off",
            "pid": self._children[role].pid if role in self._children else 0,
            "trouble": state.trouble,
            "sentence": "" if error is None else error.sentence,
            "mend": "" if error is None else error.mend,
        }

    def _log(self, role: Role, code: str) -> None:
        """Append a code; never a line that a child wrote."""
        path = self._paths.agent_log
        with suppress(OSError):
            if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
                path.replace(path.with_name(path.name + ".1"))
            if not path.exists():
                create_private(path, b"")
            with path.open("a", encoding="ascii") as log:
                log.write(f"{int(time.time())} {role.value} {code}\n")
