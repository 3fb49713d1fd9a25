"""``deskbound exclude`` on a real vault: what is written, what goes of the past, what is said."""

import pytest

from deskbound_client.config import load_config
from deskbound_client.store.rows import StoredAction
from deskbound_strategies.vocabulary import APP_OTHER, APPS
from tests.helpers.cli import ENTER, days_ago, desk, empty, noon

__all__ = ["desk", "empty"]

BROWSER, CHAT, MAIL = (APPS.index(name) for name in ("browser", "chat", "mail"))


def store(desk, day, *rows):
    with desk.vault() as vault:
        found = [
            StoredAction(ENTER, app, 1, noon(day) + i, stream=1, bucket=bucket)
            for i, (app, bucket) in enumerate(rows)
        ]
        vault.append(found)


def apps(desk):
    with desk.vault() as vault:
        return [row.app for day in vault.days() for row in vault.day(day).actions()]


def test_rules_are_listed_added_and_taken_back(desk):
    assert desk.ask("exclude", "list") == []
    desk.ok("exclude", "app", "chat", "--keep")
    desk.ok("exclude", "app", "my-diary*", "--keep")
    desk.ok("exclude", "title", "*salary*")
    assert desk.ask("exclude", "list") == [
        {"kind": "app", "pattern": "chat", "category": True},
        {"kind": "app", "pattern": "my-diary*", "category": False},
        {"kind": "title", "pattern": "*salary*", "category": False},
    ]
    desk.ok("exclude", "remove", "app", "CHAT")
    config = load_config(desk.paths.config)
    assert (config.excluded_apps, config.excluded_titles) == (("my-diary*",), ("*salary*",))


def test_the_same_rule_twice_is_one_rule(desk):
    for spelling in ("Chat", " chat ", "CHAT"):
        desk.ok("exclude", "app", spelling, "--keep")
    assert load_config(desk.paths.config).excluded_apps == ("Chat",)


def test_each_rule_raises_the_word_after_it_is_written(desk):
    for command in (
        ("app", "chat", "--keep"), ("title", "*x*"), ("remove", "title", "*x*"),
    ):  # fmt: skip
        before = desk.word().generation
        desk.ok("exclude", *command)
        assert desk.word().generation == before + 1


def test_the_past_of_a_category_goes_if_wished(desk):
    store(desk, days_ago(1), (CHAT, 0), (MAIL, 0), (CHAT, 0))
    store(desk, days_ago(0), (CHAT, 0))
    assert "It stays until you forget it" in desk.ok("exclude", "app", "chat")
    assert apps(desk) == [CHAT, MAIL, CHAT, CHAT]
    assert "Forgotten: 3 actions" in desk.ok("exclude", "app", "chat", "--forget")
    assert apps(desk) == [MAIL]


def test_a_program_without_a_category_is_found_by_its_number(desk):
    with desk.vault() as vault:
        mine, other = vault.app_bucket("my-diary"), vault.app_bucket("another")
    store(desk, days_ago(1), (APP_OTHER, mine), (APP_OTHER, other))
    assert "Forgotten: 1 action" in desk.ok("exclude", "app", "My-Diary", "--forget")
    with desk.vault() as vault:
        rows = [row for day in vault.days() for row in vault.day(day).actions()]
    assert [row.bucket for row in rows] == [other]


def test_it_says_that_a_program_with_a_category_takes_the_whole_category_with_it(desk):
    store(desk, days_ago(0), (CHAT, 0), (BROWSER, 0))
    said = desk.ok("exclude", "app", "slack")
    assert "knows only the category chat: the past of every program in it would go" in said
    said = desk.ok("exclude", "app", "org.mozilla.firefox")
    assert "category browser" in said


def test_where_nothing_is_stored_of_it_nothing_is_offered(desk):
    said = desk.ok("exclude", "app", "my-diary")
    assert "Nothing is stored of it." in said
    assert "It stays" not in said


def test_a_pattern_and_a_title_say_that_they_find_nothing_of_the_past(desk):
    assert "a pattern finds none of the past" in desk.ok("exclude", "app", "my-*")
    assert "exactly that" in desk.ok("exclude", "title", "salary")


def test_what_is_no_rule_is_refused_and_changes_nothing(desk):
    before = desk.paths.config.read_bytes() if desk.paths.config.exists() else b""
    for pattern in ("", "  ", "x" * 201, "a\nb"):
        desk.fails(10, "exclude", "title", pattern)
    desk.fails(17, "exclude", "remove", "app", "chat")
    after = desk.paths.config.read_bytes() if desk.paths.config.exists() else b""
    assert after == before


def test_without_a_vault_nothing_is_written(empty):
    empty.fails(17, "exclude", "app", "chat", "--keep")
    assert not empty.paths.config.exists()


@pytest.mark.parametrize("pattern", ["<script>alert(1)</script>", "[bold]x[/]", "a]b", "ü*"])
def test_any_text_is_a_rule_and_printed_as_it_is(desk, pattern):
    desk.ok("exclude", "title", pattern)
    assert pattern in desk.ok("exclude", "list")
