"""kill -9 of each of the server's processes in the middle of a round: nothing released is lost."""

import itertools
import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from deskbound_server import superlink
from deskbound_server.database import Database
from deskbound_server.follow import look
from tests.helpers import server as real

pytestmark = pytest.mark.federation


class Stubborn:
    """Answers every round, but keeps silent the first time it is asked for round 2."""

    def __init__(self, value: float) -> None:
        self._answer, self.asked_twice = real.answers_with(value), threading.Event()

    def __call__(self, contract):
        if contract.round == 2 and not self.asked_twice.is_set():
            self.asked_twice.set()
            return None
        return self._answer(contract)


def kill(home, word: str) -> None:
    victims = real.until(lambda: real.processes(home, word), f"{word} runs")
    for victim in victims:
        os.kill(victim, signal.SIGKILL)


def start(home, plan: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        real.command(home, "run", str(plan), "--json"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def states(told) -> list[tuple[int, int, str]]:
    return [(r["round"], r["attempt"], r["state"]) for r in told["rounds"]]


@pytest.fixture
def plan(tmp_path):
    # Flower lets go of a task that nobody answers only after a while; until then its SuperNode
    # takes no other, so a laptop that kept silent may miss the next attempt too.
    terms = real.new_plan(rounds=3, deadline_seconds=45, attempts=5)
    return real.write_plan(tmp_path / "plan.toml", terms)


@pytest.fixture
def home(tmp_path):
    with real.server(tmp_path / "home") as made:
        yield made


def test_a_killed_serverapp_is_noticed_and_its_run_resumed(home, plan, tmp_path):
    stubborn = Stubborn(1.0)
    with real.laptops(home, tmp_path / "laptops", stubborn, real.answers_with(1.0)) as made:
        running = start(home, plan)
        real.until(stubborn.asked_twice.is_set, "round 2 is under way")
        kill(home, "flwr-serverapp")
        out, err = running.communicate(timeout=60)
        assert running.returncode == 40, err
        told = json.loads(out)
        assert told["state"] == "interrupted"
        assert f"--resume {told['run'][:8]}" in err
        assert states(told)[-1] == (2, 1, "open")

        done = real.run_command(home, "run", "--resume", told["run"][:8], "--json")
        assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert states(told)[:2] == [(1, 1, "released"), (2, 1, "abandoned")]
    released = [row for row in told["rounds"] if row["state"] == "released"]
    assert [row["round"] for row in released] == [1, 2, 3]
    assert "open" not in {row["state"] for row in told["rounds"]}
    digests = [contract.digest() for contract in made[1].asked]
    assert len(set(digests)) == len(digests), "a contract of a dead round was used again"
    for before, after in itertools.pairwise(released):
        assert after["model_in"] == before["model_out"]


@pytest.mark.slow
def test_a_killed_superlink_comes_back_and_the_run_goes_on(home, plan, tmp_path):
    stubborn = Stubborn(1.0)
    with real.laptops(home, tmp_path / "laptops", stubborn, real.answers_with(1.0)):
        running = start(home, plan)
        real.until(stubborn.asked_twice.is_set, "round 2 is under way")
        kill(home, "deskbound_server.link")
        out, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    told = json.loads(out)
    assert told["state"] == "finished"
    assert [r["round"] for r in told["rounds"] if r["state"] == "released"] == [1, 2, 3]


@pytest.mark.slow
def test_a_killed_supervisor_leaves_nothing_behind_and_the_run_can_be_resumed(home, plan, tmp_path):
    stubborn = Stubborn(1.0)
    with real.laptops(home, tmp_path / "laptops", stubborn, real.answers_with(1.0)):
        running = start(home, plan)
        real.until(stubborn.asked_twice.is_set, "round 2 is under way")
        supervisor = superlink.supervisor_pid(home)
        assert supervisor is not None
        os.kill(supervisor, signal.SIGKILL)
        out, err = running.communicate(timeout=120)
        assert running.returncode == 40, err
        name = json.loads(out)["run"]
        for word in ("deskbound_server.link", "flower-superexec", "flwr-serverapp"):
            real.until(lambda word=word: not real.processes(home, word), f"{word} is gone")
        superlink.start_detached(home)
        done = real.run_command(home, "run", "--resume", name, "--json")
        assert done.returncode == 0, done.stderr
    database = Database.open(home.database)
    assert look(home.run, database, name).released == 3
    database.close()
