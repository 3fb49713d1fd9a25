import pytest

from deskbound_server import follow as module
from deskbound_server.database import Database
from deskbound_server.follow import follow, look
from deskbound_server.lock import FileLock
from deskbound_server.schema import RunState
from tests.helpers.server import new_plan

RUN = "b2" * 16


@pytest.fixture
def database(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)
    opened = Database.open(tmp_path / "deskbound.db")
    opened.add_run(RUN, new_plan().to_bytes(), 1)
    yield opened
    opened.close()


def test_a_run_that_ends_is_followed_to_its_end(database, tmp_path):
    seen = []
    with FileLock(tmp_path / f"{RUN}.lock"):
        database.set_run(RUN, RunState.RUNNING)
        for sight in follow(tmp_path, database, RUN):
            seen.append(sight)
            if len(seen) == 20:
                database.set_run(RUN, RunState.FINISHED)
    assert len(seen) == 21, "a conducted run is not given up"
    assert seen[-1].over


def test_a_run_whose_process_died_is_interrupted(database, tmp_path):
    database.set_run(RUN, RunState.RUNNING)
    *_, last = follow(tmp_path, database, RUN)
    assert last.interrupted
    assert not last.over


def test_a_run_nobody_takes_up_is_given_up(database, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "START_SECONDS", 0.02)
    *_, last = follow(tmp_path, database, RUN)
    assert last.run.state is RunState.QUEUED


def test_a_run_that_ended_is_never_interrupted(database, tmp_path):
    for state in (RunState.FINISHED, RunState.FAILED, RunState.STOPPED, RunState.QUEUED):
        database.set_run(RUN, state)
        assert not look(tmp_path, database, RUN).interrupted


def test_a_run_taken_up_between_two_looks_is_not_interrupted(database, tmp_path, monkeypatch):
    path, real = tmp_path / f"{RUN}.lock", Database.find_run
    conductor = FileLock(path)

    def taken_up_just_now(self, name):
        if not conductor.held:
            conductor.__enter__()
            self.set_run(RUN, RunState.RUNNING)
        return real(self, name)

    monkeypatch.setattr(Database, "find_run", taken_up_just_now)
    sight = look(tmp_path, database, RUN)
    assert sight.run.state is RunState.RUNNING
    assert sight.conducted
    conductor.__exit__()
