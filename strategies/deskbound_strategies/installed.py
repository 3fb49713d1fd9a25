"""Reads installed code as bytes, without importing it: ours for a release, libraries by RECORD.

Every file in the folder of a package counts, whatever it is called, for Python imports more than
``.py``. Compiled files in ``__pycache__`` are the one exception, and only those that this very
interpreter would make of the source beside them: Python writes them itself, and would run any
other in the source's place.
"""

import base64
import hashlib
import importlib.util
import marshal
import os
import sys
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath
from types import CodeType

from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.release import Change, Kind, Package

CACHE = "__pycache__"
_HEADER_BYTES = 16  # of a compiled file: magic, flags, time or hash, size (PEP 552)
_LINK = hashlib.sha256(b"a link, which no release holds").hexdigest()


def folder_of(package: str) -> Path:
    """Return the one folder that a package is imported from, without importing it.

    Raises:
        NotFoundError: when it is not installed, or in more than one place, or as a single file.
    """
    spec = importlib.util.find_spec(package)
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    if len(places) != 1:
        raise NotFoundError(
            f"The package {package} is not installed in one folder.", "Install Deskbound again."
        )
    return Path(places[0])


def read_package(package: str, place: Path | None = None) -> Package:
    """Return a package as it is installed: its version, and the hash of every file.

    Args:
        package: as it is imported, e.g. ``deskbound_client``.
        place: folder that holds package and ``.dist-info``, e.g. of unpacked wheels; by default
            wherever this interpreter would import it from.

    Raises:
        NotFoundError: when it is not there.
    """
    folder = folder_of(package) if place is None else place / package
    if not folder.is_dir():
        raise NotFoundError(
            f"There is no package {package} in {place}.", "Name the folder that wheels lie in."
        )
    files = {path.relative_to(folder).as_posix(): _hash(path) for path in _files(folder)}
    return Package(package, _version(package, place), files)


def _version(package: str, place: Path | None) -> str:
    name = package.replace("_", "-")
    paths = sys.path if place is None else [str(place)]
    for found in metadata.distributions(name=name, path=paths):
        return found.version
    raise NotFoundError(f"The distribution {name} is not installed.", "Install Deskbound again.")


def _files(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder that is not a folder, but for honest compiled files."""
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        for name in names:
            if not (here.name == CACHE and _is_compiled(here / name)):
                yield here / name
        for name in folders:
            if (here / name).is_symlink():  # which os.walk does not enter, and Python does
                yield here / name


def _hash(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return _LINK
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_compiled(path: Path) -> bool:
    """Return whether a compiled file holds what its source compiles to, here and now."""
    stem, _, rest = path.name.partition(f".{sys.implementation.cache_tag}")
    optimized = {".pyc": 0, ".opt-1.pyc": 1, ".opt-2.pyc": 2}.get(rest)
    source = path.parent.parent / f"{stem}.py"
    if optimized is None or path.is_symlink() or source.is_symlink() or not source.is_file():
        return False
    try:
        held = marshal.loads(path.read_bytes()[_HEADER_BYTES:])  # noqa: S302 - is not run
        with warnings.catch_warnings(action="ignore"):
            made = compile(
                source.read_bytes(), held.co_filename, "exec", dont_inherit=True, optimize=optimized
            )
    except Exception:  # noqa: BLE001 - a parser fed by strangers; nothing of it is ours
        return False
    return isinstance(held, CodeType) and _same(held, made)


def _same(one: CodeType, other: CodeType) -> bool:
    """Return whether two codes do the same; equality of codes leaves a few fields out."""
    nested = [
        [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        for code in (one, other)
    ]
    return (
        one == other
        and _raw(one) == _raw(other)
        and one.co_exceptiontable == other.co_exceptiontable
        and one.co_linetable == other.co_linetable
        and one.co_stacksize == other.co_stacksize
        and one.co_qualname == other.co_qualname
        and all(_same(*pair) for pair in zip(*nested, strict=True))
    )


def _raw(code: CodeType) -> bytes:
    """Return instructions with their inline caches, which the public ``co_code`` blanks out."""
    return bytes(getattr(code, "_co_code_adaptive", code.co_code))


# --- libraries of others ----------------------------------------------------------------------


def check_record(library: str) -> tuple[Change, ...]:
    """Compare a library with the list of hashes it was installed with (its RECORD).

    That list is as changeable as the library: alone it finds damage and careless changes; a release
    that names its digest finds the others. Files without a hash in it, which are those that the
    installer made itself, are not looked at.

    Raises:
        NotFoundError: when the library or its list is not there.
    """
    changes = []
    for path, (algorithm, value, where) in sorted(_record(library).items()):
        try:
            with where.open("rb") as file:
                found = hashlib.file_digest(file, algorithm).digest()
        except (OSError, ValueError):
            changes.append(Change(Kind.MISSING, f"{library}/{path}"))
            continue
        if base64.urlsafe_b64encode(found).rstrip(b"=").decode("ascii") != value:
            changes.append(Change(Kind.CHANGED, f"{library}/{path}"))
    return tuple(changes)


def record_digest(library: str) -> str:
    """Return SHA-256 (hex) of the hashes in a library's RECORD: the same for every install of it.

    Raises:
        NotFoundError: when the library or its list is not there.
    """
    hashes = {path: value for path, (_, value, _) in _record(library).items()}
    return hashlib.sha256(canonical_bytes(hashes)).hexdigest()


def _record(library: str) -> dict[str, tuple[str, str, Path]]:
    """Return algorithm, hash and place of each listed file, but for what installers write anew."""
    try:
        listed = metadata.distribution(library).files
    except metadata.PackageNotFoundError:
        listed = None
    if not listed:
        raise NotFoundError(
            f"The library {library} is not installed with a list of its files.",
            f"Install {library} again, from its wheel.",
        )
    return {
        one.as_posix(): (one.hash.mode, one.hash.value, Path(str(one.locate())))
        for one in listed
        if one.hash is not None and not _is_installers(one)
    }


def _is_installers(path: PurePosixPath) -> bool:
    return path.parts[0] == ".." or path.parts[0].endswith(".dist-info")
