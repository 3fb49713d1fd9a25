"""A floor signed here proposes on a laptop that pinned the key, and one changed since does not."""

import stat

import pytest

from deskbound_audit.sign_floor import sign_floor
from deskbound_client.privacy.proposal import read_policy_key, read_proposal
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.floor import PROFILES


@pytest.fixture
def floor(tmp_path):
    file = tmp_path / "floor.toml"
    file.write_text('profile = "strict"\n')
    return file


def test_what_is_signed_is_what_a_laptop_reads(tmp_path, floor):
    key = tmp_path / "policy.pem"
    signature, public = sign_floor(floor, key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert (signature.name, public.name) == ("floor.toml.sig", "policy.pub")
    pinned = read_policy_key(public)
    assert read_proposal(floor, signature, pinned).floor == PROFILES["strict"]
    floor.write_text('profile = "research"\n')
    assert read_proposal(floor, signature, pinned).floor is None
    again, _ = sign_floor(floor, key)
    assert read_policy_key(public).public_bytes_raw() == pinned.public_bytes_raw()
    assert read_proposal(floor, again, pinned).floor == PROFILES["research"]


def test_nothing_but_a_floor_is_signed_and_no_key_made_for_it(tmp_path, floor):
    floor.write_text("profile = 3\n")
    with pytest.raises(ConfigError):
        sign_floor(floor, tmp_path / "policy.pem")
    with pytest.raises(NotFoundError):
        sign_floor(tmp_path / "none.toml", tmp_path / "policy.pem")
    assert not (tmp_path / "policy.pem").exists()


def test_a_file_that_is_no_key_is_left_alone(tmp_path, floor):
    key = tmp_path / "policy.pem"
    key.write_text("my notes")
    with pytest.raises(ConfigError):
        sign_floor(floor, key)
    assert key.read_text() == "my notes"
