"""``make demo`` itself, and Ctrl-C in the middle of it. Minutes long: ``make test-slow``."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from demo.desktop import missing_programs

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(missing_programs()), reason="needs the X programs of tools/setup"),
]


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def left_behind(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(folder) in line:
            found.append(line)
    return found


def test_three_laptops_learn_together(tmp_path):
    demo = start(tmp_path)
    said, _ = demo.communicate()
    assert demo.returncode == 0, said
    assert left_behind(tmp_path) == []
    summary = json.loads((tmp_path / "demo-out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["live"]["canary_hits"] == 0
    assert summary["live"]["kept_while_paused"] == 0
    assert summary["live"]["actions"]
    assert summary["live"]["thumbnail_count"] > 0
    assert summary["tamper"]["found"] == summary["tamper"]["tried"]
    assert summary["audit"]["sound"]
    assert all(check["passed"] for check in summary["audit"]["checks"]), summary["audit"]
    for laptop in summary["laptops"]:
        scores = {name: score["hit1"] for name, score in laptop["scores"].items()}
        assert scores["shared model"] > scores["most frequent"]
        assert scores["shared model"] > scores["repeat last"]
        assert laptop["ledger"]["verified"]
        assert laptop["budget"]["worst_epsilon"] <= laptop["budget"]["epsilon_cap"]
        assert laptop["sent"]["uploads"] == summary["rounds"]


@pytest.mark.parametrize("act", ["1. A server", "2. Real input", "4. Learning"])
def test_ctrl_c_leaves_no_process_behind(tmp_path, act):
    demo = start(tmp_path)
    for line in demo.stdout:
        if line.startswith(act):
            break
    time.sleep(4)  # into the act: wherever the signal hits, nothing may be left
    os.killpg(demo.pid, signal.SIGINT)
    said, _ = demo.communicate()
    assert demo.returncode == 130, said
    assert left_behind(tmp_path) == []
