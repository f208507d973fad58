"""End with the process that started this one. Promises: no trainer outlives a daemon that was killed."""

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1  # Source: linux/prctl.h
LOOK_EVERY_S = 1.0


def die_with_parent() -> None:
    """
    From now on the death of the parent ends this process at once; on Linux by the kernel, else by looking.

    By SIGKILL: a process that is stopped, as a paused trainer is, would never be given a SIGTERM.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was told
            os.kill(os.getpid(), signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGKILL)
