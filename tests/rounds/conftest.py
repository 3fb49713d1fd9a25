"""One SuperLink and two laptops for all tests of this folder; contracts are each test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.federation import Desk, Fleet, Server, fleet, new_desk
from tests.helpers.patience import until


@dataclass
class World:
    """A fleet whose laptops are online, and a run of its server."""

    fleet: Fleet
    desks: tuple[Desk, Desk]
    server: Server


@contextmanager
def make_world(root: Path) -> Iterator[World]:
    """Start a fleet with two laptops, and a run whose server a test may be."""
    desks = new_desk(root / "one"), new_desk(root / "two")
    with fleet(root / "server") as made:
        try:
            for desk in desks:
                made.enroll(desk)
                desk.start()
            until(lambda: made.online() >= {desk.node for desk in desks}, "both are online")
            server = made.run()
            yield World(made, desks, server)
            server.close()
        finally:
            for desk in desks:
                desk.stop()


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with make_world(tmp_path_factory.mktemp("fleet")) as made:
        yield made
