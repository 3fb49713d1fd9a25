"""Which category a program of another record belongs to, and whether it may be recorded at all."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from deskbound_client.capture.categories import ALWAYS_EXCLUDED, CATEGORY_OF
from deskbound_strategies.vocabulary import APP_OTHER, APPS

_ENDINGS = (".exe", ".app", ".desktop")


class Programs:
    """Names become a category and, outside all categories, a number of this laptop only.

    Args:
        excluded: categories or patterns that the employee never wants looked at.
        bucket_of: ``Vault.app_bucket``.
    """

    def __init__(self, excluded: Sequence[str], bucket_of: Callable[[str], int]) -> None:
        self._excluded = [pattern.lower() for pattern in (*excluded, *ALWAYS_EXCLUDED)]
        self._bucket_of = bucket_of

    def judge(self, name: str) -> tuple[int, int] | None:
        """Return a program's index in ``APPS`` and its bucket; None when it is excluded."""
        folded = name.strip().lower().encode(errors="replace").decode()  # half a character
        for ending in _ENDINGS:
            folded = folded.removesuffix(ending)
        names = (folded, folded.replace(" ", "-"), folded.replace(" ", ""))
        category = next((CATEGORY_OF[each] for each in names if each in CATEGORY_OF), "")
        if category in self._excluded or any(
            fnmatchcase(each, pattern) for each in names for pattern in self._excluded
        ):
            return None
        if category:
            return APPS.index(category), 0
        return APP_OTHER, self._bucket_of(folded)
