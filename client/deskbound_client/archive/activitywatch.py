"""Days from an ActivityWatch export: which kind of program was in front, when, and pauses.

Each event is looked at alone and reduced to a few numbers before the next is read. Its title and
its address are never looked at; a program's name becomes a category or a number of this laptop, as
in capture. What has no word in the vocabulary is counted and left out (docs/archive-format.md).
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from deskbound_client.archive.admission import Admission
from deskbound_client.archive.foreign import Gathered, store_gathered
from deskbound_client.archive.importing import ImportReceipt
from deskbound_client.archive.json_stream import JsonStream, not_json
from deskbound_client.archive.programs import Programs
from deskbound_client.archive.writing import Progress
from deskbound_client.capture.signals import KEYS, POINTER, WINDOWS
from deskbound_client.config import load_config
from deskbound_client.paths import HomePaths
from deskbound_client.store.rows import IMPORTED, StoredAction, StoredGap
from deskbound_client.store.vault import Vault, day_of
from deskbound_strategies.encoder import Encoder
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.observations import AppFocused, KeyPressed, Observation, Scrolled
from deskbound_strategies.vocabulary import FAMILY, TOKENS, Family

_WINDOW, _AFK, _INPUT = "currentwindow", "afkstatus", "os.hid.input"
_LONGEST = 7 * 86_400.0  # an event that lasts longer is a mistake
_MOST_PRESSES = 5_000
_STREAM = {
    Family.KEY: KEYS, Family.CELL: POINTER, Family.NONE: POINTER, Family.APP: WINDOWS,
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class _Seen:
    """What is left of an event: when, how long, and numbers of a closed list.

    Attributes:
        t_ms: Unix milliseconds.
        what: 0 away, 1 a program in front, 2 presses, 3 scrolling.
        first: seconds away; index of the program; presses; notches down (negative: up).
        second: the program's bucket.
    """

    t_ms: int
    what: int
    first: int
    second: int = 0


_AWAY, _FRONT, _PRESSES, _NOTCHES = range(4)


def import_activitywatch(
    paths: HomePaths,
    vault: Vault,
    source: Path,
    *,
    days: Sequence[date] | None = None,
    even_forgotten: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> ImportReceipt:
    """Take in the complete days of an ActivityWatch export, all rows marked as imported.

    Args:
        paths: of the home.
        vault: open.
        source: what ActivityWatch wrote as "all buckets, JSON".
        days: which days; all when None.
        even_forgotten: take in days of which something was forgotten in this vault.
        progress: told now and then how much of the file was read.
        now: the present, local; for tests.

    Raises:
        NotFoundError: when there is no such file.
        VerificationError: when it is not such an export; it quotes nothing of it.
    """
    if not source.is_file():
        raise NotFoundError(f"There is no file {source.name}.", "Name an ActivityWatch export.")
    admission = Admission.of(paths, vault, now, again=even_forgotten)
    dropped: Counter[str] = Counter()
    reducer = _Reducer(
        Programs(load_config(paths.config).excluded_apps, vault.app_bucket), admission, dropped
    )
    with source.open("rb") as stream:
        seen = sorted(_events(stream, reducer, _reading(source, stream, progress)))
    gathered = Gathered.of(_rows(seen))
    return store_gathered(vault, gathered, admission, days, dropped)


class _Reducer:
    """Makes numbers of events; nothing else of them outlives a call."""

    def __init__(self, programs: Programs, admission: Admission, dropped: "Counter[str]") -> None:
        self._programs, self._admission, self._dropped = programs, admission, dropped

    def reduce(self, kind: str, event: Any) -> list[_Seen]:
        """Return what is left of an event.

        Raises:
            VerificationError: when it is not an event.
        """
        found = _when(event)
        if found is None:
            raise not_json()
        t_ms, seconds = found
        if not self._admission.first <= day_of(t_ms // 1000) <= self._admission.last:
            self._dropped["events outside the days that this vault keeps"] += 1
            return []
        data = event["data"]
        if kind == _WINDOW:
            return self._window(t_ms, data.get("app"))
        if kind == _AFK:
            away = data.get("status") == "afk" and seconds >= 1
            return [_Seen(t_ms, _AWAY, int(seconds))] if away else []
        return self._input(t_ms, data)

    def _window(self, t_ms: int, name: Any) -> list[_Seen]:
        judged = self._programs.judge(name) if isinstance(name, str) else None
        if judged is None:
            self._dropped["windows of excluded or unnamed programs"] += 1
            return []
        return [_Seen(t_ms, _FRONT, *judged)]

    def _input(self, t_ms: int, data: dict[str, Any]) -> list[_Seen]:
        presses, clicks, notches = (_count(data.get(n)) for n in ("presses", "clicks", "scrollY"))
        if clicks:
            self._dropped["clicks without a place"] += abs(clicks)
        found = [_Seen(t_ms, _PRESSES, presses)] if presses > 0 else []
        return [*found, _Seen(t_ms, _NOTCHES, notches)] if notches else found


def _events(stream: BinaryIO, reducer: _Reducer, told: Callable[[], None]) -> Iterator[_Seen]:
    """Walk through ``{"buckets": {ID: {..., "type": KIND, ..., "events": [...]}}}``."""
    text = JsonStream(stream)
    for name in text.members():
        if name != "buckets" or not text.at_object():
            text.value()
            continue
        for _ in text.members():
            kind = ""
            for field in text.members():
                if field == "events" and text.at_array():
                    for number, event in enumerate(text.elements()):
                        if kind in (_WINDOW, _AFK, _INPUT):
                            yield from reducer.reduce(kind, event)
                        if number % 1_000 == 0:
                            told()
                elif field == "type":
                    kind = str(text.value())
                else:
                    text.value()
    text.end()


def _when(event: Any) -> tuple[int, float] | None:
    """Return when an event began, Unix milliseconds, and how long it was; None when it is none."""
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        return None
    stamp, seconds = event.get("timestamp"), event.get("duration", 0)
    if not isinstance(stamp, str) or type(seconds) not in (int, float):
        return None
    if not math.isfinite(seconds) or not 0 <= seconds <= _LONGEST:
        return None
    try:
        began = datetime.fromisoformat(stamp)
        if began.tzinfo is None:
            return None
        return int(began.timestamp() * 1_000), float(seconds)
    except (ValueError, OverflowError, OSError):
        return None


def _count(value: Any) -> int:
    if type(value) not in (int, float) or not math.isfinite(value):
        return 0
    return max(-_MOST_PRESSES, min(int(value), _MOST_PRESSES))


def _rows(seen: Sequence[_Seen]) -> Iterator[StoredAction | StoredGap]:
    """Yield rows in the order in which things happened, made by the encoder that capture uses."""
    encoder, app, bucket = Encoder(rhythm=True), (-1, 0), 0
    at = seen[0].t_ms // 1_000 if seen else 0
    for each in seen:
        before, at = at, each.t_ms // 1_000
        if each.what == _AWAY or day_of(at) != day_of(before):
            yield from (_row(action, bucket) for action in encoder.flush(before))
            app = (-1, 0)  # what is in front afterwards is told anew
        if each.what == _AWAY:
            yield StoredGap(at, at + each.first, "idle")
            continue
        if each.what == _FRONT:
            if app == (each.first, each.second):
                continue  # another title of the same program
            # What was typed before belongs to the program before; every gesture is over by then.
            yield from (_row(action, bucket) for action in encoder.settle(each.t_ms + 60_000))
            app, bucket = (each.first, each.second), each.second
        for observation in _observations(each):
            yield from (_row(action, bucket) for action in encoder.feed(observation, at))
    yield from (_row(action, bucket) for action in encoder.flush(at))


def _observations(seen: _Seen) -> Iterator[Observation]:
    """Yield what capture would have seen.

    Which keys were pressed is not known. A burst of a letter and symbols is what the vocabulary
    calls mixed: the word for "some typing".
    """
    if seen.what == _FRONT:
        yield AppFocused(seen.t_ms, seen.first)
    elif seen.what == _PRESSES:
        for number in range(seen.first):
            yield KeyPressed(seen.t_ms, "letter" if number else "symbol", "character")
    else:
        yield Scrolled(seen.t_ms, "down" if seen.first > 0 else "up")


def _row(action: Any, bucket: int) -> StoredAction:
    stream = _STREAM[FAMILY[TOKENS[action.token].kind]]
    return StoredAction(
        action.token, action.app, action.gap, action.at, stream, bucket, source=IMPORTED
    )


def _reading(source: Path, stream: BinaryIO, progress: Progress | None) -> Callable[[], None]:
    if progress is None:
        return lambda: None
    total = source.stat().st_size
    return lambda: progress(stream.tell(), total)
