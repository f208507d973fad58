"""A child process in an empty network: what the system refuses there, native code can't get around."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
KNOCK = """
import ctypes, os, socket, struct, sys
from daemon.sandbox.network_namespace import enter
why = enter()
print(why or "entered", os.geteuid())
libc = ctypes.CDLL(None, use_errno=True)
handle = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)  # not through Python's sockets
address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", 443, socket.inet_aton("192.0.2.1"))
print(libc.connect(handle, address, len(address)), os.strerror(ctypes.get_errno()))
print(sorted(line.split(":")[0].strip() for line in open("/proc/self/net/dev").readlines()[2:]))
print(os.read(int(sys.argv[1]), 5).decode(), open(sys.argv[2]).read())
"""


def knocked(tmp_path, *, user=None):
    mine, its = os.pipe()
    os.write(its, b"hello")
    (tmp_path / "model").write_text("weights")
    command = [sys.executable, "-c", KNOCK, str(mine), str(tmp_path / "model")]
    done = subprocess.run(
        command, cwd=ROOT, pass_fds=[mine], capture_output=True, text=True, timeout=60, user=user
    )
    os.close(mine), os.close(its)
    assert "" == done.stderr
    return done.stdout.splitlines()


def test_native_code_has_no_way_out_and_open_pipes_and_files_go_on(tmp_path):
    entered, connected, devices, read = knocked(tmp_path)
    if not entered.startswith("entered"):
        pytest.skip(f"no empty network here: {entered}")

    assert (f"entered {os.geteuid()}", "-1 Network is unreachable") == (entered, connected)
    assert ("['lo']", "hello weights") == (devices, read)


USER = """
import ctypes, os, sys
if os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as after a start as that user: its own /proc is its own
from daemon.sandbox.network_namespace import enter
me = os.geteuid()
why = enter()
print(why or "entered", os.geteuid() == me)
"""


def test_a_user_without_rights_stays_who_they_are(tmp_path):
    done = subprocess.run([sys.executable, "-c", USER], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert "" == done.stderr
    assert done.stdout.strip() in ("entered True", "the system does not allow it to users True")


def test_where_the_system_refuses_nothing_has_changed():
    forbid = "echo 0 > /proc/sys/user/max_net_namespaces && exec "
    code = "import os; from daemon.sandbox.network_namespace import enter; "
    code += "at = os.readlink('/proc/self/ns/net'); print(enter()); "
    code += "print(at == os.readlink('/proc/self/ns/net'))"
    command = [
        "unshare",
        "--user",
        "--map-root-user",
        "sh",
        "-c",
        forbid + '"$@"',
        "sh",
        sys.executable,
        "-c",
        code,
    ]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("no `unshare` here")
    if "unshare failed" in done.stderr or "nonexistent" in done.stderr:
        pytest.skip(f"the system lets nobody try: {done.stderr.strip()}")

    assert ("", "the system does not allow it\nTrue\n") == (done.stderr, done.stdout)
