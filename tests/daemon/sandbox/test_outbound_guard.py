"""The daemon's processes refuse every way out of this machine, and nothing can undo that."""

import subprocess
import sys
from pathlib import Path

import pytest

from daemon.sandbox.outbound_guard import is_local

ROOT = Path(__file__).parents[3]
TRY = """
import asyncio, socket
from daemon.sandbox import outbound_guard
outbound_guard.hold()
outbound_guard.hold()
outbound_guard._refuse = lambda *_: None  # what a clever library might try
server = socket.create_server(("127.0.0.1", 0))
try:
    {what}
except OSError as error:
    print(type(error).__name__, error)
else:
    print("went through")
"""


def tried(what):
    command = [sys.executable, "-W", "ignore", "-c", TRY.format(what=what)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "" == done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "what",
    [
        'socket.create_connection(("192.0.2.1", 443), 1)',
        'socket.create_connection(("example.com", 443), 1)',
        'socket.socket().connect_ex(("192.0.2.1", 443))',
        'socket.socket(socket.AF_INET6).connect(("2001:db8::1", 443))',
        'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53))',
        'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, ("192.0.2.1", 53))',
        'socket.getaddrinfo("example.com", 443)',
        'socket.gethostbyname("example.com")',
        'socket.gethostbyname_ex("example.com")',
        'socket.gethostbyaddr("192.0.2.1")',
        'socket.getnameinfo(("192.0.2.1", 443), 0)',
        'asyncio.run(asyncio.open_connection("192.0.2.1", 443))',
        '__import__("urllib.request").request.urlopen("http://192.0.2.1/", timeout=1)',
    ],
)
def test_a_way_out_is_refused(what):
    told = tried(what)

    assert "this machine only" in told or "PermissionError" in told, told


@pytest.mark.parametrize(
    "what",
    [
        "socket.create_connection(server.getsockname(), 1)",
        'socket.create_connection(("localhost", server.getsockname()[1]), 1)',
        "socket.socketpair()",
        'asyncio.run(asyncio.open_connection("127.0.0.1", server.getsockname()[1]))',
    ],
)
def test_this_machine_can_still_be_reached(what):
    assert "went through" == tried(what)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::1%lo", True),
        ("::ffff:127.0.0.1", True),
        (b"localhost", True),
        ("", True),
        (None, True),
        ("::ffff:192.0.2.1", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.evil.example", False),
        (b"\xff", False),
    ],
)
def test_what_this_machine_is(host, local):
    assert local is is_local(host)


def test_a_module_can_be_run_held():
    command = [sys.executable, "-W", "ignore", "-m", "daemon.sandbox.run_module", "urllib.request"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert (0, "") == (done.returncode, done.stderr)
