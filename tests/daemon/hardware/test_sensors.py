"""What the machine tells of itself."""

import asyncio

import pytest

from daemon.hardware.sensors import Sensors, hottest, idle_of_logind, idle_of_macos


def test_this_machine_can_be_read():
    machine = asyncio.run(Sensors().read())

    assert 0 < machine.free_mb < 1e8
    assert machine.on_battery in (True, False, None)
    assert machine.in_use in (True, False, None)


@pytest.mark.parametrize(
    ("said", "idle"),
    [("IdleHint=yes\n", True), ("Linger=no\nIdleHint=no\n", False), ("", None), ("Failed to connect", None)],
)
def test_whether_a_session_is_idle_is_read_or_unknown(said, idle):
    assert idle == idle_of_logind(said)


@pytest.mark.parametrize(
    ("said", "idle_s"), [('  | "HIDIdleTime" = 90000000000\n', 90.0), ("no such class", None)]
)
def test_the_last_touch_is_read_or_unknown(said, idle_s):
    assert idle_s == idle_of_macos(said)


@pytest.mark.parametrize(
    ("sensors", "above"),
    [
        ({}, None),
        ({"nvme": [(60.0, None)]}, None),
        ({"nvme": [(60.0, 80.0)], "coretemp": [(70.0, 100.0), (99.0, 100.0)]}, -1.0),
        ({"k10temp": [(97.0, None)]}, 2.0),
        ({"acpitz": [(20.0, 0.0)]}, -75.0),
    ],
)
def test_the_sensor_nearest_to_its_limit_counts(sensors, above):
    assert above == hottest(sensors)
