"""How much memory this process took. Knows nothing of models."""

import sys
from pathlib import Path


def peak_of_process_mb() -> float:
    """The most memory this process ever held at once, in MB (10**6 bytes); 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return _by_resource()
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 / 1e6 if found else 0.0


def _by_resource() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on a Mac, else KiB
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
