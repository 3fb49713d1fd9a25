"""Published sets of activity in a research vault: shifted so that they end yesterday, all imported.

They are other people's and years old. So they come only into a vault of the ``research`` profile,
and only as many of their last days as that vault keeps.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from deskbound_client.archive.admission import RESEARCH, Admission
from deskbound_client.archive.foreign import Gathered, store_gathered
from deskbound_client.archive.importing import ImportReceipt
from deskbound_client.archive.set_readers import READERS, Moment, not_the_set
from deskbound_client.archive.writing import Progress
from deskbound_client.capture.signals import KEYS, POINTER, WINDOWS
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floor_keeper import floor_in_force
from deskbound_client.store.rows import IMPORTED, StoredAction
from deskbound_client.store.vault import Vault
from deskbound_strategies.encoder import Encoder
from deskbound_strategies.errors import ConfigError, DeskboundError
from deskbound_strategies.observations import AppFocused, Observation
from deskbound_strategies.vocabulary import FAMILY, TOKENS, Action, Family

_DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)
_STREAM = {
    Family.KEY: KEYS, Family.CELL: POINTER, Family.NONE: POINTER, Family.APP: WINDOWS,
}  # fmt: skip


def import_set(
    paths: HomePaths,
    vault: Vault,
    name: str,
    source: Path,
    *,
    person: int = 1,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> ImportReceipt:
    """Take in one person of a set, the last days of theirs that the vault keeps.

    Args:
        paths: of the home.
        vault: open, of the ``research`` profile.
        name: one of ``READERS``.
        source: the set's folder.
        person: which person of it, counted from 1.
        progress: told now and then how many moments were read; how many there are is not known.
        now: the present, local; for tests.

    Raises:
        ConfigError: when the vault is for a person's work, or there is no such set.
        NotFoundError: when a file or a person is missing.
        VerificationError: when the files are not those of the set.
    """
    if floor_in_force(paths, vault).profile != RESEARCH:
        raise ConfigError(
            "Published sets come into research vaults only, never beside a person's own work.",
            "Make one with `deskbound --home FOLDER init --profile research`.",
        )
    if name not in READERS:
        raise ConfigError("There is no set of that name.", f"Choose from {', '.join(READERS)}.")
    dropped: Counter[str] = Counter()
    admission = Admission.of(paths, vault, now, again=False)
    found = _moments(name, source, person, dropped)
    moments = sorted(_told(found, progress), key=lambda moment: moment[0])
    kept = _last_days(moments, (admission.last - admission.first).days, dropped)
    gathered = Gathered.of(map(_row, actions(kept, admission.last, _second)))
    return store_gathered(vault, gathered, admission, None, dropped)


def _moments(
    name: str, source: Path, person: int, dropped: "Counter[str]"
) -> Iterator[tuple[int, Observation]]:
    """Yield what happened; count what has no word. A broken file gives our error, without text."""
    found: Iterator[Moment] = READERS[name](source, person)
    while True:
        try:
            moment = next(found, None)
        except DeskboundError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
            moment = (0, "")
        if moment is None:
            return
        at, what = moment
        if not isinstance(what, str):
            yield at, what
        elif what:
            dropped[what] += 1
        else:
            raise not_the_set(name)


def _told(
    moments: Iterator[tuple[int, Observation]], progress: Progress | None
) -> Iterator[tuple[int, Observation]]:
    for number, moment in enumerate(moments):
        yield moment
        if progress is not None and number % 1_000 == 0:
            progress(number, 0)


def _last_days(
    moments: Sequence[tuple[int, Observation]], most: int, dropped: "Counter[str]"
) -> list[tuple[int, Observation]]:
    """Return the last days that something happened on and that fit, moved together to the end."""
    if not moments:
        return []
    last = moments[-1][0] // _DAY_MS
    kept = [(at, what) for at, what in moments if at // _DAY_MS > last - most]
    left = {at // _DAY_MS for at, _ in moments} - {at // _DAY_MS for at, _ in kept}
    if left:
        dropped["days before those that fit; raise retention_days for more"] += len(left)
        before = (what for at, what in reversed(moments) if at // _DAY_MS <= last - most)
        front = next((what for what in before if isinstance(what, AppFocused)), None)
        if front is not None:  # still in front when the days that fit begin
            kept.insert(0, (kept[0][0], AppFocused(kept[0][0], front.app)))
    return kept


def actions(
    moments: Sequence[tuple[int, Observation]], today: date, second: Callable[[int], int]
) -> Iterator[Action]:
    """Yield what moments come to; each keeps its time of day, and the last day precedes ``today``.

    Args:
        moments: in order; milliseconds of a wall clock since 1970, and what happened.
        today: where they are moved to.
        second: returns the Unix second at which the wall clock shows such a time.
    """
    if not moments:
        return
    last = moments[-1][0] // _DAY_MS
    shift = (today - timedelta(days=1) - _EPOCH).days - last
    encoder = Encoder(rhythm=True)
    at = second(moments[0][0] + shift * _DAY_MS)
    before, front = moments[0][0] // _DAY_MS, None
    for t_ms, what in moments:
        following = second(t_ms + shift * _DAY_MS)
        if t_ms // _DAY_MS != before:
            before = t_ms // _DAY_MS
            yield from encoder.flush(at)
            if front is not None:  # the encoder has forgotten it, the person has not
                yield from encoder.feed(AppFocused(t_ms, front), following)
        at = following
        front = what.app if isinstance(what, AppFocused) else front
        yield from encoder.feed(what, at)
    yield from encoder.flush(at)


def _second(wall_ms: int) -> int:
    """Return the Unix second at which this laptop's wall clock shows a time."""
    days, rest = divmod(wall_ms, _DAY_MS)
    midnight = datetime.combine(_EPOCH + timedelta(days=days), datetime.min.time())
    return int((midnight + timedelta(milliseconds=rest)).astimezone().timestamp())


def _row(action: Action) -> StoredAction:
    stream = _STREAM[FAMILY[TOKENS[action.token].kind]]
    return StoredAction(action.token, action.app, action.gap, action.at, stream, source=IMPORTED)
