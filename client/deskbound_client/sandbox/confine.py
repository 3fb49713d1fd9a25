"""Closes the door behind a process, and says how far it closed.

What a kernel cannot do is not done and is said; with ``sandbox = "required"`` the process ends
instead. Whatever a kernel could do and refused counts the same.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from deskbound_client.sandbox import landlock, seccomp
from deskbound_client.sandbox.policy import Policy
from deskbound_strategies.errors import SandboxError


@dataclass(frozen=True, slots=True)
class Confinement:
    """How far a process is confined by the operating system.

    Attributes:
        landlock: version of Landlock that holds; 0 for none.
        seccomp: whether calls of the kernel were taken away.
    """

    landlock: int = 0
    seccomp: bool = False

    @property
    def whole(self) -> bool:
        """Whether files, network, programs and other processes are all closed."""
        return self.landlock > 0 and self.seccomp

    @property
    def missing(self) -> tuple[str, ...]:
        """What the operating system does not close, in words; empty for nothing."""
        found = []
        if not self.landlock:
            found.append("files of other programs")
        if not self.seccomp:
            found.append("network, other processes and new programs")
        return tuple(found)


def confine(policy: Policy, *, required: bool) -> Confinement:
    """Take from this process all that its policy does not give it, for good.

    Call it before there is a second thread: Landlock holds for the calling one and what it starts.

    Args:
        policy: what it may.
        required: whether to fail rather than to go on with less than all of it.

    Raises:
        SandboxError: when it is required and this system cannot.
    """
    done = _done(policy) if _threads() == 1 else Confinement()
    if required and not done.whole:
        raise SandboxError(
            f"This system cannot confine {policy.role}, and sandbox is required.",
            'Use Linux 5.13 or newer on x86_64 or aarch64, or set sandbox = "when-possible".',
        )
    return done


def _done(policy: Policy) -> Confinement:
    if sys.platform != "linux":
        return Confinement()
    try:
        version = landlock.restrict(policy.files, frozenset(), policy.scoped)
    except OSError:
        version = 0
    calls = seccomp.Calls(os.getpid(), policy.unix_sockets, policy.shared_memory)
    return Confinement(version, seccomp.restrict(calls))


def _threads() -> int:
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return 1 if sys.platform != "linux" else 0


def possible() -> Confinement:
    """Return how far this system could confine a process, without doing it."""
    return Confinement(landlock.abi(), bool(seccomp.machine()) and _filters())


def _filters() -> bool:
    """Return whether the kernel says that it takes filters (since Linux 4.14)."""
    try:
        named = Path("/proc/sys/kernel/seccomp/actions_avail").read_text(encoding="ascii")
    except OSError:
        return False
    return "errno" in named.split()
