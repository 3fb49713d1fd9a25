"""``deskbound generate``: marked as generated, never mixed with a person's own, never twice."""

import pytest

from deskbound_client.store.rows import GENERATED
from tests.helpers.cli import days_ago


def test_every_row_is_marked_and_the_same_seed_gives_the_same_days(desk):
    said = desk.ok("generate", "--persona", "analyst", "--days", "2", "--seed", "3")
    assert "generated actions on 2 days" in said
    with desk.vault() as vault:
        assert vault.days() == [days_ago(2), days_ago(1)]
        first = [row for day in vault.days() for row in vault.day(day).actions()]
    assert {row.source for row in first} == {GENERATED}
    assert all(row.stream for row in first)
    assert f"{len(first):,}" in said
    desk.ok("forget", "--from", f"{days_ago(3)} 00:00")
    desk.ok("generate", "--persona", "analyst", "--days", "2", "--seed", "3")
    with desk.vault() as vault:
        assert [row for day in vault.days() for row in vault.day(day).actions()] == first


@pytest.mark.parametrize(
    ("source", "word"), [(0, "captured"), (GENERATED, "generated")]
)  # fmt: skip
def test_a_day_that_holds_activity_is_refused_and_untouched(desk, source, word):
    rows = desk.store(days_ago(2), source=source)
    said = desk.fails(10, "generate", "--persona", "analyst", "--days", "3")
    assert f"{days_ago(2)} holds {word} activity" in said
    with desk.vault() as vault:
        assert vault.days() == [days_ago(2)]
        assert list(vault.day(days_ago(2)).actions()) == rows


def test_captured_activity_of_today_is_no_hindrance(desk):
    desk.store(days_ago(0), count=1)
    desk.ok("generate", "--persona", "analyst", "--days", "1")


def test_days_that_would_retire_at_once_are_refused(desk):
    assert "retention_days" in desk.fails(10, "generate", "--persona", "analyst", "--days", "7")


def test_an_unknown_persona_names_those_there_are(desk):
    assert "analyst" in desk.fails(10, "generate", "--persona", "nobody")


def test_a_forgotten_day_is_not_filled_and_nothing_lands_elsewhere(desk):
    desk.ok("forget", "--day", "yesterday")
    desk.ok("forget", "--day", "today")
    assert "was forgotten" in desk.fails(17, "generate", "--persona", "analyst", "--days", "3")
    with desk.vault() as vault:
        assert all(not vault.day(day).counts().actions for day in vault.days())


def test_one_who_agreed_to_nothing_hears_that_rounds_learn_nothing_from_it(desk):
    said = desk.ok("generate", "--persona", "analyst", "--days", "1")
    assert "deskbound consent grant keys pointer windows" in said
    desk.ok("consent", "grant", "keys", "pointer", "windows")
    desk.ok("forget", "--from", f"{days_ago(3)} 00:00")
    said = desk.ok("generate", "--persona", "analyst", "--days", "1")
    assert "consent" not in said
