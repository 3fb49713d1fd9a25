"""What ``floor.toml`` proposes; with a pinned key, only what that key signed."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_client.privacy.proposal import (
    MAX_BYTES,
    Proposal,
    pin_key,
    pinned_key,
    read_policy_key,
    read_proposal,
)
from deskbound_strategies import dsse
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.floor import PROFILES
from deskbound_strategies.floor_file import sign_file
from tests.helpers.store import new_vault

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
TEXT = b'profile = "strict"\n'


@pytest.fixture
def files(tmp_path):
    return tmp_path / "floor.toml", tmp_path / "floor.toml.sig"


def read(files, key=KEY):
    return read_proposal(*files, key.public_key() if key else None)


def test_without_a_key_any_file_proposes(files):
    assert read(files, None) == Proposal()
    files[0].write_bytes(TEXT)
    assert read(files, None) == Proposal(PROFILES["strict"])


@pytest.mark.parametrize("data", [b"\xff", b"profile = 3", b"x" * (MAX_BYTES + 1), None])
def test_what_cannot_be_read_proposes_nothing_and_says_why(files, data):
    files[0].mkdir() if data is None else files[0].write_bytes(data)
    found = read(files, None)
    assert found.floor is None
    assert "floor.toml" in found.trouble.sentence
    assert found.trouble.mend


def test_with_a_key_the_very_bytes_must_be_signed(files):
    files[0].write_bytes(TEXT)
    files[1].write_bytes(sign_file(TEXT, KEY))
    assert read(files) == Proposal(PROFILES["strict"])


@pytest.mark.parametrize(
    "signature",
    [
        None,
        b"",
        b"{}",
        sign_file(TEXT, OTHER),
        sign_file(b'profile = "research"\n', KEY),
        dsse.sign(TEXT, "application/vnd.deskbound.contract+json", KEY),
        sign_file(TEXT, KEY)[:-5] + b"\n",
    ],
)
def test_a_file_that_the_key_did_not_sign_counts_for_nothing(files, signature):
    files[0].write_bytes(TEXT)
    if signature is not None:
        files[1].write_bytes(signature)
    found = read(files)
    assert found.floor is None
    assert "ignored" in found.trouble.sentence


def test_a_changed_byte_is_noticed(files):
    files[0].write_bytes(TEXT.replace(b"strict", b"research"))
    files[1].write_bytes(sign_file(TEXT, KEY))
    assert read(files).floor is None


def test_a_signature_without_a_file_proposes_nothing(files):
    files[1].write_bytes(sign_file(TEXT, KEY))
    assert read(files) == Proposal()


def test_a_key_is_pinned_once_and_can_be_taken_away(tmp_path):
    vault, _ = new_vault(tmp_path / "home")
    file = tmp_path / "policy.pub"
    for key in (KEY, OTHER):
        file.write_text(base64.b64encode(key.public_key().public_bytes_raw()).decode() + "\n")
        if key is KEY:
            pin_key(vault.settings, read_policy_key(file))
            pin_key(vault.settings, read_policy_key(file))
        else:
            with pytest.raises(ConfigError):
                pin_key(vault.settings, read_policy_key(file))
    assert pinned_key(vault.settings).public_bytes_raw() == KEY.public_key().public_bytes_raw()
    pin_key(vault.settings, None)
    assert pinned_key(vault.settings) is None
    vault.close()


@pytest.mark.parametrize("text", [None, "", "AAAA", "not base64", "\xff", TEXT.decode()])
def test_a_file_without_a_key_is_an_error_that_does_not_repeat_it(tmp_path, text):
    file = tmp_path / "policy.pub"
    if text is not None:
        file.write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError) as caught:
        read_policy_key(file)
    assert "policy.pub" in caught.value.sentence
