"""``deskbound forget``: what goes, what the receipt counts, and what rounds learned before."""

import time
from datetime import datetime, timedelta, timezone

import pytest

from deskbound_client.cli.forget import parse_moment
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
        "keys_destroyed": 1, "learned_before": [],
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


@pytest.mark.parametrize(
    "words",
    [
        (),
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
