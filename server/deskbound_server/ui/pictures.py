"""What of a run is drawn: utility with what it has to beat, epsilon, cohorts. Pure."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from deskbound_server.schema import RoundRow, RoundState
from deskbound_server.scores import Score
from deskbound_server.ui.curves import Level, Point, curve
from deskbound_server.ui.trials import Tried
from deskbound_strategies.dp_fedavg import Progress
from deskbound_strategies.pages import charts

_FIRST_COLOUR = 2  # the run's own line has the first
_MOST_COLUMNS = 24


def share_words(score: Score) -> str:
    """Return how often the first guess is right, with its standard error."""
    return f"{score.hit1.value:.1%} ± {score.hit1.error:.1%}"


def right(models: Mapping[str, int], tried: Tried) -> Markup | None:
    """Return how often each model is right, beside the baselines; None before there is any.

    Args:
        models: their rounds, by hash.
        tried: what is known of them.
    """
    found = [(models[name], score) for name, score in tried.scores.items() if name in models]
    if not found:
        return None
    points = [
        Point(number, score.hit1.value, f"{_after(number)}: {share_words(score)}", score.hit1.error)
        for number, score in sorted(found, key=lambda one: one[0])
    ]
    levels = [
        Level(score.hit1.value, f"{name}: {share_words(score)}", colour, score.hit1.error)
        for colour, (name, score) in enumerate(tried.baselines.items(), start=_FIRST_COLOUR)
    ]
    words = f"How often the first guess is right by round: {points[-1].words} at the end."
    return curve(points, levels, words, ".0%")


def loss(rows: Sequence[RoundRow]) -> Markup | None:
    """Return the held-out loss of each model by round; None when none was tried."""
    points = [
        Point(
            row.number,
            row.check.loss,
            f"{_after(row.number)}: {row.check.loss:.3f} nats a unit"
            + (", held back" if row.state is RoundState.HELD_BACK else ""),
            hollow=row.state is RoundState.HELD_BACK,
        )
        for row in rows
        if row.check.loss is not None
    ]
    if not points:
        return None
    first = next(row.check.before for row in rows if row.check.loss is not None)
    if first is not None:
        number = min(point.x for point in points) - 1
        points.insert(0, Point(number, first, f"{_after(number)}: {first:.3f} nats a unit"))
    words = f"Held-out loss by round, lower is better: {points[-1].words} at the end."
    return curve(points, [], words, ".4g")


def epsilon(rows: Sequence[RoundRow], counted: Sequence[float], cap: float) -> Markup | None:
    """Return what is counted against a day's cap, after the last attempt of each round."""
    after = {row.number: value for row, value in zip(rows, counted, strict=True)}
    if not after:
        return None
    points = [
        Point(number, value, f"after round {number}: ε {value:.2f} of {cap:g}")
        for number, value in after.items()
    ]
    points.insert(0, Point(points[0].x - 1, 0.0, "before the first round: ε 0"))
    level = Level(cap, f"cap of a day: ε {cap:g}", _FIRST_COLOUR)
    # A cap far above would press the line to the ground.
    levels = [level] if points[-1].y * 6 >= cap else []
    return curve(points, levels, f"Epsilon of a day by round: {points[-1].words}.", ".3g")


def cohorts(rows: Sequence[RoundRow]) -> Markup | None:
    """Return what came of asking, a column for each of the last attempts."""
    closed = [row for row in rows if row.closed][-_MOST_COLUMNS:]
    if not closed:
        return None
    groups = [
        (
            str(row.number),
            (row.admitted, sum(row.refused.values()) + sum(row.rejected.values()), row.missing),
        )
        for row in closed
    ]
    return charts.columns(groups, ("count", "refused or rejected", "silent"), "Replies by round.")


def progress_of(progress: Progress | None, minimum: int) -> Markup | None:
    """Return how many of the laptops asked count by now, and a mark at how many must."""
    if progress is None or not progress.asked:
        return None
    words = f"{progress.admitted} of {progress.asked} count; {minimum} are needed"
    asked = progress.asked
    return charts.bar(progress.admitted / asked, words, mark=minimum / asked)


def _after(number: int) -> str:
    return f"after round {number}" if number else "the first model"
