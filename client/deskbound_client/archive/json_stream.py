"""Reads a long JSON file element by element; what was read is gone when the next is asked for.

A file of other people's making may hold window titles and addresses. The standard library would
hold all of it at once, and put it into its errors; this holds one element, and says nothing.
"""

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from deskbound_strategies.errors import VerificationError

_AT_ONCE = 64 << 10
_MOST = 1 << 20  # characters of one element
_SPACE = " \t\n\r"


class JsonStream:
    """A cursor over a JSON text.

    Args:
        source: the file.

    Raises (all methods):
        VerificationError: when the text is not JSON, or one element of it is too long.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder(parse_constant=_refuse)
        self._text, self._at, self._ended = "", 0, False

    def members(self) -> Iterator[str]:
        """Yield the names of an object; the caller reads or skips each one's value."""
        self._take("{")
        if self._took("}"):
            return
        while True:
            name = self.value()
            self._take(":")
            yield name if isinstance(name, str) else ""
            if not self._took(","):
                self._take("}")
                return

    def elements(self) -> Iterator[Any]:
        """Yield the elements of an array, each whole."""
        self._take("[")
        if self._took("]"):
            return
        while True:
            yield self.value()
            if not self._took(","):
                self._take("]")
                return

    def value(self) -> Any:
        """Return one value, whole."""
        self._next()
        while True:
            found, end = self._try()
            # A number may go on beyond what was read; whatever else has an end of its own.
            if end is not None and (end < len(self._text) or self._ended):
                self._at = end
                return found
            if self._ended or len(self._text) - self._at > _MOST:
                raise not_json()
            self._fill()

    def at_object(self) -> bool:
        """Return whether an object comes next."""
        return self._next() == "{"

    def at_array(self) -> bool:
        """Return whether an array comes next."""
        return self._next() == "["

    def end(self) -> None:
        """Check that nothing follows."""
        if self._next():
            raise not_json()

    def _try(self) -> tuple[Any, int | None]:
        try:
            return self._json.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            return None, None

    def _next(self) -> str:
        """Return the next character that is not space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._fill()

    def _took(self, character: str) -> bool:
        if self._next() != character:
            return False
        self._at += 1
        return True

    def _take(self, character: str) -> None:
        if not self._took(character):
            raise not_json()

    def _fill(self) -> None:
        data = self._source.read(_AT_ONCE)
        self._ended = not data
        try:
            more = self._utf8.decode(data, self._ended)
        except UnicodeDecodeError:
            more = None
        if more is None:
            raise not_json()
        self._text, self._at = self._text[self._at :] + more, 0


def not_json() -> VerificationError:
    """Return the error that says so, quoting nothing."""
    return VerificationError(
        "The file is not JSON, or not such as ActivityWatch exports.",
        "Export all buckets as JSON in ActivityWatch and try again.",
    )


def _refuse(_: str) -> float:
    raise ValueError("not a number of JSON")
