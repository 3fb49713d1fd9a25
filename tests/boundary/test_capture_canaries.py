"""P1 on real input: what was typed, titled or drawn exists nowhere afterwards."""

import secrets
import signal
import string

import pytest

from deskbound_client.capture.control import Control
from deskbound_client.capture.status import read_status
from deskbound_client.store.vault import Vault
from tests.helpers.capture_process import SILENT, every_value, start_capture
from tests.helpers.display import ALL_STREAMS, agree, desktop, eventually
from tests.helpers.store import FileKeystore

__all__ = ["desktop"]
pytestmark = pytest.mark.display


ENOUGH = 5  # rows of keys: a burst, shortcuts, what was typed after


def _canary() -> str:
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))


def _pieces(canaries: list[str]) -> list[bytes]:
    """The canaries as they could have survived: text, other encodings, and in parts."""
    found = []
    for canary in canaries:
        for text in (canary, canary[:6], canary[3:9], canary[6:]):
            found += [text.encode(), text.encode("utf-16-le"), text.encode().hex().encode()]
            found.append(text[::-1].encode())
    return found


def test_canaries_typed_titled_and_drawn_are_nowhere(desktop, tmp_path):
    typed, titled, drawn, in_clipboard = canaries = [_canary() for _ in range(4)]
    home, output = tmp_path / "home", tmp_path / "output"
    (tmp_path / "key").write_bytes(secrets.token_bytes(32))
    with Vault.create(home, FileKeystore(tmp_path / "key")) as vault:
        control = Control.create(home / "control")
        agree(vault, control, ALL_STREAMS)

    process = start_capture(home, desktop, output)
    try:
        status = home / "run" / "capture.json"
        terminal = desktop.open("xterm", "-T", titled, "-n", titled)
        desktop.place(terminal, 40, 40, 700, 400)
        eventually(lambda: (read_status(status) or SILENT).state == "open", "capture to begin")
        desktop.type(f"echo {typed} # ", pause=0.01)
        desktop.type(f"{in_clipboard}\n", pause=0.01)
        desktop.click(300, 200, times=2)  # selects a word: it is the X selection now
        desktop.press("Control_L", "c")
        message = desktop.open("xmessage", "-title", drawn, "-name", drawn, f"{drawn} " * 40)
        desktop.press("F5")
        desktop.activate(terminal)

        def all_streams() -> bool:
            """Whether all are on the disk; a pause would drop what is still on its way there."""
            desktop.press("F7")
            desktop.press("F6")  # a key that only repeats is one action
            rows = (read_status(status) or SILENT).rows_last_minute
            return {"keys", "pointer", "windows", "screen"} <= set(rows) and rows["keys"] >= ENOUGH

        eventually(all_streams, "all streams")
        control.pause()
        desktop.type(typed)
        desktop.close(message)
        desktop.close(terminal)
        # Raw files are read while the process runs: journals and shared memory are there then.
        raw = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    raw |= {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    with Vault.open(home, FileKeystore(tmp_path / "key")) as vault:
        rows = [row for day in vault.days() for row in vault.day(day).actions()]
        values = every_value(vault.database)
        for day in vault.days():
            values += every_value(vault.day(day).connection)
    assert len(rows) > ENOUGH  # it did capture
    for piece in _pieces(canaries):
        assert piece not in values
        assert [path.name for path, content in raw.items() if piece in content] == []
    assert output.read_bytes() == b""
