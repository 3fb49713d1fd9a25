"""A virtual laptop beside a real one: the same units from the same days, the same update."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import numpy as np

from deskbound_client.cli.generate import fill_day
from deskbound_client.federation.participant import Accepted
from deskbound_client.learn.trainer import train
from deskbound_client.learn.units import digest
from deskbound_client.learn.units import units as units_of
from deskbound_client.store.vault import Vault
from deskbound_server.plan import sample_contract
from deskbound_simulation.activity import BEGIN, Activity, Generated
from deskbound_simulation.laptop import Fleet, VirtualLaptop
from deskbound_simulation.seeds import seeded_source
from deskbound_strategies import weighing
from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.next_action import TASK
from deskbound_strategies.personas import PERSONAS
from deskbound_strategies.policy import lattice_for
from deskbound_strategies.task import weights_of
from tests.helpers.server import new_plan
from tests.helpers.simulation import DATA_SEED, a_simulation
from tests.helpers.store import MemoryKeystore

YESTERDAY = BEGIN.date() - timedelta(days=1)
LAST_TRAINED = BEGIN.date() - timedelta(days=2)
ASKED = sample_contract(a_simulation().plan)
NUMBER = 1
LATTICE = Lattice(1.0, 10, 1.0)


def a_laptop(days, state=b"", *, seed=DATA_SEED):
    activity = Activity(Generated(DATA_SEED, 1), days)
    return VirtualLaptop(Fleet(seed, "research"), NUMBER, state, activity, BEGIN.timestamp())


def test_it_cuts_the_units_that_a_vault_of_the_same_days_gives(days, tmp_path):
    persona = list(PERSONAS.values())[NUMBER]
    with Vault.create(tmp_path / "vault", MemoryKeystore(), today=YESTERDAY) as vault:
        fill_day(vault, persona, LAST_TRAINED, DATA_SEED + NUMBER)
        rows = vault.day(LAST_TRAINED).actions()
        real = units_of((row.action for row in rows), "session", 600, 256)
    cut = a_laptop(days).units(ASKED)
    assert list(cut) == [LAST_TRAINED]
    assert digest(cut[LAST_TRAINED]) == digest(real)


def accepted_by(laptop):
    weights = weights_of(TASK.build_model(0))
    lattice = lattice_for(ASKED, sum(spec.elements for spec in TASK.layout()))
    return Accepted(ASKED, TASK, b"", weights, None, lattice)


def test_its_update_is_the_trainers_for_the_same_bits(days):
    laptop = a_laptop(days)
    units = laptop.units(ASKED)[LAST_TRAINED]
    accepted = accepted_by(laptop)
    source = seeded_source(DATA_SEED, "noise", NUMBER, ASKED.run, ASKED.round, ASKED.issued)
    wanted = train(TASK, accepted.weights, units, ASKED, source)
    found = laptop.train(accepted, units)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)
    other = a_laptop(days, seed=DATA_SEED + 1).train(accepted, units)
    assert any((other[name] != wanted[name]).any() for name in wanted)


def test_it_weighs_what_it_told_when_it_comes_back(days):
    counting = sample_contract(new_plan(task=COUNTS.name, sampling_rate=1.0, steps=1))
    laptop = a_laptop(days)
    by_day = laptop.units(counting)
    empty = Accepted(counting, COUNTS, b"", weights_of(COUNTS.build_model(0)), None, LATTICE)
    assert laptop.reserve(counting, by_day, LATTICE) is not None
    update = laptop.train(empty, by_day[LAST_TRAINED])
    laptop.release(counting, b"counts")
    told = weighing.told(counting, update)
    again = a_laptop(days, laptop.to_bytes())
    accepted, units = accepted_by(again), by_day[LAST_TRAINED]
    alike = again.train(accepted, units)
    weighed = again.train(
        replace(accepted, contract=replace(ASKED, told_mean=told.amount)), units
    )  # the same bits: the seed gives them
    for name, value in alike.items():
        share = np.float32(1 / (1 + weighing.HALF))
        np.testing.assert_allclose(weighed[name], share * value, rtol=1e-6)


def test_what_it_was_charged_is_there_when_it_comes_back(days):
    laptop = a_laptop(days)
    by_day, lattice = laptop.units(ASKED), accepted_by(laptop).lattice
    reserved = laptop.reserve(ASKED, by_day, lattice)
    assert reserved is not None
    assert reserved.days == (LAST_TRAINED,)
    update = b"noised"
    receipt = laptop.release(ASKED, update)
    again = a_laptop(days, laptop.to_bytes())
    spent, _ = again.budget.spent(LAST_TRAINED)
    assert spent > 0
    assert again.release(ASKED, update) == receipt, "the same bytes, the same receipt"
    assert len(hashlib.sha256(again.to_bytes()).hexdigest()) == 64
