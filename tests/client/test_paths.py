"""The home folder and its modes."""

from pathlib import Path

import pytest

from deskbound_client.paths import HomePaths, default_home
from deskbound_strategies.errors import PermissionsError


def test_the_environment_names_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("DESKBOUND_HOME", str(tmp_path / "here"))
    assert HomePaths.of().home == tmp_path / "here"
    monkeypatch.delenv("DESKBOUND_HOME")
    assert default_home().name == "deskbound"


def test_a_relative_home_is_made_absolute():
    assert HomePaths(Path("somewhere")).home.is_absolute()


def test_folders_are_private(tmp_path):
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    for folder in (paths.home, paths.server, paths.run, paths.flwr, paths.model):
        assert folder.stat().st_mode & 0o777 == 0o700
    paths.prepare()


def test_a_folder_that_others_may_enter_is_refused(tmp_path):
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    paths.run.chmod(0o755)
    with pytest.raises(PermissionsError):
        paths.prepare()


def test_every_file_lies_in_the_home(tmp_path):
    paths = HomePaths(tmp_path)
    named = [n for n, value in vars(HomePaths).items() if isinstance(value, property)]
    assert len(named) > 10
    assert all(getattr(paths, name).is_relative_to(tmp_path) for name in named)
