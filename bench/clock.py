"""Time as two numbers: what passed, and what of it this process had a processor for."""

import time

import numpy as np
import numpy.typing as npt


def now() -> npt.NDArray[np.float64]:
    """(seconds of the clock, seconds of the processor in all threads); the difference of two is a duration."""
    return np.array([time.perf_counter(), time.process_time()])
