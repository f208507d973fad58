"""A child process in an empty network: what the system refuses there, native code can't get around."""

import json
import os
import subprocess
import sys

import pytest

from daemon.processes.process import confined
from tests.whole.house import ROOT

NATIVE = """
import ctypes, os, socket, struct, sys
from daemon.sandbox.run_module import enter_empty_network as enter
why = enter()
print(why or "entered", os.geteuid())
libc = ctypes.CDLL(None, use_errno=True)
handle = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)  # not through Python's sockets
address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", 443, socket.inet_aton("192.0.2.1"))
print(libc.connect(handle, address, len(address)), os.strerror(ctypes.get_errno()))
print(sorted(line.split(":")[0].strip() for line in open("/proc/self/net/dev").readlines()[2:]))
print(os.read(int(sys.argv[1]), 5).decode(), open(sys.argv[2]).read())
"""
AS_USER = """
import ctypes, os
from daemon.sandbox.run_module import enter_empty_network as enter
if os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as after a start as that user: its own /proc is its own
me = os.geteuid()
why = enter()
print(why or "entered", os.geteuid() == me)
"""
REFUSED = """
import os
from daemon.sandbox.run_module import enter_empty_network as enter
at = os.readlink("/proc/self/ns/net")
print(enter(), at == os.readlink("/proc/self/ns/net"))
"""
FORBID = 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"'


def run(command, **more):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, **more)


def test_native_code_has_no_way_out_and_open_pipes_and_files_go_on(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, b"hello")
    (tmp_path / "model").write_text("weights")
    command = [sys.executable, "-c", NATIVE, str(reading), str(tmp_path / "model")]
    done = run(command, pass_fds=[reading])
    os.close(reading), os.close(writing)
    assert "" == done.stderr
    entered, connected, devices, read = done.stdout.splitlines()
    if not entered.startswith("entered"):
        pytest.skip(f"no empty network here: {entered}")

    assert (f"entered {os.geteuid()}", "-1 Network is unreachable") == (entered, connected)
    assert ("['lo']", "hello weights") == (devices, read)


def test_a_user_without_rights_stays_who_they_are():
    done = run([sys.executable, "-c", AS_USER])

    assert "" == done.stderr
    assert done.stdout.strip() in ("entered True", "the system does not allow it to users True")


def test_where_the_system_refuses_nothing_has_changed():
    unshare = ["unshare", "--user", "--map-root-user", "sh", "-c", FORBID, "sh"]
    try:
        done = run([*unshare, sys.executable, "-c", REFUSED])
    except FileNotFoundError:
        pytest.skip("no `unshare` here")
    if "unshare failed" in done.stderr or "nonexistent" in done.stderr:
        pytest.skip(f"the system lets nobody try: {done.stderr.strip()}")

    assert ("", "the system does not allow it True\n") == (done.stderr, done.stdout)


PROBE = """
import json, socket
try:
    socket.getaddrinfo("example.com", 443)
except OSError as error:
    refused = type(error).__name__
devices = [line.split(":")[0].strip() for line in open("/proc/self/net/dev").readlines()[2:]]
print(json.dumps([refused, devices]))
"""


def test_a_child_of_the_daemon_runs_its_module_with_both(tmp_path):
    (tmp_path / "probe.py").write_text(PROBE)
    with_probe = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    can_enter = run([sys.executable, "-c", REFUSED]).stdout.startswith(" ")

    done = run(confined("probe"), env=with_probe)

    assert "" == done.stderr
    refused, devices = json.loads(done.stdout)
    assert "LeavesMachine" == refused
    assert not can_enter or ["lo"] == devices
