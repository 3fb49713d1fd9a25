"""Settings are changed one at a time, and nothing else in the file is touched."""

import multiprocessing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.config import DEFAULTS, load_config, parse_config, write_default
from deskbound_client.config_edit import set_value
from deskbound_strategies.errors import ConfigError, PermissionsError


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "config.toml"
    write_default(found)
    return found


def test_one_line_changes_and_comments_stay(path):
    before = path.read_text().splitlines()
    config = set_value(path, "retention_days", 3)
    after = path.read_text().splitlines()
    assert config.retention_days == 3
    assert load_config(path) == config
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [("retention_days = 7", "retention_days = 3")]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_missing_file_is_made_with_its_comments(tmp_path):
    config = set_value(tmp_path / "config.toml", "excluded_apps", ("chat",))
    assert config.excluded_apps == ("chat",)
    assert "# Never look at these" in (tmp_path / "config.toml").read_text()


@pytest.mark.parametrize(
    ("name", "value"), [("retention_days", 0), ("nonsense", 1), ("excluded_apps", "chat")]
)
def test_what_would_not_be_valid_is_not_written(path, name, value):
    before = path.read_bytes()
    with pytest.raises(ConfigError):
        set_value(path, name, value)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_damaged_file_is_left_as_it_is(path):
    path.write_bytes(b"= what")
    with pytest.raises(ConfigError):
        set_value(path, "retention_days", 3)
    assert path.read_bytes() == b"= what"


def test_a_file_that_others_may_write_is_not_believed(path):
    path.chmod(0o622)
    with pytest.raises(PermissionsError):
        set_value(path, "retention_days", 3)


def test_a_link_is_not_followed(path, tmp_path):
    elsewhere = tmp_path / "elsewhere.toml"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    with pytest.raises(PermissionsError):
        set_value(path, "retention_days", 3)
    assert elsewhere.read_bytes() == before


@given(rules=st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=6))
def test_any_text_comes_back_as_it_was(tmp_path_factory, rules):
    path = tmp_path_factory.getbasetemp() / "any-text.toml"
    set_value(path, "excluded_apps", tuple(rules))
    assert load_config(path).excluded_apps == tuple(rules)
    assert set_value(path, "excluded_apps", ()) == parse_config({}) == DEFAULTS


def _add(path, name):
    set_value(path, name, 5)


def test_two_writers_lose_nothing(path):
    names = ("retention_days", "holdout_days", "torch_threads", "idle_seconds")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_add, args=(path, name)) for name in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    config = load_config(path)
    assert all(getattr(config, name) == 5 for name in names)
