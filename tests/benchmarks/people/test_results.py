"""Lines that were added come back summed up, however often the benchmark was run."""

import math

import pytest

from benchmarks.people.counting import Score
from benchmarks.people.results import Terms, append, read

TERMS = Terms("abb_ide", "test", "session", 64, "counts", math.inf)


def test_seeds_are_summed_up_and_a_seed_run_again_counts_once(tmp_path):
    path = tmp_path / "results.csv"
    for seed, hit1 in ((1, 0.9), (2, 0.4), (1, 0.2)):
        append(path, TERMS, seed, Score(10, hit1, 0.5, 0.3))
    other = Terms("abb_ide", "test", "session", 64, "counts", 4.0)
    append(path, other, 1, Score(10, 0.1, 0.5, 0.3))
    found = read(path)
    assert list(found) == [other, TERMS]
    assert found[TERMS].seeds == 2
    assert found[TERMS].hit1.mean == pytest.approx(0.3)
    assert found[TERMS].cells[0] == "0.300 ± 0.141"
    assert found[other].cells == ("0.100", "0.500", "0.300")


def test_without_a_file_nothing_is_kept():
    append(None, TERMS, 1, Score(10, 0.1, 0.5, 0.3))
