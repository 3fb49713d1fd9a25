"""Files encrypted with a passphrase in the age format (C2SP age.md, v1), streamed both ways.

    age-encryption.org/v1
    -> scrypt SALT LOG2_N
    FILE_KEY, wrapped
    --- MAC
    16 bytes of nonce, then chunks of 64 KiB, each under ChaCha20-Poly1305

The library at hand (pyrage) encrypts to a passphrase only what is whole in memory; an archive is
not. So the thirty lines of the format that need streaming are here, on the primitives of
``cryptography``, and the tests hold them against pyrage in both directions (docs/adr/0021).

A reader may jump: each chunk can be opened by itself, and the last one, which only the true end of
the file has, is opened first. So no plain text of an archive ever lies on a disk, not even for a
moment, and a file that was cut short is refused before anything of it is read.
"""

import base64
import binascii
import hmac
import io
import re
import secrets
import unicodedata
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from deskbound_strategies.errors import ConfigError, VerificationError, WrongPassphraseError

MAGIC = b"age-encryption.org/v1\n"
CHUNK = 64 << 10
TAG = 16
WORK_FACTOR = 18  # log2 of scrypt's N, as the age tool uses; 256 MB for about a second
MOST_WORK = 20  # a file may not ask for more than a gigabyte
MINIMUM_PASSPHRASE = 8
_SALT_LABEL = b"age-encryption.org/v1/scrypt"
_FILE_KEY_BYTES, _NONCE_BYTES, _HEADER_MOST = 16, 16, 512
_HEADER = re.compile(
    rb"age-encryption\.org/v1\n-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n"
    rb"([A-Za-z0-9+/]{43})\n---(?= ([A-Za-z0-9+/]{43})\n)"
)
_MEND = "Ask for the archive anew; do not repair it by hand."


def is_encrypted(stream: BinaryIO) -> bool:
    """Tell whether a file begins as an age file does; the position is put back."""
    start = stream.read(len(MAGIC))
    stream.seek(0)
    return start == MAGIC


class _Sink(Protocol):
    def write(self, data: bytes, /) -> object:
        """Take bytes."""


class AgeWriter(io.RawIOBase):
    """Encrypts what is written to it; the file is whole once this is closed without an error.

    Args:
        out: takes the encrypted bytes; stays open.
        passphrase: of the file.

    Raises:
        ConfigError: when the passphrase is too short to protect anything.
    """

    def __init__(self, out: _Sink, passphrase: str) -> None:
        super().__init__()
        if len(passphrase) < MINIMUM_PASSPHRASE:
            raise ConfigError(
                f"The passphrase is shorter than {MINIMUM_PASSPHRASE} characters.",
                "Choose a longer one; four unrelated words are a good start.",
            )
        file_key, nonce = secrets.token_bytes(_FILE_KEY_BYTES), secrets.token_bytes(_NONCE_BYTES)
        self._out = out
        self._cipher = ChaCha20Poly1305(_payload_key(file_key, nonce))
        self._waiting = bytearray()
        self._chunks = 0
        out.write(_header(file_key, passphrase) + nonce)

    def writable(self) -> bool:
        """Return True: this is for writing only."""
        return True

    def write(self, data: object) -> int:
        """Encrypt every chunk that is known not to be the last; keep the rest for later."""
        given = memoryview(data).cast("B")  # type: ignore[arg-type]
        self._waiting += given
        while len(self._waiting) > CHUNK:
            self._emit(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(given)

    def finish(self) -> None:
        """Write the last chunk, without which no reader takes the file for whole."""
        self._emit(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _emit(self, chunk: bytes, *, last: bool) -> None:
        self._out.write(self._cipher.encrypt(_chunk_nonce(self._chunks, last=last), chunk, None))
        self._chunks += 1


class AgeReader(io.RawIOBase):
    """Reads an age file anywhere, holding one chunk of it at a time.

    Args:
        source: the encrypted file; stays open.
        passphrase: of the file.

    Raises:
        WrongPassphraseError: when the passphrase does not open it.
        VerificationError: when it is malformed, changed or cut short.
    """

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        super().__init__()
        self._source = source
        start = source.read(_HEADER_MOST)
        file_key, header_bytes = _open_header(start, passphrase)
        self._payload = header_bytes + _NONCE_BYTES
        nonce = start[header_bytes : self._payload]
        length = source.seek(0, io.SEEK_END) - self._payload
        self._chunks = max(-(-length // (CHUNK + TAG)), 1)
        self._size = length - self._chunks * TAG
        before_last = (self._chunks - 1) * CHUNK  # only a file without any text ends in no byte
        if len(nonce) != _NONCE_BYTES or self._size < before_last + (self._chunks > 1):
            raise VerificationError("The encrypted file was cut short.", _MEND)
        self._cipher = ChaCha20Poly1305(_payload_key(file_key, nonce))
        self._at = 0
        self._held = (-1, b"")
        self._chunk(self._chunks - 1)  # only the true end opens as the last chunk

    def readable(self) -> bool:
        """Return True: this is for reading only."""
        return True

    def seekable(self) -> bool:
        """Return True: every chunk can be opened by itself."""
        return True

    def tell(self) -> int:
        """Return where the next byte comes from."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere in the plain text."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: object) -> int:
        """Fill a buffer from the chunk at the present position."""
        wanted = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if self._at >= self._size:
            return 0
        index, offset = divmod(self._at, CHUNK)
        part = self._chunk(index)[offset : offset + len(wanted)]
        wanted[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _chunk(self, index: int) -> bytes:
        if self._held[0] != index:
            self._source.seek(self._payload + index * (CHUNK + TAG))
            sealed = self._source.read(CHUNK + TAG)
            nonce = _chunk_nonce(index, last=index == self._chunks - 1)
            try:
                self._held = index, self._cipher.decrypt(nonce, sealed, None)
            except InvalidTag:
                raise VerificationError(
                    "The encrypted file was changed or cut short.", _MEND
                ) from None
        return self._held[1]


def _header(file_key: bytes, passphrase: str) -> bytes:
    salt = secrets.token_bytes(16)
    wrapped = _wrapping(passphrase, salt, WORK_FACTOR).encrypt(bytes(12), file_key, None)
    text = MAGIC + b"-> scrypt %b %d\n%b\n---" % (_text(salt), WORK_FACTOR, _text(wrapped))
    return text + b" " + _text(_mac(file_key, text)) + b"\n"


def _open_header(start: bytes, passphrase: str) -> tuple[bytes, int]:
    """Return the file key and how many bytes the header has."""
    found = _HEADER.match(start)
    if found is None:
        raise VerificationError("The file is not encrypted with one passphrase.", _MEND)
    salt, work, wrapped, mac = found[1], int(found[2]), found[3], found[4]
    if work > MOST_WORK:
        raise VerificationError(
            "The file asks for more memory than an honest one needs.",
            "Decrypt it with `age -d` and import what comes out, if you trust where it is from.",
        )
    try:
        key = _wrapping(passphrase, _bytes(salt), work).decrypt(bytes(12), _bytes(wrapped), None)
    except InvalidTag:
        raise WrongPassphraseError(
            "The passphrase does not open this file.", "Check it and try again."
        ) from None
    except binascii.Error:
        raise VerificationError("The file's header is malformed.", _MEND) from None
    if len(key) != _FILE_KEY_BYTES or not hmac.compare_digest(_text(_mac(key, found[0])), mac):
        raise VerificationError("The file's header was changed.", _MEND)
    return key, found.end() + 1 + len(mac) + 1


def _wrapping(passphrase: str, salt: bytes, work: int) -> ChaCha20Poly1305:
    secret = unicodedata.normalize("NFC", passphrase).encode()
    kdf = Scrypt(salt=_SALT_LABEL + salt, length=32, n=1 << work, r=8, p=1)
    return ChaCha20Poly1305(kdf.derive(secret))


def _payload_key(file_key: bytes, nonce: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=nonce, info=b"payload").derive(file_key)


def _mac(file_key: bytes, header: bytes) -> bytes:
    key = HKDF(SHA256(), 32, salt=None, info=b"header").derive(file_key)
    return hmac.digest(key, header, "sha256")


def _chunk_nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(11) + bytes([last])


def _text(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _bytes(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
