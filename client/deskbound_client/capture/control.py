"""The pause word: one shared number that every process reads before it looks at anything.

``control`` is a 64-byte file that every process maps:

    0   8 bytes  magic and version
    8   u64      generation << 1 | paused
    16  u64      bits of the streams consented to (``signals``)
    24  f64      Unix time at which a timed pause ends by itself, 0.0 for none
    32  u64      1 when the last pause ended by its own time, 0 when the employee ended it
    40  f64      the same end on the clock that nobody can set: seconds since the boot below
    48  u64      number of the boot in which the pause began, 0 for none
    56  u64      0 for the employee's own pause; the operator stopped the fleet: 1 and more, the
                 reason's place in ``StopReason``

The word is read as one aligned load, without a lock, a key or a system call. Every change raises
the generation, so whatever was seen under an older one is recognised and dropped before it is
stored. A pause acts with its first memory write; ``pause`` returns once no commit that began
earlier is still under way. A damaged or missing file reads as paused, with no stream consented to.

Whoever stopped the fleet, that pause has no end of its own, and no pause the employee makes on top
gives it one: only ``resume``, which no message calls, ends it.

A timed pause ends when so much time has really passed, whatever the wall clock is set to meanwhile;
only where the laptop was started anew is the wall clock all there is to go by. Writes are ordered
so that a crash between any two leaves a pause that is there, or one without end.
"""

import fcntl
import math
import mmap
import os
import secrets
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from deskbound_client.capture.clocks import Moment, this_moment
from deskbound_strategies.errors import NotFoundError, PermissionsError, VaultDamagedError
from deskbound_strategies.stop_order import StopReason

SIZE = 64
MAGIC = b"DBCTRL\x00\x02"
_FIRST_MAGIC = b"DBCTRL\x00\x01"  # had no clock but the wall clock; its other cells were 0
_MAGIC_WORD = int.from_bytes(MAGIC, "little")
_LAYOUT = struct.Struct("<8sQQd")
_WORD, _STREAMS = 1, 2  # indices of the unsigned 64-bit cells
_UNTIL, _DEADLINE = 3, 5  # indices of the 64-bit floats
_BY_TIMER, _BOOT, _STOPPED = 4, 6, 7
_CLOCK_NOISE_SECONDS = 1.0  # a wall clock that is further off than this was set
CLOSED_WORD = 1  # generation 0, paused: what a damaged file reads as
_GENERATION_BITS = 62  # leaves room above a random start for as many changes as anyone can make


class Control:
    """The mapped control file; made by ``create`` or ``open``, released by ``close``.

    Reading is safe from any thread at any rate. Changing takes a lock on the file, so several
    processes may change it at once.
    """

    def __init__(
        self,
        path: Path,
        mapped: mmap.mmap | None,
        identity: tuple[int, int],
        now: Callable[[], Moment] = this_moment,
    ) -> None:
        self._path = path
        self._now = now
        self._mapped = mapped
        self._identity = identity
        view = memoryview(mapped) if mapped is not None else memoryview(bytearray(SIZE))
        self._cells = view.cast("Q")
        self._times = view.cast("d")

    @classmethod
    def create(cls, path: Path, now: Callable[[], Moment] = this_moment) -> Self:
        """Make the control file, or open it where a sound one exists.

        A new file is not paused and has no stream consented to. A damaged file is made anew in
        place, paused: processes that map it see the change.

        Args:
            path: of the file.
            now: tells the present moment.

        Raises:
            PermissionsError: others could write the file, or it is a link.
        """
        existed = path.is_symlink() or path.exists()
        descriptor = _open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _check_permissions(path, descriptor)
            if not _is_sound(descriptor):
                start = secrets.randbits(48) << 1  # never the generation of an earlier file
                word = start | existed
                fresh = _LAYOUT.pack(MAGIC, word, 0, 0.0).ljust(SIZE, b"\0")
                os.pwrite(descriptor, fresh, 0)
                os.ftruncate(descriptor, SIZE)
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return cls.open(path, now)

    @classmethod
    def open(cls, path: Path, now: Callable[[], Moment] = this_moment) -> Self:
        """Map the control file; a missing or damaged one reads as paused.

        Args:
            path: of the file.
            now: tells the present moment.

        Raises:
            PermissionsError: others could write the file, or it is a link.
        """
        try:
            descriptor = _open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except NotFoundError:
            return cls(path, None, (0, 0), now)
        try:
            found = _check_permissions(path, descriptor)
            mapped = mmap.mmap(descriptor, SIZE) if _is_sound(descriptor) else None
        finally:
            os.close(descriptor)
        return cls(path, mapped, (found.st_dev, found.st_ino), now)

    def word(self) -> int:
        """Return ``generation << 1 | paused``: one load, read first in every callback."""
        return self._cells[_WORD] if self._cells[0] == _MAGIC_WORD else CLOSED_WORD

    @property
    def generation(self) -> int:
        """Number of the present state; what was seen under another one is never stored."""
        return self.word() >> 1

    @property
    def paused(self) -> bool:
        """Whether nothing may be read now."""
        return bool(self.word() & 1)

    @property
    def is_open(self) -> bool:
        """Whether capture is not paused."""
        return not self.paused

    @property
    def paused_until(self) -> float | None:
        """Unix time at which the pause ends by itself; None for no pause or one without end.

        Where the wall clock was set since, this is what it will show then.
        """
        until, now = self._times[_UNTIL], self._now()
        left = self._left(now)
        if left is None or abs(now.wall + left - until) < _CLOCK_NOISE_SECONDS:
            return None if left is None else until
        return now.wall + left

    @property
    def ended_by_timer(self) -> bool:
        """Whether the last pause ended by its own time, not by the employee's word."""
        return bool(self._cells[_BY_TIMER])

    @property
    def streams(self) -> int:
        """Bits of the streams consented to; 0 where the file is damaged."""
        return self._cells[_STREAMS] if self._cells[0] == _MAGIC_WORD else 0

    @property
    def replaced(self) -> bool:
        """Whether the path no longer names the mapped file: what is read here is then stale."""
        try:
            found = self._path.lstat()
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != self._identity or found.st_size != SIZE

    @property
    def stopped_for(self) -> StopReason | None:
        """Why the operator stopped the fleet, while this pause is of that; else None."""
        place = self._cells[_STOPPED]
        if not self.paused or not place or self._cells[0] != _MAGIC_WORD:
            return None
        reasons = tuple(StopReason)
        return reasons[place - 1] if place <= len(reasons) else StopReason.UNSPECIFIED

    def pause(self, until: float | None = None, *, stopped_for: StopReason | None = None) -> None:
        """Stop all reading at once, until ``until`` (Unix time) or without end.

        While the operator's stop holds, it has no end.

        Args:
            until: Unix time.
            stopped_for: why the operator stopped the fleet; None for the employee's own pause.

        The first memory write stops every callback; the call returns when no commit that began
        before it is still under way, and the pause is on disk.

        Raises:
            VaultDamagedError: the control file is missing or damaged (it then reads as paused).
        """
        if self._mapped is not None and self._cells[0] == _MAGIC_WORD:
            self._cells[_WORD] |= 1  # at once, before waiting for anybody
        with self._changing():
            self._times[_UNTIL] = 0.0  # a crash from here on leaves a pause without end
            if stopped_for is not None:
                self._cells[_STOPPED] = tuple(StopReason).index(stopped_for) + 1
            self._cells[_WORD] = _next(self._cells[_WORD]) | 1
            if until is not None and not self._cells[_STOPPED]:
                now = self._now()
                self._times[_DEADLINE] = now.since_boot + (until - now.wall)
                self._cells[_BOOT] = now.boot
                self._times[_UNTIL] = until

    def resume(self) -> None:
        """End a pause. Only the employee's own command calls this, and ``expire``.

        Raises:
            VaultDamagedError: the control file is missing or damaged.
        """
        with self._changing():
            self._times[_UNTIL] = 0.0
            self._cells[_BY_TIMER] = 0
            self._cells[_STOPPED] = 0
            self._cells[_WORD] = _next(self._cells[_WORD]) & ~1

    def bump(self) -> None:
        """Make everything seen so far but not yet stored be dropped; the state stays.

        Raises:
            VaultDamagedError: the control file is missing or damaged.
        """
        with self._changing():
            self._cells[_WORD] = _next(self._cells[_WORD])

    def set_streams(self, mask: int) -> None:
        """Publish which streams are consented to; what waits to be stored is dropped.

        Raises:
            VaultDamagedError: the control file is missing or damaged.
        """
        with self._changing():
            self._cells[_STREAMS] = mask
            self._cells[_WORD] = _next(self._cells[_WORD])

    def expire(self) -> bool:
        """End a timed pause whose own time has come; tell whether it did.

        Raises:
            VaultDamagedError: the control file was replaced.
        """
        left = self._left(self._now())
        if left is None or left > 0:
            return False
        with self._changing():
            left = self._left(self._now())
            if left is None or left > 0:  # the employee spoke in between
                return False
            self._times[_UNTIL] = 0.0
            self._cells[_BY_TIMER] = 1
            self._cells[_WORD] = _next(self._cells[_WORD]) & ~1
        return True

    def _left(self, now: Moment) -> float | None:
        """Return the seconds that a timed pause still has; None for no pause or one without end."""
        until = self._times[_UNTIL]
        if not self.paused or not until > 0:
            return None
        same_boot = self._cells[_BOOT] == now.boot != 0
        left = self._times[_DEADLINE] - now.since_boot if same_boot else until - now.wall
        return left if math.isfinite(left) else None

    @contextmanager
    def committing(self) -> Iterator[int]:
        """Hold off the return of ``pause`` while a commit is under way; yields the word.

        Whoever stores reads the word inside and stores nothing if its generation is not the one
        the rows were born under.
        """
        with _locked(self._path, fcntl.LOCK_SH):
            yield self.word()

    def close(self) -> None:
        """Unmap the file; what is read afterwards is an error."""
        self._times.release()
        self._cells.release()
        if self._mapped is not None:
            # A callback that still looks at the word keeps the map alive until it is done.
            with suppress(BufferError):
                self._mapped.close()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with _locked(self._path, fcntl.LOCK_EX):
            if self._mapped is None or self._cells[0] != _MAGIC_WORD or self.replaced:
                raise VaultDamagedError(
                    f"The control file {self._path.name} is damaged or was replaced, "
                    "so capture stays paused.",
                    "Stop Deskbound and run `deskbound init` again: it makes the file anew.",
                )
            yield
            self._mapped.flush()


def _next(word: int) -> int:
    generation = ((word >> 1) + 1) % (1 << _GENERATION_BITS)
    return generation << 1 | (word & 1)


def _is_sound(descriptor: int) -> bool:
    """Return whether a file is a control file; one of the first layout becomes one of this."""
    content = os.pread(descriptor, SIZE + 1, 0)
    if len(content) == SIZE and content.startswith(_FIRST_MAGIC):
        os.pwrite(descriptor, MAGIC, 0)  # programs of the old version then read it as paused
        return True
    return len(content) == SIZE and content.startswith(MAGIC)


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no control file {path.name}.", "Run `deskbound init` first."
        ) from None
    except OSError:
        raise PermissionsError(
            f"The control file {path.name} is a link or belongs to someone else.",
            "Remove it and run `deskbound init` again.",
        ) from None


def _check_permissions(path: Path, descriptor: int) -> os.stat_result:
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionsError(
            f"Others could change the control file {path.name}.",
            f"Run `chmod 600` on {path.name} as its owner.",
        )
    return found


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    # A descriptor of its own for each use: two threads that shared one would share its lock.
    try:
        descriptor = _open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotFoundError:
        yield  # without a file there is nobody to agree with: reading is closed, changing fails
        return
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)
