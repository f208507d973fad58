"""
When a night runs by itself: pure decisions from the clock, the machine and what was done before.

    clock, days done ──> tonight ──> Night or Wait        machine, chats ──> hindrance ──> why it can't begin
                                                                      `────> strain ─────> why it must rest

A day has at most one night, however the clock is set. A night that was missed (the machine slept, or ran on battery) is
made up for once, at the next quiet moment before the next one begins. Times are local wall-clock times without a zone:
03:00 is 03:00, whatever summer does.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.config.night_window import DAY, When
from daemon.hardware.sensors import Machine

MADE_UP_QUIET_S = 900.0  # without a chat before a missed night is made up for: it may be noon
COOLER_C = 10.0  # below the limit, before work begins or goes on
LEAST_FREE_MB = 512.0  # with less, a night ends rather than have the machine swap
HOT = "the machine is hot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A night that should be run now."""

    day: str  # the local day on which its hours began, 2026-03-05: its name
    made_up: bool = False  # its hours are over


@dataclass(frozen=True, slots=True)
class Wait:
    """No night now."""

    reason: str  # for a person


def latest(now: datetime, when: When) -> Night:
    """The night whose hours have begun last, done or not."""
    begins = datetime.combine(now.date(), when.begins)
    if begins > now:
        begins -= DAY
    return Night(day=begins.date().isoformat(), made_up=now >= begins + when.length)


def tonight(now: datetime, when: When, done: Collection[str], since: datetime) -> Night | Wait:
    """
    The night that is due at `now`, or why none is.

    Args:
        done: the days whose nights are over, well or not.
        since: when this home was made; nights before it were not missed.
    """
    night = latest(now, when)
    begun = datetime.combine(datetime.fromisoformat(night.day).date(), when.begins)
    if night.day in done or (night.made_up and begun < since):
        return Wait(f"until {when.begins:%H:%M}")
    return night


def hours_left(now: datetime, when: When) -> float:
    """Seconds until the hours of the night that began last are over; all of them for one that is made up for."""
    begins = datetime.combine(now.date(), when.begins)
    if begins > now:
        begins -= DAY
    left = begins + when.length - now
    return (left if left > timedelta(0) else when.length).total_seconds()


def hindrance(
    night: Night, when: When, machine: Machine, *, silent_s: float, quiet_s: float, need_mb: float
) -> str | None:
    """
    Why a night that is due can't begin now, for a person; None when it can.

    Args:
        silent_s: since the last answer to a person ended.
        quiet_s: how long that must be.
        need_mb: memory that the trainer takes, in MiB.
    """
    quiet_s = max(quiet_s, MADE_UP_QUIET_S) if night.made_up else quiet_s
    if "power" in when.needs and machine.on_battery:
        return "on battery"
    if "idle" in when.needs and silent_s < quiet_s:
        return f"the last chat was {silent_s:.0f} s ago, and {quiet_s:.0f} s must be quiet"
    if "idle" in when.needs and machine.in_use:
        return "somebody uses the machine"
    if "cool" in when.needs and _above(machine) > -COOLER_C:
        return f"{HOT} ({_above(machine):+.0f} °C from its limit)"
    if "memory" in when.needs and machine.free_mb < need_mb:
        return f"{machine.free_mb:.0f} MB of memory are free, and a night may take {need_mb:.0f} MB"
    return None


def strain(when: When, machine: Machine, *, by_itself: bool, cooling: bool) -> str | None:
    """
    Why a night that runs should rest now; None when it may work.

    Args:
        by_itself: nobody asked for it; one that was asked for rests for heat only.
        cooling: it rests for heat already, and waits until the machine is clearly cooler.
    """
    if "cool" in when.needs and _above(machine) > (-COOLER_C if cooling else 0.0):
        return HOT
    if by_itself and "power" in when.needs and machine.on_battery:
        return "on battery"
    if by_itself and "idle" in when.needs and machine.in_use:
        return "somebody uses the machine"
    return None


def is_short(when: When, machine: Machine) -> bool:
    """Whether so little memory is free that the trainer must give back its own."""
    return "memory" in when.needs and machine.free_mb < LEAST_FREE_MB


def need_mb(model_bytes: int) -> float:
    """
    MiB that a night takes at the least: libraries, the model a second time, and as much again for the work.

    A floor, not a forecast: in float32 a quantised model takes several times its file.
    """
    return 1024.0 + 2.0 * model_bytes / 2**20


def _above(machine: Machine) -> float:
    return float("-inf") if machine.above_limit_c is None else machine.above_limit_c
