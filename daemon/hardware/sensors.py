"""
What the machine's sensors say: power, heat, memory, and whether somebody sits at it.

What a platform does not say is None, never an error and never a guess.
"""

import asyncio
import os
import re
import subprocess
import sys
from dataclasses import dataclass

import psutil

ASKING_S = 2.0  # for another program's answer
ACTIVE_S = 120.0  # macOS: a key or the mouse was touched within so many seconds
WITHOUT_LIMIT_C = 95.0  # of a processor's sensor that names none
UNTOLD = (OSError, RuntimeError, ValueError, psutil.Error)
PROCESSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "acpitz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine at one moment."""

    on_battery: bool | None = None
    in_use: bool | None = None  # somebody touches keyboard or mouse
    above_limit_c: float | None = None  # of the sensor nearest to its limit; below 0 = cooler than that
    free_mb: float = float("inf")  # memory that can be had without swapping, in MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """What a process has in memory, in bytes."""

    total: int = 0
    mapped: int = 0  # of that, pages of files: the system calls them available, though they are in use


class Sensors:
    """Reads the machine this process runs on."""

    def __init__(self) -> None:
        self._desktop_reports = False

    async def read(self) -> Machine:
        """The machine now; takes some milliseconds, in a thread."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> Machine:
        return Machine(
            on_battery=_on_battery(),
            in_use=self._in_use(),
            above_limit_c=_above_limit(),
            free_mb=free_mb(),
        )

    def _in_use(self) -> bool | None:
        if sys.platform == "darwin":
            idle_s = idle_of_macos(_said("ioreg", "-c", "IOHIDSystem", "-d", "4"))
            return None if idle_s is None else idle_s < ACTIVE_S
        idle = idle_of_logind(_said("loginctl", "show-user", str(os.getuid()), "--property=IdleHint"))
        self._desktop_reports |= idle is True  # many desktops leave it at "no" for ever: those don't count
        return None if idle is None or not self._desktop_reports else not idle


def idle_of_logind(said: str) -> bool | None:
    """What `loginctl show-user` says of a user's sessions together."""
    found = re.search(r"^IdleHint=(yes|no)$", said, re.MULTILINE)
    return None if found is None else found.group(1) == "yes"


def idle_of_macos(said: str) -> float | None:
    """Seconds since the last touch, as `ioreg` gives them in nanoseconds."""
    found = re.search(r'"HIDIdleTime" = (\d+)', said)
    return None if found is None else int(found.group(1)) / 1e9


def _said(*command: str) -> str:
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=ASKING_S, check=False)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""  # there is no such program, or it does not answer: nothing is known
    return asked.stdout if asked.returncode == 0 else ""


def free_mb() -> float:
    """Memory that can be had without swapping, in MiB; infinite where the system does not say."""
    try:
        return float(psutil.virtual_memory().available / 2**20)
    except UNTOLD:
        return float("inf")


def resident(pid: int | None) -> Resident:
    """What a process has in memory; nothing of one that is not there, or that the system does not tell of."""
    try:
        found = psutil.Process(pid).memory_info() if pid else None
    except UNTOLD:
        found = None
    return Resident(total=found.rss, mapped=getattr(found, "shared", 0)) if found else Resident()


def _on_battery() -> bool | None:
    try:
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    except UNTOLD:
        return None
    if battery is None:
        return False  # no battery: a desktop or a server
    return None if battery.power_plugged is None else not battery.power_plugged


def _above_limit() -> float | None:
    try:
        sensors = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    except UNTOLD:
        return None
    return hottest({name: [(one.current, one.high) for one in found] for name, found in sensors.items()})


def hottest(sensors: dict[str, list[tuple[float, float | None]]]) -> float | None:
    """
    The largest of temperature less limit, in degrees Celsius.

    Args:
        sensors: name -> (temperature, limit) of each place it measures.
    """
    limits = {name: WITHOUT_LIMIT_C if name in PROCESSORS else None for name in sensors}
    known = [(current, high or limits[name]) for name, places in sensors.items() for current, high in places]
    return max((current - limit for current, limit in known if limit), default=None)
