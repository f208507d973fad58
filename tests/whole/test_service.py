"""`tsubasa service` with a real service manager, from installing to uninstalling."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.client.client import connect
from daemon.home import Home
from tests.whole.house import ROOT, wait_for
from tests.whole.session import session

IMPATIENT = (
    "[Service]\nWatchdogSec=10s\nTimeoutAbortSec=1s\nRestartSec=1s\n"  # the same unit, for people in a hurry
)


@pytest.fixture
def login(tmp_path):
    with session(tmp_path) as environment:
        yield environment


class Service:
    """The command line, as somebody in that session types it."""

    def __init__(self, environment, home):
        self.home = home
        self._environment = {**environment, "PYTHONPATH": str(ROOT), "TSUBASA_HOME": str(home)}

    def __call__(self, *arguments):
        command = [sys.executable, "-m", "daemon", "service", *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=120)

    def status(self):
        return json.loads(self("status", "--json").stdout)

    def is_ready(self):
        return (self.status()["manager"] or {}).get("running", False)

    def pid(self):
        return self.status()["daemon"]["pid"]


def test_it_is_installed_watched_started_again_and_uninstalled(login, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text('port = 0\nkeyring = "file"\n')
    changes = Path(login["XDG_CONFIG_HOME"]) / "systemd" / "user" / "tsubasa.service.d" / "own.conf"
    changes.parent.mkdir(parents=True)
    changes.write_text(IMPATIENT)
    service = Service(login, home)

    assert "Not installed" in service("status").stdout
    installed = service("install")
    assert (0, "") == (installed.returncode, installed.stderr)
    wait_for(service.is_ready)
    assert "active (running), Serving http://127.0.0.1:" in service.status()["manager"]["says"]
    assert "Installed already" in service("install", "--no-start").stdout

    with connect(Home(home)) as client:
        assert "".join(client.chat([{"role": "user", "content": "Hi!"}]))
        children = [child["pid"] for child in client.status()["children"] if child["pid"]]
    is_root = os.geteuid() == 0  # to others, our processes don't show their environment
    asked_for = [Path(f"/proc/{pid}/environ").read_bytes() for pid in children if is_root]
    assert children and not any(b"NOTIFY_SOCKET" in one or b"WATCHDOG" in one for one in asked_for)
    limits = Path(f"/proc/{service.pid()}/status").read_text()
    assert "NoNewPrivs:\t1" in limits and "Seccomp:\t2" in limits

    hung = service.pid()
    os.kill(hung, signal.SIGSTOP)
    wait_for(lambda: service.is_ready() and service.pid() != hung)
    assert "1 restart" in service.status()["manager"]["says"]

    gone = service("uninstall")
    assert (0, "") == (gone.returncode, gone.stderr)
    assert "no" == service.status()["written"]
    assert not (home / "daemon.json").exists()
    assert (home / "store.db").exists()


def test_a_daemon_in_a_terminal_is_not_disturbed(login, tmp_path):
    service = Service(login, tmp_path / "home")
    service.home.mkdir(mode=0o700)
    (service.home / "daemon.lock").touch()
    with open(service.home / "daemon.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = service("install").stdout

    assert "Not started: A daemon already runs" in told
    assert not service.is_ready()
    assert service.status()["manager"]["enabled"]
