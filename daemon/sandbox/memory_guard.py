"""
Keep what this process has in memory (the keys, chats, adapters) out of files and away from other programs.

No core dump is written, and no program of the same user attaches to the process or reads its memory (Linux). Every
program of ours begins with it: the command, the icon, and each child.
"""

import ctypes
import sys

_SET_DUMPABLE = 4  # of prctl


def forbid_dumps() -> None:
    """For as long as the process lives; not for programs that it starts. Call it before secrets are read."""
    if sys.platform != "win32":
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # a program that takes dumps from the kernel gets them whatever the limit is
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
