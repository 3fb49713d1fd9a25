"""A crowd of three made-up people, for the benchmarks' own tests."""

import numpy as np

from benchmarks.people.sets import Crowd, Person

SIZE = 30


def three_people() -> Crowd:
    """Return three people of some hundred actions each, over days, with short and long pauses."""
    rng = np.random.default_rng(1)
    people = []
    for _ in range(3):
        n = int(rng.integers(300, 900))
        gaps = rng.choice([1, 5, 200, 40_000], n, p=[0.5, 0.44, 0.05, 0.01])
        people.append(Person(rng.geometric(0.2, n).clip(max=SIZE) - 1, np.cumsum(gaps)))
    return Crowd("made up", tuple(people), SIZE)
