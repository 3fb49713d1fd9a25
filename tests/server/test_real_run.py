"""A whole run on a real SuperLink with real SuperNodes over TLS, driven by the real commands."""

import json
from contextlib import closing

import numpy as np
import pytest

from deskbound_server.database import Database
from deskbound_server.model_store import ModelStore
from deskbound_server.presence import Laptops, count_laptops
from deskbound_strategies.codec import decode
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.task import find_task, weights_of
from deskbound_strategies.wire import refusal_content
from tests.helpers import server as real

pytestmark = pytest.mark.federation


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with real.server(tmp_path_factory.mktemp("server") / "home") as made:
        yield made


def test_a_run_from_plan_to_model_and_an_operator_who_sees_counts_only(home, tmp_path):
    refuses = lambda _: refusal_content(RefusalCode.SIGMA_TOO_LOW)  # noqa: E731
    scripts = (real.answers_with(0.5), real.answers_with(1.5), refuses)
    plan = real.write_plan(tmp_path / "plan.toml", real.new_plan(cohort=3))
    with real.laptops(home, tmp_path / "laptops", *scripts) as made:
        with closing(Database.open_to_read(home.database)) as database:
            assert count_laptops(home, database) == Laptops(enrolled=3, online=3)
        done = real.run_command(home, "run", str(plan), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["state"] == "finished"
    assert [(r["admitted"], r["missing"], r["refused"]) for r in told["rounds"]] == [
        (2, 0, {"sigma-too-low": 1})
    ] * 2
    task = find_task("next_action")
    start = weights_of(task.build_model(0))
    final = decode(ModelStore(home.models).load(told["rounds"][-1]["model_out"]), task.layout())
    for name, value in final.items():
        np.testing.assert_allclose(value, start[name] + 2.0, rtol=1e-6, atol=1e-6)
    assert [c.round for c in made[0].asked] == [1, 2]
    assert made[0].asked[1].model_hash == told["rounds"][0]["model_out"]

    seen = real.run_command(home, "runs").stdout + real.run_command(home, "model", "list").stdout
    for row in json.loads(real.run_command(home, "laptops", "--json").stdout):
        assert row["node"] not in seen

    out = tmp_path / "model.bin"
    assert real.run_command(home, "model", "export", "latest", "--to", str(out)).returncode == 0
    assert decode(out.read_bytes(), task.layout()).keys() == final.keys()
