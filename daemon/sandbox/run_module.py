"""
Run a module as `python -m` does, in a process that can't leave this machine:
python -m daemon.sandbox.run_module MODULE ARGUMENTS

For the children of the daemon: an empty network namespace where Linux allows one, which stops native code too, and the
refusal of `outbound_guard.py`. Pipes and sockets that are open already go on working.
"""

import ctypes
import os
import runpy
import sys
from pathlib import Path

from daemon.sandbox import outbound_guard, telemetry
from daemon.sandbox.memory_guard import forbid_dumps

_NEWUSER, _NEWNET = 0x10000000, 0x40000000
NVIDIA = Path("/proc/driver/nvidia")
NVIDIA_MEMORY = Path("/dev/nvidia-uvm")  # made by a set-uid program at a card's first use


def enter_empty_network() -> str:
    """
    Put this process into a network of its own, in which there is nothing; "" when done, else why not.

    Call it before the first thread. When it can't be done, nothing about the process has changed.
    """
    if sys.platform != "linux":
        return "only Linux can"
    if os.geteuid() == 0:
        return "" if _unshare(_NEWNET) else "the system does not allow it"
    if NVIDIA.exists() and not NVIDIA_MEMORY.exists():
        return "the graphics card's driver still has to make its devices, which it could not do from there"
    # In a child first: half of it would leave the process without its user, and there is no way back.
    tried = os.fork()
    if tried == 0:
        os._exit(0 if _as_user() else 1)
    if os.waitpid(tried, 0)[1] != 0:
        return "the system does not allow it to users"
    return "" if _as_user() else "the system does not allow it any more"


def _as_user() -> bool:
    """The way without rights: in a namespace of users that knows only us, as whom we are."""
    user, group = os.geteuid(), os.getegid()
    if not _unshare(_NEWUSER | _NEWNET):
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    except OSError:
        return False
    return os.geteuid() == user


def _unshare(flags: int) -> bool:
    return bool(ctypes.CDLL(None, use_errno=True).unshare(flags) == 0)


if __name__ == "__main__":
    enter_empty_network()  # before the module loads libraries, which begin threads
    forbid_dumps()  # after it: who can't be dumped may not write its own /proc, which that takes
    outbound_guard.install()
    telemetry.switch_off()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
