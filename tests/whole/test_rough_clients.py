"""A real daemon on nano and clients that are broken, rude or gone: others keep their words, and nothing breaks."""

import json
import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.whole.house import NANO, Daemon, wait_for

CHAT = "/v1/chat/completions"
PATHS = (CHAT, "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings", "/api/chat", "/tokenize")
ASKED = {
    "model": "tsubasa:private",
    "messages": [{"role": "user", "content": "Hi!"}],
    "max_tokens": 60,
    "temperature": 0,
    "ignore_eos": True,
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    made = Daemon(tmp_path_factory.mktemp("home"), NANO, recall="false", max_body_mb="8", log_level="warning")
    made.log = tmp_path_factory.mktemp("log") / "daemon.log"
    made.start(by_meaning=False)
    yield made
    made.stop()


@pytest.fixture
def http(daemon):
    headers = {"authorization": f"Bearer {daemon.key}", "content-type": "application/json"}
    with httpx.Client(
        base_url=str(daemon.running["url"]), headers=headers, trust_env=False, timeout=300
    ) as made:
        yield made


def words(http):
    """The answer that everybody gets who asks alone."""
    return http.post(CHAT, json=ASKED).json()["choices"][0]["message"]["content"]


def connected(daemon):
    return socket.create_connection(("127.0.0.1", int(daemon.running["port"])), timeout=60)


def head(daemon, length, path=CHAT):
    return (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {daemon.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


def anonymous_mb(pid):
    """Memory of the daemon itself that is no file's."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1000


def broken(chance: random.Random) -> Any:
    """A value that nobody expects in its place."""
    kinds = [
        None,
        True,
        -1,
        1e308,
        10**30,
        "",
        "x" * 3000,
        "\ud800",
        "a\0b",
        [],
        {},
        [[]],
        [None],
        [{}],
        {"": {}},
    ]
    return chance.choice(kinds)


def malformed(number: int) -> bytes:
    """A body with a fault of its own; the same for the same number."""
    chance = random.Random(number)
    body = {**ASKED, "prompt": "a", "input": "a", "content": "a", "stream": bool(number % 2)}
    kind = number % 5
    if kind == 0:
        return json.dumps(body).encode()[: chance.randrange(1, 90)]
    if kind == 1:
        data = bytearray(json.dumps(body).encode())
        for _ in range(4):
            data[chance.randrange(len(data))] = chance.randrange(128, 256)
        return bytes(data)
    if kind == 2:
        return b"[" * chance.choice([1, 1000, 100_000])
    for _ in range(2):
        body[chance.choice(list(body))] = broken(chance)
    if kind == 3:
        body["messages"] = [{"role": "user", "content": broken(chance), "tool_calls": broken(chance)}]
    return json.dumps(body).encode()


def test_two_hundred_malformed_bodies_are_each_answered_and_none_is_our_fault(daemon, http):
    found = {}
    for number in range(200):
        path = PATHS[number % len(PATHS)]
        reply = http.post(path, content=malformed(number))
        found[number] = (path, reply.status_code)
        if reply.status_code >= 400:
            told = reply.json()["error"]
            message = told if isinstance(told, str) else told["message"]
            assert message and "Traceback" not in message and "\n" not in message

    assert {} == {number: one for number, one in found.items() if one[1] >= 500}
    assert 80 < sum(status >= 400 for _, status in found.values())


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"], ids=ascii)
@pytest.mark.parametrize("path", PATHS)
def test_half_a_character_is_refused_by_name_whatever_the_route(http, path, text):
    body = {**ASKED, "prompt": text, "input": text, "content": text}
    reply = http.post(path, content=json.dumps({**body, "messages": [{"role": "user", "content": text}]}))

    assert 400 == reply.status_code
    assert "surrogate" in reply.text


def test_a_hundred_megabytes_are_refused_and_take_no_memory(daemon, http):
    before = anonymous_mb(daemon.running["pid"])
    sent = 0
    with connected(daemon) as client:
        client.sendall(head(daemon, 100 * 2**20))
        try:
            for _ in range(100):
                client.sendall(b" " * 2**20)
                sent += 1
            answer = client.recv(4000)
        except (ConnectionResetError, BrokenPipeError):
            answer = b"413"  # it hung up before all had come

    assert b"413" in answer
    assert anonymous_mb(daemon.running["pid"]) < before + 40
    assert words(http)


def test_clients_that_vanish_or_read_nothing_cost_the_others_nothing(daemon, http):
    alone = words(http)
    long = json.dumps({**ASKED, "stream": True, "max_tokens": 1500}).encode()
    held = []
    for number in range(12):
        client = connected(daemon)
        client.sendall(head(daemon, len(long)) + (long if number % 3 else long[:20]))
        held.append(client)
    heard = words(http)
    for client in held[::2]:
        client.close()
    again = words(http)
    for client in held[1::2]:
        client.close()
    wait_for(lambda: "\ntsubasa_engine_running 0\n" in http.get("/metrics").text, seconds=60)

    assert [alone, alone] == [heard, again]


def test_a_hundred_at_once_get_each_their_answer_or_are_told_when_to_come_back(daemon, http):
    alone = words(http)
    start = threading.Barrier(100)

    def ask(_: int) -> tuple[int, str]:
        with httpx.Client(trust_env=False, timeout=600) as client:
            start.wait()
            reply = client.post(f"{daemon.running['url']}{CHAT}", json=ASKED, headers=dict(http.headers))
        if reply.status_code == 429:
            return 429, reply.headers["retry-after"]
        return reply.status_code, reply.json()["choices"][0]["message"]["content"]

    with ThreadPoolExecutor(100) as pool:
        found = list(pool.map(ask, range(100)))

    assert {200, 429} >= {status for status, _ in found}
    assert {alone} == {text for status, text in found if status == 200}
    assert 72 <= sum(status == 200 for status, _ in found)
    assert all(int(text) > 0 for status, text in found if status == 429)


def test_the_log_has_no_traceback_and_the_daemon_still_answers(daemon, http):
    said = daemon.log.read_text()

    assert "Traceback" not in said and "ERROR" not in said, said[-3000:]
    assert "ok" == http.get("/health").json()["status"]
