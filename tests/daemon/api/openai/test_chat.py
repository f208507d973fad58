"""Chat completions on the wire: shapes, commits, and what is refused."""

import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from daemon.engine.errors import PromptTooLong, SchemaRefused
from daemon.processes.errors import ChildCrashed
from store.errors import StoreFull
from tests.daemon.api.world import KEY, World, serving
from tests.fakes import FakeEngine

MESSAGES = "select role, text from messages order by id"


def client(world: World, **more: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=world.url + "/v1", api_key=KEY, max_retries=0, **more)


async def test_the_official_client_reads_a_whole_answer(tmp_path):
    async with serving(tmp_path) as world, client(world) as api:
        answer = await api.chat.completions.create(
            model="tsubasa", messages=[{"role": "user", "content": "hi"}]
        )

    assert "Hello." == answer.choices[0].message.content
    assert "stop" == answer.choices[0].finish_reason
    assert (1, 3, 4) == (
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
        answer.usage.total_tokens,
    )
    assert {
        "memories": [],
        "messages": [],
        "recall_tokens": 0,
        "generation": 0,
        "kept": True,
    } == answer.model_extra["tsubasa"]


async def test_the_official_client_reads_a_stream(tmp_path):
    async with serving(tmp_path) as world, client(world) as api:
        stream = await api.chat.completions.create(
            model="tsubasa",
            messages=[{"role": "user", "content": "hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks: list[ChatCompletionChunk] = [chunk async for chunk in stream]
    first, *words, last, usage = chunks

    assert ("assistant", "") == (first.choices[0].delta.role, first.choices[0].delta.content)
    assert ["Hel", "lo", "."] == [chunk.choices[0].delta.content for chunk in words]
    assert "stop" == last.choices[0].finish_reason
    assert ([], 4) == (usage.choices, usage.usage.total_tokens)
    assert 1 == len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks})


async def test_a_stream_ends_with_done_and_has_no_empty_choices_unasked(tmp_path):
    async with serving(tmp_path) as world:
        reply = await world.chat(stream=True)
    lines = [line for line in reply.text.split("\n\n") if line]
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]

    assert "text/event-stream; charset=utf-8" == reply.headers["content-type"]
    assert "no-cache" == reply.headers["cache-control"]
    assert "data: [DONE]" == lines[-1]
    assert all(chunk["choices"] for chunk in chunks)


async def test_an_error_in_a_stream_is_an_event(tmp_path):
    engine = FakeEngine()
    engine.before_last = ChildCrashed("engine", exit_code=-9)
    async with serving(tmp_path, engine) as world, client(world) as api:
        stream = await api.chat.completions.create(
            model="tsubasa", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        with pytest.raises(openai.APIError, match="was killed by signal 9"):
            async for _ in stream:
                pass
        found = await world.rows(MESSAGES)

    assert [("user", "hi"), ("assistant", "Hello.")] == found


@pytest.mark.parametrize("stream", [False, True])
async def test_a_prompt_beyond_the_context_is_a_400_with_both_numbers(tmp_path, stream):
    engine = FakeEngine()
    engine.before_first = PromptTooLong(n_prompt=9001, n_ctx=512)
    async with serving(tmp_path, engine) as world:
        reply = await world.chat(stream=stream)
    error = reply.json()["error"]

    assert (400, "invalid_request_error", "messages") == (reply.status_code, error["type"], error["param"])
    assert ("context_length_exceeded", 9001, 512) == (error["code"], error["n_prompt_tokens"], error["n_ctx"])
    assert all(part in error["message"] for part in ("context_length_exceeded", "9001", "512"))


async def test_a_schema_that_makes_no_grammar_is_a_400(tmp_path):
    engine = FakeEngine()
    engine.before_first = SchemaRefused(reason="unknown type 'x'")
    async with serving(tmp_path, engine) as world:
        wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "x"}}}
        reply = await world.chat(response_format=wanted)

    assert (400, "response_format") == (reply.status_code, reply.json()["error"]["param"])
    assert "Invalid schema for response_format" in reply.json()["error"]["message"]


async def test_an_unknown_model_name_is_served_with_a_warning(tmp_path):
    async with serving(tmp_path) as world:
        reply = await world.chat(model="gpt-4o")

    assert (200, "tsubasa") == (reply.status_code, reply.json()["model"])
    assert "unknown model name" in reply.headers["x-tsubasa-warning"]


async def test_a_generation_that_is_not_there_is_a_404(tmp_path):
    async with serving(tmp_path) as world:
        reply = await world.chat(model="tsubasa@7")

    assert (404, "model_not_found") == (reply.status_code, reply.json()["error"]["code"])


async def test_a_full_disk_is_a_503_that_is_not_tried_again_and_the_daemon_goes_on(tmp_path):
    engine = FakeEngine()
    engine.before_first = StoreFull("tsubasa.db")
    async with serving(tmp_path, engine) as world:
        full = await world.chat()
        engine.before_first = None
        after = await world.chat()

    assert (503, "disk_full", "false") == (
        full.status_code,
        full.json()["error"]["code"],
        full.headers["x-should-retry"],
    )
    assert 200 == after.status_code


async def test_a_bug_is_a_500_without_its_insides(tmp_path, caplog):
    engine = FakeEngine()
    engine.before_first = ZeroDivisionError("the insides")
    async with serving(tmp_path, engine) as world:
        reply = await world.chat()

    assert (500, "internal_error", "false") == (
        reply.status_code,
        reply.json()["error"]["code"],
        reply.headers["x-should-retry"],
    )
    assert "insides" not in reply.text
    assert "ZeroDivisionError" in caplog.text
    assert reply.headers["x-request-id"].startswith("req_")
