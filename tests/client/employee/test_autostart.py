"""The entry that starts Deskbound at login."""

import configparser
import os
import subprocess

import pytest

from deskbound_client.employee import autostart
from deskbound_client.paths import HomePaths
from deskbound_strategies.errors import KeystoreError


def environ(tmp_path):
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def words_of(path):
    """Read the command line as a desktop does: escapes of the file, quotes of Exec, field codes."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(path, encoding="utf-8")
    raw = parser["Desktop Entry"]["Exec"].replace("\\\\", "\\")
    # The quotes of Exec are those of a shell, by the specification.
    said = subprocess.run(["sh", "-c", f"printf '%s\\n' {raw}"], capture_output=True, check=True)
    return [word.replace("%%", "%") for word in said.stdout.decode().splitlines()]


@pytest.mark.parametrize("name", ["home", "my home", 'a"b', "50% $HOME `x`", "ünï'code"])
def test_the_entry_runs_start_in_just_this_home(tmp_path, name):
    paths = HomePaths(tmp_path / name)
    paths.prepare()
    found = autostart.switch_on(paths, environ(tmp_path))
    assert found.on
    assert words_of(found.path)[1:] == ["--home", str(paths.home), "start"]


def test_it_is_off_until_asked_for_and_off_again(tmp_path):
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    where = environ(tmp_path)
    assert not autostart.state(paths, where).on
    assert not autostart.switch_off(paths, where)
    autostart.switch_on(paths, where)
    assert autostart.switch_off(paths, where)
    assert not autostart.entry_path(where).exists()
    assert list(autostart.entry_path(where).parent.iterdir()) == []


def test_a_vault_that_asks_cannot_start_by_itself(tmp_path):
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    (paths.home / "root.sealed").touch(mode=0o600)
    with pytest.raises(KeystoreError, match="nobody to ask"):
        autostart.switch_on(paths, environ(tmp_path))
    assert not autostart.entry_path(environ(tmp_path)).exists()
    paths.config.touch(mode=0o600)
    paths.config.write_text('passphrase_file = "/a/file"\n')
    assert autostart.switch_on(paths, environ(tmp_path)).on


def test_another_homes_entry_is_told_and_not_taken_away(tmp_path):
    one, two = HomePaths(tmp_path / "one"), HomePaths(tmp_path / "two")
    for paths in (one, two):
        paths.prepare()
    where = environ(tmp_path)
    autostart.switch_on(one, where)
    assert autostart.state(two, where).other_home
    assert not autostart.switch_off(two, where)
    assert autostart.state(one, where).on


def test_an_entry_of_a_program_that_was_moved_goes_too(tmp_path):
    paths, where = HomePaths(tmp_path / "my home"), environ(tmp_path)
    paths.prepare()
    entry = autostart.switch_on(paths, where).path
    program = autostart.command(paths).split(" ")[0]
    entry.write_text(entry.read_text().replace(program, "/opt/old/bin/deskbound"))
    found = autostart.state(paths, where)
    assert (found.on, found.other_home) == (False, False)
    entry.with_name(f".{autostart.ENTRY}.next").write_text("a crash left it")
    assert autostart.switch_off(paths, where)
    assert list(entry.parent.iterdir()) == []


def test_a_home_whose_name_ends_the_same_is_another(tmp_path):
    mine, other = HomePaths(tmp_path / "home"), HomePaths(tmp_path / "other" / "home")
    mine.prepare()
    where = environ(tmp_path)
    autostart.switch_on(other, where)
    assert not autostart.switch_off(mine, where)
    assert autostart.state(other, where).on


def test_nobody_else_can_write_what_runs_at_login(tmp_path):
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    before = os.umask(0)
    try:
        entry = autostart.switch_on(paths, environ(tmp_path)).path
    finally:
        os.umask(before)
    assert entry.stat().st_mode & 0o777 == 0o600
    assert entry.parent.stat().st_mode & 0o777 == 0o700
