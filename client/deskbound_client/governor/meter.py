"""Measures the agent's children and the room its files take; looks, and decides nothing."""

import os
from collections import deque
from pathlib import Path

import psutil

from deskbound_client.governor.caps import MINUTE

_KEPT_SECONDS = 2 * MINUTE
_BLOCK = 512  # what ``st_blocks`` counts in, whatever the file system


class CpuMeter:
    """The share of one core that a process used over the last minute."""

    def __init__(self) -> None:
        self._pid = 0
        self._seen: deque[tuple[float, float]] = deque()

    def share(self, pid: int, used: float | None, now: float) -> float | None:
        """Return percent of one core over about a minute, None until one has passed.

        Args:
            pid: of the process; another one begins anew.
            used: CPU seconds it has used so far, None while it does not run.
            now: monotonic seconds.
        """
        if used is None or pid != self._pid:
            self._pid = pid
            self._seen.clear()
        if used is None:
            return None
        self._seen.append((now, used))
        while len(self._seen) > 1 and now - self._seen[1][0] >= MINUTE:
            self._seen.popleft()
        then, before = self._seen[0]
        if now - then < MINUTE or now - then > _KEPT_SECONDS:  # the latter: the laptop slept
            return None
        return 100.0 * max(0.0, used - before) / (now - then)


def cpu_seconds(pid: int) -> float | None:
    """Return the CPU seconds a process has used, or None when there is none."""
    try:
        times = psutil.Process(pid).cpu_times() if pid else None
    except psutil.Error:
        return None
    return None if times is None else float(times.user + times.system)


def memory(pid: int) -> int | None:
    """Return the bytes of memory a process has in use, or None when there is none."""
    try:
        return int(psutil.Process(pid).memory_info().rss) if pid else None
    except psutil.Error:
        return None


def room(folder: Path) -> int:
    """Return the bytes that all files in a folder take on the disk; links are not followed."""
    taken = 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    else:
                        taken += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
        except OSError:
            continue  # it went away while we looked
    return taken
