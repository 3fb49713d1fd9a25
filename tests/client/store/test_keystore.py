import json

import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.backend import KeyringBackend

from deskbound_client.store.keystore import KeyringKeystore, choose_keystore, find_backend
from deskbound_client.store.passphrase import PassphraseKeystore
from deskbound_strategies.errors import (
    KeystoreError,
    PermissionsError,
    VaultDamagedError,
)


def backend(name, strength=5):
    """A keystore of an operating system: what keyring would find under that name."""
    module, _, qualname = name.rpartition(".")

    class Made(KeyringBackend):
        priority = strength

        def __init__(self):
            super().__init__()
            self.kept = {}

        def get_password(self, service, username):
            return self.kept.get((service, username))

        def set_password(self, service, username, password):
            self.kept[service, username] = password

    Made.__module__, Made.__qualname__ = module, qualname
    return Made()


SECRET_SERVICE = "keyring.backends.SecretService.Keyring"
KWALLET = "keyring.backends.kwallet.DBusKeyring"
PLAINTEXT = "keyrings.alt.file.PlaintextKeyring"
ENCRYPTED = "keyrings.alt.file.EncryptedKeyring"


def words():
    return "correct horse battery"


@pytest.mark.parametrize(
    "bad",
    [
        keyring.backends.fail.Keyring(),
        keyring.backends.null.Keyring(),
        keyring.backends.chainer.ChainerBackend(),
        backend(PLAINTEXT, 99),
        backend(ENCRYPTED, 99),
        backend("keyring.backends.SecretServiceX.Keyring", 99),
    ],
)
def test_backends_that_nothing_protects_are_refused(bad):
    with pytest.raises(KeystoreError) as caught:
        find_backend(lambda: [bad])
    assert "--passphrase-file" in caught.value.mend
    good = backend(SECRET_SERVICE, 1)
    assert find_backend(lambda: [bad, good]) is good


def test_the_best_allowed_backend_is_taken():
    weak, strong = backend(KWALLET, 3), backend(SECRET_SERVICE, 5)
    assert find_backend(lambda: [weak, strong]) is strong


def test_the_key_comes_back_and_only_the_newest():
    found = backend(SECRET_SERVICE)
    keystore = KeyringKeystore("vault-1", lambda: [found])
    keystore.replace(b"a" * 32)
    keystore.replace(b"b" * 32)
    assert keystore.load() == b"b" * 32
    assert len(found.kept) == 1


def test_a_missing_entry_is_told():
    with pytest.raises(KeystoreError):
        KeyringKeystore("vault-1", lambda: [backend(SECRET_SERVICE)]).load()


@pytest.mark.parametrize("kept", ["", "no base64!", "AAAA"])
def test_a_damaged_entry_is_told(kept):
    found = backend(SECRET_SERVICE)
    found.set_password("deskbound", "vault-1", kept)
    with pytest.raises(VaultDamagedError):
        KeyringKeystore("vault-1", lambda: [found]).load()


def test_a_locked_keystore_is_told_without_its_own_words():
    found = backend(SECRET_SERVICE)

    def locked(*_):
        raise RuntimeError("CANARY")

    found.get_password = found.set_password = locked
    keystore = KeyringKeystore("vault-1", lambda: [found])
    for act in (keystore.load, lambda: keystore.replace(b"a" * 32)):
        with pytest.raises(KeystoreError) as caught:
            act()
        assert "CANARY" not in str(caught.value)
        assert caught.value.__suppress_context__


def test_a_keystore_that_forgets_is_found_out():
    found = backend(SECRET_SERVICE)
    found.set_password = lambda *_: None
    with pytest.raises(KeystoreError):
        KeyringKeystore("vault-1", lambda: [found]).replace(b"a" * 32)


def test_without_keystore_and_passphrase_nothing_is_made(tmp_path):
    with pytest.raises(KeystoreError):
        choose_keystore(tmp_path, backends=list)
    assert list(tmp_path.iterdir()) == []


def test_the_choice_is_kept(tmp_path):
    found = backend(SECRET_SERVICE)
    first = choose_keystore(tmp_path, words, backends=lambda: [found])
    assert first.kind == "keyring"
    first.replace(b"a" * 32)
    assert choose_keystore(tmp_path, words, backends=lambda: [found]).load() == b"a" * 32
    with pytest.raises(KeystoreError):  # nothing weaker takes its place
        choose_keystore(tmp_path, words, backends=list)


def test_a_passphrase_vault_stays_one(tmp_path):
    assert isinstance(choose_keystore(tmp_path, words, backends=list), PassphraseKeystore)
    found = backend(SECRET_SERVICE)
    assert choose_keystore(tmp_path, words, backends=lambda: [found]).kind == "passphrase"
    with pytest.raises(KeystoreError):
        choose_keystore(tmp_path, backends=lambda: [found])


def test_one_may_insist(tmp_path):
    found = backend(SECRET_SERVICE)
    chosen = choose_keystore(tmp_path, words, kind="passphrase", backends=lambda: [found])
    assert chosen.kind == "passphrase"
    (tmp_path / "other").mkdir(mode=0o700)
    with pytest.raises(KeystoreError):
        choose_keystore(tmp_path / "other", words, kind="keyring", backends=list)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"kind":"none"}', '{"kind":"keyring"}', '"keyring"']
)
def test_a_damaged_choice_is_told(tmp_path, content):
    (tmp_path / "keystore.json").write_text(content)
    (tmp_path / "keystore.json").chmod(0o600)
    with pytest.raises(VaultDamagedError):
        choose_keystore(tmp_path, words, backends=list)


def test_a_choice_others_could_write_is_refused(tmp_path):
    (tmp_path / "keystore.json").write_text(json.dumps({"kind": "passphrase"}))
    (tmp_path / "keystore.json").chmod(0o666)
    with pytest.raises(PermissionsError):
        choose_keystore(tmp_path, words)


def test_a_new_home_is_made_private(tmp_path):
    choose_keystore(tmp_path / "home", words, backends=list)
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
