"""An ActivityWatch export becomes categories, pauses and counts; its titles become nothing."""

import json
from datetime import timedelta

import pytest

from deskbound_client.archive.activitywatch import import_activitywatch
from deskbound_client.store.rows import IMPORTED
from deskbound_client.store.vault import day_of
from deskbound_strategies.errors import NotFoundError, VerificationError
from deskbound_strategies.vocabulary import APPS, TOKENS
from tests.helpers.archive import NOW, YESTERDAY, fresh
from tests.helpers.store import plain_pages

# Long words: pages hold random bytes, in which any two letters are found sooner or later.
CANARY = "Zq7salaries janeandjohn doeaddress"
START = (NOW - timedelta(days=1)).replace(hour=9, minute=0)


def event(seconds, duration=5.0, **data):
    stamp = (START + timedelta(seconds=seconds)).isoformat()
    return {"id": 1, "timestamp": stamp, "duration": duration, "data": data}


def window(seconds, app, title=CANARY):
    return event(seconds, app=app, title=title, url=f"https://{CANARY}")


def export(path, **buckets):
    path.write_text(
        json.dumps(
            {
                "buckets": {
                    f"aw-watcher-{kind}_host-{CANARY}": {
                        "id": f"aw-watcher-{kind}_{CANARY}",
                        "created": "2026-01-01T00:00:00Z",
                        "name": None,
                        "type": {"afk": "afkstatus", "input": "os.hid.input"}.get(
                            kind, "web.tab.current" if kind == "web" else "currentwindow"
                        ),
                        "client": f"aw-watcher-{kind}",
                        "hostname": CANARY,
                        "data": {"note": CANARY},
                        "events": events,
                    }
                    for kind, events in buckets.items()
                }
            }
        )
    )
    return path


@pytest.fixture
def desk(tmp_path):
    paths, vault = fresh(tmp_path / "home")
    with vault:
        yield paths, vault


def names(vault, day=YESTERDAY):
    return [TOKENS[row.token].name for row in vault.day(day).actions()]


def test_windows_become_categories_in_the_order_they_were_used(desk, tmp_path):
    paths, vault = desk
    file = export(
        tmp_path / "aw.json",
        window=[  # newest first, as the server gives them
            window(30, "Google Chrome"),
            window(20, "code.exe"),
            window(12, "firefox", "another title"),
            window(10, "firefox"),
        ],
    )
    receipt = import_activitywatch(paths, vault, file, now=NOW)
    assert [(day.day, day.outcome) for day in receipt.days] == [(YESTERDAY, "imported")]
    rows = list(vault.day(YESTERDAY).actions())
    assert names(vault) == ["switch:browser", "switch:editor", "switch:browser"]
    assert {row.source for row in rows} == {IMPORTED}
    assert [row.gap for row in rows] == [8, 5, 5], "unknown, then between 5 and 15 s"
    assert receipt.device == ""


def test_an_unknown_program_is_a_number_of_this_laptop(desk, tmp_path):
    paths, vault = desk
    file = export(tmp_path / "aw.json", window=[window(0, "Secret-Project-Tool")])
    import_activitywatch(paths, vault, file, now=NOW)
    (row,) = vault.day(YESTERDAY).actions()
    assert APPS[row.app] == "other"
    assert row.bucket == vault.app_bucket("secret-project-tool") > 0


def test_a_name_that_is_no_text_breaks_nothing(desk, tmp_path):
    paths, vault = desk
    import_activitywatch(
        paths, vault, export(tmp_path / "aw.json", window=[window(0, "x\ud800"), window(1, "")]),
        now=NOW,
    )  # fmt: skip
    assert names(vault) == ["switch:other", "switch:other"]


def test_excluded_programs_leave_nothing(desk, tmp_path):
    paths, vault = desk
    paths.config.write_text('excluded_apps = ["chat", "my-diary*"]\n')
    paths.config.chmod(0o600)
    shown = [window(i, app) for i, app in enumerate(("slack", "My-Diary 2", "keepassxc", "mutt"))]
    receipt = import_activitywatch(
        paths, vault, export(tmp_path / "aw.json", window=shown), now=NOW
    )
    assert names(vault) == ["switch:mail"]
    assert dict(receipt.dropped)["windows of excluded or unnamed programs"] == 3


def test_absence_becomes_a_hole_and_typing_a_burst(desk, tmp_path):
    paths, vault = desk
    file = export(
        tmp_path / "aw.json",
        window=[window(0, "writer"), window(400, "xterm")],
        afk=[event(60, 300.0, status="afk"), event(0, 60.0, status="not-afk")],
        input=[
            event(5, presses=6, clicks=2, deltaX=10, deltaY=4, scrollX=0, scrollY=-3),
            event(410, presses=0, clicks=0, scrollX=0, scrollY=2),
        ],
    )
    receipt = import_activitywatch(paths, vault, file, now=NOW)
    assert names(vault) == [
        "switch:other", "type:mixed/4-7", "scroll-up", "switch:terminal", "scroll-down",
    ]  # fmt: skip
    (hole,) = vault.day(YESTERDAY).gaps()
    assert (hole.ended - hole.started, hole.cause) == (300, "idle")
    assert dict(receipt.dropped)["clicks without a place"] == 2


def test_no_title_address_or_name_comes_into_the_vault(desk, tmp_path):
    paths, vault = desk
    many = [window(i * 3, f"tool {i} {CANARY}", f"{CANARY} {i}") for i in range(300)]
    file = export(tmp_path / "aw.json", window=many, web=[event(1, url=CANARY, title=CANARY)])
    receipt = import_activitywatch(paths, vault, file, now=NOW)
    assert CANARY not in repr(receipt)
    file = vault.day(YESTERDAY)
    file.connection.empty_journal()
    key = vault._files._key(YESTERDAY)
    pages = plain_pages(vault.day_path(YESTERDAY), key)
    assert b"actions" in pages, "the pages were decrypted"
    for word in [*CANARY.split(), "tool 1"]:
        assert word.encode() not in pages
    for row in vault.database.execute("SELECT name, value FROM settings"):
        assert CANARY not in repr(row)


def test_days_come_in_once_and_today_not_at_all(desk, tmp_path):
    paths, vault = desk
    today = 86_400
    old = -10 * 86_400
    file = export(
        tmp_path / "aw.json",
        window=[window(old, "xterm"), window(0, "xterm"), window(today, "xterm")],
    )
    first = import_activitywatch(paths, vault, file, now=NOW)
    assert [day.outcome for day in first.days] == ["imported", "today"]
    assert dict(first.dropped) == {"events outside the days that this vault keeps": 1}
    again = import_activitywatch(paths, vault, file, now=NOW)
    assert [day.outcome for day in again.days] == ["identical", "today"]
    with pytest.raises(NotFoundError):
        import_activitywatch(paths, vault, file, days=[day_of(0)], now=NOW)


GOOD = json.dumps(window(0, "xterm"))


def holding(events: str) -> str:
    return '{"buckets": {"a": {"type": "currentwindow", "events": [' + events + "]}}}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        holding("")[:-4],
        holding(GOOD)[:-4],
        holding(GOOD) + " x",
        holding("7"),
        holding('{"data": {}}'),
        holding(GOOD.replace("5.0", "NaN")),
        holding(GOOD.replace("5.0", "-1")),
        holding(GOOD.replace("2026", "99999")),
        holding('"' + "x" * 3_000_000 + '"'),
        '{"buckets": ' + "[" * 100_000,
    ],
)
def test_what_is_no_export_is_refused_and_nothing_of_it_quoted(desk, tmp_path, text):
    paths, vault = desk
    (tmp_path / "aw.json").write_text(text)
    with pytest.raises(VerificationError) as error:
        import_activitywatch(paths, vault, tmp_path / "aw.json", now=NOW)
    assert vault.days() == []
    assert error.value.__cause__ is None
    assert error.value.__context__ is None, "an error of the JSON library holds the text"
    assert CANARY not in f"{error.value.sentence}{error.value.mend}"


def test_an_export_without_buckets_brings_nothing(desk, tmp_path):
    paths, vault = desk
    (tmp_path / "aw.json").write_text('{"buckets": {}}')
    assert import_activitywatch(paths, vault, tmp_path / "aw.json", now=NOW).days == ()
