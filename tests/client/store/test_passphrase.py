import base64
import json

import pytest

from deskbound_client.store import passphrase as passphrase_module
from deskbound_client.store.passphrase import (
    PassphraseKeystore,
    passphrase_from_file,
    passphrase_from_prompt,
)
from deskbound_strategies.errors import (
    ConfigError,
    NotFoundError,
    PermissionsError,
    VaultDamagedError,
    WrongPassphraseError,
)

WORDS = "correct horse battery"


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "root.sealed"
    PassphraseKeystore(path, lambda: WORDS).replace(b"k" * 32)
    return path


def test_the_right_passphrase_opens_it(sealed):
    assert PassphraseKeystore(sealed, lambda: WORDS).load() == b"k" * 32


@pytest.mark.parametrize("wrong", ["", "correct horse batterz", WORDS + " "])
def test_a_wrong_passphrase_is_told(sealed, wrong):
    with pytest.raises(WrongPassphraseError):
        PassphraseKeystore(sealed, lambda: wrong).load()


def test_the_same_letters_in_other_bytes_open_it(tmp_path):
    path = tmp_path / "root.sealed"
    PassphraseKeystore(path, lambda: "sch\u00f6ne Gr\u00fc\u00dfe").replace(b"k" * 32)
    assert PassphraseKeystore(path, lambda: "scho\u0308ne Gru\u0308\u00dfe").load() == b"k" * 32


def test_it_asks_once_and_rotates_without_asking_again(sealed):
    asked = []

    def ask():
        asked.append(1)
        return WORDS

    keystore = PassphraseKeystore(sealed, ask)
    for i in range(5):
        keystore.replace(bytes([i]) * 32)
        assert keystore.load() == bytes([i]) * 32
    assert len(asked) == 1


def test_two_processes_see_each_others_keys(sealed):
    one, two = (PassphraseKeystore(sealed, lambda: WORDS) for _ in range(2))
    one.load()
    two.replace(b"n" * 32)
    assert one.load() == b"n" * 32


def test_a_wrong_passphrase_cannot_replace_the_key(sealed):
    before = sealed.read_bytes()
    with pytest.raises(WrongPassphraseError):
        PassphraseKeystore(sealed, lambda: "something else").replace(b"n" * 32)
    assert sealed.read_bytes() == before


def test_a_short_passphrase_is_refused(tmp_path):
    with pytest.raises(ConfigError):
        PassphraseKeystore(tmp_path / "root.sealed", lambda: "seven77").replace(b"k" * 32)
    assert list(tmp_path.iterdir()) == []


def test_the_profile_is_the_one_of_the_rfc(sealed):
    kept = json.loads(sealed.read_text())
    assert (kept["kdf"], kept["time_cost"], kept["memory_cost"], kept["parallelism"]) == (
        "argon2id", 3, 65_536, 4,
    )  # fmt: skip
    assert len(base64.b64decode(kept["salt"])) == 16


@pytest.mark.parametrize(
    "change",
    [
        {"time_cost": 1},
        {"memory_cost": 8},
        {"memory_cost": 1 << 30},
        {"kdf": "argon2i"},
        {"version": 2},
        {"salt": "AAAA"},
        {"wrapped": ""},
        {"salt": None},
    ],
)
def test_weaker_or_foreign_settings_are_refused_before_any_work(sealed, change, monkeypatch):
    sealed.write_text(json.dumps(json.loads(sealed.read_text()) | change))
    monkeypatch.setattr(passphrase_module, "hash_secret_raw", None)
    with pytest.raises(VaultDamagedError):
        PassphraseKeystore(sealed, lambda: WORDS).load()


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"\xff\xfe", b"{"])
def test_a_damaged_file_is_told(sealed, content):
    sealed.write_bytes(content)
    with pytest.raises(VaultDamagedError):
        PassphraseKeystore(sealed, lambda: WORDS).load()


def test_a_passphrase_file_must_be_private(tmp_path):
    path = tmp_path / "words"
    path.write_text(WORDS + "\nsecond line\n")
    path.chmod(0o600)
    assert passphrase_from_file(path)() == WORDS
    path.chmod(0o640)
    with pytest.raises(PermissionsError):
        passphrase_from_file(path)()
    with pytest.raises(NotFoundError):
        passphrase_from_file(tmp_path / "missing")()


def test_a_binary_passphrase_file_is_told(tmp_path):
    path = tmp_path / "words"
    path.write_bytes(b"\xff\xfe\x00")
    path.chmod(0o600)
    with pytest.raises(WrongPassphraseError):
        passphrase_from_file(path)()


def test_a_new_passphrase_is_asked_for_twice(monkeypatch):
    given = iter(["one thing", "another", "same thing", "same thing"])
    monkeypatch.setattr(passphrase_module.getpass, "getpass", lambda _: next(given))
    ask = passphrase_from_prompt(confirm=True)
    with pytest.raises(WrongPassphraseError):
        ask()
    assert ask() == "same thing"
