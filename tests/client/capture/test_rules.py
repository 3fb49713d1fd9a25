"""Rules that change while capture runs, on a real display with a real config file."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from deskbound_client.capture import signals
from deskbound_client.capture.gate import Reason, verdict
from deskbound_client.capture.rules import RuleFile, Rules
from deskbound_client.capture.schedule import Schedule
from deskbound_client.capture.titles import TitleRules
from deskbound_client.config import write_default
from deskbound_client.config_edit import set_value
from deskbound_client.employee import excluding
from deskbound_client.paths import HomePaths
from tests.client.capture.test_private_windows import Window
from tests.helpers.display import ALL_STREAMS, capturing, desktop, eventually

__all__ = ["desktop"]

FIRST = Rules(apps=("chat",))


def test_without_a_file_the_first_rules_hold(tmp_path):
    file = RuleFile(FIRST, tmp_path / "config.toml")
    assert file.read() is file.read() is FIRST


def test_a_changed_file_is_read_anew_and_an_unchanged_one_is_not(tmp_path):
    path = tmp_path / "config.toml"
    file = RuleFile(FIRST, path)
    set_value(path, "excluded_titles", ("*salary*",))
    found = file.read()
    assert found == Rules(titles=("*salary*",))
    assert file.read() is found
    set_value(path, "schedule", ("mon-fri 09:00-17:00",))
    assert file.read() == Rules((), ("*salary*",), Schedule.parse(("mon-fri 09:00-17:00",)))


def test_a_file_that_is_damaged_open_to_others_or_gone_leaves_no_rules_at_all(tmp_path):
    path = tmp_path / "config.toml"
    file = RuleFile(FIRST, path)
    for spoil in (
        lambda: path.write_bytes(b"= what"),
        lambda: path.write_text('excluded_appps = ["chat"]\n'),
        lambda: path.write_text('schedule = ["never"]\n'),
        lambda: path.chmod(0o666),
        path.unlink,
    ):
        path.unlink(missing_ok=True)
        write_default(path)
        assert file.read() == Rules()
        spoil()
        assert file.read() is None


@pytest.mark.parametrize(
    ("pattern", "title", "excluded"),
    [
        ("*salary*", "My SALARY 2026 — Writer", True),
        ("*salary*", "Sal ary", False),
        ("salary", "salary", True),
        ("salary", "my salary", False),
        ("*STRASSE*", "Hauptstraße 1", True),
        ("*", "", True),
        ("*x*", None, True),
    ],
)
def test_titles_are_compared_without_regard_to_case(pattern, title, excluded):
    assert TitleRules((pattern,)).exclude(title) is excluded


def test_without_patterns_no_title_is_asked_for():
    assert not TitleRules(())
    assert TitleRules(()).exclude(None) is False


# --- while capture runs -----------------------------------------------------------------------


@pytest.fixture
def document(desktop) -> Iterator[Window]:
    window = Window(desktop, ("mydoc", "MyDoc"), "Report")
    yield window
    window.close()


def reason(session):
    board = session.capture._board
    return verdict(session.control.word(), ALL_STREAMS, signals.KEYS, board.current)


@pytest.mark.display
def test_an_excluded_title_keeps_nothing_from_its_first_moment(desktop, document, tmp_path):
    home = tmp_path / "home"
    with capturing(home, desktop) as session:
        session.notices(document.number)
        excluding.exclude(HomePaths(home), "title", "*salary*")
        session.notices(document.number)
        for _ in range(10):
            eventually(lambda: reason(session) is Reason.OPEN, "the report to open")
            desktop.press("F1")
            document.call("Salary of everybody")
            desktop.press("F5")
            desktop.type("letters\n")
            document.call("Report")
        session.settled()
        eventually(lambda: reason(session) is Reason.OPEN, "the report to open")
        desktop.press("Home")
        session.until("key:home")
        names = session.names()
    assert not any(name == "key:f5" or name.startswith("type") for name in names)
    assert "salary" not in (home / "control").read_bytes().decode("latin-1").lower()


@pytest.mark.display
def test_a_new_rule_holds_from_the_moment_the_command_returns(desktop, document, tmp_path):
    home = tmp_path / "home"
    with capturing(home, desktop) as session:
        session.notices(document.number)
        desktop.press("F1")
        session.until("key:f1")
        for kind, pattern in (("app", "mydoc"), ("title", "rep*"), ("app", "other")):
            excluding.exclude(HomePaths(home), kind, pattern)
            desktop.type("letters\n")
            desktop.press("F5")
            eventually(lambda: reason(session) is Reason.EXCLUDED, "the rule to hold")
            excluding.remove(HomePaths(home), kind, pattern)
            eventually(lambda: reason(session) is Reason.OPEN, "it to open")
            session.notices(document.number)
        desktop.press("Home")
        session.until("key:home")
        names = session.names()
    assert not any(name in ("key:f5", "key:enter") or name.startswith("type") for name in names)


@pytest.mark.display
def test_a_config_damaged_while_capture_runs_closes_it(desktop, document, tmp_path):
    home = tmp_path / "home"
    with capturing(home, desktop) as session:
        session.notices(document.number)
        config = HomePaths(home).config
        write_default(config)
        config.write_text("excluded_apps = [")
        eventually(lambda: reason(session) is Reason.UNKNOWN, "it to close")
        desktop.type("letters\n")
        session.settled()
        assert session.names() == []
        config.write_text("")
        eventually(lambda: reason(session) is Reason.OPEN, "it to open")


@pytest.mark.display
def test_outside_its_hours_nothing_is_kept(desktop, document, tmp_path):
    home = tmp_path / "home"
    with capturing(home, desktop) as session:
        session.notices(document.number)
        set_value(HomePaths(home).config, "schedule", (_not_now(),))
        eventually(lambda: reason(session) is Reason.SCHEDULE, "the hours to end")
        desktop.type("letters\n")
        desktop.click(800, 480)
        session.settled()
        assert session.names() == []


def _not_now() -> str:
    """Hours of a day that is neither today nor tomorrow."""
    day = datetime.now().astimezone() + timedelta(days=3)
    return f"{('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')[day.weekday()]} 09:00-10:00"
