"""The daemon's port, as those who connect to it find it."""

import asyncio
import socket

import pytest

from daemon.lifecycle.listen import listen


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
