"""``deskbound budget`` and ``deskbound sent``: what learning cost, and every byte that left."""

import hashlib
import json
import stat
from io import StringIO

import pytest
from rich.console import Console

from deskbound_audit.cli import app as audit
from deskbound_client.cli.sent import uploads_table
from deskbound_client.employee.sent import Upload
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_strategies import shell
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.policy import PROFILES
from tests.helpers.cli import days_ago

ONE, TWO = days_ago(1), days_ago(2)


@pytest.fixture
def spent(desk):
    """Two days; a round learned from the older one."""
    desk.store(TWO)
    desk.store(ONE)
    desk.update = desk.learn_from(TWO)
    return desk


def test_nothing_was_spent_or_sent_at_first(desk):
    found = desk.ask("budget")
    assert (found["rounds"], found["worst_epsilon"], found["days"]) == (0, 0.0, [])


def test_before_anything_left_it_says_so(desk):
    assert desk.ask("sent") == {
        "uploads": 0, "bytes": 0, "items": [], "unsent": [], "refused": [], "fleets": [],
        "stops": [], "received": None,
    }  # fmt: skip
    assert "Nothing has ever left" in desk.ok("sent")


def test_figures_name_unit_delta_and_cap(spent):
    found = spent.ask("budget")
    assert (found["profile"], found["delta"], found["epsilon_cap"]) == ("research", 1e-05, 10.0)
    charged, untouched = found["days"]
    assert (charged["day"], charged["rounds"]) == (TWO.isoformat(), 1)
    assert 0 < charged["epsilon"] <= charged["epsilon_guaranteed"] <= 10
    assert untouched == {
        "day": ONE.isoformat(), "rounds": 0, "epsilon": 0.0, "epsilon_guaranteed": 0.0,
    }  # fmt: skip
    assert found["worst_epsilon_guaranteed"] == charged["epsilon_guaranteed"]
    assert found["epsilon_all_days"] == pytest.approx(charged["epsilon_guaranteed"])
    said = spent.ok("budget")
    assert "session" in said
    assert "1e-05" in said
    assert f"{charged['epsilon_guaranteed']:.2f} of 10" in said


def test_every_upload_is_listed_with_the_hash_of_its_bytes(spent):
    found = spent.ask("sent")
    assert (found["uploads"], found["bytes"]) == (1, len(spent.update))
    (item,) = found["items"]
    assert item["sha256"] == hashlib.sha256(spent.update).hexdigest()
    assert (item["round"], item["days"]) == (1, 1)
    assert item["epsilon"] > 0
    assert item["task"] == "next_action"
    said = spent.ok("sent")
    (line,) = [line for line in said.splitlines() if item["sha256"][:16] in line]
    assert "learning" in line
    assert len(line) <= 80


@pytest.mark.parametrize("size", [9, 999, 999_999, 4_900_000])
def test_the_longest_line_of_an_upload_fits_a_terminal(size):
    upload = Upload(
        seq=1, at=1_796_000_000, run="ab" * 16, round=99_999, task="next_action_hits", bytes=size,
        sha256="cd" * 32, days=9999, unit="session", numbers=1, noise=1.0, epsilon=99.99,
        delta=1e-5,
    )  # fmt: skip
    told = StringIO()
    Console(width=80, file=told).print(uploads_table([upload]))
    (line,) = [line for line in told.getvalue().splitlines() if "abababab" in line]
    for part in ("cd" * 8, "trial", "99.99", "9999"):
        assert part in line


def test_refusals_are_listed_too(desk):
    with desk.vault() as vault:
        budget = Budget(LedgerStore(vault), PROFILES["research"])
        budget.refuse(RefusalCode.BUNDLE_UNKNOWN)
        budget.refuse(RefusalCode.SIGMA_TOO_LOW, "ab" * 32)
    refused = desk.ask("sent")["refused"]
    assert [(one["contract"], one["code"]) for one in refused] == [
        (None, "bundle-unknown"),
        ("ab" * 32, "sigma-too-low"),
    ]
    assert "less noise" in refused[1]["words"]
    said = desk.ok("sent")
    assert "sigma-too-low" in said
    assert "less noise" in said


def test_an_exported_ledger_is_private_and_verifies_for_the_auditor(spent, tmp_path, capsys):
    file = tmp_path / "ledger.jsonl"
    found = spent.ask("budget", "--export", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert shell.exit_code_of(audit, ["verify", str(file), "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert found["ledger_head"] in json.dumps(verdict)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert shell.exit_code_of(audit, ["verify", str(file)]) == 50


def test_an_export_says_how_it_is_checked(spent, tmp_path):
    said = spent.ok("budget", "--export", str(tmp_path / "ledger.jsonl"))
    assert said.count("deskbound-audit verify") == 1


def test_an_export_names_the_device_that_signed_it(spent, tmp_path, capsys):
    file = tmp_path / "ledger.jsonl"
    device = spent.ask("budget", "--export", str(file))["device"]
    assert device in spent.ok("budget", "--export", str(file)).splitlines()
    assert shell.exit_code_of(audit, ["verify", str(file), "--key", device]) == 0
    assert shell.exit_code_of(audit, ["verify", str(file), "--key", "0" * 64]) == 50


def test_a_vault_without_days_shows_no_empty_table(desk):
    assert "No day is stored" in desk.ok("budget")
