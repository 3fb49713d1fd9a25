"""The lengths of a pause that people type."""

from datetime import datetime, timedelta, timezone

import pytest

from deskbound_client.cli.pause import parse_pause
from deskbound_strategies.errors import ConfigError

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "hours"),
    [("30m", 0.5), ("2h", 2), ("1d", 24), ("until 15:00", 0.5), ("14:00", 23.5), ("today", 9.5)],
)
def test_lengths(text, hours):
    assert parse_pause(text, NOW) == NOW.timestamp() + hours * 3600


def test_forever_has_no_end():
    assert parse_pause("forever", NOW) is None


@pytest.mark.parametrize("text", ["", "soon", "25:00", "30", "-5m", "12:60"])
def test_anything_else_is_an_error(text):
    with pytest.raises(ConfigError):
        parse_pause(text, NOW)
