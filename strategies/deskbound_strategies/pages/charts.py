"""Pictures for the pages: SVG made here, without script, style or anything from outside.

Colours are classes of the style sheet, so that dark and light are the browser's choice. Every
picture has words for whoever does not see it. Pure: values in, markup out.
"""

from collections.abc import Sequence

from markupsafe import Markup

_HIGHEST = 84  # of a hundred: its number stands above the highest column


def bar(share: float, words: str, mark: float | None = None) -> Markup:
    """Return a bar that is full to a share.

    Args:
        share: from 0 to 1; what lies outside is cut.
        words: what it shows, for whoever does not see it.
        mark: where a thin line stands, as a share.
    """
    line = Markup("")
    if mark is not None:
        line = Markup('<rect class="mark" x="{}" y="0" width="0.8" height="10"/>').format(
            _place(100 * min(max(mark, 0.0), 1.0) - 0.4)
        )
    return Markup(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><rect class="track" width="100" height="10"/>'
        '<rect class="{}" width="{}" height="10"/>{}</svg>'
    ).format(words, _fill(share), _place(100 * min(max(share, 0.0), 1.0)), line)


def _fill(share: float) -> str:
    return "full" if share >= 0.9 else "fill"


def spark(counts: Sequence[int], words: str) -> Markup:
    """Return a row of small columns, as high as their counts; nothing where there is nothing."""
    most = max(counts, default=0) or 1
    columns = Markup("").join(
        Markup('<rect class="s1" x="{}" y="{}" width="3" height="{}"/>').format(
            4 * place, _place(20 - height), _place(height)
        )
        for place, count in enumerate(counts)
        if (height := max(20 * count / most, 1.0) if count else 0.0)
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 {} 22" preserveAspectRatio="xMinYMid meet" role="img"'
        ' aria-label="{}">'
        '<rect class="track" y="21" width="{}" height="1"/>{}</svg>'
    ).format(4 * len(counts), words, 4 * len(counts), columns)


def columns(
    groups: Sequence[tuple[str, Sequence[int]]], names: Sequence[str], words: str
) -> Markup:
    """Return stacked columns with a label below each, and above it how many it shows.

    Args:
        groups: of each column its label and its counts, bottom first.
        names: what the counts are, for the words of each column.
        words: what it shows.
    """
    wide, high = max(len(groups), 6) * 48, 120
    most = max((sum(counts) for _, counts in groups), default=0) or 1
    drawn = Markup("").join(
        _column(place, label, counts, names, most) for place, (label, counts) in enumerate(groups)
    )
    return Markup(
        '<svg class="columns-chart" viewBox="0 0 {} {}" preserveAspectRatio="xMinYMid meet"'
        ' role="img" aria-label="{}">'
        '<line class="axis" x1="0" x2="{}" y1="100.5" y2="100.5"/>{}</svg>'
    ).format(wide, high, words, wide, drawn)


def _column(
    place: int, label: str, counts: Sequence[int], names: Sequence[str], most: int
) -> Markup:
    left, top, parts = 48 * place + 6, 100.0, []
    for number, count in enumerate(counts, 1):
        height = _HIGHEST * count / most
        top -= height
        parts.append(
            Markup('<rect class="s{}" x="{}" y="{}" width="36" height="{}"/>').format(
                number, left, _place(top), _place(height)
            )
        )
    said = ", ".join(f"{count:,} {name}" for count, name in zip(counts, names, strict=True))
    return Markup(
        '<g><title>{0}: {1}</title>{2}<text x="{3}" y="{4}" text-anchor="middle">{5:,}</text>'
        '<text x="{3}" y="115" text-anchor="middle">{0}</text></g>'
    ).format(label, said, Markup("").join(parts), left + 18, _place(top - 4), sum(counts))


def _place(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
