"""One request, followed from outside: what is recalled, what is kept and when, and what a stop leaves behind."""

import asyncio
import threading
from datetime import date
from functools import partial

import pytest

from daemon.engine.errors import PromptTooLong, SchemaRefused
from daemon.memory.indexing import index_missing
from daemon.processes.errors import ChildCrashed, FrameTooLarge
from prompts.load import load
from store import memories
from tests.daemon.api.world import serving
from tests.fakes import FakeEngine

MESSAGES = "select role, text from messages order by id"
ANSWERED = [("user", "hi"), ("assistant", "Hello.")]


def halting():
    """An engine that says one word and waits."""
    engine = FakeEngine("Once ", "upon a time")
    engine.go_on = asyncio.Event()
    return engine


@pytest.fixture
async def world(tmp_path):
    async with serving(tmp_path) as world:
        yield world


@pytest.fixture
async def in_ghent(world):
    """Somebody has told where they live, and it is remembered."""
    await world.chat("I live in Ghent.")
    add = partial(memories.add, told_on=date(2026, 3, 5), sources=[1])
    await world.store_thread.run(add, "The user lives in Ghent.")
    await index_missing(world.store_thread, world.services.embedder)
    return world


async def test_the_reply_is_committed_before_the_last_chunk_leaves(tmp_path):
    seen = []
    async with serving(tmp_path) as world:
        body = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
        async with world.http.stream("POST", "/v1/chat/completions", json=body) as reply:
            async for line in reply.aiter_lines():
                if '"finish_reason": "stop"' in line:
                    seen = await world.rows(MESSAGES)

    assert ANSWERED == seen


async def test_the_question_is_committed_before_the_model_says_a_word(tmp_path):
    engine = FakeEngine()
    engine.words = []
    engine.before_last = ChildCrashed("engine", exit_code=-9)
    async with serving(tmp_path, engine) as world:
        reply = await world.chat("I live in Ghent")
        kept = await world.rows(MESSAGES)

    assert (503, "engine_crashed", "1") == (
        reply.status_code,
        reply.json()["error"]["code"],
        reply.headers["retry-after"],
    )
    assert [("user", "I live in Ghent")] == kept


async def test_a_client_that_leaves_stops_the_engine_and_what_was_said_is_kept(tmp_path):
    engine = halting()
    async with serving(tmp_path, engine) as world:
        body = {"messages": [{"role": "user", "content": "tell me"}], "stream": True}
        async with world.http.stream("POST", "/v1/chat/completions", json=body) as reply:
            async for line in reply.aiter_lines():
                if "Once" in line:
                    break
        async with asyncio.timeout(5):
            await engine.cancelled.wait()
            while len(kept := await world.rows(MESSAGES)) < 2:
                await asyncio.sleep(0.01)

    assert [("user", "tell me"), ("assistant", "Once ")] == kept


async def test_a_client_that_leaves_a_whole_answer_stops_the_engine(tmp_path):
    engine = halting()
    async with serving(tmp_path, engine) as world:
        asking = asyncio.create_task(world.chat())
        await engine.spoke.wait()
        asking.cancel()
        async with asyncio.timeout(5):
            found = await engine.cancelled.wait()

    assert found


async def test_a_daemon_that_stops_keeps_what_was_said(tmp_path):
    engine = halting()
    async with serving(tmp_path, engine) as world:
        asking = asyncio.create_task(world.chat(stream=True))
        await engine.spoke.wait()
        await world.services.conversations.stop()
        reply, kept = await asking, await world.rows(MESSAGES)

    assert '"code": "stopping"' in reply.text.splitlines()[-2]
    assert ("assistant", "Once ") == kept[-1]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (PromptTooLong(n_prompt=9001, n_ctx=512), 400),
        (SchemaRefused(reason="unknown type 'x'"), 400),
        (FrameTooLarge(70_000_000, 64 * 2**20), 413),
    ],
    ids=["prompt", "schema", "frame"],
)
async def test_a_request_that_the_engine_refuses_leaves_nothing(tmp_path, refusal, status, stream):
    engine = FakeEngine()
    engine.before_first = refusal
    async with serving(tmp_path, engine) as world:
        reply = await world.chat(stream=stream)
        found = reply.status_code, await world.rows(MESSAGES)

    assert (status, []) == found


async def test_a_reply_whose_commit_is_under_way_is_kept_when_the_daemon_stops(tmp_path):
    engine, release = halting(), threading.Event()
    async with serving(tmp_path, engine) as world:
        asking = asyncio.create_task(world.chat(stream=True))
        await engine.spoke.wait()
        busy = asyncio.create_task(world.store_thread.run(lambda db: release.wait(20)))
        engine.go_on.set()
        await asyncio.sleep(0.1)  # the commit waits behind what keeps the store busy
        stops = [asyncio.create_task(world.services.conversations.stop()) for _ in range(2)]
        await asyncio.sleep(0.1)
        release.set()
        await asyncio.gather(asking, busy, *stops)
        found = await world.rows(MESSAGES)

    assert ("assistant", "Once upon a time") == found[-1]


@pytest.mark.parametrize("taught", [True, False])
async def test_a_model_that_is_not_tiny_is_told_when_to_leave_memories_aside(in_ghent, taught):
    in_ghent.engine.taught, in_ghent.engine.tiny = taught, False

    await in_ghent.chat("Where does the user live?")

    beside = in_ghent.engine.requests[-1]["messages"][0]["content"]
    assert (True, True) == (beside.startswith(load("recall_instruct")), "The user lives in Ghent." in beside)


async def test_memories_stand_before_the_last_question_and_are_not_kept(in_ghent):
    world = in_ghent
    reply = await world.chat("Where does the user live?")
    sent = world.engine.requests[-1]["messages"]
    chat = (await world.http.get("/tsubasa/chats/2")).json()["messages"]
    ours = {"memories": [1], "messages": [], "recall_tokens": 27}

    assert (
        ours | {"generation": 0, "kept": True, "chat": 2, "left_out": 0, "noted": []}
        == reply.json()["tsubasa"]
    )
    assert ["system", "user"] == [message["role"] for message in sent]
    assert sent[0]["content"].startswith(load("recall"))
    assert "The user lives in Ghent." in sent[0]["content"]
    assert {"user", "assistant"} == {role for role, _ in await world.rows(MESSAGES)}
    assert [(1, 1)] == await world.rows("select memory_id, n from recalls")
    assert [None, ours] == [one["beside"] for one in chat]


@pytest.mark.parametrize(
    "asked",
    [{"model": "tsubasa:private"}, {"model": "tsubasa:base"}, {"tsubasa": {"recall": False}}],
    ids=str,
)
async def test_recall_can_be_left_out(in_ghent, asked):
    await in_ghent.chat("Where does the user live?", **asked)

    assert ["user"] == [message["role"] for message in in_ghent.engine.requests[-1]["messages"]]


@pytest.mark.parametrize(
    ("model", "adapter", "text"),
    [
        pytest.param("tsubasa:private", "live", "my secret", id="private"),
        pytest.param("tsubasa:base", "base", "my secret", id="base"),
        pytest.param("tsubasa", "live", "### Task:\nTitle this chat. JSON only.", id="a chore of a page"),
    ],
)
async def test_what_is_not_for_keeping_is_answered_and_not_kept(world, model, adapter, text):
    reply = await world.chat(text, model=model)

    assert (200, model) == (reply.status_code, reply.json()["model"])
    assert (adapter, []) == (world.engine.requests[-1]["adapter"], await world.rows(MESSAGES))


async def test_an_echoed_memory_turn_is_neither_kept_nor_sent(world):
    echoed = {"role": "system", "content": load("recall") + "\n- 2026-03-05: The user lives in Ghent."}
    own, asked = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}
    await world.http.post("/v1/chat/completions", json={"messages": [own, echoed, asked]})

    assert [own, asked] == world.engine.requests[-1]["messages"]
    assert ANSWERED == await world.rows(MESSAGES)


async def test_an_answer_that_the_client_began_is_kept_whole(world):
    asked = [{"role": "user", "content": "Greet me."}, {"role": "assistant", "content": "Dear Mira, "}]
    body = {"messages": asked}
    reply = await world.http.post("/v1/chat/completions", json=body)
    sent = world.engine.requests[-1]["messages"]
    whole = {"role": "assistant", "content": "Dear Mira, Hello."}
    again = {"role": "user", "content": "Thanks."}
    await world.http.post("/v1/chat/completions", json={"messages": [asked[0], whole, again]})

    assert asked == sent
    assert "Hello." == reply.json()["choices"][0]["message"]["content"]
    kept = [("user", "Greet me."), ("assistant", "Dear Mira, Hello."), ("user", "Thanks.")]
    assert [*kept, ("assistant", "Hello.")] == await world.rows(MESSAGES)


async def test_what_a_client_began_is_no_answer_where_the_model_said_nothing(tmp_path):
    engine = FakeEngine()
    engine.words, engine.before_last = [], ChildCrashed("engine", exit_code=-9)
    asked = [{"role": "user", "content": "Greet me."}, {"role": "assistant", "content": "Dear Mira, "}]
    async with serving(tmp_path, engine) as world:
        await world.http.post("/v1/chat/completions", json={"messages": asked})
        kept = await world.rows(MESSAGES)

    assert [("user", "Greet me.")] == kept


async def test_of_an_answer_that_was_still_thinking_at_its_limit_nothing_is_kept(tmp_path):
    engine = FakeEngine()
    engine.words, engine.thoughts, engine.finish = [], ["Hm, ", "but"], "length"
    async with serving(tmp_path, engine) as world:
        reply = (await world.chat()).json()
        kept = await world.rows(MESSAGES)

    assert ("", "Hm, but") == tuple(
        reply["choices"][0]["message"][name] for name in ("content", "reasoning_content")
    )
    assert [("user", "hi")] == kept


async def test_a_retried_request_is_kept_once(world):
    for headers in ({}, {"x-stainless-retry-count": "1"}):
        body = {"messages": [{"role": "user", "content": "hi"}]}
        await world.http.post("/v1/chat/completions", json=body, headers=headers)

    assert ANSWERED == await world.rows(MESSAGES)


async def test_a_pages_chore_waits_behind_people(world):
    await world.chat("### Task:\nTitle this chat. JSON only.")
    await world.chat("hi")

    assert [True, False] == [request["background"] for request in world.engine.requests]


async def test_of_a_framed_question_the_persons_words_are_kept_and_recalled_for(in_ghent):
    framed = f"<context>\n{'A page about Oslo. ' * 20}\n</context>\n\nWhere do I live, in Ghent?"
    reply = await in_ghent.chat(framed)

    assert [1] == reply.json()["tsubasa"]["memories"]
    assert "Oslo" in in_ghent.engine.requests[-1]["messages"][-1]["content"]
    assert [("user", "Where do I live, in Ghent?"), ("assistant", "Hello.")] == (
        await in_ghent.rows(MESSAGES)
    )[2:]
