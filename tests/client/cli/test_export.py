"""``deskbound export`` and ``deskbound import`` through the real command."""

import json
import stat
import zipfile

import pytest

from deskbound_client.archive import age
from tests.helpers.cli import Desk, days_ago

SECRET = "the secret of an archive"


@pytest.fixture(autouse=True)
def light_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age, "WORK_FACTOR", 10)


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def other(tmp_path, capsys, desk):
    (tmp_path / "other").mkdir()
    made = Desk(tmp_path / "other", capsys)
    made.init("--profile", "balanced")
    return made


def test_a_plain_archive_comes_with_a_warning(desk, tmp_path):
    desk.store(days_ago(1))
    said = desk.ok("export", str(tmp_path / "me.zip"))
    assert "10 actions" in said
    assert "Not encrypted" in said
    assert "--encrypt" in said
    assert stat.S_IMODE((tmp_path / "me.zip").stat().st_mode) == 0o600


def test_an_encrypted_one_does_not(desk, tmp_path, secret):
    desk.store(days_ago(1))
    said = desk.ok("export", str(tmp_path / "me.age"), "--passphrase-file", str(secret))
    assert "Not encrypted" not in said
    assert SECRET not in said
    assert not zipfile.is_zipfile(tmp_path / "me.age")


def test_a_passphrase_is_never_guessed_where_nobody_can_be_asked(desk, tmp_path):
    desk.fails(11, "export", str(tmp_path / "me.age"), "--encrypt")
    assert not (tmp_path / "me.age").exists()


def test_a_passphrase_file_others_can_read_is_refused(desk, tmp_path, secret):
    secret.chmod(0o644)
    desk.fails(14, "export", str(tmp_path / "me.age"), "--passphrase-file", str(secret))
    assert not (tmp_path / "me.age").exists()


def test_a_file_that_is_there_is_not_overwritten(desk, tmp_path):
    (tmp_path / "me.zip").write_text("mine")
    desk.fails(10, "export", str(tmp_path / "me.zip"))
    assert (tmp_path / "me.zip").read_text() == "mine"
    desk.ok("export", str(tmp_path / "me.zip"), "--force")


def test_an_archive_moves_to_another_vault(desk, other, tmp_path, secret):
    day = days_ago(1)
    desk.store(day)
    file = str(tmp_path / "me.age")
    written = desk.ask("export", file, "--passphrase-file", str(secret))
    assert written["days"] == [day.isoformat()]
    other.fails(10, "import", file)
    secret.write_text("wrong passphrase")
    other.fails(12, "import", file, "--passphrase-file", str(secret))
    secret.write_text(SECRET)
    found = other.ask("import", file, "--passphrase-file", str(secret))
    assert found["days"] == [{"day": day.isoformat(), "outcome": "imported", "actions": 10}]
    assert (found["own"], found["device"]) == (False, written["device"])
    assert other.ask("show", day.isoformat())["sources"] == {"imported": 10}
    assert "stored already" in other.ok("import", file, "--passphrase-file", str(secret))


def test_a_day_with_other_rows_ends_in_an_error_and_a_mend(desk, tmp_path):
    day = days_ago(1)
    desk.store(day)
    desk.ok("export", str(tmp_path / "me.zip"))
    desk.store(day, count=1)
    answer = desk.run("import", str(tmp_path / "me.zip"))
    assert answer.code == 10
    assert "deskbound forget --day" in answer.err


def test_what_was_forgotten_stays_forgotten(desk, tmp_path):
    day = days_ago(1)
    desk.store(day)
    desk.store(days_ago(0), count=3)
    desk.ok("export", str(tmp_path / "me.zip"))
    desk.ok("forget", "--from", f"{day} 00:00", "--to", f"{day} 23:59")
    answer = desk.run("import", str(tmp_path / "me.zip"))
    assert answer.code == 10
    assert "--even-forgotten" in answer.err
    assert desk.ask("show", day.isoformat())["actions"] == 0
    desk.ok("import", str(tmp_path / "me.zip"), "--even-forgotten")
    assert desk.ask("show", day.isoformat())["actions"] == 10


def test_one_day_can_be_chosen(desk, tmp_path):
    desk.store(days_ago(1))
    desk.store(days_ago(2), count=3)
    found = desk.ask("export", str(tmp_path / "me.zip"), "--day", "yesterday")
    assert found["actions"] == 10
    desk.fails(17, "export", str(tmp_path / "two.zip"), "--day", days_ago(3).isoformat())


def test_settings_are_in_it_as_they_are(desk, tmp_path):
    desk.ok("export", str(tmp_path / "me.zip"))
    with zipfile.ZipFile(tmp_path / "me.zip") as found:
        settings = json.loads(found.read("settings.json"))
    assert settings["floor"]["profile"] == "research"
    assert settings["config"]["retention_days"] >= 7


def test_a_changed_archive_is_refused(desk, tmp_path):
    desk.store(days_ago(1))
    desk.ok("export", str(tmp_path / "me.zip"))
    data = bytearray((tmp_path / "me.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "me.zip").write_bytes(data)
    desk.fails(50, "import", str(tmp_path / "me.zip"))


def test_an_activitywatch_export_comes_in_marked_as_imported(desk, tmp_path):
    day = days_ago(1)
    event = {"timestamp": f"{day}T12:00:00+00:00", "duration": 5, "data": {"app": "xterm"}}
    buckets = {"w": {"type": "currentwindow", "events": [event]}}
    (tmp_path / "aw.json").write_text(json.dumps({"buckets": buckets}))
    said = desk.ok("import", "--activitywatch", str(tmp_path / "aw.json"))
    assert "1 action" in said
    assert "never" in said or "do not learn" in said
    assert desk.ask("show", day.isoformat())["sources"] == {"imported": 1}


def test_a_published_set_asks_for_a_research_vault(desk, other, tmp_path):
    log = "user,t,name\n1,2019-08-14 15:40:19+00:00,ls\n"
    (tmp_path / "commands.csv").write_text(log)
    other.fails(10, "import", "--set", "cyber_shell", str(tmp_path))
    found = desk.ask("import", "--set", "cyber_shell", str(tmp_path))
    assert [day["outcome"] for day in found["days"]] == ["imported"]


def test_options_of_archives_do_not_go_with_others(desk, tmp_path):
    desk.fails(10, "import", "--activitywatch", "--mine", str(tmp_path / "aw.json"))
    desk.fails(10, "import", "--set", "cyber_shell", "--day", "today", str(tmp_path))
