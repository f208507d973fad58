"""
A stand-in of the models' hub: a real HTTP server on a real socket, whose mishaps the tests choose.

As on the real one, `/OWNER/REPO/resolve/main/FILE` states the checksum, and is a redirect to a store of bytes that
serves ranges.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class StandIn:
    """One server. Change its fields to change what it does next."""

    content: bytes
    port: int = 0
    ranges: bool = True
    heeds_condition: bool = True  # whether it looks at If-Range
    length: bool = True  # whether it tells how long the file is
    etag: str | None = '"v1"'
    stated: str | None = ""  # the checksum that it states; "": the right one; None: none
    status: int = 200  # of the store, when not 200
    api_status: int = 200
    packed: bool = False  # whether it says that its lists are compressed
    cut_after: list[int] = field(default_factory=list)  # bytes after which each next answer breaks off
    meanwhile: Callable[[], None] | None = None  # called once, in the middle of the first answer of bytes
    range: str = ""  # of a partial answer, whatever was asked for
    endless: bool = False  # whether it goes on when all was sent
    listed: bytes = b""  # its list of files, word for word
    redirect: str | None = None  # where the store is, instead of here
    files: list[str] = field(default_factory=lambda: ["tiny-Q4_K_M.gguf"])
    asked: list[tuple[str, str]] = field(default_factory=list)  # path and range of each request
    heads: list[str] = field(default_factory=list)  # all headers of each request

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def ranges_asked(self) -> list[str]:
        """Of the requests for bytes."""
        return [asked for path, asked in self.asked if path.startswith("/store/")]

    def list(self) -> bytes:
        """Its list of files, as the hub words it."""
        entries = [{"path": path, "type": "file", "oid": "0" * 40, "size": 1} for path in self.files]
        return self.listed or json.dumps(entries).encode()


@contextmanager
def hub(content: bytes) -> Iterator[StandIn]:
    """A running stand-in that offers `content`."""
    state = StandIn(content)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(state: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers.get("Range", "")))
            state.heads.append(str(self.headers))
            if self.path.startswith("/api/"):
                headers = {"Content-Encoding": "gzip"} if state.packed else {}
                self._answer(state.api_status, headers, state.list())
            elif "/resolve/" in self.path:
                headers = {"Location": state.redirect or "/store/file?signature=secret"}
                if state.stated is not None:
                    headers["X-Linked-Etag"] = f'"{state.stated or state.sha256}"'
                is_there = self.command == "HEAD" and state.redirect is None
                self._answer(200 if is_there else 302, headers, b"")
            else:
                self._store()

        do_HEAD = do_GET

        def _store(self) -> None:
            if state.range:
                status = 416 if "*" in state.range else 206
                return self._answer(status, {"Content-Range": state.range}, state.content)
            if state.status != 200:
                return self._answer(state.status, {}, b"no")
            headers = {"ETag": state.etag} if state.etag else {}
            found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            condition = self.headers.get("If-Range")
            changed = state.heeds_condition and condition and condition != state.etag
            if not state.ranges or not found or changed:
                return self._answer(200, headers, state.content)
            start, total = int(found[1]), len(state.content)
            if start >= total:
                return self._answer(416, {**headers, "Content-Range": f"bytes */{total}"}, b"")
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
            self._answer(206, headers, state.content[start:])

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if state.length or status >= 300:
                self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            if self.command == "HEAD":
                return
            cut = state.cut_after.pop(0) if status in (200, 206) and state.cut_after else len(body)
            half = len(body) // 2
            self.wfile.write(body[: min(cut, half)])
            if state.meanwhile is not None and body is state.content:
                state.meanwhile()
                state.meanwhile = None
            self.wfile.write(body[min(cut, half) : cut])
            while state.endless:
                self.wfile.write(bytes(1 << 20))

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                pass  # the client left in the middle, as some tests do

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
