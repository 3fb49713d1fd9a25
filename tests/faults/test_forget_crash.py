"""Killed at any step of forgetting: what was begun is finished, told once, and nothing comes back.

The "kill" is an exception at each call, in turn, that touches keys, files, rows or the ledger; the
vault is then opened by another process' eyes: as new, with only what is on the disk.
"""

from contextlib import suppress
from datetime import timedelta

import pytest

from deskbound_client.capture.control import Control
from deskbound_client.employee import forgetting
from deskbound_client.employee.forgetting import Wish
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store import dayfiles, keys, retention
from deskbound_client.store.cipher import open_database
from deskbound_client.store.days import DayFile
from deskbound_client.store.intents import Intents
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import VaultDamagedError
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.policy import PROFILES
from tests.helpers.store import DAY, DAY_SECONDS, NOON, actions, new_vault

YESTERDAY = DAY - timedelta(1)
STEPS = (
    (Intents, "begin"), (Intents, "end"), (retention, "unlink_database"),
    (keys.VaultKeys, "change"), (keys.VaultKeys, "_swap"), (keys.VaultKeys, "_promote"),
    (DayFile, "delete"), (retention.Retention, "_empty_journal"), (LedgerStore, "append"),
)  # fmt: skip


class KilledError(BaseException):
    """Not an error that anything may catch."""


def die_at(monkeypatch, number, *, after):
    """Die at the n-th of all steps, before or after it is done; return how many there were."""
    count = [0]

    def wrap(real):
        def step(*args, **more):
            count[0] += 1
            mine = count[0]
            if mine == number and not after:
                raise KilledError
            answer = real(*args, **more)
            if mine == number:
                raise KilledError
            return answer

        return step

    for owner, name in STEPS:
        monkeypatch.setattr(owner, name, wrap(getattr(owner, name)))
    return count


def a_vault(home):
    paths = HomePaths(home)
    vault, keystore = new_vault(home)
    Control.create(paths.control)
    for back in (2, 1, 0):
        vault.append(actions(5, NOON - back * DAY_SECONDS))
    return paths, vault, keystore


WISHES = {
    "a day": (Wish.of_day(YESTERDAY), {DAY: 5, DAY - timedelta(2): 5}),
    "the newest day": (Wish.of_day(DAY), {YESTERDAY: 5, DAY - timedelta(2): 5}),
    "everything": (Wish.everything(), {}),
    "a stretch": (
        Wish.between("2026-11-20 00:00", "2026-11-20 23:00", NOON + 60),
        {DAY - timedelta(2): 5, YESTERDAY: 5, DAY: 0},
    ),
    "an application": (
        Wish.of_app("calendar"), {DAY: 0, YESTERDAY: 0, DAY - timedelta(2): 0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", WISHES)
def test_killed_at_any_step_it_is_finished_and_told_once(tmp_path, monkeypatch, name, after):
    wish, left = WISHES[name]
    number, done = 0, False
    while not done:
        number += 1
        home = tmp_path / f"{number}"
        paths, vault, keystore = a_vault(home)
        with monkeypatch.context() as patched:
            die_at(patched, number, after=after)
            try:
                forgetting.forget(paths, vault, wish, now=NOON + 60)
                done = True
            except KilledError:
                pass
        vault.close()
        with Vault.open(home, keystore) as again:
            begun = again.unfinished
            forgetting.finish(again)
            told = told_of(again)
            if not told:  # it died before anything at all had happened
                assert not begun
                assert rows(again) == {DAY: 5, YESTERDAY: 5, DAY - timedelta(2): 5}
            else:
                assert rows(again) == left
                assert told == [wish.scope]
                assert len(forgetting.receipts(again)) == 1
            assert forgetting.finish(again) == 0
            assert again.damage() == {}
    assert number > 3, "there were steps to die at"


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_days_retire_each_is_told_once(tmp_path, monkeypatch, after):
    number, done = 0, False
    while not done:
        number += 1
        home = tmp_path / f"{number}"
        _, vault, keystore = a_vault(home)
        budget = Budget(LedgerStore(vault), PROFILES["research"])
        with monkeypatch.context() as patched:
            die_at(patched, number, after=after)
            try:
                vault.retire(NOON, keep_days=1, noted=budget.retired)
                done = True
            except KilledError:
                pass
        vault.close()
        with Vault.open(home, keystore) as again:
            budget = Budget(LedgerStore(again), PROFILES["research"])
            forgetting.finish(again)
            again.retire(NOON, keep_days=1, noted=budget.retired)
            assert rows(again) == {DAY: 5}
            entries = LedgerStore(again).entries(kinds=(LedgerKind.RETIRE,))
            blocks = sorted(entry.body["block"] for entry in entries)
            assert blocks == sorted(budget.block_of(DAY - timedelta(back)) for back in (1, 2))
    assert number > 3


def test_an_image_of_the_disk_from_the_moment_of_death_opens_no_more(tmp_path, monkeypatch):
    """Died between the file and its key: once that is finished, no key there is opens a copy."""
    paths, vault, _ = a_vault(tmp_path / "home")
    vault.day(YESTERDAY).connection.empty_journal()
    copy = tmp_path / f"{YESTERDAY}.db"
    copy.write_bytes(vault.day_path(YESTERDAY).read_bytes())
    copy.chmod(0o600)
    with monkeypatch.context() as patched:
        patched.setattr(keys.VaultKeys, "change", die)
        with pytest.raises(KilledError):
            forgetting.forget(paths, vault, Wish.of_day(YESTERDAY), now=NOON + 60)
    assert opens(copy, vault)
    forgetting.finish(vault)
    assert not opens(copy, vault)
    vault.close()


def die(*_):
    raise KilledError


def opens(path, vault):
    """Whether any key that the vault can still make opens a file."""
    state = vault._keys.current()
    for number in range(state.base - 90, state.base + 90):
        with suppress(dayfiles.KeyGoneError, VaultDamagedError):
            open_database(path, dayfiles.day_key(state, number)).close()
            return True
    return False


def rows(vault):
    return {day: sum(1 for _ in vault.day(day).actions()) for day in vault.days()}


def told_of(vault):
    kinds = (LedgerKind.FORGET,)
    return [entry.body["scope"] for entry in LedgerStore(vault).entries(kinds=kinds)]
