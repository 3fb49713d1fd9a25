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
            (6.05, 0.001), (13, 0.019), (24.7, 0.073), (45.2, 0.108), (81.9, 0.154), (154, 0.206),
            (299, 0.267), (555, 0.303), (1040, 0.332), (1960, 0.355), (3850, 0.373), (7900, 0.388),
        ),
    ),
    "day": Measured(
        unit="day",
        relation=Relation(
            ceiling=0.4026, units_half=2.491, signal_half=60.66, steepness=0.8301, drowned=7.529,
            own_ceiling=0.4593, own_half=0.1912, power=0.5429,
            worth=0.3596, own_worth=0.6738, loss_below=0.1293,
        ),
        shared_within=0.058,
        gain_within=0.011,
        laptops=(10, 119),
        units=(1, 29),
        signals=(1, 521),
        points=(
            (0.462, 0.0), (0.746, 0.001), (1.51, 0.0), (2.95, 0.009), (5.51, 0.007), (10.2, 0.044),
            (18.4, 0.09), (33.6, 0.143), (60.7, 0.192), (107, 0.253), (197, 0.291), (415, 0.33),
        ),
    ),
}  # fmt: skip
# Pairs without triples, sessions: one fleet of each size and number of days (--order 2).
PAIRS_ONLY = Relation(
    ceiling=0.3015, units_half=18.41, signal_half=48.79, steepness=1.12, drowned=14.79,
    own_ceiling=0.4662, own_half=3.023, power=0.4978,
    worth=0.3873, own_worth=18.59, loss_below=0.1561,
)  # fmt: skip
