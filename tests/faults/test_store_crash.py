"""Killed at any moment, a vault keeps every row it has confirmed, and forgets what it has said."""

import signal
import subprocess
import sys
import time

import pytest

from deskbound_client.store.vault import Vault
from tests.helpers.store import NOON, FileKeystore

WRITING = """
import sys
from pathlib import Path
from deskbound_client.store.vault import Vault
from deskbound_client.store.writer import Writer
from tests.helpers.store import FileKeystore, OpenGate, action, NOON
home, start = Path(sys.argv[1]), int(sys.argv[2])
vault = Vault.open(home, FileKeystore(home.parent / "kek"))
writer = Writer(vault, OpenGate())
for i in range(start, start + 1_000_000):
    writer.add(action(NOON, mono_s=i), 1)
    if i % 7 == 0:
        writer.flush()
    print(start + writer.stored, flush=True)
"""

FORGETTING = """
import sys
from datetime import timedelta
from pathlib import Path
from deskbound_client.store.vault import Vault
from tests.helpers.store import DAY, DAY_SECONDS, FileKeystore, NOON, actions
home = Path(sys.argv[1])
vault = Vault.open(home, FileKeystore(home.parent / "kek"))
for _ in range(1_000):
    for back in (2, 1, 0):
        vault.append(actions(3, NOON - back * DAY_SECONDS))
    vault.forget_day(DAY)
    print("forgotten", flush=True)
"""


@pytest.fixture
def home(tmp_path):
    Vault.create(tmp_path / "home", FileKeystore(tmp_path / "kek")).close()
    return tmp_path / "home"


def run_and_kill(script, *arguments, after_lines):
    """Start a process, wait for so many lines, kill it hard, return its lines."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    lines, deadline = [], time.monotonic() + 60
    try:
        while len(lines) < after_lines and time.monotonic() < deadline:
            line = process.stdout.readline()
            if not line:
                break
            lines.append(line.strip())
        process.send_signal(signal.SIGKILL)
        lines += [line.strip() for line in process.stdout.read().split("\n")[:-1]]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert len(lines) >= after_lines
    return lines


def test_no_confirmed_row_is_lost_by_kill_9(home):
    confirmed = 0
    for attempt in range(5):
        lines = run_and_kill(WRITING, home, confirmed, after_lines=40 + 61 * attempt)
        confirmed = int(lines[-1])
        with Vault.open(home, FileKeystore(home.parent / "kek")) as vault:
            assert vault.damage() == {}
            (day,) = vault.days()
            kept = [row.mono_s for row in vault.day(day).actions()]
        assert kept == list(range(len(kept)))  # a prefix, nothing torn, nothing twice
        assert len(kept) >= confirmed
        confirmed = len(kept)


def test_a_vault_opens_after_being_killed_while_forgetting(home):
    for attempt in range(6):
        run_and_kill(FORGETTING, home, after_lines=1 + attempt)
        with Vault.open(home, FileKeystore(home.parent / "kek")) as vault:
            assert vault.damage() == {}
            vault.forget_range(0, NOON * 2)
            assert all(vault.day(day).counts().actions == 0 for day in vault.days())
        assert not (home / "vault.keys.next").exists()
        assert list(home.glob("days/*.draft*")) == []
