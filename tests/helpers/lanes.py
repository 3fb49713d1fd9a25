"""How the suite is dealt to several workers: four lanes that stay together, the rest file by file.

Tests with real input look at moments, so only one of them runs at a time: they are one lane, and
``make test`` runs it with nothing beside it. Tests with a real SuperLink mostly wait, and some
share a fleet: three lanes more, about equally long. What is left computes, and fills the processors
while the lanes wait.
"""

import re
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[2]
LANES = ("display", "federation", "siege", "servers")
_LANE_OF = {
    "tests/boundary/": "siege",
    "tests/client/": "siege",
    "tests/hostile/test_kills": "siege",
    "tests/hostile/test_rollback": "siege",
    "tests/hostile/": "servers",
    "tests/server/": "servers",
    "tests/faults/": "servers",
    "": "federation",
}
_MARK = re.compile(r"\bpytest\.mark\.(\w+)")


@cache
def lane_of(path: str) -> str:
    """Return the lane of a test file, or its own path: read from its text, for nobody imported it.

    Args:
        path: of the file, from the root.
    """
    marks = _MARK.findall((ROOT / path).read_text(encoding="utf-8"))
    if "federation" in marks:
        return next(lane for begin, lane in _LANE_OF.items() if path.startswith(begin))
    return "display" if "display" in marks else path


def place(path: str) -> int:
    """Return where a test file stands in the order of the run: the long lanes begin first."""
    return (*LANES, path).index(lane_of(path))


class Lanes(LoadScopeScheduling):
    """Gives each worker a lane or a file at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return lane_of(nodeid.partition("::")[0])
