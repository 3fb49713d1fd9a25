"""Any damage is told as such; nothing is silently wrong and no other day is harmed."""

import contextlib
import random
from datetime import timedelta

import pytest

from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import DeskboundError, VaultDamagedError
from tests.helpers.store import DAY, DAY_SECONDS, NOON, actions, new_vault

ROWS = 3_000


@pytest.fixture
def sealed(tmp_path):
    """A closed vault of two days, and its keystore."""
    vault, keystore = new_vault(tmp_path / "home")
    vault.append(actions(ROWS, NOON - DAY_SECONDS) + actions(ROWS, NOON))
    vault.close()
    return tmp_path / "home", keystore


def read(home, keystore, day):
    with Vault.open(home, keystore) as vault:
        return list(vault.day(day).actions())


def test_a_flipped_bit_anywhere_is_never_silent(sealed):
    home, keystore = sealed
    path = home / "days" / f"{DAY}.db"
    sound, expected = path.read_bytes(), actions(ROWS, NOON)
    chance = random.Random(7)
    for _ in range(60):
        position = chance.randrange(len(sound))
        damaged = bytearray(sound)
        damaged[position] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        with contextlib.suppress(VaultDamagedError):  # told, or in a page nobody asked for
            assert read(home, keystore, DAY) == expected
        with Vault.open(home, keystore) as vault:
            assert list(vault.damage()) == [path.name]
    path.write_bytes(sound)
    assert read(home, keystore, DAY) == expected
    assert read(home, keystore, DAY - timedelta(1)) == actions(ROWS, NOON - DAY_SECONDS)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.5, 0.99])
def test_a_truncated_day_is_told_and_no_other_harmed(sealed, share):
    home, keystore = sealed
    path = home / "days" / f"{DAY}.db"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(VaultDamagedError):
        read(home, keystore, DAY)
    assert read(home, keystore, DAY - timedelta(1)) == actions(ROWS, NOON - DAY_SECONDS)


@pytest.mark.parametrize("cut", [0, 1, 15, 43, 100])
@pytest.mark.parametrize("name", ["vault.keys", "vault.db"])
def test_a_truncated_vault_is_told(sealed, name, cut):
    home, keystore = sealed
    path = home / name
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(VaultDamagedError):
        Vault.open(home, keystore)


def test_every_bit_of_the_keys_counts(sealed):
    home, keystore = sealed
    path = home / "vault.keys"
    sound = path.read_bytes()
    for position in range(0, len(sound), 11):
        damaged = bytearray(sound)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(VaultDamagedError):
            Vault.open(home, keystore)
    path.write_bytes(sound)
    Vault.open(home, keystore).close()


def test_days_cannot_be_exchanged(sealed):
    home, keystore = sealed
    one, two = home / "days" / f"{DAY}.db", home / "days" / f"{DAY - timedelta(1)}.db"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    for day in (DAY, DAY - timedelta(1)):
        with pytest.raises(VaultDamagedError):
            read(home, keystore, day)


def test_pages_cannot_be_exchanged(sealed):
    home, keystore = sealed
    path = home / "days" / f"{DAY}.db"
    data = path.read_bytes()
    first, *rest = [data[at : at + 4096] for at in range(0, len(data), 4096)]
    path.write_bytes(b"".join([first, *reversed(rest)]))
    with pytest.raises(VaultDamagedError):
        read(home, keystore, DAY)


def test_errors_name_files_and_settings_only(sealed):
    home, keystore = sealed
    (home / "days" / f"{DAY}.db").write_bytes(b"CANARY" * 2_048)  # whole pages
    with pytest.raises(DeskboundError) as caught:
        read(home, keystore, DAY)
    assert "CANARY" not in caught.value.sentence + caught.value.mend
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
