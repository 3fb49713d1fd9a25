from deskbound_client.capture.taps import FIRST_DELAY, LONGEST_DELAY, PROVEN_SECONDS, Keeper, Taps


class FakeListener:
    """Listens until it is stopped or dies."""

    def __init__(self):
        self.faults = 0
        self.alive = False

    def start(self):
        self.alive = True

    def is_alive(self):
        return self.alive

    def stop(self):
        self.alive = False


class Bench:
    def __init__(self):
        self.now = 0.0
        self.made = []
        self.keeper = Keeper(self.make, clock=lambda: self.now)

    def make(self):
        self.made.append(FakeListener())
        return self.made[-1]


def test_a_listener_runs_exactly_while_it_is_wanted():
    bench = Bench()
    bench.keeper.keep(False)
    assert bench.made == []
    bench.keeper.keep(True)
    bench.keeper.keep(True)
    assert len(bench.made) == 1
    assert bench.keeper.running
    bench.keeper.keep(False)
    assert not bench.made[0].alive
    assert bench.keeper.faults == 0


def test_a_dead_listener_is_replaced_later_and_later():
    bench = Bench()
    bench.keeper.keep(True)
    waits = []
    for _ in range(12):
        bench.made[-1].alive = False
        bench.keeper.keep(True)
        start, count = bench.now, len(bench.made)
        while len(bench.made) == count:
            bench.now += FIRST_DELAY
            bench.keeper.keep(True)
        waits.append(bench.now - start)
    assert waits[0] == FIRST_DELAY
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_DELAY
    assert bench.keeper.faults == 12


def test_one_that_lived_long_is_replaced_soon():
    bench = Bench()
    for life in (1, 1, PROVEN_SECONDS):
        bench.now += LONGEST_DELAY
        bench.keeper.keep(True)
        bench.now += life
        bench.made[-1].alive = False
        bench.keeper.keep(True)
    bench.now += FIRST_DELAY
    bench.keeper.keep(True)
    assert len(bench.made) == 4


def test_taps_follow_the_mask():
    made = {1: [], 2: []}

    def maker(stream):
        def make():
            made[stream].append(FakeListener())
            return made[stream][-1]

        return make

    taps = Taps({1: maker(1), 2: maker(2)})
    assert taps.keep(1)
    assert (len(made[1]), len(made[2])) == (1, 0)
    assert taps.keep(2)
    assert not made[1][0].alive
    made[2][0].alive = False
    assert not taps.keep(2)
    assert taps.faults == 1
    taps.stop()
