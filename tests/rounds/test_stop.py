"""An order to stop, from the operator's command to real laptops over TLS.

One is in use and holds a round's contract, which waits for its owner to go; one answered it; one is
switched off and comes later.
"""

import json
import time
from contextlib import closing

import pytest

from deskbound_client.employee import pausing
from deskbound_client.employee.status import status_of
from deskbound_client.federation.join import join
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_server import enroll, pki, stop_orders
from deskbound_server.cli import app
from deskbound_server.control import Control
from deskbound_server.database import Database
from deskbound_server.rounds import new_run
from deskbound_server.schema import RoundState, RunState
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.shell import exit_code_of
from deskbound_strategies.stop_order import StopReason
from tests.helpers import server as real
from tests.helpers.federation import new_desk, until

pytestmark = pytest.mark.federation


@pytest.fixture
def home(tmp_path):
    with real.server(tmp_path / "server") as made:
        yield made


@pytest.fixture
def database(home):
    with closing(Database.open(home.database)) as opened:
        yield opened


@pytest.fixture
def control(home):
    with Control(home) as opened:
        yield opened


@pytest.fixture
def desks(home, database, control, tmp_path, monkeypatch):
    """Two real laptops: on the first nobody can tell whether its owner is there, so it waits."""
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    made = []
    for name in ("here", "later"):
        desk = new_desk(tmp_path / name)
        with desk.vault() as vault:
            public = join(desk.paths, home.join_bundle, LedgerStore(vault))
        key = enroll.read_public_key(public)
        row = enroll.enroll(control, database, key, enroll.read_anchor(public), name)
        desk.node = int(row.node)
        made.append(desk)
    made[0].paths.config.write_text("training_only_when_idle = true\ntray = false\n")
    yield made
    for desk in made:
        desk.stop()


@pytest.fixture
def quick(home, database, control, tmp_path):
    """A laptop that answers at once."""
    made = real.ScriptedLaptop(tmp_path / "quick", home, real.answers_with(0.5))
    key = enroll.read_public_key(made.public_key)
    enroll.enroll(control, database, key, made.pen.anchor, "quick")
    made.start()
    yield made
    made.stop()


def stops(desk):
    return [entry.body["reason"] for entry in desk.ledger() if entry.kind is LedgerKind.STOP]


def test_a_stop_reaches_who_works_and_who_comes_later_and_only_they_resume(
    home, database, control, desks, quick, capsys
):
    here, later = desks
    here.start()
    until(lambda: len(control.online()) == 2, "two laptops are online")
    plan = real.new_plan(deadline_seconds=7200)
    run = new_run(database, plan, time.time())
    database.set_flower_run(run, control.start_run(run))
    until(lambda: quick.asked and "executor claimed" in here.codes(), "both have the contract")
    capsys.readouterr()
    words = ("stop", "--reason", "security", "--yes", "--json")
    assert exit_code_of(app, ["--home", str(home.root), *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["laptops"], told["reached"], told["connected"]) == (3, 2, 0)
    assert (told["refused"], told["runs_stopped"]) == ({}, [run])

    found = status_of(here.paths)
    assert found.stopped_for is StopReason.SECURITY
    assert "the operator stopped the fleet" in found.words
    until(lambda: here.node not in control.online(), "the stopped laptop is offline")

    later.start()
    until(lambda: not stop_orders.latest(database).waiting, "the third was reached")
    assert status_of(later.paths).stopped_for is StopReason.SECURITY

    # Its owner resumes, it is connected again, and nothing is open that would stop it once more.
    pausing.resume(here.paths)
    until(lambda: here.node in control.online(), "it is back")
    assert status_of(here.paths).stopped_for is None
    for desk in desks:
        desk.stop()
        assert stops(desk) == ["security"]
        kinds = {entry.kind for entry in desk.ledger()}
        assert not kinds & {LedgerKind.RESERVE, LedgerKind.REFUSE}, "it cost nothing"

    row, ended = database.find_run(run), database.rounds(run)
    assert (row.state, row.reason) == (RunState.STOPPED, "stop-order")
    assert [one.state for one in ended] == [RoundState.ABANDONED]
    rules = LogRules(pki.contract_key(home).public_key())
    for leaf in database.leaves():
        rules.add(leaf)
    assert list(rules.stops) == [told["order"]]
    assert len(rules.contracts) == 1
