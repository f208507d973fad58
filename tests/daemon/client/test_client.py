"""Our own client, where something else than our daemon answers."""

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from daemon.client.client import Client
from daemon.errors import DaemonError, NoSuchConfirmation, NotAnsweredYet, Refused


@contextmanager
def other_program(answer):
    """Another program on the port: it answers everything with 200 and `answer`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("answer", [b"<html>It works!</html>", b"[1]", b"\xff"])
@pytest.mark.parametrize(
    "ask", [Client.status, Client.tend, lambda client: list(client.chat([]))], ids=["get", "post", "chat"]
)
def test_another_program_on_the_port_is_named_as_the_reason(tmp_path, answer, ask):
    with (
        other_program(answer) as url,
        Client(url, "key", home=tmp_path) as client,
        pytest.raises(Refused, match="is another program on its port"),
    ):
        ask(client)


def test_an_answer_that_does_not_come_is_not_told_as_a_daemon_that_is_gone(tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Client(f"http://127.0.0.1:{silent.getsockname()[1]}", "key", home=tmp_path, patience_s=0.2) as client,
        pytest.raises(NotAnsweredYet, match=r"has not answered within 0\.2 s\. It may be at work"),
    ):
        client.status()


@pytest.mark.parametrize(
    ("typed", "why"), [("x" * 100_000, "too long for one question"), ("\udcff", "bytes that are no text")]
)
def test_a_search_that_fits_into_no_address_is_told_in_one_line(tmp_path, typed, why):
    with Client("http://127.0.0.1:1", "key", home=tmp_path) as client, pytest.raises(DaemonError, match=why):
        client.memories(search=typed)


@pytest.mark.parametrize("id", ["", "..", "a/b", "1\x1b[31m", "\udcff", "?"])
def test_a_confirmation_whose_id_can_be_none_is_not_asked_for(tmp_path, id):
    with Client("http://127.0.0.1:1", "key", home=tmp_path) as client:
        for ask in (client.confirmation, lambda id: client.confirm(id, True)):
            with pytest.raises(NoSuchConfirmation):
                ask(id)
