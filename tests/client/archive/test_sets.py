"""Published sets, in small copies of their shape written for these tests."""

import json
from datetime import datetime, timedelta

import pytest

from deskbound_client.archive.sets import import_set
from deskbound_client.employee.words import clock
from deskbound_client.store.rows import IMPORTED
from deskbound_strategies.errors import ConfigError, NotFoundError, VerificationError
from deskbound_strategies.vocabulary import TOKENS
from tests.helpers.archive import NOW, YESTERDAY, fresh

CANARY = "Zq7Jane"


@pytest.fixture
def desk(tmp_path):
    paths, vault = fresh(tmp_path / "home")
    paths.floor.write_text('profile = "research"\n')
    with vault:
        yield paths, vault


def names(vault, day=YESTERDAY):
    rows = list(vault.day(day).actions())
    assert {row.source for row in rows} == {IMPORTED}
    return [TOKENS[row.token].name for row in rows]


@pytest.fixture
def shell_log(tmp_path):
    folder = tmp_path / "cyber"
    folder.mkdir()
    lines = ["user,game,session,t,cmd_type,name"]
    for day, name in ((1, "ls"), (5, "nmap"), (6, "x11")):
        lines.append(f"7,g,s,2019-08-{day:02} 15:40:19.345589+00:00,bash-command,{name}")
    lines.append("9,g,s,2019-08-06 10:00:00+00:00,bash-command,whoami")
    (folder / "commands.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_commands_become_bursts_and_enter_and_end_yesterday(desk, shell_log):
    paths, vault = desk
    receipt = import_set(paths, vault, "cyber_shell", shell_log, now=NOW)
    assert names(vault) == ["switch:terminal", "type:mixed/2-3", "key:enter"]
    before = YESTERDAY - timedelta(days=1)
    assert names(vault, before) == ["switch:terminal", "type:letters/4-7", "key:enter"]
    assert {clock(row.at) for row in vault.day(YESTERDAY).actions()} == {"15:40:19"}
    assert receipt.dropped == ()  # six days fit: 5 of August is one day before, 1 is five


def test_days_that_do_not_fit_are_counted(desk, shell_log):
    paths, vault = desk
    paths.config.write_text("retention_days = 3\n")
    paths.config.chmod(0o600)
    receipt = import_set(paths, vault, "cyber_shell", shell_log, now=NOW)
    assert [day.day for day in receipt.days] == [YESTERDAY - timedelta(days=1), YESTERDAY]
    assert dict(receipt.dropped) == {"days before those that fit; raise retention_days for more": 1}


def test_another_person_is_another_row_of_days(desk, shell_log):
    paths, vault = desk
    import_set(paths, vault, "cyber_shell", shell_log, person=2, now=NOW)
    assert names(vault) == ["switch:terminal", "type:letters/4-7", "key:enter"]
    with pytest.raises(NotFoundError, match="no person 3"):
        import_set(paths, vault, "cyber_shell", shell_log, person=3, now=NOW)


def test_a_set_never_comes_into_a_vault_for_work(tmp_path, shell_log):
    paths, vault = fresh(tmp_path / "work")
    with vault:
        with pytest.raises(ConfigError, match="research"):
            import_set(paths, vault, "cyber_shell", shell_log, now=NOW)
        assert vault.days() == []


def test_a_set_that_is_none_and_plays_are_refused(desk, shell_log):
    paths, vault = desk
    for name in ("nothing", "shakespeare_roles"):
        with pytest.raises(ConfigError, match="no set"):
            import_set(paths, vault, name, shell_log, now=NOW)


def test_developers_commands_become_keys_and_shortcuts(desk, tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    messages = ["Edit.Copy", "Edit.LineDown", "Build.BuildDone", "View.Solution Explorer"]
    table = "action,message,category,n\n"
    table += "".join(f"{i},{message},,1\n" for i, message in enumerate(messages))
    (tmp_path / "actions.csv").write_text(table)
    (tmp_path / "users.csv").write_text("user,events\n27,4\n29,1\n")
    at = datetime(2014, 2, 10, 16, 10)  # noqa: DTZ001 - as the set has it
    times = [at + timedelta(seconds=10 * i) for i in range(4)]
    events = pa.table(
        {"user": [27] * 4 + [29], "t": [*times, at], "action": [0, 1, 2, 3, 0]},
        schema=pa.schema([("user", pa.int32()), ("t", pa.timestamp("us")), ("action", pa.int16())]),
    )
    parquet.write_table(events, tmp_path / "events.parquet")
    paths, vault = desk
    receipt = import_set(paths, vault, "abb_ide", tmp_path, now=NOW)
    assert names(vault) == ["switch:editor", "shortcut:ctrl+c", "key:down", "shortcut:other"]
    assert dict(receipt.dropped) == {"events that tell of no key, click or command": 1}


def test_an_office_log_becomes_switches_shortcuts_and_lengths(desk, tmp_path):
    columns = ["timeStamp", "targetApp", "eventType", "content", "target.value"]
    rows = [
        ("2019-10-21T00:10:08.994Z", "Excel", "getCell", "", CANARY),
        ("2019-10-21T00:10:09.640Z", "OS-Clipboard", "copy", CANARY, ""),
        ("2019-10-21T00:10:15.000Z", "Chrome", "clickTextField", "", ""),
        ("2019-10-21T00:10:16.000Z", "Chrome", "paste", "", CANARY),
        ("2019-10-21T00:10:20.000Z", "Chrome", "editField", "", "2024"),
    ]
    lines = [",".join(f'"{cell}"' for cell in row) for row in (columns, *rows)]
    (tmp_path / "StudentRecord.csv").write_text("\n".join(lines))
    paths, vault = desk
    receipt = import_set(paths, vault, "ui_log_leno", tmp_path, now=NOW)
    assert names(vault) == [
        "switch:spreadsheet", "shortcut:ctrl+c", "switch:browser", "shortcut:ctrl+v",
        "type:digits/4-7",
    ]  # fmt: skip
    assert dict(receipt.dropped) == {"clicks without a place": 2}
    assert CANARY not in repr(receipt)


def test_raw_input_becomes_gestures(desk, tmp_path):
    (tmp_path / "metadata.json").write_text(
        json.dumps({"start_time": "2023-10-20 17:19:53", "screen_width": 800, "screen_height": 600})
    )

    def click(*, down):
        return {"action": "click", "x": 799, "y": 1, "button": "left", "pressed": down}

    events = [
        {"action": "move", "x": 1, "y": 1},
        click(down=True),
        click(down=False),
        *({"action": sort, "name": "w"} for sort in ("press", "release")),
        {"action": "press", "name": "cmd"},
        {"action": "press", "name": "c"},
        {"action": "release", "name": "cmd"},
        {"action": "press", "name": "page_up"},
        {"action": "press", "name": "home_key_of_another_world"},
        {"action": "scroll", "dx": 0, "dy": -1},
    ]
    lines = [json.dumps({"time_stamp": 150_160.9 + i, **e}) for i, e in enumerate(events)]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    paths, vault = desk
    receipt = import_set(paths, vault, "ducktrack", tmp_path, now=NOW)
    assert names(vault) == [
        "click@7,0", "type:letters/1", "shortcut:ctrl+c", "key:page-up",
        "scroll-down",
    ]  # fmt: skip
    assert dict(receipt.dropped) == {"keys without a word": 1, "moves of the pointer": 1}


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("cyber_shell", "commands.csv", f"user,t,name\n1,{CANARY},ls\n"),
        ("cyber_shell", "commands.csv", f"{CANARY}\n1\n"),
        ("ui_log_leno", "StudentRecord.csv", f"timeStamp\n{CANARY}\n"),
        ("ducktrack", "metadata.json", f'{{"{CANARY}'),
        ("ducktrack", "metadata.json", "[]"),
    ],
)
def test_files_that_are_not_the_set_are_refused_without_a_word_of_them(
    desk, tmp_path, name, file, text
):
    (tmp_path / file).write_text(text)
    paths, vault = desk
    with pytest.raises(VerificationError) as error:
        import_set(paths, vault, name, tmp_path, now=NOW)
    assert vault.days() == []
    assert CANARY not in f"{error.value.sentence}{error.value.mend}"
    assert error.value.__context__ is None


def test_a_missing_file_is_named(desk, tmp_path):
    paths, vault = desk
    for name in ("abb_ide", "cyber_shell", "ui_log_leno", "ducktrack"):
        with pytest.raises(NotFoundError):
            import_set(paths, vault, name, tmp_path, now=NOW)
