"""A private session bus with accessibility on it, for programs on a private desktop."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from jeepney import DBusAddress, Properties
from jeepney.io.blocking import open_dbus_connection

from demo.desktop import Desktop

_STATUS = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Status")


def missing() -> list[str]:
    """Return what is not installed."""
    found = [name for name in ("dbus-daemon", "zenity") if shutil.which(name) is None]
    launchers = ("/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher")
    return found + ([] if any(Path(one).exists() for one in launchers) else ["at-spi-bus-launcher"])


@contextlib.contextmanager
def accessible(desktop: Desktop) -> Iterator[tuple[Desktop, str]]:
    """Yield the desktop with accessibility for what is started there, and the bus's address."""
    with TemporaryDirectory(prefix="deskbound-bus-") as folder:
        bus = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address=1",
             f"--address=unix:dir={folder}"],
            env=dict(desktop.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )  # fmt: skip
        try:
            assert bus.stdout is not None
            address = bus.stdout.readline().strip()
            with open_dbus_connection(address) as session:
                turn_on = Properties(_STATUS).set("IsEnabled", "b", True)
                session.send_and_get_reply(turn_on, timeout=20)
            environment = {
                **desktop.environment,
                "DBUS_SESSION_BUS_ADDRESS": address,
                "XDG_RUNTIME_DIR": folder,
            }
            able = replace(desktop, environment=environment, _connection=None, _programs=[])
            try:
                yield able, address
            finally:
                able.close_all()
                able.end()
        finally:
            bus.terminate()
            bus.wait()
            assert bus.stdout is not None
            bus.stdout.close()
