"""``leave --erase``: everything of this home goes, keys first, and what is left is looked for.

    1  pause             nothing is read any more, whoever still runs
    2  the agent         ended, by force if it does not go
    3  the keys          the keystore's entry, then the sealed files, overwritten and removed
    4  the rest          every file of ours; a file that is not is left alone and named
    5  a look            that nothing of ours is there any more

No step needs the vault, its passphrase or room on the disk, and each goes on where a former one
failed: a vault that cannot be opened any more can still be cleaned away. What shows that a folder
is a home at all goes last, so that a run that was cut short can be repeated.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from deskbound_client import agent
from deskbound_client.capture.control import Control
from deskbound_client.config import load_config
from deskbound_client.employee import autostart
from deskbound_client.paths import HomePaths
from deskbound_client.store.files import check_private, sync_folder
from deskbound_client.store.keys import BALLAST_FILE, KEYS_FILE, NEXT_FILE
from deskbound_client.store.keystore import CHOICE_FILE, SERVICE, KeyringKeystore, entry_of
from deskbound_client.store.passphrase import SEALED_FILE
from deskbound_client.store.vault import DAYS_FOLDER, VAULT_FILE
from deskbound_client.store.vault import LOCK_FILE as VAULT_LOCK
from deskbound_strategies.errors import BusyError, DeskboundError, NotFoundError

# The order in which what opens the rest goes.
_KEY_FILES = (SEALED_FILE, KEYS_FILE, NEXT_FILE)
_MARKS = (CHOICE_FILE, BALLAST_FILE, VAULT_FILE)
_STOP_SECONDS = 20.0
_KILL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done, for a person to read.

    Attributes:
        files: how many were removed.
        keys: how many places held a key and hold none any more.
        remaining: of the home: files that are not ours, or could not be removed.
        keystore_entry: name of an entry that could not be taken out of the system's keystore.
        passphrase_file: a file of the employee's own that is left, if one was configured.
    """

    files: int
    keys: int
    remaining: tuple[Path, ...]
    keystore_entry: str = ""
    passphrase_file: str = ""

    @property
    def complete(self) -> bool:
        """Whether nothing of ours is left."""
        return not self.remaining and not self.keystore_entry


def erase(paths: HomePaths, *, backends: Callable[[], Iterable[Any]] | None = None) -> Erased:
    """Remove everything of a home, keys first.

    Args:
        paths: of the home.
        backends: lists the keystores of this machine; tests pass their own.

    Raises:
        NotFoundError: when this is no home of Deskbound; nothing was touched then.
        BusyError: when a process of this home cannot be ended; nothing was removed then.
    """
    check_home(paths)
    _pause(paths)
    _end_processes(paths)
    passphrase_file = _passphrase_file(paths)
    with suppress(DeskboundError):
        autostart.switch_off(paths)
    entry = entry_of(paths.home)
    entry_left = _destroy_entry(entry, backends)
    keys = sum(_shred(paths.home / name) for name in _KEY_FILES)
    keys += bool(entry and not entry_left)
    files = keys - bool(entry and not entry_left) + _remove_files(paths)
    return Erased(files, keys, tuple(_left(paths)), entry_left, passphrase_file)


def check_home(paths: HomePaths) -> None:
    """Check that a folder is a home of Deskbound before anything in it is removed.

    Raises:
        NotFoundError: when it is not.
    """
    if not any((paths.home / name).is_file() for name in (*_KEY_FILES, *_MARKS)):
        raise NotFoundError(
            f"There is no vault in {paths.home}.", "Name the right folder with --home."
        )


def _pause(paths: HomePaths) -> None:
    with suppress(DeskboundError):  # damaged or missing, it reads as paused
        control = Control.open(paths.control)
        try:
            control.pause()
        finally:
            control.close()


def _end_processes(paths: HomePaths) -> None:
    pid = agent.status(paths).pid
    try:
        agent.stop(paths, _STOP_SECONDS)
    except BusyError:
        _kill(pid)
    if agent.status(paths).pid:
        raise BusyError("Deskbound does not end.", f"End the process {pid} by hand.")


def _kill(pid: int) -> None:
    """End the agent by force; its children are tied to it."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        process.kill()
        process.wait(_KILL_SECONDS)


def _passphrase_file(paths: HomePaths) -> str:
    try:
        given = load_config(paths.config).passphrase_file
    except DeskboundError:
        return ""
    inside = given and paths.home in Path(given).expanduser().absolute().parents
    return "" if inside else given


# --- keys ---------------------------------------------------------------------------------


def _destroy_entry(entry: str, backends: Callable[[], Iterable[Any]] | None) -> str:
    """Take the key out of the system's keystore; return the entry's name if it is still there."""
    if not entry:
        return ""
    try:
        KeyringKeystore(entry, backends).destroy()
    except DeskboundError:
        return f"{SERVICE} / {entry}"
    return ""


def _shred(path: Path) -> bool:
    """Overwrite a small file in place, then remove it; tell whether there was one.

    In place, so that it needs no room; on disks that write elsewhere the old bytes may stay in
    cells nobody can address, which is why the keystore's half goes first.
    """
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(path, flags)
    except OSError:
        return _unlink(path)
    try:
        with suppress(OSError):
            os.pwrite(handle, os.urandom(os.fstat(handle).st_size), 0)
            os.fsync(handle)
    finally:
        os.close(handle)
    return _unlink(path)


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
        sync_folder(path.parent)
    except OSError:
        return False
    return True


# --- files --------------------------------------------------------------------------------


def _own_names(paths: HomePaths) -> tuple[str, ...]:
    """Return the names of what Deskbound writes at the top of its home; its marks come last."""
    own = (
        paths.control.name, paths.network_account.name, paths.config.name, paths.floor.name,
        VAULT_LOCK, *_MARKS,
    )  # fmt: skip
    endings = ("-wal", "-shm", "-journal", ".next", ".lock", "")
    return tuple(name + ending for name in own for ending in endings)


def _remove_files(paths: HomePaths) -> int:
    removed = 0
    for folder in (paths.home / DAYS_FOLDER, paths.server, paths.run, paths.model, paths.flwr):
        if _is_private(folder):
            # Flower writes its own files with its own modes; all others of ours are 0600.
            own = [path for path in _files(folder) if folder == paths.flwr or _is_private(path)]
            removed += sum(_unlink(path) for path in own)
            _remove_folders(folder)
    removed += sum(_unlink(paths.home / name) for name in _own_names(paths))
    with suppress(OSError):
        paths.home.rmdir()  # only when nothing else is in it
    return removed


def _is_private(path: Path) -> bool:
    """Return whether this is a file or folder as Deskbound makes them."""
    try:
        check_private(path)
    except DeskboundError:
        return False
    return True


def _files(folder: Path) -> list[Path]:
    """Return everything below a folder that is no folder; links are named, not followed."""
    return [Path(top) / name for top, _, names in os.walk(folder) for name in names] + [
        Path(top) / name
        for top, folders, _ in os.walk(folder)
        for name in folders
        if (Path(top) / name).is_symlink()
    ]


def _remove_folders(folder: Path) -> None:
    for top, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            Path(top).rmdir()


def _left(paths: HomePaths) -> Iterator[Path]:
    """Yield what is in the home now."""
    if paths.home.is_dir() and not paths.home.is_symlink():
        yield from sorted(_files(paths.home)) or [paths.home]
