"""``deskbound show``: all that is stored, in plain words, and nothing besides."""

from deskbound_client.store.rows import THUMB_BYTES, StoredGap, StoredThumb
from tests.helpers.cli import days_ago, noon

DAY = days_ago(1)


def test_an_empty_vault_says_so(desk):
    assert desk.ok("show") == "Nothing is stored.\n"
    assert desk.ask("show") == {"days": []}


def test_days_are_counted_by_where_their_rows_come_from(desk):
    desk.store(DAY, 4)
    desk.store(DAY, 2, source=1)
    (day,) = desk.ask("show")["days"]
    assert day["day"] == DAY.isoformat()
    assert (day["actions"], day["thumbnails"], day["gaps"]) == (6, 0, 0)
    assert day["sources"] == {"captured": 4, "generated": 2}
    assert "4 captured, 2 generated" in desk.ok("show")


def test_actions_holes_and_pictures_are_said_in_words(desk):
    desk.store(DAY, 5)
    with desk.vault() as vault:
        at = noon(DAY) + 60
        vault.append([StoredGap(at, at + 30, "sleep"), StoredThumb(bytes(THUMB_BYTES), 0, at)])
    found = desk.ask("show", DAY.isoformat(), "--last", "2", "--thumbnails", "1")
    assert [action["words"] for action in found["last"]] == ["pressed enter"] * 2
    assert {action["app"] for action in found["last"]} == {"browser"}
    assert found["holes"] == [{"from": at, "to": at + 30, "cause": "sleep"}]
    (picture,) = found["pictures"]
    assert (len(picture["rows"]), {len(row) for row in picture["rows"]}) == (36, {64})
    said = desk.ok("show", "yesterday", "--last", "2", "--thumbnails", "1")
    assert said.count("pressed enter") == 2
    assert "nothing: sleep" in said


def test_a_bucket_is_a_number_never_a_name(desk):
    desk.store(DAY, 1, bucket=417)
    (action,) = desk.ask("show", DAY.isoformat())["last"]
    assert action["app"] == "browser #417"


def test_a_day_without_a_file_is_told(desk):
    assert "deskbound show" in desk.fails(17, "show", "2020-01-01")
    desk.fails(10, "show", "someday")


def test_what_fits_plain_words_is_found_on_all_days(desk):
    desk.store(DAY, 5)
    desk.store(days_ago(2), 2, bucket=7)
    found = desk.ask("show", "--find", "enter browser", "--last", "3")
    assert (found["total"], found["apps"]) == (7, {"browser": 7})
    assert [hit["at"] for hit in found["hits"]] == [noon(DAY) + 2 + i for i in range(3)]
    assert desk.ask("show", DAY.isoformat(), "--find", "enter")["total"] == 5
    assert "7 actions found; the last 2" in desk.ok("show", "--find", "enter", "--last", "2")
    assert "0 actions found." in desk.ok("show", "--find", "ctrl+c")
