"""What is measured of processes and files."""

import os
import subprocess
import sys

from deskbound_client.governor.meter import CpuMeter, cpu_seconds, memory, room


def test_the_share_is_of_the_last_minute():
    meter = CpuMeter()
    assert meter.share(1, 0.0, 0.0) is None
    assert meter.share(1, 0.3, 30.0) is None
    assert meter.share(1, 0.6, 60.0) == 1.0
    assert meter.share(1, 3.6, 120.0) == 5.0


def test_another_process_begins_anew():
    meter = CpuMeter()
    meter.share(1, 0.0, 0.0)
    assert meter.share(2, 50.0, 60.0) is None
    assert meter.share(2, 53.0, 120.0) == 5.0
    assert meter.share(0, None, 121.0) is None
    assert meter.share(2, 99.0, 122.0) is None


def test_a_laptop_that_slept_is_not_judged_by_it():
    meter = CpuMeter()
    meter.share(1, 0.0, 0.0)
    assert meter.share(1, 9.0, 4000.0) is None


def test_a_real_process_is_measured():
    busy = "import time\nblob = bytearray(30_000_000)\nwhile time.process_time() < 0.3: pass\n"
    process = subprocess.Popen(
        [sys.executable, "-c", busy + "print(1, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    assert cpu_seconds(process.pid) >= 0.28
    assert memory(process.pid) > 30_000_000
    process.communicate(b"\n")
    assert cpu_seconds(process.pid) is None
    assert memory(process.pid) is None
    assert cpu_seconds(0) is memory(0) is None


def test_room_counts_what_files_take_and_follows_no_link(tmp_path):
    inside = tmp_path / "home"
    (inside / "days").mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.write_bytes(os.urandom(1_000_000))
    (inside / "link").symlink_to(outside)
    (inside / "days" / "a").write_bytes(os.urandom(100_000))
    assert 100_000 <= room(inside) < 150_000
    assert room(tmp_path / "nothing") == 0
