"""Dying before any line of one source file."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Self


class Crash(BaseException):
    """As if the process had been killed here."""


def _crash() -> None:
    raise Crash


class AtLine:
    """Does something before the n-th line of a file that is executed; counts them all without n.

    Args:
        file: ``__file__`` of the module.
        n: before which line; None counts.
        do: what happens there.

    Attributes:
        lines: executed so far.
        last: when each line was executed last.
    """

    def __init__(self, file: str, n: int | None = None, do: Callable[[], None] = _crash) -> None:
        self._file, self._n, self._do = file, n, do
        self.lines = 0
        self.last: dict[int, int] = {}

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _call(self, frame: FrameType, event: str, _: Any) -> Any:
        return self._line if frame.f_code.co_filename == self._file else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self.lines += 1
            self.last[frame.f_lineno] = self.lines
            if self.lines == self._n:
                sys.settrace(None)
                self._do()
        return self._line
