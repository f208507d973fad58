"""What counts as proved, and what does not."""

import os
import socket
import subprocess
import sys

import pytest

from daemon.diagnostics.network_proof import (
    Socket,
    all_sockets,
    children,
    descendants,
    open_sockets,
    refusals,
    sockets,
    ways_in,
)


def tried(**more):
    return {"what": "connect", "host": "192.0.2.1", "refused": True, "how": "", **more}


def test_only_a_refusal_of_our_own_is_one():
    assert "ok" == refusals([tried(), tried()]).state
    assert "wrong" == refusals([tried(), tried(refused=False, how="Network is unreachable")]).state
    assert "wrong" == refusals([]).state


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        ({"engine": [], "embedder": []}, "ok"),
        ({"engine": [], "embedder": ["eth0"]}, "note"),
        ({"engine": None}, "note"),
        ({}, "note"),
    ],
)
def test_children_without_a_network_are_the_proof_for_native_code(seen, state):
    assert state == children(seen).state


def one(**more):
    plain = {"protocol": "tcp", "local": "127.0.0.1", "port": 4141, "remote": "0.0.0.0", "listens": True}
    return Socket(**{**plain, **more})


@pytest.mark.parametrize(
    ("socket_", "leaves"),
    [
        (one(), False),
        (one(local="0.0.0.0"), True),
        (one(local="::"), True),
        (one(local="::1", remote="::"), False),
        (one(listens=False, remote="127.0.0.1"), False),
        (one(listens=False, local="10.0.0.7", remote="93.184.216.34"), True),
        (one(protocol="udp", listens=False, local="0.0.0.0", port=5353), True),
        (one(protocol="tcp6", listens=False, local="::ffff:127.0.0.1", remote="::ffff:127.0.0.1"), False),
    ],
)
def test_a_socket_that_reaches_beyond_this_machine_is_told(socket_, leaves):
    assert leaves is socket_.leaves
    assert ("wrong" if leaves else "ok") == open_sockets([socket_], 1).state


def test_the_sockets_of_this_process_are_found():
    with (
        socket.create_server(("127.0.0.1", 0)) as inner,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
        socket.create_connection(inner.getsockname()),
    ):
        ports = inner.getsockname()[1], six.getsockname()[1]
        found = sockets([os.getpid()])

    listening = {(each.protocol, each.local, each.port) for each in found if each.listens}
    assert {("tcp", "127.0.0.1", ports[0]), ("tcp6", "::1", ports[1])} <= listening
    assert not any(each.leaves for each in found)


def test_what_the_system_does_not_show_is_not_proved():
    assert sockets([2**22 + 1]) is None  # a process that is gone
    assert "note" == open_sockets(None, 1).state


@pytest.mark.parametrize(
    ("devices", "own", "known"), [("", [], True), ("eth0: 0", [], False), ("", None, False)]
)
def test_a_child_that_shows_no_sockets_has_none_where_it_has_no_network(tmp_path, devices, own, known):
    """The folder `fd` of a process that can't be dumped is closed, also to the same user."""
    (tmp_path / "8" / "net").mkdir(parents=True)
    (tmp_path / "8" / "net" / "dev").write_text(f"head\nhead\n  lo: 0\n{devices}")
    found = all_sockets({"pid": 7, "children": {"engine": 8}, "tried": [], "sockets": own}, [7, 8], tmp_path)

    assert ([] if known else None) == found


def test_children_are_descendants():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert {os.getpid(), child.pid} <= set(descendants(os.getpid()))
        child.communicate(b"\n")


def test_a_port_that_others_can_reach_is_wrong():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert "wrong" == ways_in(f"http://127.0.0.1:{port}", ["127.0.0.1"]).state
        assert "ok" == ways_in(f"http://127.0.0.1:{port}", ["127.0.0.2"]).state
    assert "ok" == ways_in("http://127.0.0.1:1", []).state
