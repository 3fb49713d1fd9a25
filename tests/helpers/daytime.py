"""Keeps tests off midnight: what they store today must still be of today when they look."""

from datetime import datetime, timedelta

SAFE_HOUR = 1  # after midnight; a run of all tests takes a quarter of an hour


def zone_off_midnight(local: datetime) -> str | None:
    """Return a time zone an hour or two east where midnight has long been, None if it is far.

    Args:
        local: the present time, with its zone.
    """
    if SAFE_HOUR <= local.hour < 23:
        return None
    ahead = timedelta(hours=(SAFE_HOUR - local.hour) % 24)
    east = round(((local.utcoffset() or timedelta()) + ahead) / timedelta(hours=1))
    return f"Etc/GMT{-east if east <= 14 else 24 - east:+d}"  # POSIX counts westwards
