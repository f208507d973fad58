"""The server of the daemon, as its clients meet it."""

from daemon.client.transport import POOL
from daemon.http_server import IDLE_S, Server


async def nothing() -> None:
    return None


def test_a_connection_is_kept_longer_than_our_client_keeps_it_so_that_none_asks_into_its_end():
    server = Server(lambda *_: nothing(), on_serving=lambda: None, on_leaving=nothing)

    assert server.config.timeout_keep_alive == IDLE_S > POOL["keepalive_expiry"]
