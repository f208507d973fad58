"""The daemon's port, as those who connect to it find it."""

import asyncio
import socket

import pytest

from daemon.errors import PortInUse
from daemon.lifecycle.listen import listen, listen_on_both


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_answer_in_two_pieces_does_not_wait_for_the_first_to_be_acknowledged(host):
    """Nagle's algorithm holds the second piece back, and the other side waits 40 ms before it acknowledges."""
    seen = asyncio.get_running_loop().create_future()

    async def accepted(_, writer):
        taken = writer.get_extra_info("socket")
        seen.set_result(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    try:
        listening = listen(host, 0)
    except OSError:
        pytest.skip("no such address here")
    async with await asyncio.start_server(accepted, sock=listening):
        _, writer = await asyncio.open_connection(host, listening.getsockname()[1])
        is_set = await asyncio.wait_for(seen, 5)
        writer.close()

    assert is_set


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_both_loopback_addresses_are_listened_on_at_one_port(host):
    sockets = listen_on_both(host, 0)
    ports = {one.getsockname()[1] for one in sockets}
    reached = []
    for address in ("127.0.0.1", "::1"):
        try:
            socket.create_connection((address, *ports), timeout=5).close()
            reached.append(address)
        except OSError:
            if address == "::1" and not socket.has_ipv6:
                pytest.skip("no IPv6 here")
    for one in sockets:
        one.close()

    assert (1, ["127.0.0.1", "::1"][: len(sockets)]) == (len(ports), reached)


def test_a_port_that_another_program_has_on_the_other_address_is_left_to_it():
    try:
        taken = listen("::1", 0)
    except OSError:
        pytest.skip("no IPv6 here")
    port = taken.getsockname()[1]
    (alone,) = listen_on_both("127.0.0.1", port)
    with pytest.raises(PortInUse):
        listen_on_both("::1", port)
    alone.close(), taken.close()
