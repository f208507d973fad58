"""What the sensors say of the machine at one moment. A record of its own, so that decisions need no sensors."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine at one moment."""

    on_battery: bool | None = None
    in_use: bool | None = None  # somebody touches keyboard or mouse
    above_limit_c: float | None = None  # of the sensor nearest to its limit; below 0 = cooler than that
    free_mb: float = float("inf")  # memory that can be had without swapping, in MiB
