"""The picture has a line for each model that was measured, and says so where nothing was."""

import math

import pytest

from benchmarks.people.counting import Score
from benchmarks.people.picture import draw
from benchmarks.people.results import Terms, append, read


def test_each_model_has_a_line_with_its_name(tmp_path):
    results, picture = tmp_path / "results.csv", tmp_path / "epsilon.svg"
    for model, actions in (("counts", 256), ("network from counts", 64)):
        for epsilon in (1.0, 4.0, math.inf):
            for seed in (1, 2):
                terms = Terms("abb_ide", "test", "session", actions, model, epsilon)
                append(results, terms, seed, Score(10, 0.1 * seed, 0.5, 0.3))
    terms = Terms("abb_ide", "test", "session", 64, "own, online", 0.0)
    append(results, terms, 0, Score(10, 0.45, 0.5, 0.3))
    found = read(results)
    draw(found, "abb_ide", "session", picture)
    drawn = picture.read_text("utf-8")
    lines = ("counts, units of 256", "network from counts, units of 64", "own, online")
    for words in (*lines, "no noise"):
        assert words in drawn
    with pytest.raises(SystemExit, match="no results for abb_ide with unit day"):
        draw(found, "abb_ide", "day", picture)
