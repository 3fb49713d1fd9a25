"""The doctor: looks at everything that could keep a promise from being kept, and says the mend.

It opens no vault unless it is given an open one, connects to nothing but the X display, the
desktop's message bus and the system's keystore, and changes nothing. Each look is one small
function that returns one ``Finding``; a look that fails is a finding too.
"""

import os
import time
from collections.abc import Callable, Iterator

from deskbound_client.doctor import deep, desk, home, keys, machine, running, trust
from deskbound_client.doctor.finding import Finding, Level, warn
from deskbound_client.doctor.session_bus import SessionBus
from deskbound_client.paths import HomePaths
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import DeskboundError

__all__ = ["Finding", "Level", "examine"]

Look = Callable[[], Finding]


def examine(paths: HomePaths, *, deep_vault: Vault | None = None) -> tuple[Finding, ...]:
    """Look at everything once.

    Args:
        paths: of the home.
        deep_vault: the open vault, to look inside it as well: every page, the whole ledger.
    """
    with SessionBus() as bus:
        looks = [*_at_home(paths), *_at_machine(paths), *_at_desk(bus), *_at_work(paths)]
        if deep_vault is not None:
            looks += _inside(deep_vault, paths)
        return tuple(_looked(name, look) for name, look in looks)


def _looked(name: str, look: Look) -> Finding:
    try:
        return look()
    except DeskboundError as error:
        return warn(name, error.sentence, error.mend)
    except Exception as error:  # noqa: BLE001 - its words could quote what it looked at
        return warn(
            name,
            f"This could not be looked at ({type(error).__name__}).",
            "Mend what else is said here, then ask again.",
        )


def _at_home(paths: HomePaths) -> Iterator[tuple[str, Look]]:
    yield "home", lambda: home.check_home(paths)
    if not paths.home.is_dir():
        return
    yield "files", lambda: home.check_files(paths.home)
    yield "control", lambda: home.check_control(paths)
    yield "settings", lambda: home.check_settings(paths)
    yield "keystore", lambda: keys.check_keystore(paths.home)
    yield "passphrase-file", lambda: keys.check_passphrase_file(paths)
    yield "room", lambda: home.check_room(paths)
    yield "size", lambda: home.check_size(paths)
    yield "place", lambda: home.check_place(paths.home)
    yield "backups", lambda: home.check_backups(paths.home)


def _at_machine(paths: HomePaths) -> Iterator[tuple[str, Look]]:
    yield "clock", lambda: machine.check_clock(paths.home, time.time(), machine.rtc_time())
    yield "time-service", lambda: machine.check_time_service(machine.clock_state())
    yield "zone", lambda: machine.check_zone(os.environ)
    yield "memory", lambda: machine.check_memory(machine.is_dumpable())
    yield "swap", lambda: machine.check_swap(*machine.swaps_now())
    yield "user", lambda: machine.check_user(os.getuid())
    yield "power", lambda: machine.check_power(machine.battery_now())
    yield "versions", machine.check_versions
    yield "sandbox", lambda: trust.check_sandbox(paths)
    yield "code", lambda: trust.check_installed(paths)


def _at_desk(bus: SessionBus) -> Iterator[tuple[str, Look]]:
    yield "display", lambda: desk.check_display(os.environ)
    yield "window-manager", lambda: desk.check_window_manager(os.environ)
    yield "accessibility", lambda: desk.check_accessibility(bus)
    yield "notifications", lambda: desk.check_notifications(bus)
    yield "tray", lambda: desk.check_tray(os.environ, bus)


def _at_work(paths: HomePaths) -> Iterator[tuple[str, Look]]:
    if not paths.home.is_dir():
        return
    yield "agent", lambda: running.check_agent(paths)
    yield "restarts", lambda: running.check_restarts(paths, time.time())
    yield "capture", lambda: running.check_capture(paths, time.time())
    yield "governor", lambda: running.check_governor(paths)
    yield "server", lambda: running.check_server(paths)
    yield "log", lambda: running.check_log(paths)
    yield "autostart", lambda: running.check_autostart(os.environ)


def _inside(vault: Vault, paths: HomePaths) -> Iterator[tuple[str, Look]]:
    yield "pages", lambda: deep.check_pages(vault)
    yield "ledger", lambda: deep.check_ledger(vault)
    yield "receipts", lambda: deep.check_receipts(vault)
    yield "consent", lambda: deep.check_consent(vault, paths)
    yield "policy", lambda: deep.check_policy(vault, paths)
