"""The real engine: Ray, workers of its own, the whole command; slow, for Ray takes its time."""

import json
import subprocess
import sys

import psutil
import pytest

from deskbound_simulation import engine
from deskbound_strategies.errors import NotFoundError
from tests.helpers.patience import until
from tests.helpers.server import write_plan
from tests.helpers.simulation import a_simulation, run_inline


def test_without_ray_one_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    with pytest.raises(NotFoundError) as caught, engine.ray_engine(lambda: None, 1):
        pass
    assert "tools/setup simulation" in caught.value.mend


def addresses(process: psutil.Process) -> set[str]:
    """Where a process and all below it listen or are connected to."""
    found = set()
    for each in [process, *process.children(recursive=True)]:
        try:
            sockets = each.net_connections()
        except psutil.NoSuchProcess:
            continue
        found |= {place.ip for one in sockets for place in (one.laddr, one.raddr) if place}
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_on_ray_the_same_models_come_out_and_nothing_leaves_the_machine(days, tmp_path):
    pytest.importorskip("ray", reason="tools/setup simulation installs it")
    asked = a_simulation(dropout=0.3)
    plan, out = write_plan(tmp_path / "plan.toml", asked.plan), tmp_path / "found.json"
    command = [
        sys.executable, "-m", "deskbound_server.cli", "simulate", str(plan), "--laptops", "4",
        "--days", "1", "--seed", str(asked.seed), "--dropout", "0.3", "--workers", "2",
        "--out", str(out),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        process, seen = psutil.Process(running.pid), set[str]()

        def over() -> bool:
            if running.poll() is None:
                seen.update(addresses(process))
            return running.poll() is not None

        until(over, "the simulation ends", 500)
        said = running.stdout.read().decode()
    assert running.returncode == 0, said
    assert "no privacy" in said
    assert seen, "Ray's sockets were looked at"
    assert all(ip.removeprefix("::ffff:").startswith("127.") for ip in seen), seen
    found = json.loads(out.read_text())
    inline = run_inline(asked, days, tmp_path / "models")
    assert [row["model"] for row in found["rounds"]] == [row["model"] for row in inline["rounds"]]
    assert found["versions"]["ray"].startswith("2.55.")
