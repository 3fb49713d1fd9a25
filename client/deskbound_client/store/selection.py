"""Which rows of the day files are meant: a value of words and integers, made into conditions here.

The same value chooses what a preview counts, what forgetting deletes, and what is taken up again
when a crash cut it short. No text of anybody's goes into a condition: every part is an integer.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from deskbound_strategies.vocabulary import APP_OTHER, GAP_UNKNOWN, Kind, token_of

Scope = Literal["range", "app", "stream", "rows"]
Blank = Literal["", "app", "gap"]
FAR = 1 << 52  # later than any row
NONE = -1

# What a column says when the stream it belongs to is forgotten and the row is not.
_BLANKS: Mapping[Blank, Mapping[str, tuple[str, str]]] = {
    "": {},
    "app": {
        "actions": (
            f"app = {APP_OTHER}, bucket = 0",
            f"(app <> {APP_OTHER} OR bucket <> 0)",
        ),
        "thumbs": (f"app = {APP_OTHER}", f"app <> {APP_OTHER}"),
    },
    "gap": {"actions": (f"gap = {GAP_UNKNOWN}", f"gap <> {GAP_UNKNOWN}")},
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows of day files.

    Attributes:
        scope: how they are chosen.
        start, end: first and last second, Unix time, of every scope.
        app: a category of applications, or ``NONE``.
        bucket: the local number of an application in no category, or 0.
        stream: bit of the stream that gestures belong to, or 0.
        pictures: whether a stream's rows are pictures.
        blank: which column of the other rows a stream filled.
        day: the day that single rows are of, as an ordinal.
        actions: ids of single gestures.
        thumbs: ids of single pictures.
    """

    scope: Scope
    start: int = -FAR
    end: int = FAR
    app: int = NONE
    bucket: int = 0
    stream: int = 0
    pictures: bool = False
    blank: Blank = ""
    day: int = 0
    actions: tuple[int, ...] = ()
    thumbs: tuple[int, ...] = ()

    def deleted(self) -> dict[str, str]:
        """Return which rows go, by table, as a condition in SQL."""
        within = f"at BETWEEN {self.start:d} AND {self.end:d}"
        if self.scope == "rows":
            return {"actions": _among(self.actions), "thumbs": _among(self.thumbs)}
        if self.scope == "range":
            holes = f"ended >= {self.start:d} AND started <= {self.end:d}"
            return {"actions": within, "thumbs": within, "gaps": holes}
        if self.scope == "app":
            actions, thumbs = self._of_app()
            return {"actions": f"{actions} AND {within}", "thumbs": f"{thumbs} AND {within}"}
        found = {"actions": f"stream = {self.stream:d} AND {within}"} if self.stream else {}
        return found | ({"thumbs": within} if self.pictures else {})

    def _of_app(self) -> tuple[str, str]:
        if self.bucket:
            # A picture does not say which unknown program it shows: all of those go.
            return f"bucket = {self.bucket:d}", f"app = {APP_OTHER:d}"
        switch = token_of(Kind.SWITCH, self.app)
        return f"(app = {self.app:d} OR token = {switch:d})", f"app = {self.app:d}"

    def groups(self) -> str:
        """Return which groups of the tally hold gestures that go, whatever the time."""
        if self.scope == "range":
            return "1"
        if self.scope == "app":
            return self._of_app()[0]
        return f"stream = {self.stream:d}" if self.stream else "0"

    @property
    def timeless(self) -> bool:
        """Whether the time of a row does not matter."""
        return self.scope != "rows" and (self.start, self.end) == (-FAR, FAR)

    def blanked(self) -> dict[str, tuple[str, str]]:
        """Return what rows that stay no longer say, by table: the change, and in which rows."""
        within = f"at BETWEEN {self.start:d} AND {self.end:d}"
        staying = {"actions": f"{within} AND stream <> {self.stream:d}", "thumbs": within}
        return {
            table: (change, f"{where} AND {staying[table]}")
            for table, (change, where) in _BLANKS[self.blank].items()
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the value in words and integers, to be written down."""
        return asdict(self) | {"actions": list(self.actions), "thumbs": list(self.thumbs)}

    @classmethod
    def of_dict(cls, value: dict[str, Any]) -> Self:
        """Read what ``as_dict`` gave."""
        given = value | {name: tuple(value[name]) for name in ("actions", "thumbs")}
        return cls(**given)


def _among(ids: tuple[int, ...]) -> str:
    return f"id IN ({','.join(f'{each:d}' for each in ids)})"
