import re
from dataclasses import replace

import pytest

from deskbound_server.planner.advice import cautions, foreseen
from deskbound_server.planner.cohort import cohort_of
from deskbound_server.planner.options import option
from deskbound_server.planner.question import question
from deskbound_strategies.task import find_task

COUNTS = find_task("action_counts")


def told(asked):
    options = [one for each in asked.epsilons if (one := option(asked, each, COUNTS))]
    return cautions(asked, options)


def number(pattern, texts):
    found = re.search(pattern, "\n".join(texts))
    return None if found is None else float(found.group(1).replace(",", ""))


def test_where_all_is_well_nothing_is_said():
    assert told(question(laptops=2000, days=2, epsilons=(4.0, 2.0))) == []


def test_a_small_fleet_is_told_that_sharing_is_pointless_and_which_size_would_do():
    asked = question(laptops=30, epsilons=(2.0,))
    (caution,) = told(asked)
    assert "not worth it for laptops with 5 days" in caution.words
    needed = number(r"fleet of about ([\d,]+) laptops", caution.mends)
    assert foreseen(replace(asked, laptops=int(needed)), 2.0).worth_it
    assert not foreseen(replace(asked, laptops=int(needed * 0.85)), 2.0).worth_it
    assert any(mend.startswith("Who joins without data") for mend in caution.mends)


def test_an_epsilon_that_would_do_is_named_if_a_day_affords_it():
    asked = question(laptops=400, epsilons=(1.0,))
    (caution,) = told(asked)
    least = number(r"Epsilon ([\d.]+) would do it", caution.mends)
    assert 1.0 < least <= 4.0
    assert foreseen(asked, least).worth_it
    assert not foreseen(asked, least - 0.1).worth_it


def test_of_several_epsilons_the_least_that_pays_is_named():
    asked = question(laptops=400)
    cautioned = told(asked)
    assert ["Epsilon 8: laptops of profile balanced refuse" in one.words for one in cautioned] == [
        True,
        False,
    ]
    least = number(r"Epsilon ([\d.]+) is the least that pays", cautioned[1].mends)
    assert foreseen(asked, least).worth_it
    assert not foreseen(asked, least - 0.1).worth_it


def test_days_that_would_do_are_named_whether_fewer_or_more():
    asked = question(laptops=120, epsilons=(4.0,))
    (caution,) = told(asked)
    days = number(r"pays for laptops with (\d+) days? of data or less", caution.mends)
    assert foreseen(replace(asked, days=int(days)), 4.0).worth_it
    assert not foreseen(replace(asked, days=int(days) + 1), 4.0).worth_it


def test_who_samples_is_told_that_counting_every_unit_would_do_it():
    asked = question(laptops=260, rate=0.1, steps=10, epsilons=(4.0,))
    (caution,) = told(asked)
    assert "To count every unit once (--rate 1) would do it at the same epsilon." in caution.mends
    assert foreseen(replace(asked, rate=1.0, steps=1), 4.0).worth_it


def test_a_unit_that_hides_more_is_told_what_it_costs():
    (caution,) = told(question(laptops=400, unit="day", days=2, epsilons=(4.0,)))
    assert any(mend.startswith("The unit session would do it") for mend in caution.mends)


def test_a_fleet_below_the_floors_cohort_is_told_how_many_would_be_enough():
    asked = question(laptops=8, epsilons=(2.0,))
    first = told(asked)[0]
    assert "ask for 10 replies" in first.words
    needed = int(number(r"With ([\d,]+) laptops", first.mends))
    assert cohort_of(needed, asked.participation, 10).enough >= 0.99
    assert cohort_of(needed - 1, asked.participation, 10).enough < 0.99


@pytest.mark.parametrize("epsilon", [0.05, 0.2])
def test_an_epsilon_that_the_filter_cannot_vouch_for_is_told_the_least(epsilon):
    asked = question(laptops=2000, days=2, epsilons=(4.0, epsilon))
    (caution,) = told(asked)
    least = number(r"nothing below ([\d.]+),", [caution.words])
    assert epsilon < least < 0.5


def test_what_was_never_measured_is_never_called_pointless():
    asked = question(laptops=12, participation=1.0, task="next_action", epsilons=(2.0,))
    assert cautions(asked, [option(asked, 2.0, find_task("next_action"))]) == []


def test_a_coarser_task_is_named_where_it_is_expected_to_guess_clearly_better():
    (small,) = told(question(laptops=60, days=2, epsilons=(2.0,)))
    (words,) = [mend for mend in small.mends if mend.startswith("A coarser task")]
    coarse, fine = (int(found) for found in re.findall(r"(\d+)%", words))
    assert coarse > fine
    (large,) = told(question(laptops=3000, days=5, epsilons=(0.4,)))
    assert not any(mend.startswith("A coarser task") for mend in large.mends)
