"""A whole run on a real SuperLink with real SuperNodes over TLS, driven by the real commands."""

import hashlib
import json
from contextlib import closing
from datetime import date

import numpy as np
import pytest

from deskbound_server.database import Database
from deskbound_server.model_store import ModelStore
from deskbound_server.presence import Laptops, count_laptops
from deskbound_strategies.action_counts import TASK
from deskbound_strategies.codec import decode, encode
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.task import find_task, load_weights, weights_of
from deskbound_strategies.taught import seed_of, taught_by_counts
from deskbound_strategies.wire import refusal_content
from tests.helpers import server as real
from tests.helpers.learning import counts_of, generated_units

pytestmark = pytest.mark.federation


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with real.server(tmp_path_factory.mktemp("server") / "home") as made:
        yield made


def counts_or(script):
    """Answer a contract that counts with counts of a made-up day, and any other by a script."""
    cells = weights_of(counts_of(generated_units("support", date(2026, 3, 2))))
    update = encode(cells, TASK.layout())
    return lambda contract: update if contract.task == TASK.name else script(contract)


def taught_again(counted, home):
    """What the released counts teach, worked out here as anybody could; and their name."""
    name = json.loads(counted)["rounds"][0]["model_out"]
    cells = TASK.build_model(0)
    load_weights(cells, decode(ModelStore(home.models).load(name), TASK.layout()))
    return taught_by_counts(cells.read(), seed_of(name)), name


def test_a_run_from_plan_to_model_and_an_operator_who_sees_counts_only(home, tmp_path):
    refuses = lambda _: refusal_content(RefusalCode.SIGMA_TOO_LOW)  # noqa: E731
    scripts = (counts_or(real.answers_with(0.5)), counts_or(real.answers_with(1.5)), refuses)
    counting = real.new_plan(task="action_counts", rounds=1, cohort=3, norm_bound=1e6)
    counting = real.write_plan(tmp_path / "counts.toml", counting)
    plan = real.new_plan(cohort=3, start_from="counts")
    plan = real.write_plan(tmp_path / "plan.toml", plan)
    with real.laptops(home, tmp_path / "laptops", *scripts) as made:
        with closing(Database.open_to_read(home.database)) as database:
            assert count_laptops(home, database) == Laptops(enrolled=3, online=3)
        counted = real.run_command(home, "run", str(counting), "--json")
        assert counted.returncode == 0, counted.stderr
        done = real.run_command(home, "run", str(plan), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["state"] == "finished"
    assert [(r["admitted"], r["missing"], r["refused"]) for r in told["rounds"]] == [
        (2, 0, {"sigma-too-low": 1})
    ] * 2
    task = find_task("next_action")
    start, origin = taught_again(counted.stdout, home)
    final = decode(ModelStore(home.models).load(told["rounds"][-1]["model_out"]), task.layout())
    for name, value in final.items():
        np.testing.assert_allclose(value, start[name] + 2.0, rtol=1e-6, atol=1e-6)
    asked = [c for c in made[0].asked if c.task == task.name]
    assert [c.round for c in asked] == [1, 2]
    begun = hashlib.sha256(encode(start, task.layout())).hexdigest()
    assert [c.model_hash for c in asked] == [begun, told["rounds"][0]["model_out"]]
    shown = json.loads(real.run_command(home, "model", "show", "latest", "--json").stdout)
    assert (shown["run_start"], shown["run_start_task"]) == (origin, "action_counts")

    seen = real.run_command(home, "runs").stdout + real.run_command(home, "model", "list").stdout
    for row in json.loads(real.run_command(home, "laptops", "--json").stdout):
        assert row["node"] not in seen

    out = tmp_path / "model.bin"
    assert real.run_command(home, "model", "export", "latest", "--to", str(out)).returncode == 0
    assert decode(out.read_bytes(), task.layout()).keys() == final.keys()
