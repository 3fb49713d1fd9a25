"""Reads the leaves of a large log on all cores: what takes the time is each receipt's signature.

Leaves go out in batches, few at a time, and come back in order. What a leaf means for the log, that
is the rules, is looked at in one process, as ever.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deskbound_strategies.errors import VerificationError
from deskbound_strategies.log_entries import LogEntry
from deskbound_strategies.log_export import LeafReader, read_leaves

SMALL_BYTES = 16 * 1024 * 1024  # below this, starting processes takes longer than it saves
BATCH = 500  # leaves; fewer where they are large
BATCH_BYTES = 4 * 1024 * 1024
_Read = LogEntry | VerificationError


@contextmanager
def leaf_reader(size: int, *, every_signature: bool = True) -> Iterator[LeafReader]:
    """Lend a reader for a log file.

    Args:
        size: of the file, in bytes.
        every_signature: also check receipts' own; see ``read_leaf``.
    """
    cores = os.cpu_count() or 1
    read = partial(read_leaves, every_signature=every_signature)
    if size < SMALL_BYTES or cores < 2:
        yield read
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, context) as pool:
        try:
            send = partial(_read, read)
            yield lambda leaves, key: _ahead(pool, send, leaves, key, 2 * cores)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _ahead(
    pool: ProcessPoolExecutor,
    send: Callable[[list[bytes], bytes], list[_Read]],
    leaves: Iterable[bytes],
    key: Ed25519PublicKey,
    batches: int,
) -> Iterator[_Read]:
    """Yield what the leaves say, with so many batches under way."""
    raw = key.public_bytes_raw()
    waiting: deque[Future[list[_Read]]] = deque()
    for batch in _batches(leaves):
        waiting.append(pool.submit(send, batch, raw))
        if len(waiting) > batches:
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()


def _batches(leaves: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the leaves in lists that are short and not large."""
    batch, size = list[bytes](), 0
    for leaf in leaves:
        batch.append(leaf)
        size += len(leaf)
        if len(batch) == BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read(read: LeafReader, batch: list[bytes], raw: bytes) -> list[_Read]:
    return list(read(batch, Ed25519PublicKey.from_public_bytes(raw)))
