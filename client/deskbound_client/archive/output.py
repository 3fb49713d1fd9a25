"""A file that comes to be wholly or not at all, readable by its owner alone."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from deskbound_client.store.files import FILE_MODE, sync_folder, translated
from deskbound_strategies.errors import ConfigError, NotFoundError


@contextlib.contextmanager
def new_file(target: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """Write a file under another name and give it its own at the end; mode 0600.

    Whatever goes wrong on the way, nothing of it stays behind.

    Args:
        target: its name.
        replace: whether a file of that name may be replaced.

    Raises:
        ConfigError: when there is a file of that name.
        NotFoundError: when there is no such folder.
        DiskFullError: when there is no room.
    """
    if not target.parent.is_dir():
        raise NotFoundError(f"There is no folder {target.parent}.", "Make it first.")
    if not replace and os.path.lexists(target):
        raise _taken(target)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with translated(target):
            handle, named = _nameless(draft)
            with os.fdopen(handle, "wb") as stream:
                os.fchmod(stream.fileno(), FILE_MODE)
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
                if not named and replace:
                    _link(stream.fileno(), draft)
                elif not named:
                    _claim(partial(_link, stream.fileno()), target)
            if replace:
                draft.replace(target)
            elif named:
                _claim(partial(os.link, draft), target)
    finally:
        draft.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            sync_folder(target.parent)


def _nameless(draft: Path) -> tuple[int, bool]:
    """Open a file that has no name yet, so that not even a power cut leaves it behind.

    Where the file system knows no such files it is the draft. Returns the handle, and whether it
    has a name.
    """
    flags = os.O_RDWR | os.O_CLOEXEC
    with contextlib.suppress(OSError, AttributeError):
        return os.open(draft.parent, flags | os.O_TMPFILE, FILE_MODE), False
    return os.open(draft, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE), True


def _link(handle: int, name: Path) -> None:
    # Any folder handle makes Python use linkat(2), which alone can follow the link in /proc.
    os.link(f"/proc/self/fd/{handle}", name, src_dir_fd=handle, follow_symlinks=True)


def _claim(link: Callable[[Path], None], target: Path) -> None:
    """Give a file its name; unlike a rename, never over a file that came meanwhile."""
    try:
        link(target)
    except FileExistsError:
        raise _taken(target) from None


def _taken(target: Path) -> ConfigError:
    return ConfigError(
        f"There is a file {target.name} already.", "Choose another name, or add --force."
    )
