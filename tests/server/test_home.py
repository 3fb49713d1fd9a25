import os
import stat

import pytest

from deskbound_server import pki
from deskbound_server.home import HOME_VARIABLE, ServerHome, Settings, find_home, write_private
from deskbound_strategies.errors import (
    ConfigError,
    DiskFullError,
    NotFoundError,
    PermissionsError,
)


def test_the_option_beats_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "named"))
    assert find_home(tmp_path / "given").root == tmp_path / "given"
    assert find_home(None).root == tmp_path / "named"
    monkeypatch.delenv(HOME_VARIABLE)
    assert find_home(None).root.name == ".deskbound-server"


def test_a_home_without_a_server_says_so(tmp_path):
    with pytest.raises(NotFoundError):
        ServerHome(tmp_path).settings()


def test_a_home_that_others_can_enter_is_refused(tmp_path):
    home = ServerHome(tmp_path / "home")
    pki.init(home, Settings("127.0.0.1", 8642, "x"))
    assert home.settings() == Settings("127.0.0.1", 8642, "x")
    home.root.chmod(0o755)
    with pytest.raises(PermissionsError):
        home.settings()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"host": "x"}', '{"a":1,"host":"x"}'])
def test_settings_changed_by_hand_are_refused(tmp_path, text):
    home = ServerHome(tmp_path / "home")
    pki.init(home, Settings("127.0.0.1", 8642, "x"))
    home.settings_file.write_text(text)
    with pytest.raises(ConfigError):
        home.settings()


def test_a_private_file_is_replaced_whole(tmp_path):
    path = tmp_path / "secret"
    write_private(path, b"old")
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    write_private(path, b"old")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError):
        write_private(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_stays_where_it_is_not_to_be_written_over(tmp_path):
    path = tmp_path / "file"
    write_private(path, b"first", over=False)
    with pytest.raises(ConfigError):
        write_private(path, b"second", over=False)
    assert path.read_bytes() == b"first"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
