"""One exported ledger, from file to verdict."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from deskbound_audit.epsilon import BlockLoss, check_claims, worst_block
from deskbound_audit.log import check_against
from deskbound_strategies.errors import ConfigError, NotFoundError, VerificationError
from deskbound_strategies.ledger_export import LedgerSummary, verify_export
from deskbound_strategies.log_export import VerifiedLog

_HEX = frozenset("0123456789abcdef")
_MEND = "Ask the fleet's operator for the list of its laptops once more."


class Stage(StrEnum):
    """What a ledger is held to, in this order; the first that fails is told, the rest not tried."""

    WHOLE = "whole"
    KNOWN = "known"
    CLAIMS = "claims"
    LOGGED = "logged"
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one file.

    Attributes:
        name: the file's name.
        summary: its totals, when it verified.
        loss: what it gives away, when it verified and budget was ever reserved.
        problem: the sentence that says what is wrong, empty when it verified.
        failed: at what it failed, None when it verified.
    """

    name: str
    summary: LedgerSummary | None = None
    loss: BlockLoss | None = None
    problem: str = ""
    failed: Stage | None = None

    @property
    def accepted(self) -> bool:
        """Whether the file verified."""
        return self.summary is not None


def verify_file(
    path: Path,
    known_keys: Collection[str] = (),
    *,
    delta: float | None = None,
    every_signature: bool = True,
    logs: Sequence[VerifiedLog] = (),
) -> Verdict:
    """Verify one export stage by stage, and compute its privacy loss anew.

    Args:
        path: the export.
        known_keys: fingerprints (hex) of the fleet's devices; empty accepts any device.
        delta: at which to state epsilon; by default what the ledger itself names.
        every_signature: check also what the signed head covers already.
        logs: of servers; what was paid for must be in one of them, on the same terms.

    Raises:
        NotFoundError: when the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise NotFoundError(
            f"The ledger {path.name} cannot be read.", "Check the path and its permissions."
        ) from None
    stage = Stage.WHOLE
    try:
        summary = verify_export(data, every_signature=every_signature)
        stage = Stage.KNOWN
        _check_known(summary, known_keys)
        stage = Stage.CLAIMS
        check_claims(summary)
        stage = Stage.LOGGED
        if logs:
            check_against(summary, logs)
    except VerificationError as error:
        return Verdict(path.name, problem=error.sentence, failed=stage)
    return Verdict(path.name, summary, worst_block(summary, delta))


def _check_known(summary: LedgerSummary, known_keys: Collection[str]) -> None:
    if known_keys and summary.key_fingerprint not in known_keys:
        raise VerificationError("It is signed by a device that is not in the list.", _MEND)


def read_keys(path: Path) -> frozenset[str]:
    """Read fingerprints of known devices: one a line, ``#`` begins a comment.

    Raises:
        NotFoundError: when the file cannot be read.
        ConfigError: naming the line that is no fingerprint.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise NotFoundError(
            f"The list of keys {path.name} cannot be read.", "Check the path and its permissions."
        ) from None
    found = set()
    for number, line in enumerate(lines, start=1):
        word = line.partition("#")[0].strip()
        if word:
            found.add(check_fingerprint(word, f"{path.name} line {number}"))
    if not found:
        raise ConfigError(f"{path.name} names no device.", "Add one fingerprint a line.")
    return frozenset(found)


def check_fingerprint(word: str, where: str) -> str:
    """Return a fingerprint that is 64 lower-case hex digits.

    Raises:
        ConfigError: when it is not.
    """
    if len(word) != 64 or not _HEX.issuperset(word):
        raise ConfigError(
            f"{where} is not a fingerprint.", "A fingerprint is 64 hex digits, lower case."
        )
    return word
