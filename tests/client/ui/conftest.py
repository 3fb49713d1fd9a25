"""The same homes for all tests of the pages, and the pages on them."""

from collections.abc import Iterator

import pytest

from tests.helpers.browser import Pages, chromium, pages_of
from tests.helpers.cli import Desk, desk, empty

__all__ = ["chromium", "desk", "empty"]


@pytest.fixture
def pages(desk: Desk) -> Iterator[Pages]:
    """The pages of a new vault."""
    with pages_of(desk.paths.home) as found:
        yield found
