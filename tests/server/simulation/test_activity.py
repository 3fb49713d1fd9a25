"""Days of virtual laptops: made when asked for, cut once, and a published set's people."""

from datetime import timedelta

import pytest

from deskbound_client.learn.units import digest
from deskbound_server.plan import sample_contract
from deskbound_simulation.activity import BEGIN, Activity, Published
from deskbound_strategies.vocabulary import Action
from tests.helpers.simulation import a_simulation

ASKED = sample_contract(a_simulation().plan)
DAYS = [BEGIN.date() - timedelta(days=back) for back in (3, 2, 1)]


class Counted:
    """A source that notes what it was asked for."""

    days, label = 2, "counted"

    def __init__(self):
        self.made = []

    def actions(self, laptop, *, held_out):
        self.made.append((laptop, held_out))
        days = DAYS[2:] if held_out else DAYS[:2]
        at = int(BEGIN.timestamp())
        back = {day: (BEGIN.date() - day).days * 86_400 for day in days}
        return {day: [Action(laptop, 1, 2, at - back[day] + n) for n in range(20)] for day in days}


def test_units_are_made_once_for_each_laptop_and_way_of_cutting(tmp_path):
    source = Counted()
    activity = Activity(source, tmp_path)
    first = activity.training(7, ASKED)
    again = Activity(source, tmp_path).training(7, ASKED)
    assert source.made == [(7, False)]
    assert list(first) == list(again) == DAYS[:2]
    for day, cut in again.items():
        assert cut.digest == digest(cut.units) == first[day].digest
        assert cut.units[0].tokens.tolist() == [7] * 20
    assert [len(unit) for unit in activity.held_out(7, ASKED)] == [20]
    assert source.made == [(7, False), (7, True)]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_laptop_of_a_set_is_one_of_its_people_moved_to_the_days_before(tmp_path):
    lines = ["user,t,name"]
    for user in ("a", "b"):
        for day in (1, 3, 4, 8):
            lines += [f"{user},2019-02-0{day}T1{day}:00:0{n},{user * n}" for n in range(1, 5)]
    (tmp_path / "commands.csv").write_text("\n".join(lines) + "\n")
    source = Published("cyber_shell", tmp_path, days=2)
    training, held_out = (source.actions(1, held_out=held) for held in (False, True))
    assert list(training) == DAYS[:2]
    assert list(held_out) == DAYS[2:]
    hours = [{action.at % 86_400 // 3600 for action in day} for day in training.values()]
    assert hours == [{13}, {14}], "the time of day stays, in UTC; days without work are passed over"
    assert {action.at % 86_400 // 3600 for action in held_out[DAYS[2]]} == {18}
    first = Published("cyber_shell", tmp_path, days=1).actions(1, held_out=False)
    assert list(first) == DAYS[1:2]
    assert source.actions(0, held_out=True).keys() == held_out.keys()


@pytest.mark.parametrize("laptop", [0, 3])
def test_a_laptop_without_days_has_no_units(tmp_path, laptop):
    source = Counted()
    source.actions = lambda _, held_out: {}
    assert Activity(source, tmp_path).training(laptop, ASKED) == {}
    assert Activity(source, tmp_path).held_out(laptop, ASKED) == []
