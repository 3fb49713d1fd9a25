"""Figures for Prometheus, read back with the library's own parser."""

import os
import subprocess
import sys
from contextlib import closing

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deskbound_server.database import Database
from deskbound_server.follow import look
from deskbound_server.model_store import ModelStore
from deskbound_server.presence import Laptops, fit_to_show
from deskbound_server.ui.metrics import exposition
from deskbound_strategies.accounting import epsilon_prv, event_of
from deskbound_strategies.dp_fedavg import Outcome
from tests.helpers.released import RUN, write_history
from tests.helpers.server import new_plan


def parsed(text: bytes) -> dict[str, float]:
    """Every sample by its name and labels."""
    return {
        sample.name + "".join(f"[{k}={v}]" for k, v in sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


@pytest.fixture
def database(tmp_path):
    with closing(Database.open(tmp_path / "deskbound.db")) as opened:
        write_history(opened, ModelStore(tmp_path))
        yield opened


def told(folder, database, enrolled=5, online=3):
    sights = [look(folder, database, run.id) for run in database.runs()]
    return parsed(exposition(sights, fit_to_show(Laptops(enrolled, online))))


def test_every_figure_is_the_records(tmp_path, database):
    found = told(tmp_path, database)
    rows = database.rounds(RUN)
    assert found["deskbound_runs[state=finished]"] == 1
    assert found["deskbound_runs[state=running]"] == 0
    assert found["deskbound_rounds_total[outcome=released]"] == 2
    assert found["deskbound_rounds_total[outcome=failed]"] == 1
    assert found["deskbound_rounds_total[outcome=held-back]"] == 0
    assert found["deskbound_replies_total[kind=admitted]"] == sum(row.admitted for row in rows)
    assert found["deskbound_replies_total[kind=asked]"] == 12
    assert found["deskbound_refusals_total[code=sigma-too-low]"] == 3
    assert found["deskbound_rejections_total[code=norm]"] == 3
    assert found["deskbound_bytes_total[direction=to_laptops]"] > 0
    assert found["deskbound_bytes_total[direction=from_laptops]"] > 0
    assert found["deskbound_laptops_enrolled"] == 5
    assert found["deskbound_laptops_connected"] == 3
    assert found["deskbound_up"] == 1
    assert found["deskbound_latest_run_held_out_loss"] == 3.0
    assert found["deskbound_last_round_seconds"] == 30
    contract = new_plan().contract(
        run=RUN, number=1, vocabulary_hash="", model_hash="", anchors="", issued=1
    )
    assert found["deskbound_latest_run_epsilon"] == epsilon_prv([event_of(contract)] * 3, 1e-5)


def test_what_is_not_known_is_left_out_and_not_zero(tmp_path):
    with closing(Database.open(tmp_path / "new.db")) as empty:
        found = told(tmp_path, empty, None, None)
    assert found["deskbound_up"] == 0
    assert not any("laptops" in name and "bytes" not in name for name in found)
    assert not any("latest" in name or "last_round" in name for name in found)


def test_of_a_handful_of_laptops_it_is_not_kept_for_years_how_many_are_there(tmp_path, database):
    found = told(tmp_path, database, 4, 2)
    assert found["deskbound_laptops_enrolled"] == 4
    assert "deskbound_laptops_connected" not in found
    assert found["deskbound_up"] == 1


def test_a_code_of_no_list_makes_no_label(tmp_path, database):
    contract = new_plan().contract(
        run=RUN, number=3, vocabulary_hash="a" * 64, model_hash="b" * 64, anchors="c" * 64,
        issued=300,
    )  # fmt: skip
    database.open_round(contract, b"envelope", b"a leaf")
    odd = {'desk-17"} 1\nx': 2, "and-another": 1}
    database.close_round(contract.digest(), Outcome(4, 1, odd, {}, 0, None), 330)
    found = told(tmp_path, database)
    assert found["deskbound_refusals_total[code=other]"] == 3
    assert not any("desk-17" in name or "another" in name for name in found)


def test_nothing_of_this_process_is_told(tmp_path, database):
    assert all(name.startswith("deskbound_") for name in told(tmp_path, database))


def test_the_library_calls_nobody():
    """Imported and asked with a system that refuses every socket."""
    program = (
        "import sys\n"
        "def refuse(event, arguments):\n"
        "    if event.startswith('socket.') and event != 'socket.gethostname':\n"
        "        raise SystemExit(f'{event} {arguments}')\n"
        "sys.addaudithook(refuse)\n"
        "from prometheus_client import CollectorRegistry, generate_latest\n"
        "from prometheus_client.core import GaugeMetricFamily\n"
        "from prometheus_client.registry import Collector\n"
        "class One(Collector):\n"
        "    def collect(self):\n"
        "        yield GaugeMetricFamily('one', 'One.', value=1)\n"
        "registry = CollectorRegistry()\n"
        "registry.register(One())\n"
        "print(generate_latest(registry).decode())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "one 1.0" in done.stdout
