"""The clock is set ten years ahead, ten years back, and by an hour twice a year."""

import time
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbound_client.capture.clocks import Moment
from deskbound_client.capture.control import Control
from deskbound_client.capture.gate import Context
from deskbound_client.capture.inbox import Inbox
from deskbound_client.capture.recorder import Recorder
from deskbound_client.capture.signals import KEYS
from deskbound_client.capture.situation import Board
from deskbound_client.store.vault import Vault
from deskbound_client.store.writer import Writer
from deskbound_strategies.observations import KeyPressed
from deskbound_strategies.vocabulary import TOKENS
from tests.helpers.store import MemoryKeystore

TEN_YEARS = 10 * 31_557_600
START = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
OPEN = Context(
    known=True, app=5, excluded=False, private=False, exposed=False, password=False,
    scheduled=True, remote=False, locked=False, idle=False, number=1,
)  # fmt: skip
NAMES = [f"f{number}" for number in range(1, 13)]


class Desk:
    """A recorder on a real vault; a test turns its wall clock and types."""

    def __init__(self, folder):
        self.wall, self.steady, self.server_ms = float(START), 0.0, 0
        self.vault = Vault.create(folder / "home", MemoryKeystore(), today=date(2026, 11, 20))
        self.control = Control.create(
            folder / "home" / "control", lambda: Moment(self.wall, self.steady, 1)
        )
        self.control.set_streams(KEYS)
        self.board = Board()
        self.board.publish(OPEN, 0)
        self.inbox = Inbox(1_000, lambda: self.wall)
        writer = Writer(self.vault, self.control, clock=lambda: self.steady)
        self.recorder = Recorder(
            self.inbox, self.board, self.control, writer, boot=1,
            clock=lambda: self.wall, steady=lambda: self.steady,
        )  # fmt: skip
        self.recorder.step()
        self.board.begin(self.control.word(), 0)

    def press(self, name):
        """Press a key, and let one second pass."""
        self.server_ms += 1_000
        self.inbox.put(KeyPressed(self.server_ms, name, "key"), KEYS, self.control.generation)
        for _ in range(2):
            self.board.confirm(self.server_ms + 500)
            self.wall, self.steady = self.wall + 0.5, self.steady + 0.5
            self.recorder.step()

    def stored(self):
        """Return the names of all keys on the disk, in the order in which they were stored."""
        days = {day: self.vault.day(day).actions() for day in self.vault.days()}
        return {day: [TOKENS[row.token].name for row in rows] for day, rows in days.items()}

    def close(self):
        self.control.close()
        self.vault.close()


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("set_by", [-TEN_YEARS, -3_600, 3_600, TEN_YEARS])
def test_nothing_is_lost_or_put_out_of_order(desk, set_by):
    for number, name in enumerate(NAMES):
        if number == 4:
            desk.wall += set_by
        if number == 8:
            desk.wall -= set_by
        desk.press(name)
    kept = desk.stored()
    assert sorted(name for names in kept.values() for name in names) == sorted(
        f"key:{name}" for name in NAMES
    )
    for names in kept.values():  # each file in the order in which the keys were pressed
        numbers = [int(name.removeprefix("key:f")) for name in names]
        assert numbers == sorted(numbers)


@pytest.mark.parametrize("set_by", [-TEN_YEARS, TEN_YEARS])
def test_what_was_forgotten_does_not_come_back(desk, set_by):
    desk.press("f1")
    today = max(desk.vault.days())
    desk.control.bump()
    desk.vault.forget_day(today)
    desk.wall += set_by
    desk.board.begin(desk.control.word(), desk.server_ms)
    desk.press("f2")
    desk.wall -= set_by
    desk.press("f3")
    names = [name for names in desk.stored().values() for name in names]
    assert "key:f1" not in names
    assert set(names) <= {"key:f2", "key:f3"}


@pytest.mark.parametrize("set_by", [-TEN_YEARS, TEN_YEARS])
def test_an_endless_pause_does_not_end(desk, set_by):
    desk.control.pause()
    desk.wall += set_by
    assert not desk.control.expire()
    desk.press("f1")
    assert desk.control.paused
    assert desk.stored() == {}


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "change",
    [datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)],
    ids=["spring", "autumn"],
)
def test_summer_time_begins_and_ends(desk, berlin, change):
    desk.wall = change.timestamp() - 3
    for name in NAMES[:6]:
        desk.press(name)
    assert desk.stored() == {change.date(): [f"key:{name}" for name in NAMES[:6]]}
    seconds = [row.at for row in desk.vault.day(change.date()).actions()]
    assert seconds == sorted(seconds)


@settings(deadline=None, max_examples=25)
@given(jumps=st.lists(st.integers(-TEN_YEARS, TEN_YEARS), min_size=1, max_size=8))
def test_any_jumps_keep_every_row_once(tmp_path_factory, jumps):
    desk = Desk(tmp_path_factory.mktemp("clock"))
    try:
        for number, jump in enumerate(jumps):
            desk.press(NAMES[number])
            desk.wall = max(0.0, min(desk.wall + jump, START + TEN_YEARS))
        desk.press(NAMES[len(jumps)])
        names = [name for names in desk.stored().values() for name in names]
        assert sorted(names) == sorted(f"key:{name}" for name in NAMES[: len(jumps) + 1])
    finally:
        desk.close()
