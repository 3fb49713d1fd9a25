"""A witness beside a real server: rounds wait for it, and a log that was rewritten ends it."""

import json
import sqlite3
import subprocess
import sys

import pytest

from deskbound_server.database import Database
from deskbound_strategies.checkpoint import cosigners
from deskbound_strategies.note import Note, Verifier
from tests.helpers.server import (
    answers_with,
    laptops,
    new_plan,
    run_command,
    server,
    until,
    write_plan,
)

pytestmark = pytest.mark.federation


def audit(*words: object) -> "subprocess.CompletedProcess[str]":
    program = "from deskbound_audit.cli import main; main()"
    command = [sys.executable, "-c", program, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_rounds_wait_for_the_witness_and_a_rewritten_log_ends_it(tmp_path):
    folder, bundle, exported = (
        tmp_path / "witness",
        tmp_path / "bundle.json",
        tmp_path / "log.jsonl",
    )
    with (
        server(tmp_path / "server") as home,
        laptops(home, tmp_path / "desks", answers_with(0.01), answers_with(0.02)),
    ):
        key = audit("witness", "init", "privacy.example", "--folder", folder).stdout.strip()
        assert run_command(home, "witness", "add", key).returncode == 0
        assert run_command(home, "witness", "bundle", str(bundle)).returncode == 0
        follow = [
            sys.executable, "-c", "from deskbound_audit.cli import main; main()",
            "witness", "run", str(bundle), "--folder", str(folder), "--every", "0.3",
        ]  # fmt: skip
        witness = subprocess.Popen(follow, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            plan = write_plan(tmp_path / "plan.toml", new_plan(rounds=2, witness_seconds=120))
            done = run_command(home, "run", str(plan))
            assert done.returncode == 0, done.stdout + done.stderr
            known = Verifier.parse(key)
            contracts = [
                size
                for size, leaf in enumerate(_leaves(home), start=1)
                if leaf.startswith(b'{"contract"')
            ]
            assert len(contracts) == 2
            database = Database.open(home.database)
            for size in contracts:
                note = Note.parse(database.checkpoint(size))
                assert cosigners(note, [known]) == [known], "a round went ahead without the witness"
            database.close()

            def head_is_signed() -> bool:
                shown = run_command(home, "log", "show", "--json")
                return json.loads(shown.stdout)["cosigned_by"] == ["privacy.example"]

            until(head_is_signed, "the last head is cosigned")
            assert run_command(home, "log", "export", str(exported)).returncode == 0
            asking = ("verify", exported, "--witness", key, "--quorum")
            assert audit(*asking, 1).returncode == 0
            assert audit(*asking, 2).returncode == 50

            with sqlite3.connect(home.database, timeout=30) as connection:
                connection.execute('DELETE FROM log_leaves WHERE "index" > 0')
                connection.execute("DELETE FROM checkpoints WHERE size > 1")
            output = witness.communicate(timeout=150)[0].decode()
            assert witness.returncode == 50
            assert "shorter" in output
            assert (folder / "alarm").exists()
        finally:
            witness.kill()
            witness.wait(10)


def _leaves(home) -> list[bytes]:
    database = Database.open(home.database)
    try:
        return database.leaves()
    finally:
        database.close()
