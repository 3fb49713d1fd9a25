"""A server's log as an auditor reads it, and ledgers held against it.

A ledger says what a laptop paid for; the log says what everybody was asked. A round that was paid
for under a contract that is not in the log, or under other terms than it has there, was asked of
this laptop alone.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deskbound_audit.leaf_reader import leaf_reader
from deskbound_strategies.checkpoint import Trust
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import DeskboundError, NotFoundError, VerificationError
from deskbound_strategies.ledger_export import Claim, LedgerSummary
from deskbound_strategies.log_export import VerifiedLog, is_log_export, verify_export
from deskbound_strategies.note import Verifier

_MEND = "Ask the operator for the log, and the laptop's owner for a fresh export, once more."


@dataclass(frozen=True, slots=True)
class LogVerdict:
    """What came of one log.

    Attributes:
        path: of the file.
        log: the log, when it verified.
        cosigned_by: names of the witnesses that vouch for its head.
        error: why it did not verify, or None.
    """

    path: Path
    log: VerifiedLog | None
    cosigned_by: tuple[str, ...]
    error: DeskboundError | None

    @property
    def accepted(self) -> bool:
        """Whether the log verified."""
        return self.error is None


def is_log(path: Path) -> bool:
    """Return whether a file is a log and not a ledger; a file that cannot be read is neither."""
    try:
        with path.open("rb") as stream:
            return is_log_export(stream.read(512))
    except OSError:
        return False


def verify_log(
    path: Path,
    *,
    log: Verifier | None = None,
    witnesses: tuple[Verifier, ...] = (),
    quorum: int = 0,
    every_signature: bool = True,
    progress: Callable[[int], None] = lambda _: None,
) -> LogVerdict:
    """Verify a log file: every leaf, every rule, the root, the signatures.

    Args:
        path: what ``deskbound-server log export`` wrote.
        log: whose log it must be; None takes the file's word for it.
        witnesses: known witnesses.
        quorum: how many of them must have cosigned the head.
        every_signature: also check receipts' own signatures. Without it the word of the witnesses
            is taken for these, so they are checked nevertheless where no quorum is asked for.
        progress: called with the number of leaves done.
    """
    trust = None if log is None else Trust(log)
    try:
        each, size = every_signature or quorum == 0, path.stat().st_size
        with path.open("rb") as stream, leaf_reader(size, every_signature=each) as reader:
            found = verify_export(stream, trust, reader=reader, progress=progress)
        signed = tuple(one.name for one in Trust(found.log, witnesses).vouching(found.note))
    except OSError:
        missing = NotFoundError(f"{path.name} cannot be read.", "Check the path.")
        return LogVerdict(path, None, (), missing)
    except VerificationError as error:
        return LogVerdict(path, None, (), error)
    few = VerificationError("Too few witnesses vouch for the head of the log.", _MEND)
    return LogVerdict(path, found, signed, few if len(signed) < quorum else None)


def check_against(summary: LedgerSummary, logs: Sequence[VerifiedLog]) -> None:
    """Check that a laptop paid only for rounds that everybody was asked for, on the same terms.

    Args:
        summary: of its ledger.
        logs: of the servers it was joined to.

    Raises:
        VerificationError: naming the first contract for which that is not so.
    """
    contracts = {name: one for log in logs for name, one in log.rules.contracts.items()}
    for digest, claim in summary.paid.items():
        contract = contracts.get(digest)
        if contract is None:
            raise VerificationError(
                f"The ledger paid for contract {digest[:12]}, which is not in the log.", _MEND
            )
        if not _same_terms(claim, contract):
            raise VerificationError(
                f"The ledger states other terms for contract {digest[:12]} than the log.", _MEND
            )


def _same_terms(claim: Claim, contract: RoundContract) -> bool:
    if claim.task not in (None, contract.task):
        return False
    charge = claim.charge
    stated = (charge.unit, charge.sampling_rate, charge.noise_multiplier, charge.steps, claim.clip)
    return stated == (
        contract.unit,
        contract.sampling_rate,
        contract.noise_multiplier,
        contract.steps,
        contract.clip,
    )


def as_dict(verdict: LogVerdict) -> dict[str, Any]:
    """Return a verdict as JSON values: totals, nobody's participation."""
    found = verdict.log
    told: dict[str, Any] = {"file": verdict.path.name, "accepted": verdict.accepted}
    if verdict.error is not None:
        told["error"] = verdict.error.sentence
    if found is None:
        return told
    rules = found.rules
    reviewers = Counter(one.reviewer for one in rules.releases.values())
    answers = Counter(len(anchors) for anchors in rules.receipts.values())
    return told | {
        "origin": found.head.origin,
        "size": found.head.size,
        "root": found.head.root.hex(),
        "cosigned_by": list(verdict.cosigned_by),
        "contracts": len(rules.contracts),
        "models": len(rules.released),
        "releases": len(rules.releases),
        "reviewers": {key: reviewers[key] for key in sorted(reviewers)},
        "stops": [asdict(order) for order in rules.stops.values()],
        "laptops": len(rules.anchors),
        "receipts": sum(count * rounds for count, rounds in answers.items()),
        "rounds_by_receipts": {str(count): answers[count] for count in sorted(answers)},
    }
