"""The tools, through the SDK's own client; the daemon behind them answers on a real port."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from mcp import Client as Assistant

from daemon.client.client import Client
from daemon.mcp.server import MAY, make_server
from tests.daemon.api.world import GHENT, KEY, OSLO, moved_house, nothing, serving


@asynccontextmanager
async def tools(folder, prepare, *, wait_s=0.0, may=MAY):
    """The tools as an assistant calls them, and our own client, on a daemon whose store `prepare(world)` filled."""
    async with serving(folder) as world:
        await prepare(world)
        made = make_server(
            lambda shown: Client(world.url, KEY, home=folder, shown=shown),
            version="0",
            wait_s=wait_s,
            may=may,
        )
        async with Assistant(made) as assistant:
            with Client(world.url, KEY, home=folder) as client:
                yield assistant, client


async def call(assistant, tool, **arguments):
    """What a tool answers, or its error as text."""
    told = await assistant.call_tool(tool, arguments)
    return told.content[0].text if told.is_error else told.structured_content


def texts(found):
    return [memory["text"] for memory in found["memories"]]


async def test_the_tools_say_which_of_them_can_destroy(tmp_path):
    async with tools(tmp_path, nothing) as (assistant, _):
        found = {tool.name: tool for tool in (await assistant.list_tools()).tools}
    reading = {name for name, tool in found.items() if tool.annotations.read_only_hint}
    destroying = {name for name, tool in found.items() if tool.annotations.destructive_hint}

    assert {"search_memories", "list_memories", "why", "confirmation_state"} == reading
    assert {"forget_memory", "edit_memory"} == destroying
    assert {"add_memory"} == found.keys() - reading - destroying
    assert all(tool.description for tool in found.values())


async def test_an_assistant_that_may_only_read_has_no_tool_that_changes_anything(tmp_path):
    async with tools(tmp_path, moved_house, may=("read",)) as (assistant, client):
        found = {tool.name for tool in (await assistant.list_tools()).tools}
        refused = await call(assistant, "add_memory", text="The user has a dog.")
        held = await asyncio.to_thread(client.memories)

    assert {"search_memories", "list_memories", "why", "confirmation_state"} == found
    assert "add_memory" in refused
    assert [OSLO] == texts(held)


async def test_memories_are_searched_listed_and_explained(tmp_path):
    async with tools(tmp_path, moved_house) as (assistant, _):
        found = await call(assistant, "search_memories", question="Where does the user live?")
        held = await call(assistant, "list_memories")
        told = await call(assistant, "why", memory_id=2)

    assert [OSLO] == texts(found) == texts(held)
    assert not held["more"]
    assert (OSLO, "holds") == (told["memory"]["text"], told["memory"]["state"])
    assert [GHENT] == [one["text"] for one in told["before"]]
    assert ["I moved from Ghent to Oslo."] == [one["text"] for one in told["messages"]]


async def test_a_long_list_comes_in_parts(tmp_path):
    async with tools(tmp_path, nothing) as (assistant, client):
        for name in ("Anna", "Ben", "Carl"):
            await asyncio.to_thread(client.add, f"The user knows {name}.")
        first = await call(assistant, "list_memories", limit=2)
        rest = await call(assistant, "list_memories", limit=2, after=first["memories"][-1]["id"])

    assert (2, True, 1, False) == (len(first["memories"]), first["more"], len(rest["memories"]), rest["more"])


async def test_what_an_assistant_adds_is_its_word_and_not_the_users(tmp_path):
    async with tools(tmp_path, nothing) as (assistant, client):
        added = await call(assistant, "add_memory", text="The user has a dog.", since="2020-01-01")
        again = await call(assistant, "add_memory", text="the user has a dog")
        held = await asyncio.to_thread(client.memories)

    assert ("2020-01-01", "assistant") == (added["memory"]["since"], added["memory"]["by"])
    assert "memory 1" in again
    assert ["assistant"] == [memory["trust"] for memory in held["memories"]]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("forget_memory", {"memory_ids": [2]}),
        ("edit_memory", {"memory_id": 2, "text": "The user lives in Rome."}),
    ],
)
async def test_nothing_is_destroyed_without_a_persons_word(tmp_path, tool, arguments):
    async with tools(tmp_path, moved_house) as (assistant, client):
        asked = await call(assistant, tool, **arguments)
        later = await call(assistant, "confirmation_state", id=asked["id"])
        (waiting,) = (await asyncio.to_thread(client.confirmations))["confirmations"]
        held = await asyncio.to_thread(client.memories)

    assert asked == later
    assert ("waiting", True) == (asked["state"], "tsubasa confirm" in asked["means"])
    assert (asked["id"], "mcp (by MCP)") == (waiting["id"], waiting["asked_by"])
    assert [OSLO] == texts(held)


@pytest.mark.parametrize(("allow", "state", "left"), [(True, "done", []), (False, "refused", [OSLO])])
async def test_a_call_that_waits_hears_what_the_person_said(tmp_path, allow, state, left):
    async with tools(tmp_path, moved_house, wait_s=20.0) as (assistant, client):
        asking = asyncio.create_task(call(assistant, "forget_memory", memory_ids=[2]))
        waiting = []
        while not waiting:
            waiting = (await asyncio.to_thread(client.confirmations))["confirmations"]
        await asyncio.to_thread(client.confirm, waiting[0]["id"], allow)
        told, held = await asking, await call(assistant, "list_memories")

    assert (state, left) == (told["state"], texts(held))


async def test_an_edit_that_was_allowed_names_the_memory_that_holds_now(tmp_path):
    async with tools(tmp_path, moved_house) as (assistant, client):
        asked = await call(assistant, "edit_memory", memory_id=2, text="The user lives in Oslo, Norway.")
        await asyncio.to_thread(client.confirm, asked["id"], True)
        told = await call(assistant, "confirmation_state", id=asked["id"])

    assert ("done", 3) == (told["state"], told["memory_id"])


@pytest.mark.parametrize(
    ("tool", "arguments", "why"),
    [
        ("why", {"memory_id": 99}, "There is no memory 99"),
        ("why", {"memory_id": 0}, "greater than or equal to 1"),
        ("why", {"memory_id": "one"}, "valid integer"),
        ("search_memories", {}, "Field required"),
        ("forget_memory", {"memory_ids": []}, "at least 1 item"),
        ("forget_memory", {"memory_ids": [99]}, "There is no memory 99"),
        ("edit_memory", {"memory_id": 2, "text": "   "}, "needs the text"),
        ("add_memory", {"text": "?"}, "there is no word in it"),
        ("add_memory", {"text": "x", "since": "soon"}, "valid date"),
        ("confirmation_state", {"id": "../status"}, "match pattern"),
        ("confirmation_state", {"id": "12345678"}, "There is no confirmation"),
        ("list_memories", {"limit": 0}, "greater than or equal to 1"),
        ("sing", {}, "Unknown tool"),
    ],
    ids=str,
)
async def test_a_mistake_is_told_in_words(tmp_path, tool, arguments, why):
    async with tools(tmp_path, moved_house) as (assistant, _):
        told = await call(assistant, tool, **arguments)

    assert isinstance(told, str) and why in told
    assert 1 == len(told.splitlines()) and "https://" not in told


async def test_without_a_daemon_each_call_says_how_to_start_one(tmp_path):
    made = make_server(lambda _: Client("http://127.0.0.1:9", KEY, home=tmp_path), version="0")
    async with Assistant(made) as assistant:
        found = await call(assistant, "list_memories")

    assert "Start it with: tsubasa up" in found
