import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.control import SIZE, Control
from deskbound_strategies.errors import PermissionsError, VaultDamagedError


@pytest.fixture
def control(tmp_path):
    made = Control.create(tmp_path / "control")
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


def test_a_pause_without_end_never_expires(control):
    control.pause()
    assert control.paused_until is None
    assert not control.expire(now=1e12)
    assert control.paused


def test_a_timed_pause_ends_at_its_own_time_only(control):
    control.pause(until=1_000.0)
    assert control.paused_until == 1_000.0
    assert not control.expire(now=999.9)
    assert control.paused
    assert control.expire(now=1_000.0)
    assert control.is_open


def test_a_pause_without_end_replaces_a_timed_one(control):
    control.pause(until=1_000.0)
    control.pause()
    assert not control.expire(now=2_000.0)
    assert control.paused


def test_the_pause_survives_a_restart(control, tmp_path):
    control.pause(until=5_000.0)
    control.close()
    again = Control.open(tmp_path / "control")
    assert again.paused
    assert again.paused_until == 5_000.0


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
    "content", [b"", b"x" * SIZE, b"DBCTRL\x00\x01", b"DBCTRL\x00\x01" * 9, b"\0" * SIZE]
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
