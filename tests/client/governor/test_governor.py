"""The governor looks, decides, and says so."""

import os

import pytest

from deskbound_client.config import DEFAULTS
from deskbound_client.governor.caps import Cause, Standing
from deskbound_client.governor.governor import Governor, Now, orders_for
from deskbound_client.governor.network import CONNECTED_BYTES_PER_SECOND, NetworkAccount
from deskbound_client.governor.report import GovernorReport, read_report, report
from deskbound_client.paths import HomePaths


class Steady:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def paths(tmp_path):
    made = HomePaths(tmp_path / "home")
    made.prepare()
    return made


def settings(paths, text):
    paths.config.unlink(missing_ok=True)
    paths.config.touch(mode=0o600)
    paths.config.write_text(text)


AWAY = Now(in_use=False)


def test_who_comes_back_is_noticed_at_once_and_training_waits(paths):
    steady = Steady()
    governor = Governor(paths, steady=steady, on_mains=lambda: True)
    assert governor.look(AWAY).training
    assert read_report(paths).state == "free"
    steady.now += 0.25
    standing = governor.look(Now(in_use=True))
    assert standing.causes == (Cause.IN_USE,)
    assert orders_for(standing) == {"capture": "pace 1", "executor": "wait"}
    assert read_report(paths).reason == "in-use"
    assert read_report(paths).state == "waiting"


def test_between_two_looks_nothing_is_measured(paths):
    steady, asked = Steady(), []
    governor = Governor(paths, steady=steady, on_mains=lambda: asked.append(1) or True)
    for _ in range(8):
        governor.look(AWAY)
        steady.now += 0.25
    assert len(asked) == 1
    governor.look(AWAY)
    assert len(asked) == 2


def test_a_real_process_above_its_memory_is_stopped_and_said(paths):
    settings(paths, "capture_rss_mb = 80\n")
    ballast = bytearray(os.urandom(1000)) * 90_000
    governor = Governor(paths, steady=Steady(), on_mains=lambda: True)
    standing = governor.look(Now(capture_pid=os.getpid(), in_use=False))
    assert len(ballast)
    assert not standing.capture
    told = read_report(paths)
    assert (told.state, told.reason, told.capture) == ("limiting", "capture-memory", "stopped")
    assert "80 MB" in told.sentence


def test_files_above_their_room_stop_capture_until_settings_allow_more(paths):
    settings(paths, "disk_mb = 20\n")
    (paths.model / "current.bin").write_bytes(os.urandom(21_000_000))
    steady = Steady()
    governor = Governor(paths, steady=steady, on_mains=lambda: True)
    assert not governor.look(AWAY).capture
    settings(paths, "disk_mb = 30\n")
    steady.now += 61
    assert governor.look(AWAY).capture
    settings(paths, "not toml")
    steady.now += 61
    assert governor.look(AWAY).capture, "a broken config keeps the caps there were"


def test_being_connected_is_charged(paths):
    steady = Steady()
    governor = Governor(paths, steady=steady, on_mains=lambda: True)
    for _ in range(63):
        governor.look(Now(connected=True, in_use=False))
        steady.now += 2
    used = NetworkAccount(paths.network_account).used()
    assert used >= 60 * CONNECTED_BYTES_PER_SECOND


def test_a_used_up_month_takes_the_laptop_offline(paths):
    NetworkAccount(paths.network_account).note(DEFAULTS.network_mb_per_month * 1_000_000)
    governor = Governor(paths, steady=Steady(), on_mains=lambda: True)
    standing = governor.look(AWAY)
    assert not standing.online
    assert read_report(paths).reason == "network"


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_sentence_and_a_mend(cause):
    told = report(Standing(causes=(cause,), slowness=2), DEFAULTS)
    assert told.reason == cause.value
    assert told.sentence.endswith(".")
    assert told.mend.endswith(".")


def test_a_cap_is_said_before_mere_waiting():
    told = report(Standing(causes=(Cause.NETWORK, Cause.IN_USE)), DEFAULTS)
    assert (told.state, told.reason) == ("limiting", "network")
    assert told.causes == ("network", "in-use")


def test_nothing_said_is_no_report(paths):
    assert read_report(paths) is None
    governor = Governor(paths, steady=Steady(), on_mains=lambda: True)
    governor.look(AWAY)
    assert read_report(paths) == GovernorReport("free")
