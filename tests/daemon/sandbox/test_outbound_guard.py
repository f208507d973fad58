"""The daemon's processes refuse every way out of this machine, and nothing can undo that."""

import json
import subprocess
import sys

import pytest

from daemon.sandbox.outbound_guard import is_local
from tests.whole.house import ROOT

WAYS_OUT = [
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
]
LOCAL = [
    "socket.create_connection(server.getsockname(), 1)",
    'socket.create_connection(("localhost", server.getsockname()[1]), 1)',
    "socket.socketpair()",
    'asyncio.run(asyncio.open_connection("127.0.0.1", server.getsockname()[1]))',
]
TRY_ALL = """
import asyncio, json, socket, sys
from daemon.sandbox import outbound_guard
outbound_guard.install()
outbound_guard.install()
outbound_guard._refuse = lambda *_: None  # what a clever library might try
server = socket.create_server(("127.0.0.1", 0))
def tried(what):
    try:
        eval(what)
    except OSError as error:
        return f"{type(error).__name__} {error}"
    return "went through"
print(json.dumps([tried(what) for what in json.loads(sys.argv[1])]))
"""


def test_every_way_out_is_refused_and_this_machine_can_still_be_reached():
    command = [sys.executable, "-W", "ignore", "-c", TRY_ALL, json.dumps([*WAYS_OUT, *LOCAL])]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert "" == done.stderr
    came_of = dict(zip([*WAYS_OUT, *LOCAL], json.loads(done.stdout), strict=True))
    refused = {
        what for what, how in came_of.items() if "this machine only" in how or "PermissionError" in how
    }
    assert set(WAYS_OUT) == refused, came_of
    assert {"went through"} == {came_of[what] for what in LOCAL}


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *(
            (host, True)
            for host in ("127.0.0.1", "127.8.9.1", "::1", "::1%lo", "::ffff:127.0.0.1", b"localhost")
        ),
        *((host, True) for host in ("", None)),
        *(
            (host, False)
            for host in ("::ffff:192.0.2.1", "0.0.0.0", "10.0.0.1", "localhost.evil.example", b"\xff")
        ),
    ],
)
def test_what_this_machine_is(host, local):
    assert local is is_local(host)
