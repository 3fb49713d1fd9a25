"""What an employee may wish forgotten, read from words that both doors take. Pure."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from deskbound_client.capture.signals import RHYTHM, SCREEN, STREAMS, WINDOWS, signal_named
from deskbound_client.employee.words import counted
from deskbound_client.store.retention import Scope
from deskbound_client.store.selection import NONE, Blank, Selection
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.vocabulary import APPS

_LENGTH = re.compile(r"(\d{1,5})\s*([mhd])")
_UNITS = {"m": (60, "minute"), "h": (3600, "hour"), "d": (86400, "day")}
_BUCKET = re.compile(r"(?:other )?#(\d{1,5})")
_BLANKS: dict[int, Blank] = {WINDOWS: "app", RHYTHM: "gap"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What to forget; made by one of its class methods.

    Attributes:
        scope: which sort of wish this is.
        words: it, in words, for a question and an answer; never stored.
        rows: which rows; None for whole days.
        day: the whole day; None for all days.
    """

    scope: Scope
    words: str
    rows: Selection | None = None
    day: date | None = None

    @classmethod
    def last(cls, length: str, now: float) -> Self:
        """The last stretch, as in ``60m``, ``3h`` or ``2d``.

        Raises:
            ConfigError: when that is not a length of time.
        """
        match = _LENGTH.fullmatch(length.strip().lower())
        if match is None:
            raise ConfigError("That is not a length of time.", "Say 5m, 60m, 3h or 2d.")
        seconds, unit = _UNITS[match[2]]
        count, end = int(match[1]), int(now)
        words = f"the last {counted(count, unit)}"
        return cls("range", words, Selection("range", end - count * seconds, end))

    @classmethod
    def between(cls, start: str, end: str, now: float) -> Self:
        """From one moment to another; an empty ``end`` is now.

        Raises:
            ConfigError: when one is not a moment, or they are in the wrong order.
        """
        present = datetime.fromtimestamp(now).astimezone()
        first = parse_moment(start, present)
        until = parse_moment(end, present) if end else int(now)
        if until < first:
            raise ConfigError("The end lies before the start.", "Exchange --from and --to.")
        words = f"{_moment(first)} to {_moment(until)}"
        return cls("range", words, Selection("range", first, until))

    @classmethod
    def of_day(cls, day: date) -> Self:
        """A whole day, with its key."""
        return cls("day", f"all of {day.isoformat()}", day=day)

    @classmethod
    def everything(cls) -> Self:
        """Every day there is."""
        return cls("all", "everything that is stored")

    @classmethod
    def of_app(cls, app: str | int) -> Self:
        """A category of applications, on every day; or one program that has none.

        Args:
            app: ``mail``, or ``#1234`` or the number of a program as ``deskbound show`` names it.

        Raises:
            ConfigError: when there is no such category.
        """
        if isinstance(app, int):
            app = f"#{app}"
        name = app.strip().lower()
        if (match := _BUCKET.fullmatch(name)) and int(match[1]):
            words = f"program #{int(match[1])}, and the pictures of all programs in no category"
            return cls("app", words, Selection("app", bucket=int(match[1])))
        if name not in APPS:
            raise ConfigError(
                "There is no such category of applications.", f"Choose one of: {', '.join(APPS)}."
            )
        return cls("app", f"all of {name}", Selection("app", app=APPS.index(name)))

    @classmethod
    def of_stream(cls, stream: str) -> Self:
        """All that one stream stored, on every day.

        Raises:
            ConfigError: when there is no such stream.
        """
        names = [signal.name for signal in STREAMS]
        name = stream.strip().lower()
        if name not in names:
            raise ConfigError("There is no such stream.", f"Choose one of: {', '.join(names)}.")
        bit = signal_named(name).bit
        rows = Selection(
            "stream",
            stream=0 if bit in (SCREEN, RHYTHM) else bit,
            pictures=bit == SCREEN,
            blank=_BLANKS.get(bit, ""),
        )
        return cls("stream", f"all that the stream {name} stored", rows)

    @classmethod
    def of_rows(cls, day: date, actions: tuple[int, ...], pictures: tuple[int, ...] = ()) -> Self:
        """Single rows of a day, by the numbers that ``stored.find`` gives."""
        rows = Selection("rows", day=day.toordinal(), actions=actions, thumbs=pictures)
        words = f"{counted(len(actions) + len(pictures), 'row')} of {day.isoformat()}"
        return cls("rows", words, rows)

    @property
    def app(self) -> str:
        """The category or program that is meant, if one is."""
        if self.rows is None or self.scope != "app":
            return ""
        return APPS[self.rows.app] if self.rows.app != NONE else f"#{self.rows.bucket}"


def parse_moment(text: str, now: datetime) -> int:
    """Return the Unix second of ``14:05`` (today) or ``2026-11-20 14:05`` (local time).

    Raises:
        ConfigError: the text is neither.
    """
    words = text.strip()
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", words):
            words = f"{now:%Y-%m-%d} {words:0>5}"
        return int(datetime.fromisoformat(words).astimezone().timestamp())
    except (ValueError, OverflowError):
        raise ConfigError(
            "That is not a moment in time.", "Say 14:05 or '2026-11-20 14:05'."
        ) from None


def parse_day(text: str, now: float) -> date:
    """Return the date of ``2026-11-20``, ``today`` or ``yesterday``.

    Raises:
        ConfigError: the text is none of them.
    """
    today = datetime.fromtimestamp(now).astimezone().date()
    words = text.strip().lower()
    if words in ("today", "yesterday"):
        return today - timedelta(days=words == "yesterday")
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise ConfigError(
            "That is not a day.", "Say a date such as 2026-11-20, today or yesterday."
        ) from None


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}"
