"""Processes looked at from outside, which may end or be zombies between two looks."""

from __future__ import annotations

from contextlib import suppress

import psutil


def alive(pid: int) -> bool:
    """Return whether a process runs; one that ended but was not waited for does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def words(process: psutil.Process) -> list[str]:
    """Return a process's command line, empty once it ended."""
    with suppress(psutil.NoSuchProcess):  # a zombie's is one, too
        return list(process.cmdline())
    return []


def memory(process: psutil.Process) -> int:
    """Return a process's resident memory in bytes, 0 once it ended."""
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0
