"""One server's folder with a finished run, and its pages, for the tests of a module."""

from collections.abc import Iterator

import pytest

from deskbound_server.home import ServerHome
from tests.helpers.browser import chromium
from tests.helpers.server_pages import ServerPages, history, new_home, served

__all__ = ["chromium"]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> ServerHome:
    return new_home(tmp_path_factory.mktemp("server") / "home")


@pytest.fixture(scope="module")
def models(home: ServerHome) -> list[str]:
    return history(home)


@pytest.fixture(scope="module")
def house(home: ServerHome, models: list[str]) -> Iterator[ServerPages]:
    with served(home) as pages:
        yield pages


@pytest.fixture
def pages(house: ServerPages) -> ServerPages:
    """The same house for all, with nobody in it."""
    house.anew()
    return house
