"""Files that nobody else may read: created private, checked at every open, replaced whole.

Folders are 0700, files 0600, both owned by the person who runs Deskbound; links are refused, since
they would lead a check to one file and a write to another.
"""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from deskbound_strategies.errors import DiskFullError, NotFoundError, PermissionsError

FOLDER_MODE, FILE_MODE = 0o700, 0o600
FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED_ERRNOS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP})


def make_private_folder(path: Path) -> None:
    """Create a folder only its owner may enter, or check that it is one.

    Raises:
        PermissionsError: when the folder exists and others may enter it.
        DiskFullError: when there is no room for it.
    """
    with translated(path):
        if not path.is_symlink() and not path.exists():
            path.mkdir(mode=FOLDER_MODE, parents=True)
            path.chmod(FOLDER_MODE)  # the umask may have taken more away than we need
    check_private(path)


def check_private(path: Path) -> None:
    """Check that a file or folder is ours, real and closed to everyone else.

    Raises:
        NotFoundError: when it is not there.
        PermissionsError: when it is a link, someone else's, or open to others.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise NotFoundError(f"There is no {path.name}.", "Run `deskbound init` first.") from None
    except PermissionError:
        _refuse(path, "cannot be read by you")
    if not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
        _refuse(path, "is a link or a device, not a file of its own")
    if found.st_uid != os.getuid():
        _refuse(path, "belongs to another user")
    if stat.S_IMODE(found.st_mode) & 0o077:
        _refuse(path, "can be reached by other users", mode=stat.S_ISDIR(found.st_mode))


def _refuse(path: Path, what: str, *, mode: bool | None = None) -> NoReturn:
    mend = "Give it back to your own user, as a plain file, before you start again."
    if mode is not None:
        mend = f"Run `chmod {'700' if mode else '600'} {path}`."
    raise PermissionsError(f"{path.name} {what}.", mend) from None


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the system's errors on ``path`` into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL_ERRNOS:
            raise disk_full(path) from None
        if error.errno in _REFUSED_ERRNOS:
            _refuse(path, "cannot be written by you")
        raise


def disk_full(path: Path) -> DiskFullError:
    """Return the error that says there is no room for ``path``."""
    return DiskFullError(
        f"There is no room left on the disk for {path.name}.",
        "Free some space; nothing that was already stored is lost.",
    )


def read_private(path: Path) -> bytes:
    """Read a whole file after checking that only its owner could have written it."""
    check_private(path)
    with translated(path):
        return path.read_bytes()


def create_private(path: Path, data: bytes) -> None:
    """Write a new file and wait until it is on the disk; a file already there is an error.

    A file that could not be written wholly is taken away again.

    Raises:
        FileExistsError: when the path is taken.
        DiskFullError: when there is no room.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with translated(path):
        handle = os.open(path, flags, FILE_MODE)
        try:
            with os.fdopen(handle, "wb") as stream:
                os.fchmod(stream.fileno(), FILE_MODE)
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def replace_private(path: Path, data: bytes) -> None:
    """Replace a file wholly or not at all, and wait until the new one is on the disk.

    Writers of the same file, of this process or another, take turns; the last one's stays.

    Raises:
        PermissionsError: when the draft beside it is a link.
        DiskFullError: when there is no room; the file is what it was.
    """
    following = path.with_name(path.name + ".next")
    with translated(path):
        handle = _alone_with(following)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.truncate()
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
                following.replace(path)  # before it is closed, which lets the next writer in
        except BaseException:
            following.unlink(missing_ok=True)
            raise
    sync_folder(path.parent)


def _alone_with(path: Path) -> int:
    """Open the draft of a file, made if it is not there, as its only writer."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        handle = os.open(path, flags, FILE_MODE)
        fcntl.flock(handle, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.lstat()):
                os.fchmod(handle, FILE_MODE)
                return handle
        os.close(handle)  # whoever had it before has given it its name, or taken it away


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unlink_database(path: Path) -> None:
    """Remove a database with its journal and shared memory."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    sync_folder(path.parent)
