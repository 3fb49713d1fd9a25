import struct
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.clocks import Moment
from deskbound_client.capture.control import SIZE, Control
from deskbound_strategies.errors import PermissionsError, VaultDamagedError
from deskbound_strategies.stop_order import StopReason

YEAR = 366 * 86_400


class Clocks:
    """The clocks of a laptop that a test sets, puts to sleep and starts anew."""

    def __init__(self):
        self.moment = Moment(wall=1_000_000.0, since_boot=50.0, boot=7)

    def __call__(self):
        return self.moment

    def pass_by(self, seconds):
        now = self.moment
        self.moment = Moment(now.wall + seconds, now.since_boot + seconds, now.boot)

    def set_forward(self, seconds):
        self.moment = replace(self.moment, wall=self.moment.wall + seconds)

    def start_anew(self):
        self.moment = replace(self.moment, since_boot=1.0, boot=self.moment.boot + 1)


@pytest.fixture
def clocks():
    return Clocks()


@pytest.fixture
def control(tmp_path, clocks):
    made = Control.create(tmp_path / "control", clocks)
    yield made
    made.close()


def test_a_new_file_is_private_open_and_has_no_stream(control, tmp_path):
    assert control.is_open
    assert control.streams == 0
    assert (tmp_path / "control").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "control").stat().st_size == SIZE


def test_create_keeps_a_sound_file_as_it_is(control, tmp_path):
    control.pause()
    again = Control.create(tmp_path / "control")
    assert again.paused
    assert again.generation == control.generation


def test_pause_reaches_every_map_and_raises_the_generation(control, tmp_path):
    other = Control.open(tmp_path / "control")
    before = other.generation
    control.pause()
    assert other.paused
    assert other.generation == before + 1
    assert other.word() == other.generation << 1 | 1


def test_pause_reaches_another_process(control, tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from deskbound_client.capture.control import Control\n"
        "Control.open(Path(sys.argv[1])).pause()\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "control")], check=True)
    assert control.paused
    control.resume()
    assert control.is_open


def test_a_pause_without_end_never_expires(control, clocks):
    control.pause()
    assert control.paused_until is None
    clocks.pass_by(100 * YEAR)
    assert not control.expire()
    assert control.paused


def test_a_timed_pause_ends_at_its_own_time_only(control, clocks):
    end = clocks.moment.wall + 60
    control.pause(until=end)
    assert control.paused_until == end
    clocks.pass_by(59.9)
    assert not control.expire()
    assert control.paused
    clocks.pass_by(0.1)
    assert control.expire()
    assert control.is_open
    assert control.ended_by_timer
    assert not control.expire(), "it is over"


def test_a_pause_without_end_replaces_a_timed_one(control, clocks):
    control.pause(until=clocks.moment.wall + 60)
    control.pause()
    clocks.pass_by(120)
    assert not control.expire()
    assert control.paused


@pytest.mark.parametrize("jump", [10 * YEAR, 3_600, -3_600, -10 * YEAR])
def test_setting_the_clock_neither_shortens_nor_lengthens_a_pause(control, clocks, jump):
    control.pause(until=clocks.moment.wall + 1_800)
    clocks.pass_by(600)
    clocks.set_forward(jump)
    assert not control.expire()
    assert control.paused_until == pytest.approx(clocks.moment.wall + 1_200)
    clocks.pass_by(1_199)
    assert not control.expire()
    clocks.pass_by(1)
    assert control.expire()


def test_a_clock_that_only_drifts_changes_nothing_that_is_shown(control, clocks):
    end = clocks.moment.wall + 1_800
    control.pause(until=end)
    clocks.set_forward(0.4)
    assert control.paused_until == end


def test_after_a_restart_the_wall_clock_counts(control, clocks, tmp_path):
    end = clocks.moment.wall + 1_800
    control.pause(until=end)
    clocks.pass_by(600)
    clocks.start_anew()
    again = Control.open(tmp_path / "control", clocks)
    assert again.paused_until == end
    clocks.pass_by(1_199)
    assert not again.expire()
    clocks.pass_by(1)
    assert again.expire()


def test_a_clock_set_back_over_a_restart_leaves_it_paused(control, clocks):
    """A laptop whose battery is gone wakes up in 1970."""
    control.pause(until=clocks.moment.wall + 1_800)
    clocks.set_forward(1.0 - clocks.moment.wall)
    clocks.start_anew()
    clocks.pass_by(86_400)
    assert not control.expire()


@given(
    length=st.floats(1, 1e6),
    steps=st.lists(
        st.tuples(st.sampled_from(["pass_by", "set_forward"]), st.floats(-1e9, 1e9)), max_size=10
    ),
)
def test_in_one_boot_only_time_that_passed_ends_a_pause(tmp_path_factory, length, steps):
    clocks = Clocks()
    control = Control.create(tmp_path_factory.mktemp("control") / "control", clocks)
    control.pause(until=clocks.moment.wall + length)
    passed = 0.0
    for step, seconds in steps:
        real = abs(seconds) / 1e4 if step == "pass_by" else seconds
        passed += real if step == "pass_by" else 0.0
        getattr(clocks, step)(real)
        ended = control.expire()
        assert ended or control.paused
        if control.is_open:
            assert passed == pytest.approx(length, abs=1e-3) or passed > length
            break
        assert passed == pytest.approx(length, abs=1e-3) or passed < length
    control.close()


@pytest.mark.parametrize("end", [float("nan"), float("inf"), -1.0, 0.0])
def test_an_end_that_is_no_time_is_no_end(control, clocks, tmp_path, end):
    control.pause(until=clocks.moment.wall + 60)
    with (tmp_path / "control").open("r+b") as file:
        file.seek(24)
        file.write(struct.pack("<d", end))
        file.seek(40)
        file.write(struct.pack("<d", end))
    clocks.start_anew()
    clocks.pass_by(10 * YEAR)
    assert control.paused_until is None
    assert not control.expire()
    assert control.paused


class Dying:
    """The cells of a control file whose writer is killed after some writes."""

    def __init__(self, cells, writes):
        self.cells, self.writes = cells, writes

    def __getitem__(self, index):
        return self.cells[index]

    def __setitem__(self, index, value):
        if not self.writes.pop():
            raise KeyboardInterrupt
        self.cells[index] = value

    def release(self):
        self.cells.release()


@pytest.mark.parametrize("survived", range(8))
@pytest.mark.parametrize("deed", ["pause", "pause forever", "resume", "expire"])
def test_a_crash_between_two_writes_never_opens_nor_shortens(tmp_path, clocks, deed, survived):
    """Kill whoever changes the file after each write, and look at what lies there."""
    path = tmp_path / "control"
    control = Control.create(path, clocks)
    start = clocks.moment.wall
    control.pause(until=start + (60 if deed == "expire" else 600))
    before = control.generation
    clocks.pass_by(100)
    writes = [False] * 9 + [True] * survived
    control._cells, control._times = Dying(control._cells, writes), Dying(control._times, writes)
    done = False
    try:
        match deed:
            case "pause":
                control.pause(until=start + 3_600)
            case "pause forever":
                control.pause()
            case _:
                getattr(control, deed)()
        done = True
    except KeyboardInterrupt:
        pass
    found = Control.open(path, clocks)
    if found.is_open:
        assert deed in ("resume", "expire")
        assert found.generation > before
    else:
        assert deed.startswith("pause") or not done
        assert found.paused_until in (None, start + 60, start + 600, start + 3_600)
        if done:
            assert found.paused_until == (start + 3_600 if deed == "pause" else None)
        found.resume()
        assert found.is_open, "the employee can always end it"


def test_a_file_of_the_first_layout_is_read_and_keeps_its_pause(tmp_path, clocks):
    path = tmp_path / "control"
    end = clocks.moment.wall + 60
    content = struct.pack("<8sQQd", b"DBCTRL\x00\x01", 41 << 1 | 1, 6, end)
    path.write_bytes(content.ljust(SIZE, b"\0"))
    path.chmod(0o600)
    control = Control.open(path, clocks)
    assert (control.paused, control.paused_until, control.streams) == (True, end, 6)
    clocks.pass_by(60)
    assert control.expire()
    assert control.generation == 42


def test_the_pause_survives_a_restart(control, clocks, tmp_path):
    end = clocks.moment.wall + 5_000
    control.pause(until=end)
    control.close()
    again = Control.open(tmp_path / "control", clocks)
    assert again.paused
    assert again.paused_until == end


@given(steps=st.lists(st.sampled_from(["pause", "resume", "bump", "streams"]), max_size=30))
def test_every_change_raises_the_generation_and_only_pause_and_resume_change_the_state(
    tmp_path_factory, steps
):
    control = Control.create(tmp_path_factory.mktemp("control") / "control")
    paused = False
    for number, step in enumerate(steps):
        before = control.generation
        if step == "streams":
            control.set_streams(number)
            assert control.streams == number
        else:
            getattr(control, step)()
        paused = {"pause": True, "resume": False}.get(step, paused)
        assert control.generation == before + 1
        assert control.paused is paused
    control.close()


def test_changes_by_many_threads_are_all_counted(control, tmp_path):
    before = control.generation
    maps = [Control.open(tmp_path / "control") for _ in range(4)]
    threads = [
        threading.Thread(target=lambda own=own: [own.bump() for _ in range(50)]) for own in maps
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert control.generation == before + 200


def test_pause_returns_only_after_a_commit_under_way(control, tmp_path):
    other = Control.open(tmp_path / "control")
    order = []

    def pause():
        other.pause()
        order.append("pause returned")

    thread = threading.Thread(target=pause)
    with control.committing() as word:
        assert not word & 1
        thread.start()
        while control.is_open:  # the word itself acts at once, before the commit ends
            pass
        order.append("commit ended")
    thread.join(10)
    assert order == ["commit ended", "pause returned"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x" * SIZE,
        b"DBCTRL\x00\x02",
        b"DBCTRL\x00\x01" * 9,
        b"DBCTRL\x00\x03" * 8,
        b"\0" * SIZE,
    ],
)
def test_a_damaged_file_reads_as_paused_and_cannot_be_resumed(tmp_path, content):
    path = tmp_path / "control"
    path.write_bytes(content)
    path.chmod(0o600)
    control = Control.open(path)
    assert control.paused
    assert control.streams == 0
    with pytest.raises(VaultDamagedError):
        control.resume()
    assert Control.create(path).paused  # made anew, still paused
    Control.open(path).resume()
    assert Control.open(path).is_open


def test_damage_under_a_living_map_reads_as_paused(control, tmp_path):
    control.set_streams(7)
    with (tmp_path / "control").open("r+b") as file:
        file.write(b"nonsense")
    assert control.paused
    assert control.streams == 0


def test_a_missing_file_reads_as_paused(tmp_path):
    control = Control.open(tmp_path / "control")
    assert control.paused
    assert control.replaced
    with pytest.raises(VaultDamagedError):
        control.resume()


def test_a_replaced_file_is_noticed(control, tmp_path):
    assert not control.replaced
    (tmp_path / "control").unlink()
    Control.create(tmp_path / "control")
    assert control.replaced
    with pytest.raises(VaultDamagedError):
        control.resume()


def test_others_must_not_be_able_to_resume(tmp_path):
    Control.create(tmp_path / "control").close()
    (tmp_path / "control").chmod(0o666)
    with pytest.raises(PermissionsError):
        Control.open(tmp_path / "control")


def test_a_link_is_refused(tmp_path):
    Control.create(tmp_path / "real").close()
    (tmp_path / "control").symlink_to(tmp_path / "real")
    with pytest.raises(PermissionsError):
        Control.open(tmp_path / "control")


def test_no_descriptor_is_leaked(control):
    control.pause()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        control.bump()
        with control.committing():
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("reason", StopReason)
def test_a_stop_of_the_fleet_has_its_reason_and_no_end(control, clocks, reason):
    control.pause(clocks().wall + 60)
    control.pause(stopped_for=reason)
    assert control.stopped_for is reason
    assert control.paused_until is None
    clocks.pass_by(YEAR)
    assert not control.expire()
    control.pause(clocks().wall + 60)
    assert (control.stopped_for, control.paused_until) == (reason, None)
    clocks.pass_by(YEAR)
    clocks.start_anew()
    assert not control.expire()
    control.resume()
    assert control.is_open
    assert control.stopped_for is None


def test_a_stop_survives_the_process_and_is_seen_by_others(control, tmp_path):
    control.pause(stopped_for=StopReason.LEGAL)
    other = Control.open(tmp_path / "control")
    assert other.stopped_for is StopReason.LEGAL
    other.close()


def test_a_reason_of_a_later_version_is_still_a_stop(control, tmp_path):
    control.pause(stopped_for=StopReason.LEGAL)
    with (tmp_path / "control").open("r+b") as file:
        file.seek(56)
        file.write(struct.pack("<Q", 10_000))
    assert control.stopped_for is StopReason.UNSPECIFIED


def test_a_pause_of_the_employees_own_names_no_operator(control):
    assert control.stopped_for is None
    control.pause()
    assert control.stopped_for is None
