"""What a service manager hears, on a real datagram socket."""

import asyncio
import os
import socket

import pytest

from daemon.lifecycle.systemd_notify import Heartbeat
from store.errors import StoreUnusable


@pytest.fixture
def manager(tmp_path):
    """The manager's end: its address, and what it heard so far."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)

        def heard():
            found = []
            while True:
                try:
                    found.append(listening.recv(4096).decode())
                except BlockingIOError:
                    return found

        yield str(tmp_path / "notify"), heard


async def answering():
    return 1


async def beat(heartbeat, answers, seconds):
    heartbeat.start(answers)
    await asyncio.sleep(seconds)
    await heartbeat.stop()


def test_a_name_without_a_file_is_reached_too():
    name = f"\0tsubasa-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name)
        Heartbeat("@" + name[1:]).stopping()

        assert b"STOPPING=1\nSTATUS=Stopping" == listening.recv(100)


async def test_it_beats_more_often_than_the_manager_has_patience(manager):
    address, heard = manager
    await beat(Heartbeat(address, patience_s=0.3), answering, seconds=0.65)

    assert 5 <= len(heard()) <= 8


async def hanging():
    await asyncio.sleep(3600)


async def failing():
    raise StoreUnusable("busy", "store.db")


@pytest.mark.parametrize("answers", [hanging, failing])
async def test_it_says_nothing_while_the_store_does_not_answer(manager, caplog, answers):
    address, heard = manager
    await beat(Heartbeat(address, patience_s=0.03), answers, seconds=0.1)

    assert [] == heard()
    assert (answers is failing) == ("store" in caplog.text)


@pytest.mark.parametrize(
    ("watchdog", "beats"),
    [
        ({"WATCHDOG_USEC": "60000"}, True),
        ({"WATCHDOG_USEC": "60000", "WATCHDOG_PID": "7"}, True),
        ({"WATCHDOG_USEC": "60000", "WATCHDOG_PID": "8"}, False),
        ({"WATCHDOG_USEC": "0"}, False),
        ({"WATCHDOG_USEC": "soon"}, False),
        ({}, False),
    ],
    ids=str,
)
async def test_the_environment_says_who_is_to_beat_and_children_do_not_see_it(manager, watchdog, beats):
    address, heard = manager
    environment = {"NOTIFY_SOCKET": address, "HOME": "/root", **watchdog}
    await beat(Heartbeat.asked_for(environment, pid=7), answering, seconds=0.05)

    assert {"HOME": "/root"} == environment
    assert beats == bool(heard())


def test_the_manager_hears_of_the_start_and_of_the_end_and_one_that_is_gone_stops_nobody(
    manager, tmp_path, caplog
):
    address, heard = manager
    for heartbeat in (Heartbeat(address), Heartbeat(None), Heartbeat(str(tmp_path / "gone"))):
        heartbeat.ready("http://127.0.0.1:4141")
        heartbeat.stopping()

    assert ["READY=1\nSTATUS=Serving http://127.0.0.1:4141", "STOPPING=1\nSTATUS=Stopping"] == heard()
    assert 1 == len(caplog.records)  # told once


async def test_nothing_beats_where_nobody_listens():
    async def never():
        raise AssertionError("asked")

    await beat(Heartbeat(None, patience_s=0.03), never, seconds=0.1)
