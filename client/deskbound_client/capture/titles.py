"""Does a window's title match a pattern of the employee? Pure; the title is not kept."""

from collections.abc import Iterable
from fnmatch import fnmatchcase


class TitleRules:
    """Patterns such as ``*salary*``; upper and lower case are the same.

    Args:
        patterns: as the employee wrote them; without ``*`` or ``?`` one matches a whole title.
    """

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self._patterns = tuple(pattern.casefold() for pattern in patterns if pattern)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def exclude(self, title: str | None) -> bool:
        """Return whether a window with this title is excluded; one that cannot be read is."""
        if not self._patterns:
            return False
        if title is None:
            return True
        folded = title.casefold()
        return any(fnmatchcase(folded, pattern) for pattern in self._patterns)
