"""What each confined process wrote down of its sandbox, for status and doctor."""

import json
import os
from contextlib import suppress

from deskbound_client.paths import HomePaths
from deskbound_client.sandbox.confine import Confinement
from deskbound_client.store.files import read_private, replace_private
from deskbound_strategies.errors import DeskboundError

ROLES = ("capture", "executor")


def write(paths: HomePaths, role: str, done: Confinement) -> None:
    """Write down how far this process is confined.

    Raises:
        PermissionsError: the folder of the processes' states cannot be written.
        DiskFullError: there is no room.
    """
    told = {"pid": os.getpid(), "landlock": done.landlock, "seccomp": done.seccomp}
    replace_private(paths.sandbox_report(role), json.dumps(told, sort_keys=True).encode("ascii"))


def read(paths: HomePaths, role: str, pid: int) -> Confinement | None:
    """Return how far a running process is confined; None when that process did not say.

    Args:
        paths: of the home.
        role: ``capture`` or ``executor``.
        pid: of the process that runs now; what another one wrote is nothing.
    """
    with suppress(DeskboundError, OSError, ValueError, TypeError, KeyError):
        told = json.loads(read_private(paths.sandbox_report(role)))
        if pid and told["pid"] == pid:
            return Confinement(int(told["landlock"]), told["seccomp"] is True)
    return None
