"""A full disk: confirmed rows stay, the mend is told, and forgetting works all the same."""

import contextlib
import os
import shutil
import subprocess

import pytest

from deskbound_client.store.rows import Counts
from deskbound_client.store.vault import Vault
from deskbound_client.store.writer import Writer
from deskbound_strategies.errors import DiskFullError
from tests.helpers.store import DAY, DAY_SECONDS, NOON, OpenGate, actions, new_vault


@pytest.fixture
def disk(tmp_path):
    """A file system of 6 MB of its own."""
    if os.getuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs", tmp_path], check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def fill(disk):
    """Write until not a page more fits."""
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"\0" * 4096):
            pass


@pytest.fixture
def full(disk):
    """An open vault whose disk has just become full, its keystore, and the rows confirmed."""
    (disk / "reserve").write_bytes(bytes(500_000))
    vault, keystore = new_vault(disk / "home")
    confirmed = []
    for i in range(10_000):
        rows = actions(400, NOON + 40 * i - (DAY_SECONDS if i < 20 else 0), 0)
        try:
            vault.append(rows)
        except DiskFullError:
            break
        confirmed += rows
    assert len(confirmed) > 10_000
    fill(disk)
    yield vault, keystore, confirmed
    vault.close()


def everything(vault):
    return [row for day in vault.days() for row in vault.day(day).actions()]


def test_confirmed_rows_are_intact_and_the_mend_is_told(full):
    vault, keystore, confirmed = full
    with pytest.raises(DiskFullError) as caught:
        vault.append(actions(400))
    assert "Free some space" in caught.value.mend
    assert everything(vault) == confirmed
    assert vault.damage() == {}
    vault.close()
    with Vault.open(vault.home, keystore) as again:
        assert everything(again) == confirmed


def test_waiting_rows_are_stored_once_there_is_room(full, disk):
    vault, _, confirmed = full
    writer = Writer(vault, OpenGate())
    rows = actions(400, NOON, 0)
    failures = 0
    for row in rows:
        try:
            writer.add(row, 1)
        except DiskFullError:
            failures += 1
    assert failures
    (disk / "reserve").unlink()
    writer.close()
    assert (writer.stored, writer.lost) == (400, 0)
    assert everything(vault) == confirmed + rows


def test_a_range_is_forgotten_on_a_full_disk(full):
    vault, _, confirmed = full
    start, end = NOON + 1_600, NOON + 2_800
    expected = [row for row in confirmed if not start <= row.at <= end]
    assert len(expected) < len(confirmed)
    receipt = vault.forget_range(start, end)
    assert receipt.counts == Counts(len(confirmed) - len(expected))
    assert everything(vault) == expected
    assert vault.damage() == {}


def test_a_day_is_forgotten_on_a_full_disk(full):
    vault, keystore, confirmed = full
    receipt = vault.forget_day(DAY)
    assert receipt.keys_destroyed == 1
    vault.close()
    with Vault.open(vault.home, keystore) as again:
        assert DAY not in again.days()
        assert everything(again) == [row for row in confirmed if row.at < NOON - DAY_SECONDS / 2]


def test_days_retire_on_a_full_disk(full):
    vault, _, _ = full
    before = vault.days()
    assert vault.retire(NOON + 30 * DAY_SECONDS) == before
    assert vault.days() == []


def test_a_vault_is_not_half_made_on_a_full_disk(disk):
    fill(disk)
    with pytest.raises(DiskFullError):
        new_vault(disk / "home")
    (disk / "filler").unlink()
    vault, _ = new_vault(disk / "home")
    vault.append(actions(3))
    vault.close()
