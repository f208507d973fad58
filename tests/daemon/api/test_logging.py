"""Pausing the logging, from outside: nothing of a chat is kept, and it can be seen that nothing is."""

import asyncio

import pytest

from tests.daemon.api.world import moved_house, nothing, scene, serving
from tests.fakes import FakeEngine

MESSAGES = "select role, text from messages order by id"


async def talk(tmp_path, act, engine=None):
    async with serving(tmp_path, engine) as world:
        return await act(world)


async def switch(world, **body):
    return (await world.http.post("/tsubasa/logging", json=body)).raise_for_status().json()


async def status(world):
    return (await world.http.get("/tsubasa/status")).json()


async def test_a_pause_is_told_by_the_status_and_outlives_a_restart(tmp_path):
    def act(client):
        return client.logging(on=False), client.status()["logging"]

    paused, told = await scene(tmp_path, nothing, act)
    after = await scene(tmp_path, nothing, lambda client: client.status()["logging"])
    resumed = await scene(tmp_path, nothing, lambda client: client.logging(on=True))

    assert [{"on": False, "until": None}] * 3 == [paused, told, after]
    assert {"on": True, "until": None} == resumed


async def test_nothing_is_kept_or_recalled_while_logging_is_paused(tmp_path):
    async def act(world):
        await moved_house(world)
        before = await world.rows(MESSAGES)
        await switch(world, on=False)
        reply = await world.chat("Where does the user live?")
        sent = [message["role"] for message in world.engine.requests[-1]["messages"]]
        return reply.json()["tsubasa"], sent, before == await world.rows(MESSAGES)

    told, sent, unchanged = await talk(tmp_path, act)

    assert (False, [], ["user"], True) == (told["kept"], told["memories"], sent, unchanged)


async def test_what_was_said_in_a_pause_does_not_come_back_with_the_history(tmp_path):
    async def act(world):
        asked = [{"role": "user", "content": "my secret"}]
        await switch(world, on=False)
        await world.http.post("/v1/chat/completions", json={"messages": asked})
        await switch(world, on=True)
        asked += [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "and now?"}]
        again = await world.http.post("/v1/chat/completions", json={"messages": asked})
        new = await world.chat("something else")
        return again.json()["tsubasa"]["kept"], new.json()["tsubasa"]["kept"], await world.rows(MESSAGES)

    again, new, kept = await talk(tmp_path, act)

    assert (False, True) == (again, new)
    assert [("user", "something else"), ("assistant", "Hello.")] == kept


async def test_models_asked_side_by_side_with_the_base_keep_their_chat(tmp_path):
    async def act(world):
        asked = [{"role": "user", "content": "hi"}]
        for model in ("tsubasa", "tsubasa:base"):
            await world.http.post("/v1/chat/completions", json={"messages": asked, "model": model})
        asked += [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "and now?"}]
        reply = await world.http.post("/v1/chat/completions", json={"messages": asked})
        return reply.json()["tsubasa"]["kept"]

    assert await talk(tmp_path, act)


@pytest.mark.parametrize(("model", "off"), [("tsubasa", 0), ("tsubasa:private", 1)])
async def test_the_status_tells_that_an_answer_is_under_way(tmp_path, model, off):
    engine = FakeEngine("Once ", "upon a time")

    async def act(world):
        engine.go_on = asyncio.Event()
        asking = asyncio.create_task(world.chat(model=model))
        await engine.spoke.wait()
        meanwhile = await status(world)
        engine.go_on.set()
        await asking
        return meanwhile["thinking"], (await status(world))["thinking"]

    meanwhile, after = await talk(tmp_path, act, engine)

    assert {"answers": 1, "off_the_record": off} == meanwhile
    assert {"answers": 0, "off_the_record": 0} == after
