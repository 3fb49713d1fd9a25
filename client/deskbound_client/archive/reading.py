"""Opens an archive that may be hostile: names, sizes and signature first, then line by line.

Nothing is unpacked to a disk, no name in the file is ever used as a path, and no more is read of a
member than the signed manifest says it has.
"""

import contextlib
import hashlib
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from deskbound_client.archive.age import AgeReader, is_encrypted
from deskbound_client.archive.manifest import (
    MANIFEST,
    MOST_DAYS,
    SIGNATURE,
    Manifest,
    is_known,
)
from deskbound_client.archive.rows import MOST_LINE_BYTES
from deskbound_client.store.files import translated
from deskbound_strategies.errors import ConfigError, NotFoundError, VerificationError

_MOST_MEMBERS = 5 * MOST_DAYS + 16
_MOST_DIRECTORY = _MOST_MEMBERS * 256
_MOST_MANIFEST = 2 << 20
_AT_ONCE = 256 << 10
_END, _END64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_MEND = "Ask for the archive anew; do not repair it by hand."


class ArchiveReader:
    """An archive whose list of members was verified; use it in a ``with`` statement.

    Args:
        path: the file.
        passphrase: of an encrypted one.

    Attributes:
        manifest: what is in it, and the key of the device that signed it.

    Raises:
        NotFoundError: when there is no such file.
        WrongPassphraseError: when the passphrase does not open it.
        ConfigError: when it needs one and none was given.
        VerificationError: when it is not an archive, or not as its device wrote it.
    """

    def __init__(self, path: Path, passphrase: str | None = None) -> None:
        self._open = contextlib.ExitStack()
        try:
            source = self._open.enter_context(_regular(path))
            plain = _decrypted(source, passphrase)
            _check_directory(plain)
            with _ours():
                self._zip = self._open.enter_context(zipfile.ZipFile(plain))
            self._check_entries()
            self.manifest = Manifest.verified(self._short(MANIFEST), self._short(SIGNATURE))
            self._check_listed()
        except BaseException:
            self._open.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a member; the last comes only when all were as the manifest says.

        Raises:
            VerificationError: when the member is longer, shorter or other than that.
        """
        held = b""
        rows = 0
        for part in self.parts(name):
            *whole, held = (held + part).split(b"\n")
            rows += len(whole)
            if len(held) > MOST_LINE_BYTES or any(len(line) > MOST_LINE_BYTES for line in whole):
                raise _changed(name)
            yield from whole
        if held or rows != self.manifest.member(name).rows:
            raise _changed(name)

    def parts(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a member in parts; the last part only if its hash is right."""
        wanted = self.manifest.member(name)
        hashed, left, waiting = hashlib.sha256(), wanted.bytes, b""
        with _ours(), self._zip.open(name) as stream:
            while left > 0 and (part := stream.read(min(_AT_ONCE, left))):
                yield waiting
                hashed.update(part)
                left -= len(part)
                waiting = part
            if left or stream.read(1) or hashed.hexdigest() != wanted.sha256:
                raise _changed(name)
        yield waiting

    def _short(self, name: str) -> bytes:
        with _ours(), self._zip.open(name) as stream:
            found = stream.read(_MOST_MANIFEST + 1)
        if len(found) > _MOST_MANIFEST:
            raise _not_ours()
        return found

    def _check_entries(self) -> None:
        entries = self._zip.infolist()
        names = [entry.filename for entry in entries]
        packed = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        usual = all(e.compress_type in packed and not e.flag_bits & 1 for e in entries)
        if not usual or len(set(names)) != len(names) or not all(map(is_known, names)):
            raise VerificationError(
                "The archive holds files that do not belong in one.",
                "Import only what `deskbound export` wrote.",
            )
        if not {MANIFEST, SIGNATURE} <= set(names):
            raise _not_ours()

    def _check_listed(self) -> None:
        listed = {member.name for member in self.manifest.members}
        if listed | {MANIFEST, SIGNATURE} != set(self._zip.namelist()):
            raise VerificationError("The archive holds other files than it says.", _MEND)


def needs_passphrase(path: Path) -> bool:
    """Return whether an archive is encrypted.

    Raises:
        NotFoundError: when there is no such file.
    """
    with _regular(path) as source:
        return is_encrypted(source)


def _regular(path: Path) -> BinaryIO:
    """Open a file that is one: a pipe would make us wait, a folder or a device is none of ours."""
    if not path.is_file():
        raise NotFoundError(f"There is no file {path.name}.", "Name the archive to import.")
    with translated(path):
        return cast("BinaryIO", path.open("rb"))


def _decrypted(source: BinaryIO, passphrase: str | None) -> BinaryIO:
    if not is_encrypted(source):
        return source
    if passphrase is None:
        raise ConfigError(
            "This archive is encrypted and there is nobody to ask for its passphrase.",
            "Name a file of mode 0600 that holds it with --passphrase-file.",
        )
    return cast("BinaryIO", io.BufferedReader(AgeReader(source, passphrase), _AT_ONCE))


def _check_directory(plain: BinaryIO) -> None:
    """Look how long the list of members is before anybody makes objects of it."""
    size = plain.seek(0, os.SEEK_END)
    if size < 22:  # the record at the end, without a comment: we write none
        raise _not_ours()
    plain.seek(-22, os.SEEK_END)
    record = plain.read(22)
    length = int(struct.unpack("<I", record[12:16])[0])
    if record[:4] != _END or record[20:] != b"\0\0" or length > _MOST_DIRECTORY:
        raise _not_ours()
    if size >= 98:
        plain.seek(-98, os.SEEK_END)
        large, locator = plain.read(56), plain.read(20)
        if locator[:4] == _LOCATOR and (
            large[:4] != _END64 or struct.unpack("<Q", large[40:48])[0] > _MOST_DIRECTORY
        ):
            raise _not_ours()
    plain.seek(0)


@contextlib.contextmanager
def _ours() -> Iterator[None]:
    """Turn what the zip library says of a broken file into our error; it would quote names."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError):
        raise _not_ours() from None
    except (KeyError, ValueError, RuntimeError, OverflowError, UnicodeDecodeError):
        raise _not_ours() from None


def _not_ours() -> VerificationError:
    return VerificationError(
        "This is not an archive that `deskbound export` wrote, or it was changed.",
        f"{_MEND} What ActivityWatch wrote needs --activitywatch.",
    )


def _changed(name: str) -> VerificationError:
    return VerificationError(f"{name} is not as the archive's manifest says.", _MEND)
