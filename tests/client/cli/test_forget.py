"""``deskbound forget``: what goes, what the receipt counts, and what rounds learned before."""

import io
import time
from datetime import datetime, timedelta, timezone

import pytest

from deskbound_client.employee.wishes import parse_moment
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.cli import days_ago, noon

ONE, TWO = days_ago(1), days_ago(2)


@pytest.fixture
def stored(desk):
    """Ten actions on each of the last two days."""
    desk.store(TWO)
    desk.store(ONE)
    return desk


def left(desk):
    with desk.vault() as vault:
        return {day: vault.day(day).counts().actions for day in vault.days()}


def blocks(desk, *days):
    from deskbound_client.privacy.state import PrivacyState

    with desk.vault() as vault:
        return sorted(PrivacyState(vault.database).name_of(day) for day in days)


def test_a_day(stored):
    receipt = stored.ask("forget", "--day", TWO.isoformat())
    assert receipt == {
        "scope": "day", "days": [TWO.isoformat()], "actions": 10, "thumbnails": 0, "gaps": 0,
        "keys_destroyed": 1, "learned_before": [], "blanked": 0, "not_forgotten": [],
        "on": days_ago(0).isoformat(),
    }  # fmt: skip
    assert left(stored) == {ONE: 10}
    assert stored.bodies(LedgerKind.FORGET) == [{"scope": "day", "blocks": blocks(stored, TWO)}]


def test_a_stretch_of_time_both_ends_included(stored):
    first = datetime.fromtimestamp(noon(ONE) + 3).astimezone()
    until = first + timedelta(seconds=4)
    shape = "%Y-%m-%d %H:%M:%S"
    receipt = stored.ask(
        "forget", "--from", first.strftime(shape), "--to", until.strftime(shape)
    )  # fmt: skip
    assert (receipt["scope"], receipt["actions"], receipt["keys_destroyed"]) == ("range", 5, 0)
    assert left(stored) == {TWO: 10, ONE: 5}
    assert stored.bodies(LedgerKind.FORGET) == [{"scope": "range", "blocks": blocks(stored, ONE)}]


def test_the_last_stretch(stored):
    since = (time.time() - noon(ONE)) / 60
    assert stored.ask("forget", "--last", f"{int(since) + 1}m")["actions"] == 10
    assert left(stored)[TWO] == 10


def test_everything(stored):
    receipt = stored.ask("forget", "--all")
    assert (receipt["scope"], receipt["actions"], receipt["keys_destroyed"]) == ("all", 20, 2)
    assert left(stored) == {}
    assert "Nothing is stored" in stored.ok("show")


def test_nothing_to_forget_is_said_and_leaves_no_entry(stored):
    assert "nothing to forget" in stored.ok("forget", "--last", "1m")
    assert stored.bodies(LedgerKind.FORGET) == []


def test_what_waits_to_be_stored_is_dropped_too(stored):
    before = stored.word().generation
    stored.ok("forget", "--last", "1m")
    assert stored.word().generation > before


def test_the_receipt_says_what_rounds_learned_and_that_it_cannot_be_called_back(stored):
    stored.learn_from(TWO)
    (before,) = [day for day in stored.ask("budget")["days"] if day["rounds"]]
    receipt = stored.ask("forget", "--day", TWO.isoformat())
    (learned,) = receipt["learned_before"]
    assert learned == before | {"delta": 1e-05}
    assert learned["epsilon_guaranteed"] >= learned["epsilon"] > 0
    said = stored.ok("forget", "--day", TWO.isoformat())
    assert "cannot be called back" in said
    assert f"{learned['epsilon_guaranteed']:.2f} counted" in said
    assert stored.ask("budget")["epsilon_all_days"] == pytest.approx(learned["epsilon_guaranteed"])


def test_an_application_and_a_stream_on_every_day(stored):
    stored.store(ONE, 3, bucket=417)
    assert stored.ask("forget", "--app", "#417")["actions"] == 3
    assert left(stored) == {TWO: 10, ONE: 10}
    assert stored.ask("forget", "--stream", "pointer")["actions"] == 0
    assert stored.ask("forget", "--stream", "keys")["actions"] == 20
    assert [body["scope"] for body in stored.bodies(LedgerKind.FORGET)] == ["app", "stream"]


def test_a_look_changes_nothing(stored):
    found = stored.ask("forget", "--all", "--preview")
    assert [(day["day"], day["actions"]) for day in found["days"]] == [
        (TWO.isoformat(), 10), (ONE.isoformat(), 10),
    ]  # fmt: skip
    assert "This would go" in stored.ok("forget", "--app", "browser", "--preview")
    assert "Nothing is stored of" in stored.ok("forget", "--app", "cad", "--preview")
    assert left(stored) == {TWO: 10, ONE: 10}
    assert stored.bodies(LedgerKind.FORGET) == []


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("said", "stays"), [("n\n", True), ("y\n", False)])
def test_on_a_terminal_it_asks_first(stored, monkeypatch, said, stays):
    monkeypatch.setattr("sys.stdin", Terminal(said))
    answer = stored.run("forget", "--day", TWO.isoformat())
    assert "This would go" in answer.out
    assert (TWO in left(stored)) == stays
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert "Forgotten" in stored.ok("forget", "--day", ONE.isoformat(), "--yes")


def test_receipts_are_listed(stored):
    assert "Nothing was ever forgotten" in stored.ok("forget", "--receipts")
    one = stored.ask("forget", "--day", TWO.isoformat())
    stored.ok("forget", "--all")
    found = stored.ask("forget", "--receipts")
    assert [each["scope"] for each in found] == ["day", "all"]
    signature = found[0].pop("signature")
    assert (found[0], len(signature)) == (one, 128)
    assert TWO.isoformat() in stored.ok("forget", "--receipts")
    stored.fails(10, "forget", "--receipts", "--all")


def test_a_damaged_day_is_said_and_the_others_are_forgotten(stored):
    (stored.paths.home / "days" / f"{TWO}.db").write_bytes(b"\x07" * 8192)
    answer = stored.run("forget", "--app", "browser")
    assert answer.code == 13
    assert "10 actions" in answer.out
    assert f"deskbound forget --day {TWO}" in answer.err
    assert stored.ask("forget", "--receipts")[0]["not_forgotten"] == [TWO.isoformat()]
    stored.ok("forget", "--day", TWO.isoformat())
    assert left(stored) == {ONE: 0}


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--app", "my diary"),
        ("--stream", "updates"),
        ("--app", "mail", "--stream", "keys"),
        ("--last", "5m", "--all"),
        ("--last", "soon"),
        ("--to", "12:00"),
        ("--last", "5m", "--to", "12:00"),
        ("--from", "noon"),
        ("--from", "2026-11-20 15:00", "--to", "2026-11-20 14:00"),
        ("--day", "someday"),
    ],
)
def test_what_is_unclear_forgets_nothing(stored, words):
    stored.fails(10, "forget", *words)
    assert left(stored) == {TWO: 10, ONE: 10}


def test_a_day_to_come_is_no_day_to_forget(stored):
    stored.fails(17, "forget", "--day", days_ago(-3).isoformat())
    assert stored.bodies(LedgerKind.FORGET) == []


NOW = datetime(2026, 11, 20, 14, 30, tzinfo=timezone(timedelta(hours=0)))


def test_moments():
    assert parse_moment("2026-11-20T14:05+00:00", NOW) == int(NOW.timestamp()) - 25 * 60
    assert parse_moment("9:05", NOW) == parse_moment("2026-11-20 09:05", NOW)
    with pytest.raises(ConfigError):
        parse_moment("9:65", NOW)
