import errno
import os
import shutil
from dataclasses import replace

import pytest

from deskbound_client.store import keys as keys_module
from deskbound_client.store.keys import VaultKeys, seal, unseal
from deskbound_client.store.keystate import new_state, retire_before
from deskbound_client.store.lock import VaultLock
from deskbound_strategies.errors import KeystoreError, NotFoundError, VaultDamagedError
from tests.helpers.store import MemoryKeystore

FIRST = 739_000


def keys_in(home, keystore):
    return VaultKeys(home, keystore, VaultLock(home / "vault.lock"))


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir(mode=0o700)
    return tmp_path / "home"


@pytest.fixture
def keystore():
    return MemoryKeystore()


@pytest.fixture
def keys(home, keystore):
    made = keys_in(home, keystore)
    made.create(new_state(FIRST))
    return made


def step(state):
    return retire_before(state, state.base + 1)


def test_sealing_needs_the_same_key():
    state = new_state(FIRST)
    sealed = seal(state, b"k" * 32)
    assert unseal(sealed, b"k" * 32) == state
    assert unseal(sealed, b"j" * 32) is None
    for changed in (sealed[:-1], sealed + b"x", b"", b"deskbound-keys/1"):
        assert unseal(changed, b"k" * 32) is None
    for position in range(0, len(sealed), 13):
        flipped = bytearray(sealed)
        flipped[position] ^= 1
        assert unseal(bytes(flipped), b"k" * 32) is None


def test_every_change_takes_a_fresh_kek_and_counts(keys, keystore):
    seen = {keystore.key}
    for expected in range(1, 5):
        assert keys.change(step).generation == expected
        assert keystore.key not in seen
        seen.add(keystore.key)


def test_an_old_file_cannot_be_opened_with_todays_keystore(keys, home, keystore):
    old = (home / "vault.keys").read_bytes()
    keys.change(step)
    (home / "vault.keys").write_bytes(old)
    with pytest.raises(VaultDamagedError, match=r"vault\.keys"):
        keys_in(home, keystore).current()


def test_another_process_notices_a_change(keys, home, keystore):
    other = keys_in(home, keystore)
    assert other.current() == keys.current()
    keys.change(step)
    assert other.current().base == FIRST + 1
    other.change(step)
    assert keys.current().base == FIRST + 2


class CrashError(BaseException):
    """Stands for the machine going down: nothing after it runs."""


def points():
    """Where a change can be cut short, and whether it has happened by then."""
    return [
        ("create_private", False, False),
        ("create_private", True, False),
        ("replace_in_keystore", False, False),
        ("replace_in_keystore", True, True),
        ("promote", False, True),
        ("promote", True, True),
    ]


@pytest.mark.parametrize(("where", "after", "happened"), points())
def test_a_crash_at_any_line_leaves_one_whole_pair(
    keys, home, keystore, monkeypatch, where, after, happened
):
    target, name = {
        "create_private": (keys_module, "create_private"),
        "replace_in_keystore": (keystore, "replace"),
        "promote": (keys, "_promote"),
    }[where]
    original = getattr(target, name)

    def crash(*args):
        if after:
            original(*args)
        raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(target, name, crash)
        with pytest.raises(CrashError):
            keys.change(step)
    reborn = keys_in(home, keystore)
    assert reborn.current().base == FIRST + (1 if happened else 0)
    assert not (home / "vault.keys.next").exists()
    assert reborn.change(step).base == reborn.current().base


def test_a_torn_next_file_is_thrown_away(keys, home, keystore):
    (home / "vault.keys.next").write_bytes(b"torn")
    (home / "vault.keys.next").chmod(0o600)
    assert keys_in(home, keystore).current() == keys.current()
    assert not (home / "vault.keys.next").exists()


def test_a_full_disk_takes_the_ballast(keys, home, monkeypatch):
    original, failures = keys_module.create_private, []

    def full_while_ballast(path, data):
        if (home / "vault.ballast").exists() and path.name == "vault.keys.next":
            failures.append(path)
            with keys_module_translated(path):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(path, data)

    monkeypatch.setattr(keys_module, "create_private", full_while_ballast)
    assert keys.change(step).base == FIRST + 1
    assert failures
    assert (home / "vault.ballast").stat().st_size == keys_module.BALLAST_BYTES


def keys_module_translated(path):
    from deskbound_client.store.files import translated

    return translated(path)


def test_a_locked_keystore_changes_nothing(keys, home, keystore, monkeypatch):
    before = keys.current()

    def locked(_):
        raise KeystoreError("The system keystore is locked.", "Unlock it.")

    with monkeypatch.context() as patch:
        patch.setattr(keystore, "replace", locked)
        with pytest.raises(KeystoreError):
            keys.change(step)
    assert keys_in(home, keystore).current() == before


def test_without_a_vault_there_is_nothing_to_open(home, keystore):
    with pytest.raises(NotFoundError):
        keys_in(home, keystore).current()


def test_the_file_shows_no_key(keys, home):
    state = keys.current()
    data = (home / "vault.keys").read_bytes()
    for secret in (state.vault_key, state.device_seed, state.ratchet, state.bucket_salt):
        assert secret not in data


def test_a_copied_vault_does_not_open_under_another_keystore(keys, home, tmp_path):
    shutil.copytree(home, tmp_path / "copy")
    with pytest.raises(VaultDamagedError):
        keys_in(tmp_path / "copy", MemoryKeystore(b"x" * 32)).current()


def test_a_step_that_fails_changes_nothing(keys):
    before = keys.current()
    with pytest.raises(ZeroDivisionError):
        keys.change(lambda state: replace(state, base=1 // 0))
    assert keys.current() == before
