"""Settings are read strictly, and what is written as default reads as the default."""

import pytest

from deskbound_client.config import DEFAULTS, Config, load_config, parse_config, write_default
from deskbound_strategies.errors import ConfigError, PermissionsError


def test_a_missing_file_means_the_defaults(tmp_path):
    assert load_config(tmp_path / "config.toml") == DEFAULTS


def test_what_is_written_as_default_is_the_default_and_names_every_setting(tmp_path):
    path = tmp_path / "config.toml"
    assert write_default(path)
    assert load_config(path) == DEFAULTS
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert all(f"\n{name} = " in text for name in Config.__dataclass_fields__)


def test_what_the_employee_wrote_is_never_overwritten(tmp_path):
    path = tmp_path / "config.toml"
    write_default(path)
    path.write_text("holdout_days = 2\n")
    assert not write_default(path)
    assert load_config(path).holdout_days == 2


def test_an_unknown_setting_names_the_nearest():
    with pytest.raises(ConfigError) as caught:
        parse_config({"holdout_day": 1})
    assert caught.value.mend == "Did you mean holdout_days?"


@pytest.mark.parametrize(
    "raw",
    [
        {"retention_days": 0},
        {"retention_days": True},
        {"retention_days": 1.5},
        {"retention_days": "7"},
        {"idle_seconds": float("nan")},
        {"idle_seconds": 0},
        {"excluded_apps": "chat"},
        {"excluded_apps": [1]},
        {"passphrase_file": 1},
        {"size_cap_mb": 10**9},
        {"schedule": ["office hours"]},
    ],
)
def test_values_of_another_type_or_range_are_refused(raw):
    with pytest.raises(ConfigError, match=next(iter(raw))):
        parse_config(raw)


def test_values_are_taken():
    found = parse_config({"excluded_apps": ["chat", "my-*"], "idle_seconds": 30})
    assert found.excluded_apps == ("chat", "my-*")
    assert found.idle_seconds == 30.0


def test_a_file_that_is_not_toml(tmp_path):
    path = tmp_path / "config.toml"
    write_default(path)
    path.write_bytes(b"\xff = [")
    with pytest.raises(ConfigError, match=r"not valid TOML"):
        load_config(path)


def test_a_file_that_others_can_write_is_refused(tmp_path):
    path = tmp_path / "config.toml"
    write_default(path)
    path.chmod(0o666)
    with pytest.raises(PermissionsError):
        load_config(path)
