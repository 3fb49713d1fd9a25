"""Looks at the machine: its clock, its memory, its power, and the libraries in use."""

import ctypes
import os
import sys
import time
import zoneinfo
from collections.abc import Mapping
from datetime import date, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from deskbound_client.doctor.finding import Finding, note, ok, warn, wrong
from deskbound_client.store.cipher import library_versions
from deskbound_client.store.dayfiles import day_of
from deskbound_client.store.vault import DAYS_FOLDER, VAULT_FILE

_JUMP_SECONDS = 300  # a difference this large is not drift
_RTC_SECONDS = 86_400  # it may be set to local time
_TIME_ERROR = 5  # adjtimex: the clock is not known to be right
_PR_GET_DUMPABLE = 3
FLOWER = "1.41."
_RTC = Path("/sys/class/rtc/rtc0/since_epoch")


def check_clock(home: Path, now: float, rtc: float | None = None) -> Finding:
    """The wall clock agrees with what was written before, and with the machine's own clock.

    Args:
        home: folder of the vault.
        now: Unix time.
        rtc: Unix time of the clock that runs while the machine is off, if there is one.
    """
    mend = "Set the clock right; days are kept and retired by it."
    written = [path.stat().st_mtime for path in (home / VAULT_FILE, home / "control")
               if path.exists()]  # fmt: skip
    if any(at - now > _JUMP_SECONDS for at in written):
        return wrong("clock", "The clock is behind the time of files written before.", mend)
    last = day_of(now) + timedelta(days=1)
    if any(_day(path) > last for path in (home / DAYS_FOLDER).glob("????-??-??.db")):
        return warn("clock", "There is a day of the future: the clock was once ahead.", mend)
    if rtc is not None and abs(rtc - now) > _RTC_SECONDS:
        return warn("clock", "The clock is a day or more away from the machine's own.", mend)
    return ok("clock", "The clock agrees with all that was written before.")


def _day(path: Path) -> date:
    try:
        return date.fromisoformat(path.stem)
    except ValueError:
        return date.min


def rtc_time(path: Path = _RTC) -> float | None:
    """Return the Unix time of the clock that runs while the machine is off, if it can be read."""
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def check_time_service(state: int | None) -> Finding:
    """Something keeps the clock right.

    Args:
        state: what the kernel says (``clock_state``).
    """
    if state is None:
        return note("time-service", "Whether anything keeps the clock right cannot be told here.")
    if state == _TIME_ERROR:
        return note(
            "time-service",
            "Nothing keeps this clock right; it may drift or be wrong.",
            "Switch network time on (`timedatectl set-ntp true`).",
        )
    return ok("time-service", "The clock is kept right by a time service.")


def clock_state() -> int | None:
    """Return what the kernel says of its clock, None where there is no way to ask (Linux)."""
    if sys.platform != "linux":
        return None
    asking = ctypes.create_string_buffer(512)  # struct timex, all zero: only asks
    state = ctypes.CDLL(None).adjtimex(asking)
    return state if state >= 0 else None


def check_zone(environ: Mapping[str, str], local: Path = Path("/etc/localtime")) -> Finding:
    """The time zone is known: a day begins at local midnight."""
    wanted = environ.get("TZ", "").lstrip(":")
    if wanted and not wanted.startswith("/") and "," not in wanted and not _is_zone(wanted):
        return warn(
            "zone",
            "TZ names a time zone that this system does not know; UTC is used.",
            "Set TZ to a name such as Europe/Berlin, or unset it.",
        )
    if not wanted and not local.exists():
        return note("zone", "No time zone is set; days begin at midnight UTC.")
    return ok("zone", f"Days begin at midnight of {time.strftime('%Z')}.")


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return name[:3].isalpha() and name[3:].lstrip("+-").isdigit()  # as in UTC-3
    return True


def check_memory(dumpable: int | None) -> Finding:
    """A crash writes no key to the disk.

    Args:
        dumpable: what the kernel says of this process (``is_dumpable``).
    """
    if dumpable == 0:
        return ok("memory", "A crash writes no memory of Deskbound to the disk.")
    return warn(
        "memory",
        "A crash could write the memory of Deskbound, keys included, to the disk.",
        "Switch core dumps off (`ulimit -c 0`).",
    )


def is_dumpable() -> int | None:
    """Return whether the system may dump this process, None where there is no way to ask."""
    if sys.platform != "linux":
        return None
    return int(ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0))


def check_swap(swaps: str, encrypted: Mapping[str, bool]) -> Finding:
    """Memory that is swapped out is encrypted.

    Args:
        swaps: text of ``/proc/swaps``.
        encrypted: by name of a swap in it, whether all it lies on is.
    """
    names = [line.split()[0] for line in swaps.splitlines()[1:] if line.strip()]
    plain = [name for name in names if not encrypted.get(name, False)]
    if not names:
        return ok("swap", "There is no swap: keys in memory stay there.")
    if plain:
        return warn(
            "swap",
            "Swap is not known to be encrypted: keys in memory may reach the disk.",
            "Encrypt it, or use zram.",
        )
    return ok("swap", "Swap is encrypted or in memory.")


def swaps_now(
    proc: Path = Path("/proc/swaps"), sys_block: Path = Path("/sys")
) -> tuple[str, dict[str, bool]]:
    """Return what ``check_swap`` is to be told of this machine."""
    try:
        text = proc.read_text(encoding="utf-8")
    except OSError:
        return "", {}
    names = [line.split()[0] for line in text.splitlines()[1:] if line.strip()]
    return text, {name: _is_encrypted(name, sys_block) for name in names}


def _is_encrypted(name: str, system: Path) -> bool:
    if Path(name).name.startswith("zram"):
        return True
    try:
        found = Path(name).stat()
    except OSError:
        return False
    number = found.st_rdev or found.st_dev
    return _lies_on_crypt(system / "dev/block" / f"{os.major(number)}:{os.minor(number)}")


def _lies_on_crypt(device: Path) -> bool:
    """Whether a block device, or everything below it, is encrypted by the device mapper."""
    try:
        if (device / "dm/uuid").read_text(encoding="ascii").startswith("CRYPT-"):
            return True
    except OSError:
        pass
    below = list((device / "slaves").glob("*")) if (device / "slaves").is_dir() else []
    return bool(below) and all(_lies_on_crypt(one) for one in below)


def check_user(uid: int) -> Finding:
    """Deskbound runs as a person, not as the system."""
    if uid == 0:
        return warn(
            "user", "Deskbound runs as root; nothing in it needs that.", "Run it as yourself."
        )
    return ok("user", "Deskbound runs as you, with no right that you do not have.")


def check_power(battery: Any) -> Finding:
    """Training waits for mains power, so say which there is.

    Args:
        battery: what ``psutil.sensors_battery`` found.
    """
    if battery is None:
        return ok("power", "This machine runs on mains power.")
    if battery.power_plugged is False:
        return note("power", "This laptop runs on its battery; it learns when plugged in.")
    return ok("power", "This laptop is plugged in.")


def battery_now() -> Any:
    """Return the battery's state, None where there is no battery or no way to ask."""
    try:
        return psutil.sensors_battery()
    except (OSError, AttributeError, ValueError):
        return None


def check_versions(installed: Mapping[str, str] | None = None) -> Finding:
    """The libraries are those that were reviewed and tested."""
    versions = _installed() if installed is None else installed
    if not versions.get("flwr", "").startswith(FLOWER):
        return wrong(
            "versions",
            f"Flower is not version {FLOWER}x, the only one that was reviewed.",
            "Install Deskbound again with its constraints.txt.",
        )
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    return ok("versions", f"The libraries are those that were reviewed: {said}.")


def _installed() -> dict[str, str]:
    try:
        flower = metadata.version("flwr")
    except metadata.PackageNotFoundError:
        flower = ""
    return {"flwr": flower, **library_versions()}
