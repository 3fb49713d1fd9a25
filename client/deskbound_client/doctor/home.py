"""Looks at the home folder: who can enter it, where it lies, and whether its files are sound."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from deskbound_client.capture.control import CLOSED_WORD, Control
from deskbound_client.config import load_config
from deskbound_client.doctor.finding import Finding, note, ok, warn, wrong, wrong_as
from deskbound_client.employee.words import size
from deskbound_client.paths import HomePaths
from deskbound_client.store.files import check_private
from deskbound_client.store.keys import BALLAST_FILE, KEYS_FILE
from deskbound_client.store.keystore import CHOICE_FILE
from deskbound_client.store.passphrase import SEALED_FILE
from deskbound_client.store.vault import DAYS_FOLDER, VAULT_FILE
from deskbound_strategies.errors import DeskboundError
from deskbound_strategies.floor_file import load_floor

_PLAIN = b"SQLite format 3\0"
_MEGABYTE = 1_000_000
LEAST_ROOM = 100 * _MEGABYTE
_NEARLY = 0.9  # of the size cap
_REMOTE_KINDS = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "fuse.rclone")
)
# Names of folders whose programs copy what lies in them to other machines.
_SYNCED = ("dropbox", "onedrive", "google drive", "googledrive", "nextcloud", "owncloud", "icloud",
           "syncthing", "seafile", "mega")  # fmt: skip
_SYNC_MARKS = (".stfolder", ".dropbox", ".dropbox.cache", ".sync", "._sync_db")


def check_home(paths: HomePaths) -> Finding:
    """Every file is its owner's alone: no link, no stranger's, nothing that others may read."""
    if not any((paths.home / name).exists() for name in (KEYS_FILE, VAULT_FILE)):
        return wrong("home", f"There is no vault in {paths.home}.", "Run `deskbound init` first.")
    try:
        for path in _all_of(paths):
            check_private(path)
    except DeskboundError as error:
        return wrong_as("home", error)
    return ok("home", "Nobody but you can read or change what lies in the home folder.")


def _all_of(paths: HomePaths) -> Iterator[Path]:
    """Yield the home and all in it; what Flower keeps lies behind one closed folder."""
    yield paths.home
    waiting = [paths.home]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            if not path.exists() and not path.is_symlink():
                continue  # a draft that has just taken its name
            yield path
            if path.is_dir() and not path.is_symlink() and path != paths.flwr:
                waiting.append(path)


def check_files(home: Path) -> Finding:
    """The files of the vault are there, and none of its databases is plain."""
    for name in (CHOICE_FILE, KEYS_FILE, VAULT_FILE):
        if not (home / name).exists():
            return wrong(
                "files",
                f"{name} is missing, and nothing opens this vault without it.",
                "Restore it from a backup, or start anew with `deskbound init` elsewhere.",
            )
    for path in (home / VAULT_FILE, *sorted((home / DAYS_FOLDER).glob("*.db"))):
        with path.open("rb") as file:
            header = file.read(len(_PLAIN))
        if header == _PLAIN or not any(header):
            return wrong(
                "files",
                f"{path.name} is not encrypted; Deskbound did not write it.",
                "Find out who put it there, and delete it.",
            )
    return ok("files", "Every database begins as an encrypted one does.")


def check_control(paths: HomePaths) -> Finding:
    """The pause word can be read; otherwise everything stays closed."""
    try:
        control = Control.open(paths.control)
    except DeskboundError as error:
        return wrong_as("control", error)
    sound = control.word() != CLOSED_WORD and not control.replaced
    control.close()
    if sound:
        return ok("control", "The pause word is sound.")
    return wrong(
        "control",
        "The control file is missing or damaged, so capture stays paused.",
        "Run `deskbound stop` and `deskbound init`: it makes the file anew, paused.",
    )


def check_settings(paths: HomePaths) -> Finding:
    """What the employee has set and what the deployer proposes can both be read."""
    try:
        load_config(paths.config)
    except DeskboundError as error:
        return wrong_as("settings", error)
    try:
        load_floor(paths.floor)
    except DeskboundError as error:
        sentence = f"{error.sentence} The policy floor that was in force stays so."
        return warn("settings", sentence, error.mend)
    return ok("settings", "Settings and policy floor can be read.")


def check_room(paths: HomePaths, free: int | None = None) -> Finding:
    """There is room to write, and room set aside to forget when there is none."""
    left = psutil.disk_usage(str(paths.home)).free if free is None else free
    if left < LEAST_ROOM:
        return wrong(
            "room",
            f"Only {size(left)} are left on the disk; soon nothing can be stored.",
            "Free some space; forgetting works all the same.",
        )
    if not (paths.home / BALLAST_FILE).exists():
        return warn(
            "room",
            "The room that is set aside for forgetting on a full disk is gone.",
            "Forget anything, such as `deskbound forget --last 1m`: it is set aside again.",
        )
    return ok("room", f"{size(left)} are free on the disk.")


def check_size(paths: HomePaths) -> Finding:
    """The days fit under the cap that the employee has set."""
    try:
        cap = load_config(paths.config).size_cap_mb * _MEGABYTE
    except DeskboundError:
        return note("size", "The size cap is not known while the settings cannot be read.")
    used = sum(path.stat().st_size for path in (paths.home / DAYS_FOLDER).glob("*.db*"))
    said = f"The days take {size(used)} of {size(cap)}"
    if used <= _NEARLY * cap:
        return ok("size", f"{said}.")
    return note("size", f"{said}; the oldest day goes first.", "Raise size_cap_mb to keep more.")


def check_place(home: Path, kinds: Iterable[tuple[str, str]] | None = None) -> Finding:
    """The home lies on this machine and nothing copies it elsewhere.

    Args:
        home: the folder.
        kinds: mount points and kinds of file systems; those of this machine if not given.
    """
    synced = next((folder for folder in home.parents if _is_synced(folder)), None)
    if synced is not None:
        return warn(
            "place",
            f"The home lies in {synced.name}, which copies it to other machines.",
            "Move it out: a copy keeps what you forget here.",
        )
    if _kind_of(home, _mounts() if kinds is None else kinds) in _REMOTE_KINDS:
        return warn(
            "place",
            "The home lies on another machine's disk: locks and forgetting are not sure there.",
            "Choose a folder of this machine with --home or DESKBOUND_HOME.",
        )
    return ok("place", "The home lies on a disk of this machine, in no folder known to be synced.")


def _is_synced(folder: Path) -> bool:
    named = folder.name.lower().startswith(_SYNCED)
    return named or any((folder / mark).exists() for mark in _SYNC_MARKS)


def _mounts() -> list[tuple[str, str]]:
    return [(each.mountpoint, each.fstype) for each in psutil.disk_partitions(all=True)]


def _kind_of(home: Path, mounts: Iterable[tuple[str, str]]) -> str:
    above = [(point, kind) for point, kind in mounts if home.is_relative_to(point)]
    return max(above, key=lambda mount: len(mount[0]), default=("", ""))[1]


def check_backups(home: Path) -> Finding:
    """Say what a backup of this vault keeps; which one is made, nobody here can know."""
    if (home / SEALED_FILE).exists():
        return note(
            "backups",
            "A backup of this folder opens with the same passphrase, forgotten days included.",
            "Leave it out of backups, or use the system's keystore (docs/limitations.md).",
        )
    return note(
        "backups",
        "A backup of this folder alone opens no day that was forgotten or retired.",
        "Do not back up the system's keystore together with it.",
    )
