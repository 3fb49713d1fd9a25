import csv
from dataclasses import asdict, replace

import numpy as np
import pytest

from benchmarks.people import planning
from benchmarks.people.planning import Row, counted, fleet, latest, rows, write
from benchmarks.people.planning_fit import errors, fitted, left_out, rows_of, table
from benchmarks.people.sets import Crowd, Person
from benchmarks.people.tallies import CLIP, RATE, STEPS, tally
from deskbound_server.planner.options import signal
from deskbound_server.planner.relation import Relation

SIZE = 20
TRUE = Relation(
    ceiling=0.5, units_half=30.0, signal_half=100.0, steepness=0.9, drowned=12.0,
    own_ceiling=0.45, own_half=4.0, power=0.6, worth=0.4, own_worth=15.0, loss_below=0.1,
)  # fmt: skip


@pytest.fixture(scope="module")
def crowd():
    rng = np.random.default_rng(1)
    people = []
    for _ in range(6):
        gaps = rng.choice([1, 200, 60_000], 500, p=[0.95, 0.03, 0.02])
        tokens = [0]
        for odd in rng.random(499) < 0.2:
            tokens.append(int(rng.integers(SIZE)) if odd else (3 * tokens[-1] + 1) % SIZE)
        people.append(Person(np.array(tokens), np.cumsum(gaps)))
    return Crowd("made up", tuple(people), SIZE)


def test_the_latest_days_are_the_last_ones_with_activity():
    person = Person(np.arange(6), np.array([0, 10, 86_400, 4 * 86_400, 4 * 86_400 + 5, 9 * 86_400]))
    assert latest(person, 1).tokens.tolist() == [5]
    assert latest(person, 2).tokens.tolist() == [3, 4, 5]
    assert latest(person, 9).tokens.tolist() == latest(person, 0).tokens.tolist() == list(range(6))


def test_fleets_of_a_seed_lie_in_each_other_and_are_asked_the_same(crowd):
    small, large = fleet(crowd, 2, 1, 5), fleet(crowd, 4, 0, 5)
    for (past, future), (more, same) in zip(small, large, strict=False):
        assert future.tokens.tolist() == same.tokens.tolist()
        assert more.tokens.tolist()[-len(past.tokens) :] == past.tokens.tolist()
    assert len(fleet(crowd, 0, 0, 5)) == len(crowd.people)


def test_without_triples_the_rest_uses_the_clip(crowd):
    people = list(crowd.people)
    found, whole = (
        counted(crowd, people, "session", 2),
        tally(crowd, people, "session", again=False),
    )
    assert found.cell.max() < SIZE + SIZE**2
    assert found.cells == whole.cells
    norms = np.sqrt(np.bincount(found.unit, found.value**2))
    assert norms.max() <= CLIP * (1 + 1e-9)
    assert norms.mean() > 0.7 * np.sqrt(np.bincount(whole.unit, whole.value**2)).mean()


def test_rows_come_without_noise_first_and_are_read_as_they_were_written(
    crowd, tmp_path, monkeypatch
):
    monkeypatch.setattr(planning, "SIGMAS", (1e-3, 50.0))
    found = list(rows(crowd, "session", 3, 2, 1))
    assert [row.sigma for row in found] == [0.0, 1e-3, 50.0]
    assert found[0].hit1 == pytest.approx(found[1].hit1, abs=0.08)
    assert found[2].hit1 < 0.5 * found[0].hit1
    write(found, tmp_path / "rows.csv")
    assert rows_of([tmp_path / "rows.csv"]) == found
    with (tmp_path / "rows.csv").open() as file:
        assert len(next(csv.reader(file))) == len(asdict(found[0]))


def made(noise: float) -> list[Row]:
    """Rows as the true relation has them, with chance on top."""
    rng, found = np.random.default_rng(2), []
    for laptops in (10, 30, 60, 119):
        for days, units in ((1, 18), (2, 42), (5, 95), (0, 450)):
            for sigma in (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0):
                heard = signal(laptops, units, RATE, STEPS, sigma) if sigma else np.inf
                hit = TRUE.shared(laptops * units, heard)
                alone = TRUE.alone(units)
                chance = rng.normal(0, noise, 3)
                found.append(Row(
                    "made up", "session", laptops, days, laptops * units, RATE, STEPS, sigma, 1,
                    hit + chance[0], alone + TRUE.gain(hit, units) + chance[1] + chance[2],
                    alone + chance[1],
                ))  # fmt: skip
    return found


def test_the_fit_finds_the_relation_that_made_the_rows():
    found = made(0.0)
    assert np.abs(errors(fitted(found), found, "shared")).max() < 1e-3
    assert np.abs(errors(fitted(found), found, "alone")).max() < 1e-3
    assert np.abs(errors(fitted(found), found, "gain")).max() < 1e-3


def test_what_was_left_out_is_foretold_about_as_well_as_chance_lets_it():
    found = made(0.01)
    for part in ("shared", "alone"):
        off = left_out(found, lambda row: row.laptops, part)
        assert len(off) == len(found)
        assert 0.004 < np.abs(off).mean() < 0.02


def test_rows_with_another_q_are_never_fitted_to():
    found = made(0.0)
    strange = [replace(row, rate=0.01, hit1=0.9) for row in found[:3]]
    relation, told = table([*found, *strange], [])
    assert np.abs(errors(relation, found, "shared")).max() < 1e-3
    assert told.row_count == 12
