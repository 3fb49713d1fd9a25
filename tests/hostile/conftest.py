"""One SuperLink and two laptops for the attacks of this folder; each attack brings its own lies."""

from collections.abc import Iterator

import pytest

from tests.rounds.conftest import World, make_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with make_world(tmp_path_factory.mktemp("besieged")) as made:
        yield made
