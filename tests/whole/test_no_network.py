"""Without a network all goes on as ever: the demo, where only loopback is up."""

import json
import os
import subprocess
import sys

import psutil
import pytest

from daemon.sandbox.telemetry import OFF
from tests.whole.house import ROOT, need

ALONE = """
import os, sys
from bench.egress import loopback_up
loopback_up()
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
NO_WAY_OUT = 'import socket; socket.create_connection(("192.0.2.1", 443), 1)'


def without_network(*arguments, cwd=ROOT):
    """Python with these arguments, in a network of its own in which there is nothing but loopback."""
    command = ["unshare", "-rn", sys.executable, "-c", ALONE, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=1800)


@pytest.fixture(scope="module")
def alone():
    if subprocess.run([need("unshare"), "-rn", "true"], capture_output=True).returncode:
        pytest.skip("this machine gives no process a network of its own")
    done = without_network("-c", NO_WAY_OUT)
    assert "unreachable" in done.stderr, done.stderr


@pytest.mark.usefixtures("alone")
@pytest.mark.soak
def test_the_demo_shows_its_night_without_a_network(tmp_path):
    done = without_network("-m", "daemon", "demo", cwd=tmp_path)

    assert 0 == done.returncode, done.stdout + done.stderr
    result = json.loads(done.stdout.rstrip().splitlines()[-1].removeprefix("RESULT "))
    assert result["forgotten"] is True
    assert result["correct"]["base"] <= 0.1 and result["correct"]["generation"] >= 0.9


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever can't be dumped shows root alone its environment")
def test_each_process_of_a_running_daemon_begins_with_telemetry_off(daemon):
    assert daemon.process is not None
    children = psutil.Process(daemon.process.pid).children(recursive=True)
    seen = [{name: one.environ().get(name) for name in OFF} for one in children]

    assert len(seen) >= 2
    assert [OFF] * len(seen) == seen
