"""All files that an auditor was given, logs first, for ledgers are held against them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from deskbound_audit.fleet import verify_files
from deskbound_audit.log import LogVerdict, is_log, verify_log
from deskbound_audit.verify import Verdict
from deskbound_strategies.note import Verifier


@dataclass(frozen=True, slots=True)
class Asked:
    """What files are held to.

    Attributes:
        known_keys: fingerprints of the fleet's devices; empty accepts any.
        delta: at which to state epsilon; None for the ledgers' own.
        log_key: whose log it must be; None takes the file's word for it.
        witnesses: known ones.
        quorum: how many of them must vouch for a log's head.
        every_signature: check also what another signature covers already.
    """

    known_keys: Collection[str] = ()
    delta: float | None = None
    log_key: Verifier | None = None
    witnesses: tuple[Verifier, ...] = ()
    quorum: int = 0
    every_signature: bool = False


def verify_all(
    files: Sequence[Path], asked: Asked, progress: Callable[[int], None] = lambda _: None
) -> tuple[list[LogVerdict], list[Verdict]]:
    """Return what came of the logs among the files, and of the ledgers held against them.

    Args:
        files: in any order; what is no log is taken for a ledger.
        asked: what they are held to.
        progress: called with the number of files done.

    Raises:
        NotFoundError: when a file cannot be read.
    """
    logs: list[LogVerdict] = []
    for path in files:
        if is_log(path):
            logs.append(_log(path, asked))
            progress(len(logs))
    verdicts = verify_files(
        [path for path in files if not is_log(path)],
        asked.known_keys,
        delta=asked.delta,
        every_signature=asked.every_signature,
        logs=[one.log for one in logs if one.log is not None],
        progress=lambda done: progress(len(logs) + done),
    )
    return logs, verdicts


def _log(path: Path, asked: Asked) -> LogVerdict:
    return verify_log(
        path,
        log=asked.log_key,
        witnesses=asked.witnesses,
        quorum=asked.quorum,
        every_signature=asked.every_signature,
    )
