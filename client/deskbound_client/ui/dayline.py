"""Draws a day: columns of ten minutes, stacked by sort of program, holes hatched.

Places are percentages, so the picture is as wide as the page and its words keep their size.
"""

from collections.abc import Iterator
from datetime import datetime

from markupsafe import Markup

from deskbound_client.employee.timeline import BIN_SECONDS, GROUPS, Timeline
from deskbound_client.employee.words import counted
from deskbound_client.store.rows import StoredGap

_HIGH, _BASE = 190, 160  # of the picture; where the columns stand
_HOUR = 3600
_MANY_HOURS = 12
NAMES = tuple(name for name, _ in GROUPS)
CAUSES = {
    "sleep": "the laptop slept",
    "lag": "the machine was held up",
    "permission": "input could not be read",
    "crash": "capture broke off",
    "lock": "the screen was locked",
    "paused": "paused",
    "idle": "nobody was here",
    "display-lost": "the display did not answer",
    "disk-full": "the disk was full",
    "clock": "the clock was changed",
    "stopped": "capture was not running",
    "other": "of unknown cause",
}


def draw(line: Timeline, now: float) -> Markup:
    """Return the picture.

    Args:
        line: the day.
        now: Unix time; marked where it lies within the day.
    """
    shapes = [*_hours(line), *_holes(line), *_columns(line)]
    if line.start < now < line.end:
        place = _across(line, now)
        shapes.append(
            Markup('<line class="now" x1="{}" x2="{}" y1="6" y2="{}"/>').format(place, place, _BASE)
        )
    return Markup(
        '<svg class="dayline" width="100%" height="{}" role="img" aria-label="{}">'
        '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><rect class="hatch" width="2.5" height="7"/>'
        "</pattern></defs>"
        "{}</svg>"
    ).format(_HIGH, words(line), Markup("").join(shapes))


def words(line: Timeline) -> str:
    """Return what the picture shows, for whoever does not see it."""
    said = f"{counted(line.actions, 'action')} between {_clock(line.start)} and {_clock(line.end)}"
    return f"{said}; {counted(len(line.holes), 'hole')}. The table below says the same."


def hole_words(hole: StoredGap) -> str:
    """Return one hole in words."""
    return f"{_clock(hole.started)} to {_clock(hole.ended)}: {CAUSES[hole.cause]}"


def _hours(line: Timeline) -> Iterator[Markup]:
    yield Markup('<line class="axis" x1="0" x2="100%" y1="{0}.5" y2="{0}.5"/>').format(_BASE)
    hours = range(line.start, line.end + 1, _HOUR)
    for place, at in enumerate(hours):
        rare = " minor" if place % (4 if len(hours) > _MANY_HOURS else 2) else ""
        anchor = "start" if at == line.start else "end" if at == line.end else "middle"
        yield Markup(
            '<line class="axis" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
            '<text class="hour{3}" x="{0}" y="{4}" text-anchor="{5}">{6}</text>'
        ).format(_across(line, at), _BASE, _BASE + 5, rare, _BASE + 21, anchor, _clock(at))


def _holes(line: Timeline) -> Iterator[Markup]:
    for hole in line.holes:
        start, end = max(hole.started, line.start), min(hole.ended + 1, line.end)
        if start < end:
            yield Markup(
                '<rect class="hole" x="{}" width="{}" y="8" height="{}"><title>{}</title></rect>'
            ).format(_across(line, start), _share(line, end - start), _BASE - 8, hole_words(hole))


def _columns(line: Timeline) -> Iterator[Markup]:
    most = max((sum(counts) for counts in line.bins.values()), default=0) or 1
    for at, counts in line.bins.items():
        top, parts = float(_BASE), []
        for place, count in enumerate(counts, 1):
            if not count:
                continue
            height = (_BASE - 14) * count / most
            top -= height
            parts.append(
                Markup('<rect class="s{}" x="{}" width="{}" y="{}" height="{}"/>').format(
                    place, _across(line, at), _share(line, BIN_SECONDS * 0.86),
                    f"{top:.2f}", f"{height:.2f}",
                )
            )  # fmt: skip
        yield Markup("<g><title>{}</title>{}</g>").format(_said(at, counts), Markup("").join(parts))


def _said(at: int, counts: tuple[int, ...]) -> str:
    parts = [f"{name} {count:,}" for name, count in zip(NAMES, counts, strict=True) if count]
    return f"{_clock(at)} to {_clock(at + BIN_SECONDS)}: {', '.join(parts)}"


def _across(line: Timeline, at: float) -> str:
    return _share(line, at - line.start)


def _share(line: Timeline, seconds: float) -> str:
    return f"{100 * seconds / (line.end - line.start):.3f}%"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M")
