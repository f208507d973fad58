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


def free_mb() -> float | None:
    """Memory this process may still take, in MB, without another program losing any; None: the system does not say."""
    found = [
        each for each in (_free_of_machine(), _free_of_group(Path("/sys/fs/cgroup"))) if each is not None
    ]
    return min(found, default=None)


def _free_of_machine() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 / 1e6 if found else None


def _free_of_group(folder: Path) -> float | None:
    """A container's limit, less what is taken; None where there is none."""
    try:
        limit = (folder / "memory.max").read_text().strip()
        taken = (folder / "memory.current").read_text().strip()
    except OSError:
        return None
    return (int(limit) - int(taken)) / 1e6 if limit.isdigit() and taken.isdigit() else None
