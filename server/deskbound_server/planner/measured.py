"""What ``deskbound-server plan`` knows of utility: fitted constants, and how far they were off.

Private counts of 119 developers' next actions in an IDE (abb_ide: 461 actions, about 28 in a
session) and of fleets drawn from them, 1, 2, 5 and all days of each, measured in November 2026 with

    python -m benchmarks.people.planning --unit UNIT
    python -m benchmarks.people.planning_fit planning-abb_ide-UNIT.csv

Nothing else of the data is here. Other work has other constants: docs/planning.md says how far off
these were for another set of people.
"""

from dataclasses import dataclass

from deskbound_server.planner.relation import Relation
from deskbound_strategies.contract import Unit


@dataclass(frozen=True, slots=True)
class Measured:
    """A relation and what it rests on.

    Attributes:
        unit: what was hidden.
        relation: fitted to all.
        shared_within: hit@1 of shared counts was no further off for nine of ten rows of fleet sizes
            that were left out of the fit.
        gain_within: the same of a laptop's gain.
        laptops: fewest and most that were measured.
        units: fewest and most of a laptop.
        signals: least and largest, with noise.
        points: means of what was measured, by signal: signal and hit@1 of shared counts.
    """

    unit: Unit
    relation: Relation
    shared_within: float
    gain_within: float
    laptops: tuple[int, int]
    units: tuple[int, int]
    signals: tuple[int, int]
    points: tuple[tuple[float, float], ...]


SOURCE = "119 developers in an IDE, November 2026"
MEASURED: dict[Unit, Measured] = {
    "session": Measured(
        unit="session",
        relation=Relation(
            ceiling=0.3962, units_half=12.4, signal_half=130.9, steepness=0.8419, drowned=10.12,
            own_ceiling=0.4532, own_half=3.659, power=0.5811,
            worth=0.3538, own_worth=11.76, loss_below=0.1066,
        ),
        shared_within=0.047,
        gain_within=0.010,
        laptops=(10, 119),
        units=(14, 661),
        signals=(5, 9791),
        points=(
            (6, 0.001), (13, 0.019), (25, 0.073), (45, 0.108), (82, 0.154), (154, 0.206),
            (299, 0.267), (555, 0.303), (1041, 0.332), (1956, 0.355), (3853, 0.373), (7897, 0.388),
        ),
    ),
}  # fmt: skip
