"""Who may do what: the rights of the two processes that hold the vault, all in one place.

Both may read the interpreter, its packages and the system's libraries, and read and write the home.
The executor and the training inside it may do nothing else: no socket, no program, no child, no
other folder. Capture may also speak to the display and the session bus, which it is there for.
"""

import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deskbound_client.paths import HomePaths
from deskbound_client.sandbox.landlock import READ, WRITE, Files, Scope

# What the C library, torch and Python read on any Linux; none of it is about a person.
_SYSTEM = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo",
    "/usr/share/locale", "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone",
    "/etc/ssl/openssl.cnf", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
    "/proc/uptime", "/proc/sys/kernel/random/boot_id", "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system", "/dev/urandom", "/dev/random", "/dev/zero",
)  # fmt: skip
_OF_A_DESKTOP = ("/usr/share/X11",)  # names of keys and errors
_WRITTEN = ("/dev/null", "/proc/self/oom_score_adj", "/proc/self/autogroup")


@dataclass(frozen=True, slots=True)
class Policy:
    """Rights of one process.

    Attributes:
        role: whose they are.
        files: what may be done in and below each path.
        unix_sockets: whether it may make sockets of this machine.
        shared_memory: whether it may share memory with other programs.
        scoped: whom outside it may not reach.
    """

    role: str
    files: Mapping[Path, Files]
    unix_sockets: bool
    shared_memory: bool
    scoped: Scope


def executor(paths: HomePaths) -> Policy:
    """Return the rights of the executor: packages and home, and what the doorman hands in."""
    return Policy(
        role="executor",
        files=_files(paths, ()),
        unix_sockets=False,
        shared_memory=False,
        scoped=Scope.ABSTRACT_UNIX | Scope.SIGNAL,
    )


def capture(paths: HomePaths, environ: Mapping[str, str]) -> Policy:
    """Return the rights of capture: those of the executor, display and session bus."""
    given = environ.get("XAUTHORITY", "")
    authority = Path(given) if given else Path(environ.get("HOME", "/nonexistent")) / ".Xauthority"
    return Policy(
        role="capture",
        files=_files(paths, (authority, *map(Path, _OF_A_DESKTOP))),
        unix_sockets=True,
        shared_memory=True,  # with the display, for thumbnails
        scoped=Scope.SIGNAL,  # display and bus may listen in the abstract namespace
    )


def _files(paths: HomePaths, more: Sequence[Path]) -> dict[Path, Files]:
    readable = [*map(Path, _SYSTEM), *_installed(paths.home), *more]
    files = dict.fromkeys(readable, READ)
    for name in _WRITTEN:
        files[Path(name)] = READ | Files.WRITE_FILE | Files.TRUNCATE
    files[paths.home] = WRITE
    return files


def _installed(home: Path) -> Iterator[Path]:
    """Yield where this interpreter and its packages lie, links resolved.

    A folder of ``sys.path`` that holds somebody's whole home, or Deskbound's, is left out: it would
    open what is to be closed. Packages directly in it cannot be imported then.
    """
    places = sysconfig.get_paths()
    named = [places[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    named += [sys.prefix, *(entry for entry in sys.path if entry)]
    for name in named:
        place = Path(name).resolve()
        if not any(person.is_relative_to(place) for person in (home.resolve(), _own_folder())):
            yield place


def _own_folder() -> Path:
    return Path(os.environ.get("HOME") or "/root").resolve()
