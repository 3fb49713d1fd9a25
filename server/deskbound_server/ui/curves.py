"""Draws figures by round: lines, error bars, and levels to beat. SVG made here, values in.

Places across are percentages, so the picture is as wide as the page and its words keep their size;
that is why a line is drawn piece by piece. Colours are classes of the style sheet.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

_HIGH, _TOP, _BASE = 230, 18, 200
_LEFT, _RIGHT = 7.0, 98.0  # per cent; what is left of it belongs to the words of the scale
_TICKS = 4
_MOST_LABELS = 10


@dataclass(frozen=True, slots=True)
class Point:
    """One figure.

    Attributes:
        x: round.
        y: value.
        error: standard error of it, or 0.
        hollow: whether it is no part of the line: a model that was held back.
        words: what it is.
    """

    x: int
    y: float
    words: str
    error: float = 0.0
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """A value that does not change, with its standard error and the number of its colour."""

    y: float
    words: str
    colour: int
    error: float = 0.0


def curve(points: Sequence[Point], levels: Sequence[Level], words: str, form: str) -> Markup:
    """Return a picture of figures by round.

    Args:
        points: in order of rounds.
        levels: lines across.
        words: what it shows, for whoever does not see it.
        form: format of the scale's figures, e.g. ``.2f`` or ``.0%``.
    """
    scale = _scale_of(points, levels)
    shapes = [
        *_grid(scale, form),
        *_rounds(scale),
        *(shape for level in levels for shape in _level(scale, level)),
        *_line(scale, [point for point in points if not point.hollow]),
        *(shape for point in points for shape in _dot(scale, point)),
    ]
    return Markup(
        '<svg class="curve" width="100%" height="{}" role="img" aria-label="{}">{}</svg>'
    ).format(_HIGH, words, Markup("").join(shapes))


@dataclass(frozen=True, slots=True)
class _Scale:
    first: int
    last: int
    ticks: tuple[float, ...]

    def across(self, x: float) -> str:
        share = (x - self.first) / max(self.last - self.first, 1)
        return f"{_LEFT + (_RIGHT - _LEFT) * share:.3f}%"

    def down(self, y: float) -> str:
        low, high = self.ticks[0], self.ticks[-1]
        return f"{_BASE - (_BASE - _TOP) * (y - low) / (high - low):.2f}"


def _scale_of(points: Sequence[Point], levels: Sequence[Level]) -> _Scale:
    heights = [(point.y, point.error) for point in points]
    heights += [(level.y, level.error) for level in levels]
    values = [y + sign * error for y, error in heights for sign in (-1, 1)]
    rounds = [point.x for point in points] or [0]
    return _Scale(min(rounds), max(rounds), _ticks(min(values, default=0), max(values, default=1)))


def _ticks(low: float, high: float) -> tuple[float, ...]:
    """Return round numbers from below the lowest value to above the highest."""
    spread = max(high - low, abs(high) * 0.02, 1e-9)
    power = 10.0 ** math.floor(math.log10(spread / _TICKS))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice * _TICKS >= spread)
    begin, end = math.floor(low / step), math.ceil(high / step)
    return tuple(step * at for at in range(begin, max(end, begin + 1) + 1))


def _grid(scale: _Scale, form: str) -> Iterator[Markup]:
    for tick in scale.ticks:
        at = scale.down(tick)
        yield Markup(
            '<line class="axis" x1="0" x2="100%" y1="{0}" y2="{0}"/>'
            '<text x="0" y="{1:.2f}">{2}</text>'
        ).format(at, float(at) - 4, format(tick, form))


def _rounds(scale: _Scale) -> Iterator[Markup]:
    step = max(1, math.ceil((scale.last - scale.first + 1) / _MOST_LABELS))
    for number in range(scale.first, scale.last + 1, step):
        yield Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
            scale.across(number), _BASE + 18, number
        )


def _level(scale: _Scale, level: Level) -> Iterator[Markup]:
    top, bottom = (float(scale.down(level.y + sign * level.error)) for sign in (1, -1))
    yield Markup(
        '<g><title>{}</title>'
        '<rect class="s{} faint" x="{}%" width="{}%" y="{:.2f}" height="{:.2f}"/>'
        '<line class="t{} dashed" x1="{}%" x2="{}%" y1="{}" y2="{}"/></g>'
    ).format(
        level.words, level.colour, _LEFT, _RIGHT - _LEFT, top, bottom - top,
        level.colour, _LEFT, _RIGHT, scale.down(level.y), scale.down(level.y),
    )  # fmt: skip


def _line(scale: _Scale, points: Sequence[Point]) -> Iterator[Markup]:
    for one, other in pairwise(points):
        yield Markup('<line class="t1 line" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            scale.across(one.x), scale.across(other.x), scale.down(one.y), scale.down(other.y)
        )


def _dot(scale: _Scale, point: Point) -> Iterator[Markup]:
    x, y = scale.across(point.x), scale.down(point.y)
    bar = Markup("")
    if point.error:
        bar = Markup('<line class="t1" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(
            x, scale.down(point.y + point.error), scale.down(point.y - point.error)
        )
    yield Markup('<g><title>{}</title>{}<circle class="{}" cx="{}" cy="{}" r="3.5"/></g>').format(
        point.words, bar, "hollow" if point.hollow else "s1", x, y
    )
