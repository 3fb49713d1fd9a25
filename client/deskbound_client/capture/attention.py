"""What has the keyboard, as accessibility tells it: a password field, or a private window. Pure.

Only roles are kept, and whether a window is private; never a name, a text or a value.
"""

from dataclasses import dataclass, replace

PASSWORD_TEXT = 40  # ATSPI_ROLE_PASSWORD_TEXT
BACKOFF_SECONDS = 2.0
# Programs and the window manager tell of one and the same change of window, in either order.
TOGETHER_SECONDS = 1.0

# Roles that are what they say also where a program hides what lies inside: in a browser the focus
# may be said to be on the page while a field in it has the keyboard.
PLAIN = frozenset({
    7,  # check box
    11,  # combo box
    32,  # list item
    35,  # menu item
    43,  # push button
    44,  # radio button
    51,  # slider
    52,  # spin button
    61,  # text
    62,  # toggle button
    76,  # autocomplete
    77,  # edit bar
    79,  # entry
    88,  # link
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """Where the keyboard is: an object of a program, and what kind of object."""

    sender: str
    thing: str
    pid: int
    role: int


@dataclass(frozen=True, slots=True)
class Frame:
    """The active window of a program."""

    sender: str
    thing: str
    pid: int
    private: bool | None


class Attention:
    """What the programs have said so far; told by one thread, asked by any.

    A password field counts until another object has the keyboard, and a moment longer. After
    ``unsure`` nobody knows what has the keyboard, so it counts as a password field until
    there is news. So it does in a program that only just joined: its window may have had the
    keyboard before, and then it says so only when that changes. What was said before another
    window became active tells nothing of that one, also where both are of one program.
    """

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._field: Field | None = None
        self._left: dict[str, Field] = {}  # password fields that had the keyboard when one left
        self._joined: dict[str, int] = {}  # process by sender; replaced, never changed in place
        self._backoff_until = float("-inf")
        self._unsure = False
        self._framed, self._focused = float("-inf"), float("-inf")  # when it was said
        self._late = float("-inf")  # what was said before this tells nothing any more

    def password(self, pid: int, now: float) -> bool | None:
        """Return whether a password field has the keyboard, None if that cannot be told.

        Args:
            pid: of the program that the active window belongs to, 0 if unknown.
            now: monotonic seconds.
        """
        field = self._field
        if self._unsure or now < self._backoff_until:
            return True
        if field is not None and field.role == PASSWORD_TEXT:
            return True
        if pid and pid in self._joined.values():
            return True
        fresh = self._focused >= self._late
        told = field is not None and pid and field.pid == pid and field.role in PLAIN
        return False if told and fresh else None

    def private(self, pid: int) -> bool | None:
        """Return whether the active window of this program is private."""
        frame = self._frame
        if frame is None or not pid or frame.pid != pid:
            return None
        return frame.private if frame.private or self._framed >= self._late else None

    def frame_of(self, pid: int) -> Frame | None:
        """Return the active window of this program if it is the active one."""
        frame = self._frame
        return frame if frame is not None and frame.pid == pid else None

    def unsure(self) -> None:
        """Begin or cease to listen: nobody knows what has the keyboard."""
        self.lost()
        self._unsure = True

    def lost(self) -> None:
        """Forget everything: there is nobody to tell any more."""
        self._frame = self._field = None
        self._left.clear()
        self._joined = {}
        self._unsure = False

    def moved(self, now: float) -> None:
        """Another window is active on the screen; what had the keyboard before does not matter."""
        self._unsure = False
        self._late = now - TOGETHER_SECONDS

    def joined(self, sender: str, pid: int) -> None:
        """A program begins to take part, and has not said yet what has the keyboard."""
        self._joined = {**self._joined, sender: pid}

    def _said(self, sender: str) -> None:
        self._joined = {name: pid for name, pid in self._joined.items() if name != sender}

    def activated(self, frame: Frame, now: float) -> None:
        """Another window of a program became active."""
        self._unsure = False
        self._said(frame.sender)
        self._leave(now)
        self._frame, self._framed = frame, now
        self._field = self._left.pop(frame.sender, None)

    def named(self, frame: Frame, *, private: bool) -> None:
        """An active window turned out to be private, or not."""
        if self._frame is frame:
            self._frame = replace(frame, private=private)

    def deactivated(self, sender: str, thing: str, now: float) -> None:
        """A window is no longer active."""
        if self._frame is not None and (self._frame.sender, self._frame.thing) == (sender, thing):
            self._frame = None
        if self._field is not None and self._field.sender == sender:
            if self._field.role == PASSWORD_TEXT:
                self._left[sender] = self._field
            self._leave(now)

    def focused(self, field: Field, now: float) -> None:
        """Another object has the keyboard."""
        self._unsure = False
        self._said(field.sender)
        self._left.pop(field.sender, None)
        if field.role != PASSWORD_TEXT:
            self._leave(now)
        self._field, self._focused = field, now

    def unfocused(self, sender: str, thing: str, now: float) -> None:
        """An object no longer has the keyboard."""
        if self._field is not None and (self._field.sender, self._field.thing) == (sender, thing):
            self._leave(now)

    def gone(self, sender: str, now: float) -> None:
        """A program has ended."""
        self._said(sender)
        self._left.pop(sender, None)
        if self._frame is not None and self._frame.sender == sender:
            self._frame = None
        if self._field is not None and self._field.sender == sender:
            self._leave(now)

    def _leave(self, now: float) -> None:
        if self._field is not None and self._field.role == PASSWORD_TEXT:
            self._backoff_until = now + BACKOFF_SECONDS
        self._field = None
