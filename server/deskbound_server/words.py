"""How times, counts and bytes are said to people, in a terminal or on a page."""

from datetime import UTC, datetime


def moment(seconds: int) -> str:
    """Return a time as people read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M") if seconds else ""


def takes_words(rate: float, steps: int) -> str:
    """Return what a round takes of a laptop's units, in a few words."""
    if rate == 1.0 and steps == 1:
        return "every unit once"
    return f"{steps} step{'' if steps == 1 else 's'} of q {rate:g}"


def codes(counts: dict[str, int]) -> str:
    """Return counts by code as one short text."""
    return ", ".join(f"{count} {code}" for code, count in sorted(counts.items()))


def byte_words(count: int) -> str:
    """Return a number of bytes as people read it."""
    value = float(count)
    for unit in ("bytes", "KB", "MB"):
        if value < 1000:
            return f"{count} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
