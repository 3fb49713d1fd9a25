"""Counts of laptops are kept for a moment, and unknown where nobody can tell."""

from contextlib import closing

import pytest

from deskbound_server.database import Database
from deskbound_server.presence import FEW, Laptops, Presence, Shown, count_laptops, fit_to_show
from deskbound_strategies.errors import BusyError
from tests.helpers.browser import Clock
from tests.helpers.server_pages import LAPTOPS, new_home


def test_without_a_superlink_only_the_enrolled_are_known(tmp_path):
    home = new_home(tmp_path / "home")
    with closing(Database.open(home.database)) as database:
        assert count_laptops(home, database) == Laptops(3, None)
        database.revoke_laptop(LAPTOPS[0][0])
        assert count_laptops(home, database) == Laptops(2, None)


def test_many_who_look_ask_once_a_moment():
    clock, asked = Clock(), list[int]()

    def count() -> Laptops:
        asked.append(1)
        return Laptops(len(asked), 0)

    presence = Presence(count, clock, keep_seconds=2.0)
    assert [presence.now().enrolled for _ in range(3)] == [1, 1, 1]
    clock.seconds += 2.0
    assert presence.now().enrolled == 2


def test_what_cannot_be_counted_is_unknown_and_breaks_nothing():
    def count() -> Laptops:
        raise BusyError("Held.", "Wait.")

    assert Presence(count, Clock()).now() == Shown(None, None, up=False)


@pytest.mark.parametrize("enrolled", range(FEW))
def test_of_a_handful_nobody_is_told_how_many_are_at_work(enrolled):
    for online in range(enrolled + 1):
        shown = fit_to_show(Laptops(enrolled, online))
        assert shown == Shown(enrolled, None, up=True)
        assert shown.too_few


def test_of_more_it_is_told():
    assert fit_to_show(Laptops(FEW, 2)) == Shown(FEW, 2, up=True)
    assert not fit_to_show(Laptops(FEW, None)).up
    assert fit_to_show(Laptops()) == Shown()
