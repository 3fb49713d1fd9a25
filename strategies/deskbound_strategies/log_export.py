"""A whole log as one file, and reading it as a stranger would.

1. ``{"format": "deskbound-log/1", "log": verifier key, "contract_key": 64 hex digits}``
2. the leaves, oldest first, one a line, as they were hashed
3. ``{"checkpoint": note}``: the signed head, with the witnesses' cosignatures

The file says by which keys it is to be read. Whether these are the right ones, the reader must know
from elsewhere: from ``join.json``, or from a witness.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.checkpoint import Checkpoint, Trust
from deskbound_strategies.errors import ConfigError, VerificationError
from deskbound_strategies.log_entries import MAX_RELEASE_LEAF_BYTES, LogEntry, read_leaf
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.merkle import Frontier
from deskbound_strategies.note import SIGNATURE, Note, Verifier

EXPORT_FORMAT = "deskbound-log/1"
_TAIL = b'{"checkpoint":'
_MEND = "Ask for a fresh export; if that fails too, treat the log as tampered with."


# Reads leaves in order: for each one what it says, or what is wrong with it.
LeafReader = Callable[[Iterable[bytes], Ed25519PublicKey], Iterable["LogEntry | VerificationError"]]


def read_leaves(
    leaves: Iterable[bytes], contract_key: Ed25519PublicKey, *, every_signature: bool = True
) -> Iterator["LogEntry | VerificationError"]:
    """Read leaves one after the other; ``read_leaf`` says what is checked."""
    for leaf in leaves:
        try:
            yield read_leaf(leaf, contract_key, every_signature=every_signature)
        except VerificationError as error:
            yield error


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A log that kept to every rule.

    Attributes:
        log: its name and key.
        head: its checkpoint.
        note: the checkpoint with all signatures.
        rules: what it holds, leaf by leaf checked.
    """

    log: Verifier
    head: Checkpoint
    note: Note
    rules: LogRules


def export(
    leaves: Iterable[bytes], log: Verifier, contract_key: Ed25519PublicKey, checkpoint: bytes
) -> Iterator[bytes]:
    """Yield the lines of an export.

    Args:
        leaves: all of the log.
        log: its name and key.
        contract_key: whose contracts it holds.
        checkpoint: the note of its head.
    """
    contracts = contract_key.public_bytes_raw().hex()
    header = {"format": EXPORT_FORMAT, "log": str(log), "contract_key": contracts}
    yield canonical_bytes(header) + b"\n"
    for leaf in leaves:
        yield leaf + b"\n"
    yield canonical_bytes({"checkpoint": checkpoint.decode("utf-8")}) + b"\n"


def is_log_export(data: bytes) -> bool:
    """Return whether a file says of itself that it is such an export."""
    return data.startswith(b'{"contract_key":') and EXPORT_FORMAT.encode() in data[:512]


def verify_export(
    data: bytes | BinaryIO,
    trust: Trust | None = None,
    *,
    reader: LeafReader = read_leaves,
    progress: Callable[[int], None] = lambda _: None,
) -> VerifiedLog:
    """Verify a log: every leaf, every rule, the root, and the signature of the head.

    Args:
        data: the whole file, or the file opened for reading; then one line is resident at a time.
        trust: pinned keys; without it the file's own key of the log is used, which shows that the
            file is whole, not whose it is.
        reader: reads leaves, in order; one that does so on all cores can be put in.
        progress: called with the number of leaves done, now and then.

    Raises:
        VerificationError: naming the leaf or line that is wrong.
    """
    lines = _lines(io.BytesIO(data) if isinstance(data, bytes) else data)
    log, contract_key = _header(next(lines, b""))
    if trust is not None and str(trust.log) != str(log):
        raise VerificationError("The log is not the one that was expected.", _MEND)
    tail: list[bytes] = []
    rules, tree = LogRules(contract_key), Frontier()
    for entry in reader(_leaves(lines, tree, tail), contract_key):
        if isinstance(entry, VerificationError):
            raise rules.named(entry)
        rules.apply(entry)
        if rules.size % 1_000 == 0:
            progress(rules.size)
    if not tail or next(lines, None) is not None:
        raise VerificationError("This is not a whole log export.", _MEND)
    note = _checkpoint(tail[0])
    head = (trust or Trust(log)).open(note)
    if (head.size, head.root) != (tree.size, tree.root()):
        raise VerificationError("The leaves are not those that the head was signed for.", _MEND)
    return VerifiedLog(log, head, Note.parse(note), rules)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines; none of an export is longer than a leaf, so none is read that is."""
    while line := stream.readline(MAX_RELEASE_LEAF_BYTES + 1):
        if not line.endswith(b"\n"):
            raise VerificationError("This is not a whole log export.", _MEND)
        yield line[:-1]


def _leaves(lines: Iterator[bytes], tree: Frontier, tail: list[bytes]) -> Iterator[bytes]:
    """Yield the leaves, counting them in, up to the last line; that goes to ``tail``."""
    for line in lines:
        if line.startswith(_TAIL):
            tail.append(line)
            return
        tree.append(line)
        yield line


def _header(line: bytes) -> tuple[Verifier, Ed25519PublicKey]:
    try:
        raw = parse_canonical(line)
        exact = set(raw) == {"format", "log", "contract_key"} and raw["format"] == EXPORT_FORMAT
        log = Verifier.parse(raw["log"]) if exact else None
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(raw["contract_key"]))
        exact = exact and key.public_bytes_raw().hex() == raw["contract_key"]
    except (ValueError, TypeError, KeyError, AttributeError, ConfigError, UnsupportedAlgorithm):
        log = None
    if log is None or not exact or log.kind != SIGNATURE:
        raise VerificationError("Line 1: this is not a log export.", _MEND)
    return log, key


def _checkpoint(line: bytes) -> bytes:
    try:
        raw = parse_canonical(line)
        (kept,) = raw.values()
        return bytes(kept.encode("utf-8"))
    except (ValueError, AttributeError):
        raise VerificationError("The last line is not a checkpoint.", _MEND) from None
