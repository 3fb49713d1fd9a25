"""What a simulation is asked and what comes of it; who carries it out is found, not imported.

Simulating needs the laptop's code beside the server's, which import each other never. A
distribution that stands on both registers its function in the entry point group
``deskbound.simulators``, as tasks are in ``deskbound.tasks``.
"""

from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, cast

from deskbound_server.plan import RoundPlan
from deskbound_strategies.errors import NotFoundError

ENTRY_POINTS = "deskbound.simulators"
NAME = "flower"
GENERATED = "generated"
MEND = "Run `tools/setup simulation`, or pip install 'deskbound-server[simulation]'."


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What to simulate.

    Attributes:
        plan: of the run.
        counts: of a run of private counts that comes first, and that the plan begins with.
        plan_folder: what a held-out file of the plan is relative to.
        laptops: how many virtual ones.
        profile: of their policy floor.
        days: most days that each trains on; one more is left out and measured on.
        set_name: a published set, or ``GENERATED`` for made-up days.
        set_folder: of that set.
        availability: chance of a laptop to be there when a cohort is drawn.
        dropout: chance of an answer to be lost.
        seed: of all that is drawn.
        workers: processes that laptops work in.
    """

    plan: RoundPlan
    plan_folder: Path
    laptops: int
    profile: str
    days: int
    set_name: str = GENERATED
    set_folder: Path = Path()
    availability: float = 1.0
    dropout: float = 0.0
    seed: int = 0
    workers: int = 1
    counts: RoundPlan | None = None


class Watch(Protocol):
    """Is told how far a simulation is; from any thread."""

    def phase(self, words: str, total: int) -> None:
        """Hear that something begins that has so many steps; 0 where that is not known."""

    def step(self) -> None:
        """Hear that one is done."""

    def answers(self, count: int, released: int) -> None:
        """Hear how many laptops were done in all, and how many rounds were released."""


class Simulator(Protocol):
    """Carries a simulation out."""

    def __call__(self, asked: Simulation, watch: Watch) -> dict[str, Any]:
        """Return the results, as JSON can say them.

        Raises:
            DeskboundError: it cannot begin, or broke.
        """


def find_simulator() -> Simulator:
    """Return the installed simulator.

    Raises:
        NotFoundError: none is installed.
    """
    for found in entry_points(group=ENTRY_POINTS, name=NAME):
        try:
            return cast("Simulator", found.load())
        except ModuleNotFoundError as error:  # the extra's packages, the laptop's code
            raise NotFoundError(f"{error.name} is missing to simulate a fleet.", MEND) from None
    raise NotFoundError("No simulator is installed here.", MEND)
