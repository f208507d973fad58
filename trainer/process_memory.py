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
    found = [_free_of_machine(), *map(free_of_group, _groups())]
    return min((each for each in found if each is not None), default=None)


def _groups() -> list[Path]:
    """The folders of this process's own group and of those around it (version 2 of control groups)."""
    root = Path("/sys/fs/cgroup")
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = [root / line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    return [folder for each in own for folder in (each, *each.parents) if folder.is_relative_to(root)]


def _free_of_machine() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 / 1e6 if found else None


def free_of_group(folder: Path) -> float | None:
    """A container's limit, less what is taken and can't be given back, in MB; None where there is none."""
    try:
        limit = (folder / "memory.max").read_text().strip()
        taken = (folder / "memory.current").read_text().strip()
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    if not (limit.isdigit() and taken.isdigit()):
        return None
    files = int(stat.get("inactive_file", 0)) + int(
        stat.get("active_file", 0)
    )  # pages of files: the model's own too
    return (int(limit) - int(taken) + files) / 1e6
