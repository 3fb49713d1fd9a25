"""How often thumbnails are taken: less when nothing changes, when each costs much, when told to."""

from dataclasses import replace
from itertools import pairwise

import pytest

from deskbound_client.capture.control import Control
from deskbound_client.capture.inbox import Inbox
from deskbound_client.capture.pictures import Pictures
from deskbound_client.capture.signals import SCREEN
from deskbound_client.capture.situation import Board
from tests.client.capture.test_gate import OPEN


class Watch:
    """A watch that sees no change."""

    def covered(self):
        return False

    def beat(self):
        pass


class Desk:
    def __init__(self, tmp_path, pace=1, cost=0.0):
        control = Control.create(tmp_path / "control")
        control.set_streams(SCREEN)
        board = Board()
        board.publish(replace(OPEN, window=(0, 0, 640, 360)), 0)
        self.now = self.worked = 0.0
        self.cost, self.taken, self.picture = cost, [], b"a"
        self.pictures = Pictures(
            control, board, Inbox(100), self.take, period=10.0, pace=lambda: pace,
            clock=lambda: self.now, worked=lambda: self.worked,
        )  # fmt: skip

    def take(self, _):
        self.taken.append(self.now)
        self.worked += self.cost
        return self.picture + (b"" if self.same else str(self.now).encode())

    def during(self, seconds, *, same):
        self.same = same
        while self.now < seconds:
            self.pictures(Watch())
            self.now += 1.0
        return self.taken


def test_a_changing_window_is_taken_every_period(tmp_path):
    assert Desk(tmp_path).during(41, same=False) == [0, 10, 20, 30, 40]


def test_an_unchanged_one_less_and_less_often_down_to_an_eighth(tmp_path):
    taken = Desk(tmp_path).during(400, same=True)
    assert [b - a for a, b in pairwise(taken)][:6] == [10, 10, 20, 40, 80, 80]


def test_the_governor_slows_it(tmp_path):
    assert Desk(tmp_path, pace=4).during(81, same=False) == [0, 40, 80]


@pytest.mark.parametrize(("cost", "apart"), [(0.01, 10), (0.2, 40)])
def test_what_costs_much_is_taken_seldom(tmp_path, cost, apart):
    assert Desk(tmp_path, cost=cost).during(81, same=False)[1] == apart
