"""A server's folder as a finished run leaves it, without one having run."""

from dataclasses import replace

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_server.database import Database
from deskbound_server.model_store import ModelStore
from deskbound_server.publication import Check
from deskbound_server.schema import RunState
from deskbound_strategies import dsse
from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.codec import encode
from deskbound_strategies.contract import PAYLOAD_TYPE
from deskbound_strategies.dp_fedavg import Outcome
from deskbound_strategies.log_entries import ReleasedModel, model_leaf
from deskbound_strategies.next_action import TASK
from deskbound_strategies.next_action_hits import CELL_WEIGHTS, around
from deskbound_strategies.next_action_hits import TASK as HITS
from deskbound_strategies.task import Weights, weights_of
from deskbound_strategies.vocabulary import VOCABULARY_HASH
from tests.helpers.server import new_plan

RUN, TRIAL, COUNTED = "c3" * 16, "e5" * 16, "a7" * 16
UNITS, SHARE = 400, 0.25  # what laptops bring to a trial, and how often the model is right there


def write_history(database: Database, models: ModelStore, plan=None) -> list[str]:
    """Write down a run of two rounds, the second of which failed once; returns its models."""
    plan = plan or new_plan()
    database.add_run(RUN, plan.to_bytes(), 1)
    made, parent, key = [], "b" * 64, Ed25519PrivateKey.generate()
    for number, at, released in ((1, 100, True), (2, 200, False), (2, 201, True)):
        contract = plan.contract(
            run=RUN, number=number, vocabulary_hash=VOCABULARY_HASH, model_hash=parent,
            anchors="c" * 64, issued=at,
        )  # fmt: skip
        envelope = dsse.sign(contract.to_bytes(), PAYLOAD_TYPE, key)
        database.open_round(contract, envelope, b"a contract's leaf %d" % at)
        outcome = Outcome(4, 2, {"sigma-too-low": 1}, {"norm": 1}, 0, None)
        if not released:
            database.close_round(contract.digest(), replace(outcome, admitted=1), at + 30)
            continue
        parent = models.save(encode(weights_of(TASK.build_model(number)), TASK.layout()))
        leaf = model_leaf(ReleasedModel(contract.digest(), RUN, number, parent, 2))
        check = Check(None, 5.0 - number, 6.0 - number)
        database.close_round(
            contract.digest(), outcome, at + 30, model_out=parent, check=check, leaves=[leaf]
        )
        made.append(parent)
    database.set_run(RUN, RunState.FINISHED)
    return made


def write_counts(database: Database, models: ModelStore, cells: Weights, **terms) -> str:
    """Write down a round of private counts that came to these cells; returns the model."""
    once = {"task": COUNTS.name, "rounds": 1, "sampling_rate": 1.0, "steps": 1}
    plan = new_plan(**(once | terms))
    database.add_run(COUNTED, plan.to_bytes(), 0)
    contract = plan.contract(
        run=COUNTED, number=1, vocabulary_hash=VOCABULARY_HASH, model_hash="b" * 64,
        anchors="c" * 64, issued=50,
    )  # fmt: skip
    envelope = dsse.sign(contract.to_bytes(), PAYLOAD_TYPE, Ed25519PrivateKey.generate())
    database.open_round(contract, envelope, b"a leaf of a contract that counts")
    made = models.save(encode(cells, COUNTS.layout()))
    database.close_round(contract.digest(), Outcome(2, 2, {}, {}, 0, None), 60, model_out=made)
    database.set_run(COUNTED, RunState.FINISHED)
    return made


def write_trial(database: Database, models: ModelStore, *, noise: float) -> None:
    """Write down a private evaluation to which laptops brought units, with so much noise."""
    plan = new_plan(task=HITS.name, start_from="latest")
    rng = np.random.default_rng(1)
    before = around(weights_of(TASK.build_model(0)))
    after = {
        name: (value + rng.normal(0, noise, value.shape)).astype(np.float32)
        for name, value in before.items()
    }
    counts = np.full(len(CELL_WEIGHTS), UNITS * SHARE)
    counts[:2] = UNITS
    after["cells"] += (counts * CELL_WEIGHTS).astype(np.float32)
    names = [models.save(encode(one, HITS.layout())) for one in (before, after)]
    database.add_run(TRIAL, plan.to_bytes(), 1)
    contract = plan.contract(
        run=TRIAL, number=1, vocabulary_hash=VOCABULARY_HASH, model_hash=names[0],
        anchors="c" * 64, issued=300,
    )  # fmt: skip
    envelope = dsse.sign(contract.to_bytes(), PAYLOAD_TYPE, Ed25519PrivateKey.generate())
    database.open_round(contract, envelope, b"a contract's leaf")
    outcome = Outcome(4, 4, {}, {}, 0, None)
    database.close_round(contract.digest(), outcome, 330, model_out=names[1])
