"""
Keep what this process has in memory (the keys, chats, adapters) out of files and away from other programs.

No core dump is written, and no program of the same user attaches to the process or reads its memory (Linux). Every
program of ours begins with it: the command, the icon, and each child. The daemon, which has the store's key in several
places of its memory, also stays out of swap, where the system lets a user lock that much; most allow 8 MB, and then it
can't: a part would leave the key's other places, so nothing is promised there.
"""

import ctypes
import sys
from pathlib import Path

_SET_DUMPABLE = 4  # of prctl
_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4  # of mlockall
_MAY_LOCK = 1 << 14  # the capability CAP_IPC_LOCK


def forbid_dumps() -> None:
    """For as long as the process lives; not for programs that it starts. Call it before secrets are read."""
    if sys.platform != "win32":
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # a program that takes dumps from the kernel gets them whatever the limit is
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def stay_out_of_swap() -> bool:
    """Lock all memory of this process, now and later, where there is no limit for it; whether it is locked."""
    if sys.platform != "linux":
        return False
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
    elif not int(_status("self", "CapEff") or "0", 16) & _MAY_LOCK:
        return False  # a limit that is reached later would end the process
    return bool(ctypes.CDLL(None).mlockall(_CURRENT | _FUTURE | _ON_FAULT) == 0)


def is_out_of_swap(pid: int) -> bool:
    """Whether that process has locked its memory."""
    return int((_status(str(pid), "VmLck") or "0").split()[0]) > 0


def _status(pid: str, name: str) -> str | None:
    """What the system says of a process; None: nothing."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{name}:")), None)
