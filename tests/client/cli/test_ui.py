"""``deskbound ui`` as a process: it says where and how, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys

import httpx
import pytest

from deskbound_strategies.pages.letter import FILE_NAME


def started(desk, *more: str) -> tuple[subprocess.Popen, str, str]:
    """Start the command; return it with the address and the code that it prints."""
    program = "from deskbound_client.cli import main; main()"
    command = [sys.executable, "-u", "-c", program, "--home", str(desk.paths.home)]
    process = subprocess.Popen(
        [*command, "ui", "--no-browser", *more],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "200"},
    )
    said = "".join(process.stdout.readline() for _ in range(4))
    address = re.search(r"http://[\d.:]+", said)
    code = re.search(r"code ([A-Z\d-]+)", said)
    assert address is not None, said
    assert code is not None, said
    return process, address[0], code[1]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_says_how_to_come_in_and_a_signal_ends_it_calmly(desk, ending):
    process, address, code = started(desk)
    letter = desk.paths.run / FILE_NAME
    assert letter.stat().st_mode & 0o777 == 0o600
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as visitor:
        assert visitor.get("/").status_code == 403
        assert visitor.post("/enter", data={"code": code.lower()}).status_code == 200
        assert "Capture is not running" in visitor.get("/").text
    process.send_signal(ending)
    said, trouble = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.endswith("Locked; the vault is closed.\n")
    assert trouble == ""
    assert not letter.exists()


def test_it_listens_on_a_loopback_address_that_is_not_the_usual_one(desk):
    process, address, _ = started(desk)
    host = address.removeprefix("http://").split(":")[0]
    assert host.startswith("127.")
    assert host != "127.0.0.1"
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as visitor:
        assert visitor.get("/").status_code == 403, "it answers, so it listens to signals too"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def test_an_idle_time_that_is_none_is_refused(desk):
    assert "1 to 60 minutes" in desk.fails(10, "ui", "--idle", "2h")
    assert "1 to 60 minutes" in desk.fails(10, "ui", "--idle", "0m")


def test_without_a_vault_there_is_nothing_to_show(empty):
    empty.fails(17, "ui", "--no-browser")
