import pytest

from deskbound_client.capture.clocks import Between, Clocks, since_boot


class Machine:
    """Three clocks that a test turns."""

    def __init__(self):
        self.wall = self.awake = self.booted = 1_000.0
        self.clocks = Clocks(lambda: self.wall, lambda: self.awake, lambda: self.booted)

    def go(self, seconds, *, awake=True):
        self.wall += seconds
        self.booted += seconds
        self.awake += seconds if awake else 0.0


def test_an_ordinary_look_finds_nothing():
    machine = Machine()
    for seconds in (0.25, 0.3, 1.2):  # threads are never on time
        machine.go(seconds)
        assert machine.clocks.look(0.25) == Between(0.0, 0.0, 0.0)


def test_sleep_is_told_from_being_held_up():
    machine = Machine()
    machine.go(0.25)
    machine.go(3_600, awake=False)
    assert machine.clocks.look(0.25) == Between(3_600.0, 0.0, 0.0)
    machine.go(10.25)
    assert machine.clocks.look(0.25) == Between(0.0, 10.0, 0.0)


@pytest.mark.parametrize("set_by", [-315_576_000.0, -3_600.0, 3_600.0, 315_576_000.0])
def test_a_clock_that_was_set_is_neither(set_by):
    machine = Machine()
    machine.go(0.25)
    machine.wall += set_by
    assert machine.clocks.look(0.25) == Between(0.0, 0.0, set_by)
    machine.go(0.25)
    assert machine.clocks.look(0.25) == Between(0.0, 0.0, 0.0)


def test_a_clock_that_was_set_while_asleep_is_both():
    machine = Machine()
    machine.go(60, awake=False)
    machine.wall += 3_600
    assert machine.clocks.look(0.25) == Between(60.0, 0.0, 3_600.0)


def test_the_real_clock_goes_on():
    first = since_boot()
    assert since_boot() >= first > 0
