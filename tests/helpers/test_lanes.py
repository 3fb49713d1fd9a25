"""The lanes of the suite, held against the files of the suite."""

import re

import pytest

from tests.helpers.lanes import LANES, ROOT, lane_of, place

FILES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py"))
DESKTOP = re.compile(r"helpers\.display import .*\bdesktop\b|\bx_server\(|\bprivate_desktop\(")
SUPERLINK = re.compile(r"helpers\.federation import .*\bfleet\b|\breal\.server\(")


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path", [path for path in FILES if DESKTOP.search(text_of(path)) and "lanes" not in path]
)
def test_whatever_has_a_display_is_in_a_lane(path):
    assert lane_of(path) in LANES


@pytest.mark.parametrize(
    "path", [path for path in FILES if SUPERLINK.search(text_of(path)) and "lanes" not in path]
)
def test_whatever_has_a_superlink_is_in_its_lane(path):
    assert lane_of(path) in {"federation", "siege", "servers"}


def test_all_of_a_shared_fleet_is_one_lane_and_the_lanes_begin_first():
    rounds = [path for path in FILES if path.startswith("tests/rounds/")]
    assert {lane_of(path) for path in rounds} == {"federation"}
    in_lanes = {path for path in FILES if lane_of(path) in LANES}
    assert 0 < len(in_lanes) < len(FILES)
    assert {place(path) for path in FILES if path not in in_lanes} == {len(LANES)}
    assert all(place(path) < len(LANES) for path in in_lanes)
