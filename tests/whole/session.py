"""
A real `systemd --user` for the tests: in a mount namespace and a control group of its own, so that the computer's own
services, and the user's, are not touched.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.whole.house import need

MANAGER = "/lib/systemd/systemd"
GROUPS = Path("/sys/fs/cgroup")
BEGIN = """
set -e
mount -t tmpfs tmpfs /run/systemd
mkdir /run/systemd/system
for group in {groups}; do echo $$ > $group/cgroup.procs; done
exec {manager} --user --log-target=null
"""


@contextmanager
def session(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a session whose manager runs; everything that it started ends with it."""
    for program in (MANAGER, "unshare", "systemctl"):
        need(program)
    if os.geteuid() != 0 or Path("/run/systemd/system").exists() or not Path("/run/systemd").is_dir():
        _give_up("needs root, and a computer that systemd does not run")
    groups = [place / f"tsubasa-{os.getpid()}" for place in _hierarchies()]
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("TSUBASA_", "DBUS_"))},
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    (folder / "run").mkdir(mode=0o700)
    try:
        for group in groups:
            group.mkdir()
    except OSError as error:
        _give_up(f"no control group can be made: {error.strerror}")
    script = BEGIN.format(groups=" ".join(map(str, groups)), manager=MANAGER)
    manager = subprocess.Popen(["unshare", "-m", "bash", "-c", script], env=environment)
    try:
        _wait_for_it(environment, manager)
        yield environment
    finally:
        manager.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            manager.wait(30)
        _clear(groups)
        manager.wait(10)


def _wait_for_it(environment: dict[str, str], manager: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 30
    asked = ["systemctl", "--user", "is-active", "default.target"]
    while time.monotonic() < end and manager.poll() is None:
        told = subprocess.run(asked, env=environment, capture_output=True, text=True)
        if told.stdout.strip() == "active":
            return
        time.sleep(0.2)
    _give_up("a systemd of its own does not start here")


def _hierarchies() -> list[Path]:
    """Where systemd keeps its groups: the one of version 2, or the two of a mixed system."""
    return [GROUPS] if (GROUPS / "cgroup.procs").exists() else [GROUPS / "systemd", GROUPS / "unified"]


def _clear(groups: list[Path]) -> None:
    """End what is left in the groups and remove them."""
    for group in groups:
        folders = sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True)
        for folder in [*folders, group]:
            with suppress(OSError):
                for pid in (folder / "cgroup.procs").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
            end = time.monotonic() + 5
            while folder.exists() and time.monotonic() < end:
                with suppress(OSError):
                    folder.rmdir()
                time.sleep(0.05)


def _give_up(why: str) -> None:
    if os.environ.get("NO_SKIPS") == "1":
        pytest.fail(why)
    pytest.skip(why)
