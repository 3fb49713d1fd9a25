"""The shared model measured here: the question holds no key, the answer comes from a process."""

import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.employee.measuring import (
    Measuring,
    as_dict,
    pack,
    unpack,
    unpack_answer,
)
from deskbound_client.employee.model import Question, answer, ask
from deskbound_client.employee.words import words_of
from deskbound_strategies import codec
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.task import find_task, weights_of
from deskbound_strategies.vocabulary import APPS, GAP_UNKNOWN, TOKENS, Action
from tests.helpers.cli import days_ago
from tests.helpers.federation import fill
from tests.helpers.store import new_vault

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def model():
    task = find_task("next_action")
    return codec.encode(weights_of(task.build_model(0)), task.layout())


@pytest.fixture
def vault(tmp_path):
    made, _ = new_vault(tmp_path / "home", today=days_ago(0))
    with made:
        for back in (3, 2, 1):
            fill(made, back, seed=back, count=80)
        yield made


@pytest.fixture
def file(tmp_path, model):
    path = tmp_path / "model.bin"
    path.write_bytes(model)
    return path


@pytest.fixture
def reachable(monkeypatch):
    """A child that finds these packages where this process does."""
    parts = [str(ROOT / part) for part in ("client", "strategies")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(parts))


def test_the_day_before_today_is_held_out_and_today_is_only_looked_at(vault, file):
    fill(vault, 0, seed=9, count=3)
    question = ask(vault, [file], 1)
    assert list(question.days) == [days_ago(3), days_ago(2), days_ago(1)]
    assert question.held_out == 1
    assert len(question.today) == 3
    found = answer(question)
    assert found.held_out == (days_ago(1),)
    assert found.after == tuple(words_of(action.token) for action in question.today)


def test_without_activity_today_the_guesses_follow_the_last_day(vault, file):
    question = ask(vault, [file], 1)
    last = list(question.days.values())[-1]
    assert answer(question).after == tuple(words_of(action.token) for action in last[-5:])


def test_a_process_of_its_own_finds_the_same(vault, file, reachable):
    question = ask(vault, [file, file], 1)
    told, here = Measuring(question).wait(), answer(question)
    assert told.scores == here.scores
    assert told.after == here.after
    assert [guess.words for guess in told.next] == [guess.words for guess in here.next]
    assert len(told.models) == 2


def test_what_is_wrong_with_a_model_is_told_across(vault, tmp_path, reachable):
    file = tmp_path / "none.bin"
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(ConfigError, match="does not hold finite weights"):
        Measuring(ask(vault, [file], 1)).wait()
    with pytest.raises(NotFoundError):
        ask(vault, [tmp_path / "missing.bin"], 1)


def test_a_process_that_is_stopped_has_found_nothing(vault, file, reachable):
    working = Measuring(ask(vault, [file], 1))
    working.stop()
    with pytest.raises(ConfigError, match="could not be measured"):
        working.wait()


def test_one_that_takes_too_long_is_ended(vault, file, reachable):
    working = Measuring(ask(vault, [file], 1))
    with pytest.raises(ConfigError, match="could not be measured"):
        working.wait(patience=0.0)
    assert working._process.returncode == -signal.SIGKILL


def test_the_process_is_told_neither_home_nor_key(vault, file, reachable):
    working = Measuring(ask(vault, [file], 1))
    child = psutil.Process(working._process.pid)
    try:
        assert str(vault.home) not in " ".join(child.cmdline())
        opened = [one.path for one in child.open_files()]
        assert not [path for path in opened if path.startswith(str(vault.home))]
    finally:
        working.stop()
        with pytest.raises(ConfigError):
            working.wait()


ACTIONS = st.lists(
    st.builds(
        Action,
        st.integers(0, len(TOKENS) - 1),
        st.integers(0, len(APPS) - 1),
        st.integers(0, GAP_UNKNOWN),
        st.integers(0, 2**40),
    ),
    max_size=20,
)


@given(
    st.lists(st.binary(max_size=40), max_size=3),
    st.dictionaries(st.dates(), ACTIONS, max_size=3),
    st.integers(0, 5),
    ACTIONS,
)
def test_a_question_arrives_as_it_was_asked(models, days, held, today):
    question = Question(tuple(models), days, held, today)
    assert unpack(pack(question)) == question


@given(st.one_of(st.binary(), st.recursive(
    st.none() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_whatever_else_arrives_is_told_as_a_failure(data):
    for read in (unpack, unpack_answer):
        with pytest.raises(ConfigError):
            read(data)


def test_an_answer_survives_the_way_back(vault, file):
    found = answer(ask(vault, [file], 1))
    assert unpack_answer(json.dumps(as_dict(found)).encode()) == found


def test_the_process_says_nothing_but_its_answer(reachable):
    """Even of what it cannot read: no traceback, no word of it."""
    program = [sys.executable, "-P", "-m", "deskbound_client.employee.measuring"]
    said = subprocess.run(
        [*program, str(os.getpid()), "1"],
        input=b'{"models": "canary-xyzzy"}', capture_output=True, check=False,
    )  # fmt: skip
    assert (said.returncode, said.stderr) == (0, b"")
    assert b"canary" not in said.stdout
    assert json.loads(said.stdout)["failed"][0] == "The model could not be measured."


def test_a_day_that_is_still_to_come_is_not_measured_on(vault, file):
    question = ask(vault, [file], 1, today=days_ago(1))
    assert max(question.days) == days_ago(2)
    assert isinstance(max(question.days), date)
