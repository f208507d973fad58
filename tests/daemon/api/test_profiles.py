"""Requests of people who have a profile: theirs alone, whole, and told when their daemon can't answer."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import httpx
import openai
import pytest

from daemon.client.proven_connection import proof
from daemon.config import api_keys
from daemon.errors import ProfileUnusable
from daemon.home import Home
from daemon.profiles import registry
from daemon.profiles.daemons import Daemons, Place, command
from store import users
from tests.daemon.api.world import KEY, serving
from tests.fakes import FakeEngine

TEXTS = "select text from messages order by id"
ANNA = {"x-openwebui-user-id": "a1"}
BODY = {"model": "tsubasa", "messages": [{"role": "user", "content": "I live in Ghent."}]}


class Elsewhere(Daemons):
    """The daemons of profiles, where a test says."""

    def __init__(self, urls, services):
        super().__init__(services.home, services.settings, partial(command, services.settings, "none"))
        self.urls, self.waited = urls, []

    async def served(self, name):
        registry.find(self._home, name)
        if self.urls.get(name) is None:
            raise ProfileUnusable(name, "no model file at /nowhere")
        return Place(self.urls[name], KEY)

    async def gone(self, name):
        self.waited.append(name)


@asynccontextmanager
async def two_people(tmp_path, engine=None):
    """The main person's daemon and Anna's."""
    for name in ("main", "anna"):
        (tmp_path / name).mkdir()
    async with serving(tmp_path / "anna", engine, users="*") as anna:
        urls = {"anna": anna.url}
        async with serving(tmp_path / "main", profiles=partial(Elsewhere, urls)) as main:
            registry.add(main.services.home, "anna", ["a1", "anna@example.org"])
            yield main, anna


@pytest.mark.parametrize(
    ("headers", "more"),
    [
        (ANNA, {}),
        ({"x-openwebui-user-id": "unknown", "x-openwebui-user-email": "anna@example.org"}, {}),
        ({}, {"user": "a1"}),
        ({}, {"safety_identifier": "a1"}),
        ({}, {"user": "the app's own id", "metadata": {"user_id": "a1"}}),
    ],
)
async def test_what_a_person_with_a_profile_says_is_in_their_store_alone(tmp_path, headers, more):
    async with two_people(tmp_path) as (main, anna):
        mine = await main.http.post("/v1/chat/completions", json=BODY | {"user": "me"})
        theirs = await main.http.post("/v1/chat/completions", json=BODY | more, headers=headers)
        kept = [await world.rows(TEXTS) for world in (main, anna)]
        again = await main.http.post("/v1/chat/completions", json=BODY | {"user": "me"})
        told = (await main.http.get("/tsubasa/status")).json()["attention"]

    assert (200, 200, 200) == (mine.status_code, theirs.status_code, again.status_code)
    assert "Hello." == theirs.json()["choices"][0]["message"]["content"]
    assert [("I live in Ghent.",), ("Hello.",)] == kept[0] == kept[1]
    assert again.json()["tsubasa"]["kept"] and [] == told


async def test_memories_of_one_are_neither_listed_nor_recalled_nor_exported_for_the_other(tmp_path):
    async with two_people(tmp_path) as (main, anna):
        await main.remember("The user lives in Ghent.")
        await anna.remember("The user lives in Oslo.")
        asked = BODY | {"messages": [{"role": "user", "content": "Where do I live?"}]}
        found = [
            [
                (await main.http.get("/tsubasa/memories", headers=who)).text,
                (await main.http.get("/tsubasa/export", headers=who)).text,
                (await main.http.post("/v1/chat/completions", json=asked, headers=who)).text,
                (await main.http.post("/tsubasa/forget/preview", json={"memories": [1]}, headers=who)).text,
            ]
            for who in ({}, ANNA)
        ]
        prompts = [str(world.engine.requests) for world in (main, anna)]

    assert [("Ghent" in text, "Oslo" in text) for text in found[0]][:2] == [(True, False)] * 2
    assert [("Ghent" in text, "Oslo" in text) for text in found[1]][:2] == [(False, True)] * 2
    assert all("Oslo" not in text for text in (*found[0], prompts[0]))
    assert all("Ghent" not in text for text in (*found[1], prompts[1]))
    assert "Ghent" in prompts[0] and "Oslo" in prompts[1]


async def test_a_stream_with_tools_and_the_official_client_is_as_it_would_be_without_a_daemon_between(
    tmp_path,
):
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    async with two_people(tmp_path) as (main, anna):
        found = []
        for url in (anna.url, main.url):
            client = openai.AsyncOpenAI(
                base_url=f"{url}/v1",
                api_key=KEY,
                max_retries=0,
                http_client=httpx.AsyncClient(trust_env=False),
            )
            said = await client.chat.completions.create(
                model="tsubasa",
                messages=[{"role": "user", "content": "hi"}],
                tools=tools,
                stream=True,
                stream_options={"include_usage": True},
                user="a1",
            )
            chunks = [chunk async for chunk in said]
            found.append(
                [(c.choices[0].delta.content if c.choices else c.usage.total_tokens) for c in chunks]
            )
            await client.close()

    assert found[0] == found[1]
    assert "Hello." == "".join(one for one in found[1] if isinstance(one, str))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"model": "tsubasa"}),
        ("/v1/chat/completions", BODY | {"model": "tsubasa@9"}),
        ("/v1/messages", {"model": "tsubasa", "messages": 7}),
        ("/api/chat", {"model": 7}),
        ("/v1/nothing", {}),
    ],
)
async def test_a_refusal_is_as_it_would_be_without_a_daemon_between(tmp_path, path, body):
    async with two_people(tmp_path) as (main, anna):
        found = [await world.http.post(path, json=body, headers=ANNA) for world in (anna, main)]

    assert found[0].status_code == found[1].status_code >= 400
    assert found[0].json() == found[1].json()


@pytest.mark.parametrize(
    "path", ["/v1/models/ts%20ubasa%2Fé%3F", "/tsubasa/messages?text=a%26b%20c", "/v1//models/"]
)
async def test_an_address_arrives_as_it_was_sent(tmp_path, path):
    async with two_people(tmp_path) as (main, anna):
        await anna.chat("a&b c")
        found = [await world.http.get(path, headers=ANNA) for world in (anna, main)]

    assert found[0].status_code == found[1].status_code and found[0].json() == found[1].json()


async def test_a_key_of_a_profile_is_that_persons_whatever_user_is_named(tmp_path):
    async with two_people(tmp_path) as (main, anna):
        await main.remember("The user lives in Ghent.")
        await anna.remember("The user lives in Oslo.")
        key = api_keys.make(main.services.home, "phone", ["chat", "read"], profile="anna")
        shown = {"authorization": f"Bearer {key}", "x-openwebui-user-id": "me"}
        listed = (await main.http.get("/tsubasa/memories", headers=shown)).text
        asked = await main.http.post("/v1/chat/completions", json=BODY, headers=shown)
        status = await main.http.get("/tsubasa/keys", headers=shown)
        main.services.home.profiles.unlink()
        gone = await main.http.get("/tsubasa/memories", headers=shown)
        kept = await main.rows(TEXTS)

    assert ("Oslo" in listed, "Ghent" in listed) == (True, False)
    assert (200, 403, 403) == (asked.status_code, status.status_code, gone.status_code)
    assert "Ghent" not in gone.text and [] == kept


async def test_what_only_the_owner_may_do_is_about_this_home_and_stays_here(tmp_path):
    async with two_people(tmp_path) as (main, anna):
        wanted = {"name": "editor", "may": ["chat"]}
        found = (await main.http.post("/tsubasa/keys", json=wanted, headers=ANNA)).status_code
        made = [[one.name for one in api_keys.listed(world.services.home)] for world in (main, anna)]
        health = (await main.http.get("/health", headers=ANNA)).status_code
        listed = (await main.http.get("/tsubasa/profiles")).json()["profiles"]

    assert (200, 200, [["editor"], []]) == (found, health, made)
    assert [("anna", ["a1", "anna@example.org"], None)] == [(o["name"], o["users"], o["pid"]) for o in listed]
    assert not anna.engine.requests


@pytest.mark.parametrize(
    ("path", "shape"),
    [("/v1/chat/completions", "error"), ("/v1/messages", "error"), ("/api/chat", "error")],
)
async def test_a_profile_that_does_not_start_is_a_503_with_the_reason_and_the_main_person_is_answered(
    tmp_path, path, shape
):
    async with serving(tmp_path, profiles=partial(Elsewhere, {})) as main:
        registry.add(main.services.home, "anna", ["a1"])
        refused = await main.http.post(path, json=BODY | {"max_tokens": 9}, headers=ANNA)
        mine = await main.chat("hi")

    assert (503, "5", 200) == (refused.status_code, refused.headers["retry-after"], mine.status_code)
    assert shape in refused.json() and "no model file at /nowhere" in refused.text


async def test_users_of_two_profiles_in_one_request_are_refused(tmp_path):
    async with two_people(tmp_path) as (main, anna):
        registry.add(main.services.home, "ben", ["b1"])
        refused = await main.http.post(
            "/v1/chat/completions", json=BODY, headers={**ANNA, "x-librechat-user-id": "b1"}
        )

    assert (400, "several_users") == (refused.status_code, refused.json()["error"]["code"])
    assert not anna.engine.requests and not main.engine.requests


async def test_a_list_of_profiles_that_is_broken_answers_nobody_who_is_named(tmp_path):
    async with two_people(tmp_path) as (main, anna):
        main.services.home.profiles.write_text("{")
        named = await main.http.post("/v1/chat/completions", json=BODY, headers=ANNA)
        unnamed = await main.chat("hi")
        kept = await main.rows(TEXTS)

    assert (500, 200) == (named.status_code, unnamed.status_code)
    assert "profiles.json" in named.json()["error"]["message"]
    assert [("hi",), ("Hello.",)] == kept


async def test_a_client_that_leaves_stops_the_engine_of_the_profile(tmp_path):
    engine = FakeEngine()
    engine.go_on = asyncio.Event()
    async with two_people(tmp_path, engine) as (main, anna):
        asking = BODY | {"stream": True}
        async with main.http.stream("POST", "/v1/chat/completions", json=asking, headers=ANNA) as answer:
            await answer.aiter_lines().__anext__()
            is_closed = main.services.gate.answering
        async with asyncio.timeout(5):
            await engine.cancelled.wait()
            while main.services.gate.answering:
                await asyncio.sleep(0.01)

    assert 1 == is_closed


@asynccontextmanager
async def breaking_off(said):
    """A server that proves that it knows the key, then says so much of an answer and is gone."""

    async def serve(reader, writer):
        asked = await reader.readuntil(b"\r\n\r\n")
        challenge = asked.split(b" ")[1].rpartition(b"/")[2].decode()
        shown = proof(KEY, challenge, *writer.get_extra_info("sockname")[:2])
        body = json.dumps({"proof": shown}, separators=(",", ":")).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def chunked(kind, *pieces):
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


@pytest.mark.parametrize(
    ("path", "kind", "pieces", "last"),
    [
        ("/v1/chat/completions", "text/event-stream", [b'data: {"a": 1}\n\n', b'data: {"b'], "data: {"),
        ("/v1/messages", "text/event-stream", [b"event: ping\ndata: {}\n\n", b"event: x\n"], "event: error"),
        ("/v1/responses", "text/event-stream", [b"event: a\ndata: {}\n"], "event: error"),
        ("/api/chat", "application/x-ndjson", [b'{"done": false}\n', b'{"do'], '{"error"'),
    ],
)
async def test_a_stream_that_breaks_off_ends_in_an_error_that_can_be_read(tmp_path, path, kind, pieces, last):
    async with (
        breaking_off(chunked(kind, *pieces)) as url,
        serving(tmp_path, profiles=partial(Elsewhere, {"anna": url})) as main,
    ):
        registry.add(main.services.home, "anna", ["a1"])
        answer = await main.http.post(path, json=BODY, headers=ANNA)

    lines = [line for line in answer.text.splitlines() if line]
    told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith(("data: {", "{"))]
    assert 200 == answer.status_code
    assert any(line.startswith(last) for line in lines)
    assert "The profile 'anna' can't answer" in str(told[-1]) and "do" + '{"' not in answer.text


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"]
)
async def test_an_answer_that_breaks_off_before_anything_was_handed_on_is_a_503(tmp_path, said):
    async with (
        breaking_off(said) as url,
        serving(tmp_path, profiles=partial(Elsewhere, {"anna": url})) as main,
    ):
        registry.add(main.services.home, "anna", ["a1"])
        answer = await main.http.post("/v1/chat/completions", json=BODY, headers=ANNA)

    assert (503, "profile_unusable") == (answer.status_code, answer.json()["error"]["code"])


async def test_who_took_the_port_of_a_profiles_daemon_is_told_nothing_and_it_is_asked_again(tmp_path):
    heard = []

    async def thief(reader, writer):
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(thief, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, serving(tmp_path, profiles=partial(Elsewhere, {"anna": url})) as main:
        registry.add(main.services.home, "anna", ["a1"])
        answer = await main.http.post("/v1/chat/completions", json=BODY, headers=ANNA)
        waited = main.services.profiles.waited

    assert (503, ["anna"]) == (answer.status_code, waited)
    assert 2 == len(heard) and all(one.startswith(b"GET /tsubasa/identity/") for one in heard)
    assert not any(b"Ghent" in one or KEY.encode() in one for one in heard)


async def test_a_home_without_profiles_answers_another_user_and_says_how_they_get_one(tmp_path):
    async with serving(tmp_path) as world:
        for name in ("me", "it's anna"):
            await world.http.post("/v1/chat/completions", json=BODY | {"user": name})
        (told,) = (await world.http.get("/tsubasa/status")).json()["attention"]

    assert "tsubasa profiles add NAME --user 'it'\"'\"'s anna'" in told["do"]


async def test_who_came_first_and_has_a_profile_now_is_the_home_person_no_more(tmp_path):
    async with serving(tmp_path) as world:
        await world.http.post("/v1/chat/completions", json=BODY | {"user": "a1"})
        registry.add(Home(tmp_path), "anna", ["a1"])
        mine = await world.http.post("/v1/chat/completions", json=BODY | {"user": "me"})
        anna = partial(users.is_home, kind="user", name="a1", also=frozenset(), at=datetime.now(UTC))
        is_home = await world.store_thread.run(partial(anna, elsewhere=frozenset({"a1"})))

    assert (True, False) == (mine.json()["tsubasa"]["kept"], is_home)
