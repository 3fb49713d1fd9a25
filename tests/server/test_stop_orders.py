import json
from contextlib import closing

import pytest
import sqlalchemy as sql

from deskbound_audit.log import as_dict, verify_log
from deskbound_server import pki, schema, stop_orders
from deskbound_server.cli import app
from deskbound_server.database import Database
from deskbound_server.home import ServerHome
from deskbound_server.log import open_log
from deskbound_server.schema import RunState
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.shell import exit_code_of
from deskbound_strategies.stop_order import StopReason, open_order
from tests.helpers.server import new_plan

RUN = "c3" * 16


@pytest.fixture
def home(tmp_path):
    return ServerHome(tmp_path / "home")


@pytest.fixture
def say(home, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *words: exit_code_of(app, ["--home", str(home.root), *words])


@pytest.fixture
def database(say, home):
    """A server that is down, with three laptops of which one was revoked."""
    say("init", "--port", "9")
    with closing(Database.open(home.database)) as opened:
        for node in (4, 5, 6):
            opened.add_laptop(node, f"{node}" * 64, f"desk-{node}", f"{node}" * 64)
        opened.revoke_laptop(6)
        yield opened


def issue(home, database, reason=StopReason.SECURITY):
    key = pki.contract_key(home)
    return stop_orders.issue(open_log(home, database), database, key, reason, 1_800_000_000.9)


def test_an_order_is_logged_signed_and_waits_for_every_laptop_that_may_connect(home, database):
    order, ended = issue(home, database)
    found = stop_orders.latest(database)
    assert ended == []
    assert (found.order, found.order.issued) == (order, 1_800_000_000)
    assert (found.laptops, found.reached, found.waiting) == (2, 0, {4, 5})
    key = pki.contract_key(home).public_key()
    assert open_order(found.envelope, key) == order
    rules = LogRules(key)
    for leaf in database.leaves():
        rules.add(leaf)
    assert rules.stops == {order.id: order}
    assert database.checkpoint(found.leaf + 1) is not None


def test_runs_end_in_the_same_moment_and_those_that_are_over_do_not(home, database):
    states = {"a" * 32: RunState.QUEUED, "b" * 32: RunState.RUNNING, "c" * 32: RunState.FINISHED}
    for run, state in states.items():
        database.add_run(run, new_plan().to_bytes(), 1)
        database.set_run(run, state)
    _, ended = issue(home, database)
    assert {one.id for one in ended} == {"a" * 32, "b" * 32}
    after = {one.id: (one.state, one.reason) for one in database.runs()}
    assert after["b" * 32] == after["a" * 32] == (RunState.STOPPED, "stop-order")
    assert after["c" * 32] == (RunState.FINISHED, "")


def test_whoever_conducts_a_stopped_run_cannot_say_that_it_goes_on(home, database):
    database.add_run(RUN, new_plan().to_bytes(), 1)
    issue(home, database)
    for state in (RunState.RUNNING, RunState.FINISHED, RunState.FAILED):
        assert not database.advance_run(RUN, state)
    assert database.find_run(RUN).state is RunState.STOPPED


def test_that_a_laptop_was_reached_is_kept_as_a_count(home, database):
    order, _ = issue(home, database)
    stop_orders.reached(database, order, 4)
    stop_orders.reached(database, order, 4)
    assert stop_orders.latest(database).waiting == {5}
    stop_orders.reached(database, order, 5)
    found = stop_orders.latest(database)
    assert (found.reached, found.waiting) == (2, frozenset())
    assert database.look_up(sql.select(schema.stops_waiting)) == [], "nobody is named any more"


def test_a_laptop_that_is_revoked_is_not_waited_for(home, database):
    issue(home, database)
    database.revoke_laptop(4)
    assert stop_orders.latest(database).waiting == {5}


def test_a_newer_order_takes_the_place_of_an_older_one(home, database):
    older, _ = issue(home, database)
    newer, _ = issue(home, database, StopReason.ENDED)
    stop_orders.reached(database, newer, 4)
    found = stop_orders.latest(database)
    assert (found.order.id, found.waiting) == (newer.id, {5})
    assert {row["stop"] for row in database.look_up(sql.select(schema.stops_waiting))} == {newer.id}
    assert older.id != newer.id


def test_refusals_are_counted_by_code_and_tied_to_nobody(home, database):
    order, _ = issue(home, database)
    for code in ("witness-quorum", "witness-quorum", "log-proof"):
        stop_orders.refused(database, order, code)
    found = stop_orders.latest(database)
    assert found.refused == {"witness-quorum": 2, "log-proof": 1}
    assert found.reached == 0


def test_while_the_server_is_down_the_order_is_logged_and_that_nobody_got_it_is_said(
    say, home, database, capsys
):
    capsys.readouterr()
    assert say("stop", "--reason", "privacy", "--yes") == 30
    told = capsys.readouterr().err
    assert "no laptop was reached" in told
    assert "deskbound-server up" in told
    assert stop_orders.latest(database).order.reason is StopReason.PRIVACY


@pytest.mark.parametrize("reason", ["because", "SECURITY", ""])
def test_a_reason_is_of_the_closed_list(say, database, reason):
    assert say("stop", "--reason", reason, "--yes") == 2
    assert stop_orders.latest(database) is None


def test_an_auditor_sees_every_stop_in_the_log(say, home, database, tmp_path, capsys):
    issue(home, database)
    issue(home, database, StopReason.LEGAL)
    assert say("log", "export", str(tmp_path / "log.jsonl")) == 0
    verdict = verify_log(tmp_path / "log.jsonl")
    assert verdict.accepted
    stops = as_dict(verdict)["stops"]
    assert [one["reason"] for one in stops] == ["security", "legal"]
    assert json.dumps(stops)
