import json
import subprocess
import sys
from importlib import metadata

import pytest

from deskbound_audit.attack import trainers
from deskbound_audit.cli import app
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.shell import exit_code_of


def run(*words) -> int:
    return exit_code_of(app, ["attack", *map(str, words)])


def test_a_floor_that_is_not_there_is_named(tmp_path, capsys):
    assert run("--floor", tmp_path / "gone.toml") == 17
    assert "gone.toml" in capsys.readouterr().err


def test_help_comes_without_torch():
    code = (
        "import sys; from deskbound_audit.cli import app; from deskbound_strategies.shell import "
        "exit_code_of; exit_code_of(app, ['attack', '--help']); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Example: deskbound-audit attack" in " ".join(done.stdout.split())


def test_the_laptops_code_is_found_through_its_entry_point():
    from deskbound_client.learn.trainer import train

    found = trainers.find_trainer()
    assert found.train is train
    assert found.distribution == f"deskbound-client {metadata.version('deskbound-client')}"


def test_without_the_laptops_code_there_is_nothing_to_attack(tmp_path):
    """In a Python that has the strategies and the auditor on its path, and no client installed."""
    from pathlib import Path

    root = Path(__file__).parents[4]
    code = (
        "import importlib.metadata as m; m.entry_points = lambda **_: ()\n"
        f"import sys; sys.path[:0] = [{str(root / 'server')!r}, {str(root / 'strategies')!r}]\n"
        "from deskbound_audit.attack.trainers import find_trainer\n"
        "from deskbound_strategies.errors import NotFoundError\n"
        "try: find_trainer()\n"
        "except NotFoundError as error: print(error.mend)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install deskbound-client" in done.stdout
    assert NotFoundError.exit_code == 17


@pytest.mark.slow
def test_a_quick_audit_from_the_command_line(tmp_path, capsys):
    assert run("--quick", "--out", tmp_path / "audit", "--json", "--seed", 1) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((tmp_path / "audit" / "attack.json").read_text("utf-8"))
    assert found["missed"] == []
    assert "<svg" in (tmp_path / "audit" / "attack.html").read_text("utf-8")
