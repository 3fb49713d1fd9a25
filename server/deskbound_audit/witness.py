"""A witness: follows a server's whole log, cosigns it while it keeps to the rules, and never else.

It keeps a copy of every leaf and of the last signed head, so that it can show later what the log
was. What it verified is on the disk before its cosignature leaves: after a crash it can only have
promised too little. It never cosigns a log that is shorter than, or different from, what it
cosigned before; the head that showed it so is kept as ``alarm``, and while that file is there it
cosigns nothing at all.
"""

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_audit.witness_remote import Remote, Source
from deskbound_strategies.checkpoint import Checkpoint, Trust
from deskbound_strategies.errors import BusyError, ConfigError, NotFoundError, VerificationError
from deskbound_strategies.log_entries import MAX_RELEASE_LEAF_BYTES
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.merkle import Tree
from deskbound_strategies.note import COSIGNATURE, Note, Verifier, cosign

_ALARM = "Do not cosign; keep this folder as it is, and tell whoever depends on this witness."


class Witness:
    """Follows one log; use it in a ``with`` block, and in one process at a time.

    Args:
        folder: where key, copy of the log and last head are kept; 0700.
        source: the log.

    Raises:
        BusyError: another process is this witness.
        VerificationError: it raised an alarm before, or its own copy was changed.
        NotFoundError: there is no witness in this folder.
        ConfigError: its key is damaged.
    """

    def __init__(self, folder: Path, source: Source) -> None:
        self._folder = folder
        self._trust = Trust(source.log)
        self.name, self._key = load_key(folder)
        self._lock = _hold(folder)
        self._tree, self._rules = Tree(), LogRules(source.contract_key)
        try:
            self._head = self._read_copy()
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let another process be this witness."""
        os.close(self._lock)

    @property
    def size(self) -> int:
        """Leaves verified so far."""
        return self._tree.size

    @property
    def rules(self) -> LogRules:
        """What the log holds."""
        return self._rules

    @property
    def verifier(self) -> Verifier:
        """How others know this witness."""
        return Verifier(self.name, COSIGNATURE, self._key.public_key())

    def step(self, remote: Remote, now: Callable[[], float] = time.time) -> bool:
        """Verify what is new and cosign it; returns whether anything was.

        Raises:
            VerificationError: the log shrank, was rewritten, or broke a rule: an alarm.
            UnreachableError: the server does not answer.
        """
        data = remote.checkpoint()
        if data is None:
            if self._head is not None:
                raise VerificationError("The log has no head any more.", _ALARM)
            return False
        head = self._trust.open(data)
        try:
            done = self._verify(remote, head, data)
        except VerificationError:
            _write(self._folder, "alarm", data)
            raise
        if done:
            return False
        self._keep(head, data)
        line = cosign(head.text, self.name, self._key, int(now()))
        remote.cosignature(Note(head.text, (line,)).to_bytes())
        return True

    def _verify(self, remote: Remote, head: Checkpoint, data: bytes) -> bool:
        """Verify all leaves up to a head; returns whether it was cosigned already."""
        if self._head is not None and head.size < self._head.size:
            raise VerificationError("The log is shorter than it was.", _ALARM)
        self._fetch(remote, head)
        if self._tree.root(head.size) != head.root:
            raise VerificationError("The log's leaves are not those of its signed head.", _ALARM)
        return head == self._head and Note.parse(data).is_signed_by(self.verifier)

    def _fetch(self, remote: Remote, head: Checkpoint) -> None:
        while self._tree.size < head.size:
            leaves = remote.leaves(self._tree.size)[: head.size - self._tree.size]
            if not leaves:
                raise VerificationError("The log has fewer leaves than its head says.", _ALARM)
            for leaf in leaves:
                self._rules.add(leaf)
                self._tree.append(leaf)
            # On the disk at once: the connection may fail before the next ones come.
            with (self._folder / "leaves").open("ab") as stream:
                stream.write(b"".join(leaf + b"\n" for leaf in leaves))
                _sync(stream)

    def _keep(self, head: Checkpoint, data: bytes) -> None:
        """Put a head on the disk; its leaves are there."""
        _write(self._folder, "head", data)
        self._head = head

    def _read_copy(self) -> Checkpoint | None:
        """Verify this witness's own copy from its first leaf; what no head covers is dropped."""
        if (self._folder / "alarm").exists():
            raise VerificationError(
                "This witness found that the log was not what it had been.",
                "The head that showed it is in the file alarm; move it away to vouch again.",
            )
        leaves = self._folder / "leaves"
        try:
            head = self._trust.open((self._folder / "head").read_bytes())
            with leaves.open("r+b") as stream:
                while self._tree.size < head.size:
                    line = stream.readline(MAX_RELEASE_LEAF_BYTES + 1)
                    if not line.endswith(b"\n"):
                        break
                    self._rules.add(line[:-1])
                    self._tree.append(line[:-1])
                if (self._tree.size, self._tree.root()) != (head.size, head.root):
                    raise VerificationError("This witness's copy of the log was changed.", _ALARM)
                stream.truncate(stream.tell())
        except FileNotFoundError:
            if (self._folder / "head").exists():
                raise VerificationError("This witness's copy of the log is gone.", _ALARM) from None
            leaves.write_bytes(b"")
            return None
        return head


def _hold(folder: Path) -> int:
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise BusyError(
            f"Another process is the witness in {folder}.", "Let that one run, or end it first."
        ) from None
    return handle


def _write(folder: Path, name: str, data: bytes) -> None:
    """Put a small file in the place of another, whole and for good."""
    draft = folder / f"{name}.new"
    with draft.open("wb") as stream:
        stream.write(data)
        _sync(stream)
    draft.replace(folder / name)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)  # the name too, else a power cut brings the older one back
    finally:
        os.close(handle)


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def make_key(folder: Path, name: str) -> Verifier:
    """Make a witness's key in a folder of its own; returns how others know it.

    Raises:
        BusyError: there is one already; it is never overwritten.
        ConfigError: the name is not acceptable.
    """
    path = folder / "witness.key"
    if path.exists():
        raise BusyError(f"There is a witness in {folder} already.", "Choose another folder.")
    key = Ed25519PrivateKey.generate()
    try:
        verifier = Verifier.parse(str(Verifier(name, COSIGNATURE, key.public_key())))
    except (ConfigError, UnicodeEncodeError):
        raise ConfigError(
            "This is no name for a witness.", "Take an address, as privacy.example.org."
        ) from None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(name.encode("ascii") + b"\n" + pem)
        stream.flush()
        os.fsync(stream.fileno())
    return verifier


def load_key(folder: Path) -> tuple[str, Ed25519PrivateKey]:
    """Return a witness's name and key.

    Raises:
        NotFoundError: there is none in this folder.
        ConfigError: the file is not what ``make_key`` wrote.
    """
    try:
        name, _, pem = (folder / "witness.key").read_bytes().partition(b"\n")
        key = serialization.load_pem_private_key(pem, password=None)
    except OSError:
        raise NotFoundError(
            f"There is no witness in {folder}.", "Run 'deskbound-audit witness init' first."
        ) from None
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"The key of the witness in {folder} is damaged.", "Make a new witness.")
    return name.decode("ascii"), key
