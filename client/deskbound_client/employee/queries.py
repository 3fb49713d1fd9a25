"""What to look for in what is stored, and how its words become conditions. Pure.

No text of anybody's goes into a condition: words are compared with the published vocabulary, and
what goes on are the integers of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

from deskbound_client.capture.signals import STREAMS, signal_named
from deskbound_client.employee.words import words_of
from deskbound_client.store.rows import CAPTURED, GENERATED, IMPORTED
from deskbound_client.store.tally import HOUR
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.vocabulary import APPS, TOKENS, Kind

PICTURE = "picture"
KINDS = (*(kind.name.lower().replace("_", " ") for kind in Kind), PICTURE)
SOURCES = {CAPTURED: "captured", GENERATED: "generated", IMPORTED: "imported"}
_NONE = "0"  # a condition that nothing meets


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; every part given must hold, and no part given finds all gestures.

    Attributes:
        first, last: days, both included.
        hour: Unix second at which one hour begins, as ``Facets.hours`` names it.
        kind: one of ``KINDS``.
        app: a category, or ``#1234`` for a program that has none.
        stream: name of a stream.
        source: ``captured``, ``generated`` or ``imported``.
        text: plain words such as ``ctrl+c`` or ``browser click``; each must fit.
        offset, limit: which of the hits, newest first.
    """

    first: date | None = None
    last: date | None = None
    hour: int | None = None
    kind: str = ""
    app: str = ""
    stream: str = ""
    source: str = ""
    text: str = ""
    offset: int = 0
    limit: int = 50

    @property
    def pictures(self) -> bool:
        """Whether pictures are looked for instead of gestures."""
        return self.kind == PICTURE or self.stream == "screen"


def actions_where(query: Query) -> str:
    """Return which groups of the tally fit, as a condition in SQL made of integers.

    Raises:
        ConfigError: when there is no such kind, category, stream or source.
    """
    parts = [*_common(query)]
    if query.kind:
        kind = _known(query.kind, KINDS, "kind")
        parts.append(_in("token", (i for i in range(len(TOKENS)) if kind_of(i) == kind)))
    if query.stream:
        names = [signal.name for signal in STREAMS]
        parts.append(f"stream = {signal_named(_known(query.stream, names, 'stream')).bit:d}")
    if query.hour is not None:
        parts.append(f"hour = {query.hour // HOUR:d}")
    parts += [
        f"({_in('token', _tokens(word))} OR {_in('app', _apps(word))})"
        for word in query.text.lower().split()
    ]
    return " AND ".join(parts) or "1"


def thumbs_where(query: Query) -> str:
    """Return which pictures fit, as a condition in SQL made of integers."""
    parts = [*_common(query)]
    if query.app.startswith(("#", "other #")):
        return _NONE  # a picture does not say which unknown program it shows
    if query.hour is not None:
        start = query.hour // HOUR * HOUR
        parts.append(f"at BETWEEN {start:d} AND {start + HOUR - 1:d}")
    parts += [
        _in("app", _apps(word))
        for word in query.text.lower().split()
        if not any(name.startswith(word) for name in (PICTURE, "screen"))
    ]
    return " AND ".join(parts) or "1"


def _common(query: Query) -> Iterator[str]:
    if query.app:
        name = query.app.strip().lower().removeprefix("other ")
        if name.startswith("#") and name[1:].isdecimal() and len(name) < 7:
            yield f"bucket = {int(name[1:]):d}"
        else:
            yield f"app = {APPS.index(_known(name, APPS, 'category')):d}"
    if query.source:
        numbers = {name: number for number, name in SOURCES.items()}
        yield f"source = {numbers[_known(query.source, list(numbers), 'source')]:d}"


def _known(name: str, names: Iterable[str], what: str) -> str:
    found = name.strip().lower()
    if found not in names:
        raise ConfigError(f"There is no such {what}.", f"Choose one of: {', '.join(names)}.")
    return found


@cache
def _vocabulary() -> tuple[frozenset[str], ...]:
    return tuple(
        frozenset(f"{words_of(token)} {kind_of(token)}".lower().replace(",", "").split())
        for token in range(len(TOKENS))
    )


def _tokens(word: str) -> list[int]:
    """Return the tokens that a word fits: wholly if it is a word of any, else by its beginning."""
    words = _vocabulary()
    exact = [i for i, found in enumerate(words) if word in found]
    return exact or [i for i, found in enumerate(words) if any(w.startswith(word) for w in found)]


def _apps(word: str) -> list[int]:
    return [i for i, name in enumerate(APPS) if name.startswith(word)]


def _in(column: str, numbers: Iterable[int]) -> str:
    return f"{column} IN ({','.join(f'{number:d}' for number in numbers)})"


def kind_of(token: int) -> str:
    """Return which of ``KINDS`` a token is."""
    return KINDS[TOKENS[token].kind]
