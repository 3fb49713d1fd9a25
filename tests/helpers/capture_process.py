"""A capture process of its own, as the agent starts it: its output and memory are its own."""

import os
import subprocess
import sys
from pathlib import Path

from deskbound_client.capture.status import CaptureStatus
from deskbound_client.store.cipher import Connection

SILENT = CaptureStatus(0, 0, "", (), {}, 0, disk_full=False)

PROGRAM = """
import faulthandler
import sys
from pathlib import Path
from deskbound_client.capture.process import run_capture
from deskbound_client.capture.settings import CaptureConfig
from deskbound_client.store.keystore import choose_keystore
from deskbound_client.store.vault import Vault
from tests.helpers.store import FileKeystore
faulthandler.enable(all_threads=True)  # a crash says all that it can
home, passphrase = Path(sys.argv[1]), sys.argv[2]
beside = FileKeystore(home.parent / "key")
keystore = choose_keystore(home, lambda: passphrase) if passphrase else beside
with Vault.open(home, keystore) as vault:
    run_capture(home, vault, CaptureConfig(thumbnail_seconds=1, gap_seconds=0))
"""


def start_capture(
    home: Path, desktop, output: Path, passphrase: str = ""
) -> "subprocess.Popen[bytes]":
    """Start capture of a vault; all it says goes to a file.

    Args:
        home: of the vault.
        desktop: the private display.
        output: the file.
        passphrase: of the vault; empty for one whose key lies beside its home.
    """
    with output.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-X", "dev", "-c", PROGRAM, str(home), passphrase],
            env={**os.environ, **desktop.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[2],
        )


def every_value(connection: Connection) -> bytes:
    """Return all that a database holds, decrypted: its schema and each value of each row."""
    tables = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    ]
    kept = [repr(connection.execute("SELECT sql FROM sqlite_schema")).encode()]
    for table in tables:
        if not table.startswith("sqlite_"):
            for row in connection.execute(f"SELECT * FROM {table}"):
                kept += [v if isinstance(v, bytes) else repr(v).encode() for v in row]
    return b"\n".join(kept)
