"""``config.toml``: what the employee has set, strictly read; a typo is an error, not a default."""

import difflib
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from deskbound_client.capture.schedule import Schedule
from deskbound_client.store.files import check_private, create_private
from deskbound_strategies.errors import ConfigError, NotFoundError

_RANGES: dict[str, tuple[float, float]] = {
    "idle_seconds": (1, 3600),
    "thumbnail_seconds": (1, 3600),
    "retention_days": (1, 366),
    "size_cap_mb": (10, 100_000),
    "holdout_days": (0, 30),
    "torch_threads": (1, 64),
    "capture_cpu_percent": (0.5, 100),
    "capture_rss_mb": (80, 4096),
    "training_rss_mb": (400, 65_536),
    "disk_mb": (20, 1_000_000),
    "network_mb_per_month": (1, 1_000_000),
    "training_idle_seconds": (10, 86_400),
}


SANDBOX_REQUIRED = "required"
_CHOICES = {"sandbox": ("when-possible", SANDBOX_REQUIRED)}
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one laptop.

    Attributes:
        excluded_apps: categories (``chat``) or patterns of program names (``my-diary*``) that are
            never looked at.
        excluded_titles: patterns of window titles (``*salary*``) that are never looked at; titles
            are read only for this and to tell private windows, and never kept.
        schedule: weekly hours in which capture may run (``mon-fri 09:00-17:00``); none means
            always.
        idle_seconds: seconds without input after which nothing is looked at.
        thumbnail_seconds: shortest time between two thumbnails.
        retention_days: days kept, today included.
        size_cap_mb: most room all days together may take, in megabytes.
        passphrase_file: file (0600) with the vault's passphrase, for machines that start alone.
        holdout_days: days before today kept out of training, to measure the model with.
        torch_threads: threads that training may use.
        capture_cpu_percent: most of one core that capture may use, averaged over a minute.
        capture_rss_mb: most memory that capture may use, megabytes.
        training_rss_mb: most memory that training may use, megabytes.
        disk_mb: most room that all files of Deskbound together may take, megabytes.
        network_mb_per_month: most that may be sent and received in a month, megabytes.
        training_only_on_mains: whether training waits for mains power.
        training_only_when_idle: whether training waits until nobody uses the laptop.
        training_idle_seconds: seconds without input after which nobody uses it.
        hotkey: keys that pause at once; empty for none.
        notifications: whether the desktop says when capture begins or resumes.
        tray: whether there is an icon, where the extra ``tray`` is installed.
        sandbox: ``when-possible`` to run also where the system can confine nothing, ``required``
            to run neither capture nor training there.
        reviewer_key: public key (64 hex digits) of whoever reviews releases; with it, training
            runs only code that ``release.json``, signed by that key, names file by file.

    Raises:
        ConfigError: when a value has another type or is out of range.
    """

    excluded_apps: tuple[str, ...] = ()
    excluded_titles: tuple[str, ...] = ()
    schedule: tuple[str, ...] = ()
    idle_seconds: float = 60.0
    thumbnail_seconds: float = 10.0
    retention_days: int = 7
    size_cap_mb: int = 200
    passphrase_file: str = ""
    holdout_days: int = 1
    torch_threads: int = 1
    capture_cpu_percent: float = 3.0
    capture_rss_mb: int = 160
    training_rss_mb: int = 1500
    disk_mb: int = 400
    network_mb_per_month: int = 500
    training_only_on_mains: bool = True
    training_only_when_idle: bool = True
    training_idle_seconds: float = 300.0
    hotkey: str = "ctrl+alt+p"
    notifications: bool = True
    tray: bool = True
    sandbox: str = "when-possible"
    reviewer_key: str = ""

    def __post_init__(self) -> None:
        Schedule.parse(self.schedule)
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"The setting {name} is outside {low:g}..{high:g}.",
                    f"Set {name} in config.toml to a number in that range.",
                )
        for name, words in _CHOICES.items():
            if getattr(self, name) not in words:
                raise ConfigError(
                    f"The setting {name} is none of {' and '.join(words)}.",
                    f"Set {name} in config.toml to one of them.",
                )
        if self.reviewer_key and (len(self.reviewer_key) != 64 or set(self.reviewer_key) - _HEX):
            raise ConfigError(
                "The setting reviewer_key is not a public key.",
                "Set it to the 64 hex digits that `deskbound-audit release key` printed.",
            )


DEFAULTS = Config()
_FIELDS = {field.name: field.type for field in fields(Config)}

_TEMPLATE = """\
# Settings of Deskbound on this laptop. Every line may be left out; these are the defaults.

# Never look at these: categories ("chat") or names of programs ("my-diary*").
excluded_apps = []

# Never look at windows with these titles, e.g. "*salary*". Titles are compared and never kept.
excluded_titles = []

# Hours in which capture may run, e.g. ["mon-fri 09:00-17:00"]; none means always.
schedule = []

# Seconds without input after which nothing is looked at.
idle_seconds = 60.0

# Shortest time between two thumbnails, seconds.
thumbnail_seconds = 10.0

# Days kept, today included; older ones are destroyed.
retention_days = 7

# Most room all days together may take, megabytes; the oldest goes first.
size_cap_mb = 200

# A file only you can read (mode 0600) with the vault's passphrase, for machines without a keystore.
passphrase_file = ""

# Days before today kept out of training; they measure how good the model is.
holdout_days = 1

# Threads that training may use.
torch_threads = 1

# What capture may use: percent of one core (averaged over a minute) and megabytes of memory.
# Above it capture first takes fewer thumbnails, then rests for ten minutes, and says so.
capture_cpu_percent = 3.0
capture_rss_mb = 160

# Memory that training may use, megabytes.
training_rss_mb = 1500

# Room that all files of Deskbound together may take, megabytes. Above it nothing more is stored.
disk_mb = 400

# What may be sent and received in a month, megabytes. Above it this laptop goes offline.
# Being connected to the server costs about 2 MB an hour, a round what its model weighs.
network_mb_per_month = 500

# Train only on mains power, and only when nobody has used the laptop for so many seconds.
training_only_on_mains = true
training_only_when_idle = true
training_idle_seconds = 300.0

# Keys that pause at once, whatever window is in front; empty for none. They never resume.
hotkey = "ctrl+alt+p"

# Say on the desktop when capture begins or resumes.
notifications = true

# Show an icon in the tray (needs the extra "tray").
tray = true

# Whether capture and training run where the system cannot confine them: "when-possible" runs and
# says so, "required" does not run.
sandbox = "when-possible"

# Public key (64 hex digits) of whoever reviews releases. With it, training runs only code that
# release.json in this folder names, file by file, and this key signed.
reviewer_key = ""
"""


def load_config(path: Path) -> Config:
    """Read a config file; a missing one means the defaults.

    Raises:
        ConfigError: when it is not TOML, or a key or value is not one we know.
        PermissionsError: when others could have written it.
    """
    try:
        check_private(path)
    except NotFoundError:
        return DEFAULTS
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ConfigError(
            f"{path.name} is not valid TOML.", "Correct it, or delete it to get the defaults."
        ) from None
    return parse_config(raw, path.name)


def parse_config(raw: dict[str, Any], where: str = "config.toml") -> Config:
    """Make settings of parsed TOML.

    Raises:
        ConfigError: when a key or value is not one we know.
    """
    for name in raw:
        if name not in _FIELDS:
            raise _unknown(name, where)
    return Config(**{name: _typed(name, value, where) for name, value in raw.items()})


def _unknown(name: str, where: str) -> ConfigError:
    nearest = difflib.get_close_matches(name, _FIELDS, n=1)
    mend = f"Did you mean {nearest[0]}?" if nearest else f"Known are: {', '.join(_FIELDS)}."
    return ConfigError(f"{where} has a setting that does not exist: {name[:40]!r}.", mend)


def _typed(name: str, value: Any, where: str) -> Any:
    default = getattr(DEFAULTS, name)
    if isinstance(default, tuple):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif isinstance(default, float):
        if type(value) in (int, float):
            return float(value)
    elif type(value) is type(default):
        return value
    kind = "list of texts" if isinstance(default, tuple) else type(default).__name__
    raise ConfigError(f"The setting {name} in {where} is not a {kind}.", f"Correct {name}.")


def write_default(path: Path) -> bool:
    """Write a commented config with the defaults where none is; tell whether it was written."""
    try:
        create_private(path, _TEMPLATE.encode())
    except FileExistsError:
        return False
    return True
