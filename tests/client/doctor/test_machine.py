"""The machine as the doctor sees it: each look is given what it looks at."""

import time
from types import SimpleNamespace

import pytest

from deskbound_client.doctor import home, machine
from deskbound_client.doctor.finding import Level
from tests.helpers.cli import desk, empty

__all__ = ["desk", "empty"]
TEN_YEARS = 315_576_000.0
SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"


@pytest.fixture
def vault_folder(tmp_path):
    (tmp_path / "days").mkdir()
    (tmp_path / "vault.db").write_bytes(b"x")
    return tmp_path


def test_a_clock_behind_what_was_written_is_wrong(vault_folder):
    now = time.time()
    assert machine.check_clock(vault_folder, now).level is Level.OK
    assert machine.check_clock(vault_folder, now - TEN_YEARS).level is Level.WRONG


def test_a_day_of_the_future_and_a_far_off_hardware_clock_are_warned_of(vault_folder):
    now = time.time()
    assert machine.check_clock(vault_folder, now, now - 7_200).level is Level.OK  # local time
    assert machine.check_clock(vault_folder, now, now - TEN_YEARS).level is Level.WARN
    (vault_folder / "days" / "2099-01-01.db").write_bytes(b"x")
    assert "future" in machine.check_clock(vault_folder, now).sentence


@pytest.mark.parametrize(("state", "level"), [(0, Level.OK), (5, Level.NOTE), (None, Level.NOTE)])
def test_the_kernels_word_on_its_clock(state, level):
    assert machine.check_time_service(state).level is level


@pytest.mark.parametrize(
    ("zone", "level"),
    [("Europe/Berlin", Level.OK), (":UTC", Level.OK), ("CET-1CEST,M3.5.0,M10.5.0", Level.OK),
     ("Europe/Berlim", Level.WARN), ("nowhere", Level.WARN)],
)  # fmt: skip
def test_a_zone_that_nobody_knows_is_warned_of(zone, level):
    assert machine.check_zone({"TZ": zone}).level is level


def test_swap_must_be_known_to_be_encrypted():
    one = SWAPS + "/dev/sda2 partition 1 0 -2\n"
    assert machine.check_swap(SWAPS, {}).level is Level.OK
    assert machine.check_swap(one, {}).level is Level.WARN
    assert machine.check_swap(one, {"/dev/sda2": True}).level is Level.OK


def test_what_a_swap_lies_on_is_followed_down(tmp_path):
    block = tmp_path / "dev/block/253:1"
    (block / "dm").mkdir(parents=True)
    (block / "dm/uuid").write_text("LVM-abc", encoding="ascii")
    assert not machine._lies_on_crypt(block)
    (block / "slaves/dm-0/dm").mkdir(parents=True)
    (block / "slaves/dm-0/dm/uuid").write_text("CRYPT-LUKS2-abc", encoding="ascii")
    assert machine._lies_on_crypt(block)
    (block / "slaves/sdb").mkdir()  # a second disk that is not
    assert not machine._lies_on_crypt(block)


def test_root_battery_memory_and_versions():
    assert machine.check_user(0).level is Level.WARN
    assert machine.check_user(1_000).level is Level.OK
    assert machine.check_power(SimpleNamespace(power_plugged=False)).level is Level.NOTE
    assert machine.check_power(None).level is Level.OK
    assert machine.check_memory(1).level is Level.WARN
    assert machine.check_memory(None).level is Level.WARN  # unknown is not well
    assert machine.check_memory(0).level is Level.OK
    assert machine.check_versions({"flwr": "1.42.0"}).level is Level.WRONG
    assert machine.check_versions().level is Level.OK


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_home_on_another_machine_is_warned_of(tmp_path, kind):
    mounts = [("/", "ext4"), (str(tmp_path), kind)]
    assert home.check_place(tmp_path / "home", mounts).level is Level.WARN
    assert home.check_place(tmp_path / "home", [("/", "ext4"), ("/net", kind)]).level is Level.OK


@pytest.mark.parametrize("name", ["Dropbox", "OneDrive - Company", "nextcloud"])
def test_a_home_that_is_synced_is_warned_of(tmp_path, name):
    (tmp_path / name / "x").mkdir(parents=True)
    found = home.check_place(tmp_path / name / "x" / "home", [("/", "ext4")])
    assert found.level is Level.WARN
    assert found.mend


def test_too_little_room_is_wrong(desk):
    assert home.check_room(desk.paths, free=50_000_000).level is Level.WRONG
    assert home.check_room(desk.paths, free=500_000_000).level is Level.OK
    (desk.paths.home / "vault.ballast").unlink()
    assert home.check_room(desk.paths, free=500_000_000).level is Level.WARN
