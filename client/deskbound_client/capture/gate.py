"""May this be read at all? Pure: a few small conditions over a snapshot of the situation.

The control word and the stream's consent are asked first; then every condition in ``CONDITIONS``
must find nothing against it. Each condition answers with a reason to stay closed or with None, and
what is not known is a reason. A new condition is one more field of ``Context`` and one more
function in the tuple.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from deskbound_client.capture.signals import KEYS, SCREEN, STREAMS
from deskbound_strategies.vocabulary import APPS

Rectangle = tuple[int, int, int, int]  # x, y, width, height in pixels of the whole screen

PLACES = 16  # a position inside the active window is kept in sixteenths
BROWSER = APPS.index("browser")
# What is typed into these, and what they show, is another machine's: nothing here can see whether
# a password is asked for there.
ELSEWHERE = frozenset({APPS.index("remote"), APPS.index("virtual-machine")})


class Reason(StrEnum):
    """Why the gate is closed, or that it is open."""

    OPEN = "open"
    PAUSED = "paused"
    NO_CONSENT = "no-consent"
    UNKNOWN = "unknown"
    LOCKED = "locked"
    IDLE = "idle"
    EXCLUDED = "excluded"
    PRIVATE = "private"
    PASSWORD = "password"  # noqa: S105 - a name, not a secret
    SCHEDULE = "schedule"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the situation at one moment; swapped as a whole, never changed.

    Attributes:
        known: whether there is an active window whose application could be told.
        app: index into ``APPS`` of its category.
        bucket: salted number of an application that has no category, else 0.
        excluded: the employee excluded it, by program or by title.
        private: it is a private browser window; None if that cannot be told.
        exposed: a private window is visible anywhere; None if nobody looked.
        password: a password field has the keyboard, or had it a moment ago; None if that cannot be
            told.
        scheduled: these are hours in which capture may run; None if the rules cannot be read.
        remote: somebody works here from another machine; None if the signs contradict each other.
        locked: the screen is locked or blank; None if that cannot be told.
        idle: nobody has touched keyboard or pointer for a while; None if that cannot be told.
        window: the active window's rectangle, or None.
        number: the X server's number of that window; says nothing about what it is.
        screen: width and height of the whole screen in pixels.
        open_for: mask of the streams nothing here speaks against; worked out once, since it is
            asked at every event.
    """

    known: bool = False
    app: int = 0
    bucket: int = 0
    excluded: bool = True
    private: bool | None = None
    exposed: bool | None = None
    password: bool | None = None
    scheduled: bool | None = None
    remote: bool | None = None
    locked: bool | None = None
    idle: bool | None = None
    window: Rectangle | None = None
    number: int = 0
    screen: tuple[int, int] = (0, 0)
    open_for: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        mask = sum(one.bit for one in STREAMS if _objection(self, one.bit) is None)
        object.__setattr__(self, "open_for", mask)

    def place(self, x: float, y: float) -> tuple[int, int]:
        """Return the position of a screen fraction inside the window, or (-1, -1) outside it."""
        if self.window is None:
            return -1, -1
        left, top, width, height = self.window
        across = (x * self.screen[0] - left) / max(width, 1)
        down = (y * self.screen[1] - top) / max(height, 1)
        if not (0 <= across < 1 and 0 <= down < 1):
            return -1, -1
        return int(across * PLACES), int(down * PLACES)


Condition = Callable[[Context, int], Reason | None]


def _known(context: Context, _stream: int) -> Reason | None:
    return None if context.known and context.locked is not None else Reason.UNKNOWN


def _unlocked(context: Context, _stream: int) -> Reason | None:
    return Reason.LOCKED if context.locked else None


def _at_the_desk(context: Context, stream: int) -> Reason | None:
    if context.remote is None:
        return Reason.UNKNOWN
    elsewhere = stream in (KEYS, SCREEN) and context.app in ELSEWHERE
    return Reason.REMOTE if context.remote or elsewhere else None


def _in_schedule(context: Context, _stream: int) -> Reason | None:
    if context.scheduled is None:
        return Reason.UNKNOWN
    return None if context.scheduled else Reason.SCHEDULE


def _not_excluded(context: Context, _stream: int) -> Reason | None:
    return Reason.EXCLUDED if context.excluded else None


def _not_private(context: Context, stream: int) -> Reason | None:
    seen = (context.private, context.exposed) if stream == SCREEN else (context.private,)
    return Reason.PRIVATE if True in seen else Reason.UNKNOWN if None in seen else None


def _no_password(context: Context, stream: int) -> Reason | None:
    if stream not in (KEYS, SCREEN):
        return None
    if context.password:
        return Reason.PASSWORD
    # Outside browsers a program without accessibility is open: see docs/limitations.md.
    untold = context.password is None and context.app == BROWSER and stream == KEYS
    return Reason.UNKNOWN if untold else None


def _not_idle(context: Context, stream: int) -> Reason | None:
    # Input ends idleness by itself; only what is read without anybody's doing must wait for it.
    if stream != SCREEN:
        return None
    return Reason.UNKNOWN if context.idle is None else Reason.IDLE if context.idle else None


CONDITIONS: tuple[Condition, ...] = (
    _known, _unlocked, _at_the_desk, _in_schedule, _not_excluded, _not_private, _no_password,
    _not_idle,
)  # fmt: skip


def _objection(context: Context, stream: int) -> Reason | None:
    for condition in CONDITIONS:
        reason = condition(context, stream)
        if reason is not None:
            return reason
    return None


NOTHING_KNOWN = Context()


def hides(context: Context, stream: int) -> Reason | None:
    """Return why a situation also closes the moments just before it, None if it does not.

    News of something that must not be seen may come a little after it began.
    """
    if context.locked:
        return Reason.LOCKED
    if context.password and stream in (KEYS, SCREEN):
        return Reason.PASSWORD
    if context.known and context.excluded:
        return Reason.EXCLUDED
    if context.private or (context.exposed and stream == SCREEN):
        return Reason.PRIVATE
    return None


def worse(one: Context, other: Context) -> Context:
    """Return the second situation, with whatever in the first closes more.

    Bad news may be older than its discovery; good news holds from its discovery on.
    """
    return replace(
        other,
        locked=worse_of(one.locked, other.locked),
        idle=worse_of(one.idle, other.idle),
        password=worse_of(one.password, other.password),
        private=worse_of(one.private, other.private),
        exposed=worse_of(one.exposed, other.exposed),
        remote=worse_of(one.remote, other.remote),
        scheduled=None
        if None in (one.scheduled, other.scheduled)
        else (bool(one.scheduled and other.scheduled)),
        excluded=one.excluded or other.excluded,
    )


def worse_of(*told: bool | None) -> bool | None:
    """Return what closes most of several answers: yes, then nobody knows, then no."""
    return True if True in told else None if None in told else False


def verdict(word: int, streams: int, stream: int, context: Context) -> Reason:
    """Say whether ``stream`` may be read now.

    Args:
        word: the control word, read before anything else.
        streams: mask of the streams consented to.
        stream: bit of the stream asked for.
        context: the situation at the moment of the event.
    """
    if word & 1:
        return Reason.PAUSED
    if not streams & stream:
        return Reason.NO_CONSENT
    if context.open_for & stream:
        return Reason.OPEN
    return _objection(context, stream) or Reason.OPEN
