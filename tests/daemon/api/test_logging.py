"""Pausing the logging, from outside: nothing of a chat is kept, and it can be seen that nothing is."""

import asyncio

import pytest

from tests.daemon.api.world import moved_house, nothing, scene, serving
from tests.fakes import FakeEngine

MESSAGES = "select role, text from messages order by id"


async def switch(world, **body):
    return (await world.http.post("/tsubasa/logging", json=body)).raise_for_status().json()


async def thinking(world):
    return (await world.http.get("/tsubasa/status")).json()["thinking"]


def user(text):
    return {"role": "user", "content": text}


def goes_on(first):
    """The turns of a chat that began with `first` and goes on."""
    return user(first), {"role": "assistant", "content": "Hello."}, user("and now?")


async def is_kept(world, *messages):
    return (await world.chat(messages=messages)).json()["tsubasa"]["kept"]


async def test_a_pause_is_told_by_the_status_and_outlives_a_restart(tmp_path):
    def act(client):
        return client.logging(on=False), client.status()["logging"]

    paused, told = await scene(tmp_path, nothing, act)
    after = await scene(tmp_path, nothing, lambda client: client.status()["logging"])
    resumed = await scene(tmp_path, nothing, lambda client: client.logging(on=True))

    assert [{"on": False, "until": None}] * 3 == [paused, told, after]
    assert {"on": True, "until": None} == resumed


async def test_nothing_is_kept_or_recalled_while_logging_is_paused(tmp_path):
    async with serving(tmp_path) as world:
        await moved_house(world)
        before = await world.rows(MESSAGES)
        await switch(world, on=False)
        told = (await world.chat("Where does the user live?")).json()["tsubasa"]
        after = await world.rows(MESSAGES)

    assert (False, []) == (told["kept"], told["memories"])
    assert ["user"] == [message["role"] for message in world.engine.requests[-1]["messages"]]
    assert before == after


async def test_what_was_said_in_a_pause_does_not_come_back_with_the_history(tmp_path):
    async with serving(tmp_path) as world:
        await switch(world, on=False)
        await world.chat("my secret")
        await switch(world, on=True)
        kept = [await is_kept(world, *goes_on("my secret")), await is_kept(world, user("something else"))]
        rows = await world.rows(MESSAGES)

    assert [False, True] == kept
    assert [("user", "something else"), ("assistant", "Hello.")] == rows


async def test_models_asked_side_by_side_with_the_base_keep_their_chat(tmp_path):
    async with serving(tmp_path) as world:
        for model in ("tsubasa", "tsubasa:base"):
            await world.chat("hi", model=model)
        assert await is_kept(world, *goes_on("hi"))


@pytest.mark.parametrize(("model", "off"), [("tsubasa", 0), ("tsubasa:private", 1)])
async def test_the_status_tells_that_an_answer_is_under_way(tmp_path, model, off):
    engine = FakeEngine("Once ", "upon a time")
    engine.go_on = asyncio.Event()
    async with serving(tmp_path, engine) as world:
        asking = asyncio.create_task(world.chat(model=model))
        await engine.spoke.wait()
        meanwhile = await thinking(world)
        engine.go_on.set()
        await asking
        after = await thinking(world)

    assert {"answers": 1, "off_the_record": off} == meanwhile
    assert {"answers": 0, "off_the_record": 0} == after


@pytest.mark.parametrize(
    "asked",
    [
        {"model": "tsubasa:Private"},
        {"model": "openai/tsubasa:private"},
        {"model": "gpt-4o"},
        {"model": ""},
        {"store": False},
        {"model": "tsubasa@0", "store": False},
    ],
)
async def test_in_doubt_nothing_is_kept_now_or_with_the_next_question(tmp_path, asked):
    async with serving(tmp_path) as world:
        await moved_house(world)
        before = await world.rows(MESSAGES)
        told = (await world.chat("Where does the user live?", **asked)).raise_for_status().json()["tsubasa"]
        later = await is_kept(world, *goes_on("Where does the user live?"))
        after = await world.rows(MESSAGES)

    assert (False, []) == (told["kept"], told["memories"])
    assert not later
    assert before == after


async def test_names_that_the_setting_allows_and_store_are_kept(tmp_path):
    async with serving(tmp_path, aliases="gpt-4*") as world:
        kept = [
            (await world.chat("one", model="gpt-4o")).json(),
            (await world.chat("two", store=True)).json(),
            (await world.chat("three", store=None)).json(),
        ]

    assert [True] * 3 == [reply["tsubasa"]["kept"] for reply in kept]
    assert "gpt-4o" == kept[0]["model"]


async def test_a_store_that_is_neither_true_nor_false_is_refused(tmp_path):
    async with serving(tmp_path) as world:
        reply = await world.chat("one", store="false")
        rows = await world.rows(MESSAGES)

    assert (400, "store", []) == (reply.status_code, reply.json()["error"]["param"], rows)
