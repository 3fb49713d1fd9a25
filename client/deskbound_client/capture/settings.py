"""What the employee may set about capture; whoever starts it reads ``config.toml``."""

from dataclasses import dataclass

from deskbound_client.capture.schedule import ALWAYS, Schedule
from deskbound_strategies.errors import ConfigError


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """Settings of capture.

    Attributes:
        excluded_apps: categories (``chat``) or patterns of program names (``my-diary*``) that are
            never looked at, besides those that never are.
        excluded_titles: patterns of window titles (``*salary*``) that are never looked at.
        schedule: weekly hours in which anything is looked at.
        idle_seconds: seconds without input after which no thumbnail is taken.
        thumbnail_seconds: shortest time between two thumbnails.
        gap_seconds: a hole at least this long is recorded with its cause.
        queue_limit: observations that may wait; more are dropped and recorded as a gap.

    Raises:
        ConfigError: a number is out of range.
    """

    excluded_apps: tuple[str, ...] = ()
    excluded_titles: tuple[str, ...] = ()
    schedule: Schedule = ALWAYS
    idle_seconds: float = 60.0
    thumbnail_seconds: float = 10.0
    gap_seconds: float = 5.0
    queue_limit: int = 20_000

    def __post_init__(self) -> None:
        for name, lowest in (
            ("idle_seconds", 1.0), ("thumbnail_seconds", 1.0), ("gap_seconds", 0.0),
            ("queue_limit", 1),
        ):  # fmt: skip
            if not getattr(self, name) >= lowest:
                raise ConfigError(
                    f"The capture setting {name} is below {lowest:g}.",
                    f"Set {name} to {lowest:g} or more in config.toml.",
                )
