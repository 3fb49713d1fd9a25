"""``python -m deskbound_client.worker``: what the agent runs as children of its own.

    worker capture  --home HOME [--rested-since UNIX]
    worker executor --home HOME
    worker presence --home HOME
    worker tray     --home HOME
    worker probe    --home HOME
    worker exec     PROGRAM ARGUMENT...

The first two hold the vault. Its passphrase comes as the first line of standard input, never by
argument or environment; standard input then stays open for orders, and its end means that the
agent is gone and so must the child be. They tell the agent one word a line, and of failures only
our own sentences, never an exception's text that could hold what was captured.

``presence`` stands at the desk: hotkey, notices, and whether somebody is there; ``tray`` is its
icon. They are told no passphrase and open no vault.

``probe`` has the network instead: it is told no passphrase, looks once whether the SuperLink
answers, says one word of ``Finding`` and is gone.

``exec`` only ties a program that is not ours (the SuperNode) to the life of the agent.
"""

import argparse
import ctypes
import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from deskbound_client.capture.schedule import Schedule
from deskbound_client.config import load_config
from deskbound_client.federation.guard import forbid_network
from deskbound_client.governor.caps import MEGABYTE
from deskbound_client.orders import Orders
from deskbound_client.paths import HomePaths
from deskbound_client.processes import (
    bound_memory,
    end_first_when_memory_is_short,
    keep_memory_private,
    step_back,
)
from deskbound_client.sandbox import report
from deskbound_client.sandbox.entry import Inside, enter
from deskbound_strategies.errors import DeskboundError

if TYPE_CHECKING:
    from deskbound_client.store.vault import Vault

EXIT_INTERNAL = 70  # EX_SOFTWARE of sysexits.h
_PR_SET_PDEATHSIG = 1
_BOUND = 8  # times its cap: where the system itself stops capture from taking memory


def say(line: str) -> None:
    """Tell the agent one line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def tell(error: DeskboundError | None) -> None:
    """Tell the agent what fails, or that all works again.

    Our own errors name files, settings and codes, never what was captured.
    """
    words = None if error is None else [type(error).__name__, error.sentence, error.mend]
    say("ready" if words is None else f"error {json.dumps(words)}")


def die_with_parent(parent: int) -> None:
    """Ask the system to end this process when its parent ends, even by kill -9 (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        sys.exit(0)


def open_vault(paths: HomePaths, passphrase: str, inside: Inside) -> "Vault":
    """Open the vault with what the agent handed over; an empty passphrase means the keystore."""
    from deskbound_client.store.keystore import choose_keystore  # noqa: PLC0415 - as below
    from deskbound_client.store.vault import Vault  # noqa: PLC0415

    source = (lambda: passphrase) if passphrase else None
    return Vault.open(paths.home, inside.keystore or choose_keystore(paths.home, source))


def from_agent() -> io.RawIOBase:
    """Return what the agent says, unbuffered: a thread that waits for more then holds no lock.

    Python cannot end in order while a thread holds the lock of ``sys.stdin``.
    """
    return io.FileIO(sys.stdin.fileno(), closefd=False)


def watch_agent(told: io.RawIOBase, orders: Orders) -> None:
    """Take the agent's orders, and end this process when there can be no more: it is gone."""

    def wait() -> None:
        for line in told:
            orders.take(line.decode("ascii", "replace").rstrip("\n"))
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="agent-watch", daemon=True).start()


def capture(
    paths: HomePaths, passphrase: str, inside: Inside, orders: Orders, rested_since: int
) -> None:
    """Run capture until SIGTERM."""
    from deskbound_client.capture.display import find_display  # noqa: PLC0415 - as below
    from deskbound_client.capture.process import run_capture  # noqa: PLC0415 - one role, one import
    from deskbound_client.capture.settings import CaptureConfig  # noqa: PLC0415
    from deskbound_client.store.rows import StoredGap  # noqa: PLC0415
    from deskbound_client.upkeep import Upkeep  # noqa: PLC0415

    config = load_config(paths.config)
    settings = CaptureConfig(
        excluded_apps=config.excluded_apps,
        excluded_titles=config.excluded_titles,
        schedule=Schedule.parse(config.schedule),
        idle_seconds=config.idle_seconds,
        thumbnail_seconds=config.thumbnail_seconds,
    )
    bound_memory(_BOUND * config.capture_rss_mb * MEGABYTE)
    end_first_when_memory_is_short(300)
    with open_vault(paths, passphrase, inside) as vault:
        upkeep = Upkeep(vault, paths, config, tell)
        upkeep.tidy()  # days go also where there is never a display to capture from
        find_display(os.environ)  # before saying that it works
        if rested_since:  # by order of the governor: a hole with a cause, not a silent one
            with suppress(DeskboundError):
                vault.append([StoredGap(rested_since, int(time.time()), "stopped")])
        say("ready")
        run_capture(paths.home, vault, settings, beside=upkeep.tick, pace=orders.pace)


def executor(paths: HomePaths, passphrase: str, inside: Inside, orders: Orders) -> None:
    """Answer tasks until SIGTERM."""
    from deskbound_client.integrity import check_and_tell  # noqa: PLC0415 - as below

    config = load_config(paths.config)
    check_and_tell(paths, config)  # before anything of a library runs that it looks at

    end_first_when_memory_is_short(800)
    with open_vault(paths, passphrase, inside) as vault:  # whoever mistyped is told at once
        import torch  # noqa: PLC0415 - seconds long; only this role pays for it

        from deskbound_client.federation.demands import Demands  # noqa: PLC0415
        from deskbound_client.federation.executor import run_executor  # noqa: PLC0415
        from deskbound_client.federation.join import load_server  # noqa: PLC0415
        from deskbound_client.federation.laptop import VaultLaptop  # noqa: PLC0415
        from deskbound_client.store.files import read_private  # noqa: PLC0415
        from deskbound_client.upkeep import Upkeep  # noqa: PLC0415
        from deskbound_strategies.task import find_task  # noqa: PLC0415

        torch.set_num_threads(config.torch_threads)
        secret = read_private(paths.superexec_secret)
        server = load_server(paths)
        demands = Demands(paths, tell)
        laptop = VaultLaptop(
            paths,
            vault,
            config,
            server,
            meets=demands.met,
            manifest=demands.manifest,
            may_train=orders.may_train,
        )
        for name in laptop.floor.tasks:
            _warm(lambda task=name: find_task(task).layout())  # type: ignore[misc]
        upkeep = Upkeep(vault, paths, config, tell)

        def beside() -> None:
            upkeep.tick()
            laptop.work_out_figures()

        if config.training_only_when_idle:
            step_back()  # not before: on a busy machine whoever waits for the start would wait long
        run_executor(
            secret,
            laptop,
            say,
            threading.Event(),
            port=inside.port,
            dial=inside.dial,
            beside=beside,
            may_work=orders.may_train,
            received=laptop.received,
        )


def presence(paths: HomePaths) -> None:
    """Stand at the desk until SIGTERM."""
    from deskbound_client.presence.process import run_presence  # noqa: PLC0415 - as above

    run_presence(paths, load_config(paths.config), say)


def tray(paths: HomePaths) -> None:
    """Show the icon until SIGTERM, or until there is no tray."""
    from deskbound_client.presence.tray import Tray  # noqa: PLC0415 - as above

    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the library would take an exception for its own
    Tray(paths, os.environ.get("DISPLAY", "")).run(lambda: say("ready"))


def probe(paths: HomePaths) -> None:
    """Look once whether the SuperLink answers."""
    from deskbound_client.federation.join import load_server  # noqa: PLC0415 - as above
    from deskbound_client.federation.probe import probe as look  # noqa: PLC0415

    say(look(load_server(paths)))


def _warm(step: Callable[[], object]) -> None:
    try:
        step()
    except DeskboundError:
        return  # a task of the floor that is not installed is refused when it is asked for


def main(arguments: list[str] | None = None) -> int:
    """Run one role; return its exit code."""
    given = _parser().parse_args(arguments)
    die_with_parent(given.parent)
    if given.role == "exec":
        os.execvp(given.program[0], given.program)  # noqa: S606 - our own command line
    try:
        paths = HomePaths(given.home)
        if given.role == "probe":
            probe(paths)
        else:
            _tied_to_agent(given, paths)
    except DeskboundError as error:
        tell(error)
        return error.exit_code
    except Exception:  # noqa: BLE001 - its words could hold what was captured
        return EXIT_INTERNAL
    return 0


def _tied_to_agent(given: argparse.Namespace, paths: HomePaths) -> None:
    keep_memory_private()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the agent decides what Ctrl-C means
    told = from_agent()
    passphrase = told.readline().rstrip(b"\n").decode("utf-8")
    forbid_network()
    inside = Inside()
    if given.role in report.ROLES:  # before any other thread: the kernel confines one and its own
        inside = enter(given.role, paths, load_config(paths.config))
    orders = Orders()
    watch_agent(told, orders)
    match given.role:
        case "capture":
            capture(paths, passphrase, inside, orders, given.rested_since)
        case "executor":
            executor(paths, passphrase, inside, orders)
        case "presence":
            presence(paths)
        case "tray":
            tray(paths)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="deskbound-worker", allow_abbrev=False)
    parser.add_argument("--parent", type=int, required=True)
    roles = parser.add_subparsers(dest="role", required=True)
    for role in ("capture", "executor", "presence", "tray", "probe"):
        parsed = roles.add_parser(role)
        parsed.add_argument("--home", type=Path, required=True)
        if role == "capture":
            parsed.add_argument("--rested-since", type=int, default=0)
    roles.add_parser("exec").add_argument("program", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
