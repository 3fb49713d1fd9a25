"""What the kernel's list of power supplies means."""

import pytest

from deskbound_client.governor.power import on_mains

CHARGER = {"type": "Mains", "online": "1"}
PULLED = {"type": "Mains", "online": "0"}
DISCHARGING = {"type": "Battery", "status": "Discharging", "scope": "System"}
CHARGING = {"type": "Battery", "status": "Charging"}
MOUSE = {"type": "Battery", "status": "Discharging", "scope": "Device"}


@pytest.mark.parametrize(
    ("supplies", "found"),
    [
        ({}, True),
        ({"AC": CHARGER, "BAT0": CHARGING}, True),
        ({"AC": CHARGER, "BAT0": DISCHARGING}, True),  # a weak charger is still mains
        ({"AC": PULLED, "BAT0": DISCHARGING}, False),
        ({"BAT0": DISCHARGING}, False),
        ({"BAT0": CHARGING}, True),
        ({"BAT0": {"type": "Battery", "status": "Unknown"}}, None),
        ({"AC": PULLED, "BAT0": {"type": "Battery", "status": "Unknown"}}, False),
        ({"BAT0": {"type": "Battery"}}, None),
        ({"hidpp_battery_0": MOUSE}, True),
        ({"hidpp_battery_0": MOUSE, "AC": PULLED, "BAT0": DISCHARGING}, False),
        ({"ucsi-1": {"type": "USB", "online": "1"}, "BAT0": DISCHARGING}, True),
    ],
)
def test_mains_battery_or_nobody_knows(tmp_path, supplies, found):
    for name, words in supplies.items():
        (tmp_path / name).mkdir()
        for file, word in words.items():
            (tmp_path / name / file).write_text(word + "\n")
    assert on_mains(tmp_path) is found


def test_a_machine_without_power_management_has_no_battery(tmp_path):
    assert on_mains(tmp_path / "nothing") is True
