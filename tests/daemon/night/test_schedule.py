"""When a night runs by itself."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config.night_window import read_when
from daemon.hardware.sensors import Machine
from daemon.night.schedule import (
    COOLER_C,
    LEAST_FREE_MB,
    MADE_UP_QUIET_S,
    Night,
    Wait,
    hindrance,
    hours_left,
    is_short,
    need_mb,
    strain,
    tonight,
)

ALL = read_when("03:00-08:00, power, idle, cool, memory")
NOTHING = read_when("03:00-08:00")
LONG_AGO = datetime(2020, 1, 1)
HOURS = st.times().map(lambda at: f"{at:%H:%M}")


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("now", "hours", "done", "expected"),
    [
        ("2026-03-05 02:59", "03:00-08:00", ["2026-03-04"], Wait("until 03:00")),
        ("2026-03-05 03:00", "03:00-08:00", [], Night(day="2026-03-05")),
        ("2026-03-05 07:59", "03:00-08:00", ["2026-03-04"], Night(day="2026-03-05")),
        ("2026-03-05 03:30", "03:00-08:00", ["2026-03-05"], Wait("until 03:00")),
        ("2026-03-05 08:00", "03:00-08:00", [], Night(day="2026-03-05", made_up=True)),
        ("2026-03-06 02:59", "03:00-08:00", [], Night(day="2026-03-05", made_up=True)),
        ("2026-03-06 01:00", "23:00-02:00", [], Night(day="2026-03-05")),
        ("2026-03-06 01:00", "23:00-02:00", ["2026-03-05"], Wait("until 23:00")),
        ("2026-03-06 01:00", "00:00-00:00", [], Night(day="2026-03-06")),
    ],
)
def test_a_day_has_a_night_in_its_hours_or_later_if_it_was_missed(now, hours, done, expected):
    assert expected == tonight(at(now), read_when(hours), done, LONG_AGO)


def test_nothing_was_missed_before_the_home_was_made():
    """Whoever installs it at noon is not trained at once."""
    since = at("2026-03-05 11:00")

    assert Wait("until 03:00") == tonight(at("2026-03-05 12:00"), ALL, [], since)
    assert Night(day="2026-03-06") == tonight(at("2026-03-06 03:00"), ALL, [], since)
    assert Night(day="2026-03-05") == tonight(at("2026-03-05 07:00"), ALL, [], at("2026-03-05 06:00"))


@settings(max_examples=40)
@given(HOURS, HOURS, st.lists(st.datetimes(datetime(2000, 1, 2), datetime(2090, 1, 1)), max_size=60))
def test_however_the_clock_jumps_no_day_has_two_nights(begins, ends, clock):
    when, done = read_when(f"{begins}-{ends}"), []
    for now in clock:
        night = tonight(now, when, done, LONG_AGO)
        if isinstance(night, Night):
            done.append(night.day)

    assert len(done) == len(set(done))


@settings(max_examples=40)
@given(
    HOURS,
    HOURS,
    st.lists(st.datetimes(datetime(2026, 3, 1), datetime(2026, 4, 1)), max_size=20),
    st.datetimes(datetime(2026, 5, 1), datetime(2030, 1, 1)),
)
def test_whatever_the_clock_did_before_a_clock_that_runs_has_a_night_each_day(begins, ends, before, start):
    when, done = read_when(f"{begins}-{ends}"), set()
    # five days for three nights: hours that lie between two looks are made up for with the next one's
    for now in [*before, *(start + timedelta(minutes=20 * step) for step in range(5 * 72))]:
        night = tonight(now, when, done, LONG_AGO)
        if isinstance(night, Night):
            done.add(night.day)

    days = {(start + timedelta(days=day)).date().isoformat() for day in range(1, 4)}
    assert days <= done


@pytest.mark.parametrize(
    ("summer", "winter"), [("2026-03-29 03:00", "2026-10-25 02:00"), ("2026-03-29 03:59", "2026-10-25 02:59")]
)
def test_a_night_in_an_hour_that_summer_time_skips_or_repeats_is_run_once(summer, winter):
    """In most of Europe 02:30 does not exist on the one day, and comes twice on the other."""
    when = read_when("02:30-06:00")

    assert Night(day="2026-03-29") == tonight(at(summer), when, ["2026-03-28"], LONG_AGO)
    assert not isinstance(tonight(at(winter), when, ["2026-10-24", "2026-10-25"], LONG_AGO), Night)


@pytest.mark.parametrize(
    ("machine", "silent_s", "told"),
    [
        (Machine(on_battery=True), 1e6, "on battery"),
        (Machine(), 60.0, "the last chat was 60 s ago, and 120 s must be quiet"),
        (Machine(in_use=True), 1e6, "somebody uses the machine"),
        (Machine(above_limit_c=-9.0), 1e6, "the machine is hot (-9 °C from its limit)"),
        (Machine(free_mb=900.0), 1e6, "900 MB of memory are free, and a night may take 1044 MB"),
    ],
)
def test_what_stands_in_the_way_is_told_and_can_be_allowed(machine, silent_s, told):
    room = {"silent_s": silent_s, "quiet_s": 120.0, "need_mb": need_mb(10 << 20)}
    night = Night(day="2026-03-05")

    assert told == hindrance(night, ALL, machine, **room)
    assert hindrance(night, NOTHING, machine, **room) is None


def test_what_a_machine_does_not_tell_stands_in_nobodys_way():
    night = Night(day="2026-03-05", made_up=True)

    assert hindrance(night, ALL, Machine(), silent_s=1e6, quiet_s=120.0, need_mb=1e6) is None
    assert strain(ALL, Machine(), by_itself=True, cooling=True) is None
    assert not is_short(ALL, Machine())


@pytest.mark.parametrize(("silent_s", "waits"), [(MADE_UP_QUIET_S - 1, True), (MADE_UP_QUIET_S, False)])
def test_a_missed_night_waits_for_a_longer_quiet(silent_s, waits):
    missed = Night(day="2026-03-05", made_up=True)
    found = hindrance(missed, ALL, Machine(), silent_s=silent_s, quiet_s=120.0, need_mb=0.0)

    assert waits == (found is not None)


@pytest.mark.parametrize(
    ("machine", "by_itself", "asked"),
    [
        (Machine(on_battery=True), "on battery", None),
        (Machine(in_use=True), "somebody uses the machine", None),
        (Machine(above_limit_c=0.5), "the machine is hot", "the machine is hot"),
        (Machine(above_limit_c=-0.5), None, None),
    ],
)
def test_a_night_that_was_asked_for_rests_for_heat_only(machine, by_itself, asked):
    assert by_itself == strain(ALL, machine, by_itself=True, cooling=False)
    assert asked == strain(ALL, machine, by_itself=False, cooling=False)
    assert strain(NOTHING, machine, by_itself=True, cooling=False) is None


def test_a_hot_machine_must_be_clearly_cooler_before_work_goes_on():
    assert strain(ALL, Machine(above_limit_c=-COOLER_C + 1), by_itself=True, cooling=True)
    assert strain(ALL, Machine(above_limit_c=-COOLER_C), by_itself=True, cooling=True) is None


def test_memory_is_short_below_a_floor():
    assert is_short(ALL, Machine(free_mb=LEAST_FREE_MB - 1))
    assert not is_short(ALL, Machine(free_mb=LEAST_FREE_MB))
    assert not is_short(NOTHING, Machine(free_mb=1.0))


@pytest.mark.parametrize(
    ("now", "hours", "left"),
    [
        ("2026-03-05 03:00", "03:00-08:00", 5),
        ("2026-03-05 07:30", "03:00-08:00", 0.5),
        ("2026-03-05 12:00", "03:00-08:00", 5),  # one that was missed has as long
        ("2026-03-06 01:00", "23:00-02:00", 1),
        ("2026-03-06 01:00", "00:00-00:00", 23),
    ],
)
def test_a_night_ends_with_its_hours(now, hours, left):
    assert left * 3600 == hours_left(at(now), read_when(hours))
