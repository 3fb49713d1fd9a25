"""Many ledgers at once: each is a file of its own, so processors share them."""

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

from deskbound_audit.verify import Stage, Verdict, verify_file
from deskbound_strategies.log_export import VerifiedLog

_APART = "The same laptop signed {}, and from one entry on they say different things."
WORTH_IT = 16_000_000  # bytes; below it a second process costs more than it saves


def verify_files(
    paths: Sequence[Path],
    known_keys: Collection[str] = (),
    *,
    delta: float | None = None,
    every_signature: bool = True,
    logs: Sequence[VerifiedLog] = (),
    processes: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Verdict]:
    """Return a verdict for each file, in their order.

    Several exports of one laptop must be older and newer ones of the same ledger; where two go
    apart, there are two copies of a vault, or an older one was put back.

    Args:
        paths: of the exports.
        known_keys: see ``verify_file``.
        delta: see ``verify_file``.
        every_signature: see ``verify_file``.
        logs: see ``verify_file``.
        processes: how many; by default one for each processor, if the files are large.
        progress: called with the number of files done.

    Raises:
        NotFoundError: when a file cannot be read.
    """
    one = partial(
        verify_file,
        known_keys=known_keys,
        delta=delta,
        every_signature=every_signature,
        logs=tuple(logs),
    )
    if processes is None:
        large = sum(path.stat().st_size for path in paths if path.is_file()) >= WORTH_IT
        processes = (os.cpu_count() or 1) if large else 1
    processes = min(processes, len(paths))
    if processes <= 1 or logs:  # a verified log holds a key, which no other process can be given
        return _gathered(paths, map(one, paths), progress)
    # Spawned, not forked: accountants start threads, and a fork would copy them half alive.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return _gathered(paths, pool.map(one, paths), progress)


def latest(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts without those of older exports of a laptop that has a newer one here."""
    longest: dict[str, Verdict] = {}
    for one in verdicts:
        if one.summary is None:
            continue
        other = longest.get(one.summary.key_fingerprint)
        if other is None or other.summary is None or one.summary.entries > other.summary.entries:
            longest[one.summary.key_fingerprint] = one
    kept = {id(one) for one in longest.values()}
    return [one for one in verdicts if one.summary is None or id(one) in kept]


def _gathered(
    paths: Sequence[Path], found: Iterator[Verdict], progress: Callable[[int], None]
) -> list[Verdict]:
    verdicts = []
    for verdict in found:
        verdicts.append(verdict)
        progress(len(verdicts))
    return _apart(paths, verdicts)


def _apart(paths: Sequence[Path], verdicts: list[Verdict]) -> list[Verdict]:
    """Return the verdicts, with those refused whose ledgers go apart though one device signed."""
    same: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, one in enumerate(verdicts):
        if one.summary is not None:
            same[one.summary.key_fingerprint].append((one.summary.entries, place))
    told = list(verdicts)
    for exports in same.values():
        for (_, older), (_, newer) in pairwise(sorted(exports)):
            if not _continues(paths[older], paths[newer]):
                for mine, other in ((older, newer), (newer, older)):
                    name, sentence = verdicts[mine].name, _APART.format(verdicts[other].name)
                    told[mine] = Verdict(name, problem=sentence, failed=Stage.ALONE)
    return told


def _continues(older: Path, newer: Path) -> bool:
    """Return whether one export begins with all entries of another: all lines but its head."""
    data = older.read_bytes()
    return newer.read_bytes().startswith(data[: data.rindex(b"\n", 0, -1) + 1])
