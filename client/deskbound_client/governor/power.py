"""Is the laptop plugged in? Asked of the kernel on Linux, of psutil elsewhere.

psutil takes the first thing with ``battery`` in its name for the laptop's own, and on a desktop
that is the mouse. The kernel says whose a battery is.
"""

from pathlib import Path

import psutil

SUPPLIES = Path("/sys/class/power_supply")


def on_mains(supplies: Path = SUPPLIES) -> bool | None:
    """Return whether the machine runs on mains power; None where it cannot be told.

    A machine without a battery of its own does.
    """
    return _linux(supplies) if SUPPLIES.parent.is_dir() else _elsewhere()


def _elsewhere() -> bool | None:
    battery = psutil.sensors_battery()
    return True if battery is None else battery.power_plugged


def _linux(supplies: Path) -> bool | None:
    try:
        found = [_Supply(path) for path in sorted(supplies.iterdir())]
    except OSError:
        return True  # a machine without power management has no battery to run down
    batteries = [one for one in found if one.kind == "Battery" and one.scope != "Device"]
    if not batteries:
        return True
    feeds = [one for one in found if one.kind in ("Mains", "USB", "Wireless")]
    if any(one.online for one in feeds):
        return True
    if any(one.status == "Discharging" for one in batteries) or feeds:
        return False
    return True if all(one.status in ("Charging", "Full") for one in batteries) else None


class _Supply:
    """One entry of the kernel's list."""

    def __init__(self, path: Path) -> None:
        self.kind = _word(path / "type")
        self.scope = _word(path / "scope")
        self.status = _word(path / "status")
        self.online = _word(path / "online") in ("1", "2")


def _word(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
