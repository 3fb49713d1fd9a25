"""Near midnight tests run an hour or two further east."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.helpers.daytime import zone_off_midnight

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/Los_Angeles", "Pacific/Kiritimati")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("minutes", range(0, 24 * 60, 20))
def test_midnight_is_far(zone, minutes):
    local = datetime(2026, 11, 30, tzinfo=ZoneInfo(zone)) + timedelta(minutes=minutes)
    name = zone_off_midnight(local)
    assert (name is None) is (1 <= local.hour < 23)
    there = local.astimezone(ZoneInfo(name)) if name else local
    midnight = there.replace(hour=0, minute=0) + timedelta(days=1)
    assert timedelta(minutes=30) <= midnight - there <= timedelta(hours=23, minutes=30)
