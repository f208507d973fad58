"""Who may talk to the daemon: the gate, tried from outside."""

import hashlib
import time

import pytest

from daemon.api.security import FREE_GUESSES, LONGEST_HOLD_S, Guesses, is_this_machine
from tests.daemon.api.world import KEY, serving

BODY = {"messages": [{"role": "user", "content": "hi"}]}


async def statuses(tmp_path, *requests, **config):
    """The (status, code) of each request: method, path, headers, content."""

    found = []
    async with serving(tmp_path, **config) as world:
        for method, path, headers, content in requests:
            reply = await world.http.request(method, path, headers=headers, content=content)
            error = reply.json().get("error") if "json" in reply.headers["content-type"] else {}
            found.append((reply.status_code, (error or {}).get("code")))
            assert reply.headers["x-request-id"]
    return found


OURS = "//localhost //localhost:4141 //LOCALHOST:4141 //127.0.0.1:4141 //[::1]:4141 http://localhost:3000"
OTHERS = (
    "//notlocalhost //localhost.evil.com //evil.com //192.168.1.7 //0.0.0.0 //localhost:x //user@localhost"
)
OTHERS += " //localhost/path // null //[::1"


@pytest.mark.parametrize("url", [*OURS.split(), *OTHERS.split()])
def test_only_loopback_names_are_this_machine(url):
    assert (url in OURS.split()) is is_this_machine(url)


async def test_foreign_hosts_and_pages_are_refused(tmp_path):
    found = await statuses(
        tmp_path,
        ("GET", "/v1/models", {"host": "evil.com"}, None),
        ("GET", "/health", {"host": "rebound.evil.com:4141"}, None),
        ("GET", "/v1/models", {"origin": "https://evil.com"}, None),
        ("GET", "/v1/models", {"origin": "null"}, None),
        ("OPTIONS", "/v1/chat/completions", {"origin": "https://evil.com"}, None),
        ("GET", "/v1/models", {"sec-fetch-site": "cross-site"}, None),
        ("GET", "/v1/models", {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"}, None),
        ("GET", "/v1/models", {"host": "localhost:4141"}, None),
    )

    assert [(403, "host_refused")] * 2 + [(403, "origin_refused")] * 4 + [(200, None)] * 2 == found


async def test_the_key_is_needed_everywhere_but_for_health(tmp_path):
    wrong = {"authorization": "Bearer wrong"}
    found = await statuses(
        tmp_path,
        ("GET", "/health", wrong, None),
        ("GET", "/v1/health", wrong, None),
        ("GET", "/v1/models", wrong, None),
        ("GET", "/tsubasa/status", {"authorization": f"Basic {KEY}"}, None),
        ("GET", "/no/such/path", wrong, None),
        ("POST", "/v1/chat/completions", {"authorization": "Bearer ä".encode("latin-1")}, b"{}"),
        ("GET", "/v1/models", {"authorization": "", "x-api-key": KEY}, None),
        ("GET", "/v1/models", {"authorization": f"bearer  {KEY}"}, None),
    )

    assert [(200, None)] * 2 + [(401, "invalid_api_key")] * 4 + [(200, None)] * 2 == found


async def test_only_json_is_taken(tmp_path):
    found = await statuses(
        tmp_path,
        ("POST", "/v1/chat/completions", {"content-type": "text/plain"}, b"{}"),
        ("POST", "/tsubasa/night", {"content-type": ""}, b"{}"),
        ("POST", "/v1/chat/completions", {"content-type": "application/json; charset=utf-8"}, b"nope"),
    )

    assert [(415, "unsupported_media_type")] * 2 + [(400, "invalid_json")] == found


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 3 * 1024 * 1024])
async def test_a_body_over_the_limit_is_a_413(tmp_path, size):
    json_type = {"content-type": "application/json"}

    assert [(413, "request_too_large")] == await statuses(
        tmp_path, ("POST", "/v1/chat/completions", json_type, b" " * size), max_body_mb=1
    )


async def test_a_body_at_the_limit_is_read_whole(tmp_path):
    text = "x" * (1024 * 1024 - 200)

    async with serving(tmp_path, max_body_mb=1) as world:
        await world.chat(text, model="tsubasa:private")
        found = world.engine.requests[0]["messages"][0]["content"]

    assert hashlib.sha256(text.encode()).digest() == hashlib.sha256(found.encode()).digest()


async def test_every_error_has_the_one_shape(tmp_path):
    async with serving(tmp_path) as world:
        replies = [
            await world.http.get("/no/such/path"),
            await world.http.get("/v1/chat/completions"),
            await world.http.post("/tsubasa/forget", json={"memories": "all"}),
            await world.http.post("/tsubasa/forget", json={"memories": [99]}),
            await world.http.get("/tsubasa/memories/99"),
            await world.http.get("/tsubasa/memories/ninety"),
            await world.http.get("/v1/models/nope"),
        ]

    assert [404, 405, 400, 404, 404, 400, 404] == [reply.status_code for reply in replies]
    shape = {"message", "type", "param", "code"}
    assert all(shape == reply.json()["error"].keys() for reply in replies)


async def test_routes_are_there_with_and_without_v1(tmp_path):
    names = ["tsubasa", "tsubasa:base", "tsubasa:private", "tsubasa@0"]
    async with serving(tmp_path) as world:
        found = [
            (await world.http.post("/chat/completions", json=BODY)).status_code,
            (await world.http.get("/models")).status_code,
            (await world.http.get("/models/tsubasa:base")).json()["id"],
            [one["id"] for one in (await world.http.get("/v1/models")).json()["data"]],
        ]

    assert [200, 200, "tsubasa:base", names] == found


async def test_each_further_guess_at_the_key_is_answered_later_up_to_a_limit():
    now, held = [0.0], []

    async def sleep(seconds):
        held.append(seconds)

    guesses = Guesses(clock=lambda: now[0], sleep=sleep)
    for _ in range(FREE_GUESSES):
        await guesses.hold("127.0.0.1:1")
    free = list(held)
    for _ in range(12):
        await guesses.hold("127.0.0.1:1")
    now[0] = 61.0
    before = len(held)
    await guesses.hold("127.0.0.1:1")

    assert [] == free
    assert held == sorted(held) and held[0] < 1 and held[-1] == LONGEST_HOLD_S
    assert before == len(held)  # a minute later it is a new one


async def test_guesses_at_the_key_are_slowed_and_logged_without_the_key_and_right_ones_are_not(
    tmp_path, caplog
):
    guess = {"authorization": "Bearer tsu-a-guess"}
    async with serving(tmp_path) as world:
        for _ in range(FREE_GUESSES):
            await world.http.get("/v1/models", headers=guess)
        began = time.monotonic()
        reply = await world.http.get("/v1/models", headers=guess)
        took = time.monotonic() - began
        right = await world.http.get("/health"), await world.http.get("/v1/models")

    told = [record.getMessage() for record in caplog.records if "wrong API key" in record.getMessage()]
    assert ([200, 200], 401) == ([one.status_code for one in right], reply.status_code)
    assert 1 == len(told) and "127.0.0.1" in told[0]
    assert "guess" not in caplog.text and KEY not in caplog.text
    assert took >= 0.1
