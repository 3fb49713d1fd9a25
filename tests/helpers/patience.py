"""Waiting for what other processes, the X server or the network do."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 180.0  # seconds for something that takes a few, on a machine that is busy


def until(
    found: Callable[[], object], what: str, patience: float = PATIENCE, every: float = 0.05
) -> object:
    """Poll until something is true and return it.

    A test that failed here is run once more (``--only-rerun`` in pyproject.toml): the world outside
    did not do what it was waited for. A test that failed on anything else is not.

    Raises:
        AssertionError: with what was waited for, after the deadline.
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(every)
    raise AssertionError(f"waited in vain for: {what}")
