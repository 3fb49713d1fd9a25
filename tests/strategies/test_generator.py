"""Generated days: repeatable, plausible, and in the public vocabulary only."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from deskbound_strategies.baselines import Markov, score
from deskbound_strategies.generator import generate_day
from deskbound_strategies.personas import PERSONAS
from deskbound_strategies.vocabulary import APPS, TOKENS
from tests.helpers.learning import generated_actions, generated_units

DAY = date(2026, 11, 16)


@pytest.mark.parametrize("name", PERSONAS)
def test_a_day_has_the_hours_and_sessions_of_an_office(name):
    actions = generated_actions(name, DAY)
    start, end = (datetime.fromtimestamp(actions[i].at, UTC) for i in (0, -1))
    assert start.date() == end.date() == DAY
    assert 7 <= start.hour <= 10
    assert 8 <= (end - start).total_seconds() / 3_600 <= 10
    assert 38 <= len(generated_units(name, DAY)) <= 62


@pytest.mark.parametrize("name", PERSONAS)
def test_time_never_goes_back(name):
    observed = list(generate_day(PERSONAS[name], DAY, 1))
    times = [observation.t_ms for observation, _ in observed]
    assert times == sorted(times)
    assert all(at == observation.t_ms // 1_000 for observation, at in observed)


def test_a_day_comes_again_with_its_seed_and_only_with_it():
    def day(name="analyst", when=DAY, seed=1):
        return list(generate_day(PERSONAS[name], when, seed))

    assert day() == day()
    others = [day(seed=2), day(when=date(2026, 11, 17)), day(name="developer")]
    assert all(other != day() for other in others)


def test_personas_differ_in_where_they_work():
    favourite = {}
    for name in PERSONAS:
        apps = Counter(APPS[action.app] for action in generated_actions(name, DAY))
        favourite[name] = apps.most_common(1)[0][0]
    assert favourite == {"analyst": "spreadsheet", "developer": "editor", "support": "ticketing"}


@pytest.mark.parametrize("name", PERSONAS)
def test_there_is_something_to_learn_and_it_is_not_all_in_the_last_action(name):
    training = [u for d in (9, 10, 11) for u in generated_units(name, date(2026, 11, d))]
    held_out = generated_units(name, DAY)
    frequent, markov, longer = (score(Markov(k, training), held_out).hit1 for k in (0, 1, 2))
    assert markov > frequent + 0.1
    assert longer > markov + 0.05
    assert longer < 0.9


def test_all_sorts_of_gestures_occur():
    names = {TOKENS[a.token].name for name in PERSONAS for a in generated_actions(name, DAY)}
    kinds = {name.replace("@", ":").split(":")[0] for name in names}
    assert kinds >= {
        "type", "key", "shortcut", "click", "double-click", "right-click", "drag",
        "scroll-up", "scroll-down", "switch",
    }  # fmt: skip
