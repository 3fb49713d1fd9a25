"""The month's account."""

import json
import multiprocessing
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.governor.network import NetworkAccount
from deskbound_client.store.files import create_private

NOVEMBER = time.mktime((2026, 11, 20, 12, 0, 0, 0, 0, -1))
DECEMBER = time.mktime((2026, 12, 1, 0, 0, 1, 0, 0, -1))


class Clock:
    def __init__(self, now=NOVEMBER):
        self.now = now

    def __call__(self):
        return self.now


def test_a_charge_is_on_the_disk_before_anything_is_moved(tmp_path):
    path = tmp_path / "network.json"
    assert NetworkAccount(path, Clock()).charge(70, limit=100)
    assert NetworkAccount(path, Clock()).used() == 70
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_would_go_beyond_the_limit_is_not_moved_and_not_charged(tmp_path):
    account = NetworkAccount(tmp_path / "network.json", Clock())
    assert account.charge(70, limit=100)
    assert not account.charge(31, limit=100)
    assert account.used() == 70
    assert account.charge(30, limit=100)


def test_what_came_counts_beyond_the_limit_too(tmp_path):
    account = NetworkAccount(tmp_path / "network.json", Clock())
    account.note(500)
    assert account.used() == 500
    assert not account.charge(1, limit=100)


def test_a_month_begins_anew_and_a_clock_set_back_does_not(tmp_path):
    clock = Clock()
    account = NetworkAccount(tmp_path / "network.json", clock)
    account.note(100)
    clock.now = DECEMBER
    assert account.used() == 0
    account.note(7)
    clock.now = NOVEMBER
    assert account.used() == 7
    account.note(1)
    assert account.used() == 8


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'{"month": "2026-11"}', b'{"month": "2026-11", "bytes": -1}',
        b'{"month": "2026-11", "bytes": true}', b'{"month": "9", "bytes": 0}',
    ],
)  # fmt: skip
def test_a_damaged_account_is_used_up(tmp_path, content):
    path = tmp_path / "network.json"
    create_private(path, content)
    account = NetworkAccount(path, Clock())
    assert account.used() is None
    assert not account.charge(1, limit=10**9)
    account.note(1)
    assert path.read_bytes() == content


def test_an_account_that_others_can_write_is_used_up(tmp_path):
    path = tmp_path / "network.json"
    create_private(path, json.dumps({"month": "2026-11", "bytes": 0}).encode())
    path.chmod(0o666)
    assert NetworkAccount(path, Clock()).used() is None


@given(st.lists(st.integers(0, 60), max_size=20))
def test_never_more_than_the_limit(tmp_path_factory, charges):
    account = NetworkAccount(tmp_path_factory.mktemp("n") / "network.json", Clock())
    moved = sum(count for count in charges if account.charge(count, limit=100))
    assert moved == account.used()
    assert moved <= 100


def _charge(path, times):
    account = NetworkAccount(path, Clock())
    for _ in range(times):
        assert account.charge(1, limit=10**6)


def test_two_processes_lose_no_byte(tmp_path):
    path = tmp_path / "network.json"
    made = [multiprocessing.Process(target=_charge, args=(path, 30)) for _ in range(2)]
    for process in made:
        process.start()
    for process in made:
        process.join()
    assert NetworkAccount(path, Clock()).used() == 60
