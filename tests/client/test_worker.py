"""Children of the agent, each run as the agent runs it."""

import os
import subprocess

from deskbound_client.processes import worker
from deskbound_strategies.errors import NoDisplayError
from tests.helpers.cli import PASSPHRASE, days_ago, desk, empty

__all__ = ["desk", "empty"]


def test_days_go_where_there_is_no_display_to_capture_from(desk):
    old, young = days_ago(20), days_ago(2)
    desk.store(old)
    desk.store(young)
    without = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
    process = subprocess.Popen(
        worker("capture", "--home", str(desk.paths.home)),
        env=without, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdin.write(PASSPHRASE + "\n")
    process.stdin.flush()  # and it stays open: its end would mean that the agent is gone
    said = process.stdout.read()
    process.stdin.close()
    process.stdout.close()
    assert process.wait(60) == NoDisplayError.exit_code
    assert "NoDisplayError" in said
    with desk.vault() as vault:
        assert vault.days() == [young]
