"""A file that comes to be wholly or not at all, readable by its owner alone."""

import contextlib
import os
import secrets
from collections.abc import Iterator
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
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with translated(target):
            with os.fdopen(os.open(draft, flags, FILE_MODE), "wb") as stream:
                os.fchmod(stream.fileno(), FILE_MODE)
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            _name(draft, target, replace=replace)
    finally:
        draft.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            sync_folder(target.parent)


def _name(draft: Path, target: Path, *, replace: bool) -> None:
    if replace:
        draft.replace(target)
        return
    try:
        os.link(draft, target)  # unlike a rename, never over a file that came meanwhile
    except FileExistsError:
        raise _taken(target) from None


def _taken(target: Path) -> ConfigError:
    return ConfigError(
        f"There is a file {target.name} already.", "Choose another name, or add --force."
    )
