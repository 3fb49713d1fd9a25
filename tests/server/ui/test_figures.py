"""Figures of runs: epsilon as everywhere else, and no more models to try than a picture needs."""

from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_server.database import Database
from deskbound_server.follow import look
from deskbound_server.lineage import find_released, lineage_of, released
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_server.schema import RoundState
from deskbound_server.ui.figures import (
    MOST_TRIED,
    codes_of,
    counted_epsilon,
    models_of,
    summary_of,
    update_bytes,
)
from deskbound_strategies.codec import encoded_size
from deskbound_strategies.task import find_task
from tests.helpers.released import RUN, write_history
from tests.helpers.server import new_plan


@pytest.fixture
def database(tmp_path):
    with closing(Database.open(tmp_path / "deskbound.db")) as opened:
        write_history(opened, ModelStore(tmp_path))
        yield opened


@pytest.fixture
def rows(database):
    return database.rounds(RUN)


def test_epsilon_after_each_round_is_what_model_show_says(database, rows):
    plan = RoundPlan.from_bytes(database.find_run(RUN).plan)
    counted = counted_epsilon(plan, rows)
    last = lineage_of(database, find_released(released(database), "latest"))
    assert counted[-1] == pytest.approx(last.epsilon)
    assert counted == sorted(counted)
    assert len(counted) == last.attempts_charged == 3


def test_codes_are_summed_over_rounds(rows):
    assert codes_of(rows) == ({"sigma-too-low": 3}, {"norm": 3})


def test_a_run_that_is_over_says_when_it_ended_and_its_last_loss(database, tmp_path):
    sight = look(tmp_path, database, RUN)
    summary = summary_of(sight)
    assert (summary.created, summary.ended) == (1, 231)
    assert summary.facts.held_out_loss == 3.0
    assert summary.facts.bytes_up == sum(row.admitted for row in sight.rounds) * encoded_size(
        find_task("next_action").layout()
    )


def test_a_task_that_is_not_installed_breaks_no_page(tmp_path):
    with closing(Database.open(tmp_path / "other.db")) as database:
        database.add_run(RUN, replace(new_plan(), task="gone").to_bytes(), 1)
        summary = summary_of(look(tmp_path, database, RUN))
    assert not summary.bytes_known
    assert update_bytes("gone") is None


@given(st.integers(0, 300))
def test_of_a_long_run_the_first_and_last_models_and_some_between(count):
    row = _row()
    rows = [
        replace(row, number=number, model_in=f"{number - 1:064x}", model_out=f"{number:064x}")
        for number in range(1, count + 1)
    ]
    found = models_of(rows)
    assert len(found) == min(count + 1 if count else 0, MOST_TRIED)
    numbers = list(found.values())
    assert numbers == sorted(set(numbers))
    if count:
        assert (numbers[0], numbers[-1]) == (0, count)
    assert all(name == f"{number:064x}" for name, number in found.items())


def _row():
    from deskbound_server.publication import Check
    from deskbound_server.schema import RoundRow

    return RoundRow(
        RUN, 1, 1, RoundState.RELEASED, "d" * 64, b"", 1, 2, 3, 3, 0, {}, {}, "", "", "", Check()
    )
