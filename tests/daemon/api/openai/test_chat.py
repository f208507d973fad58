"""Chat completions on the wire: shapes, commits, and what is refused."""

import json

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from daemon.engine.client import Reasoning, ToolCall
from daemon.engine.errors import EngineBusy, PromptTooLong, SchemaRefused
from daemon.processes.errors import ChildCrashed
from store.errors import StoreFull
from tests.daemon.api.world import KEY, World, serving
from tests.fakes import FakeEngine

ASKED = {"model": "tsubasa", "messages": [{"role": "user", "content": "hi"}]}


def client(world: World) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=world.url + "/v1", api_key=KEY, max_retries=0)


async def test_the_official_client_reads_a_whole_answer(tmp_path):
    async with serving(tmp_path) as world, client(world) as api:
        answer = await api.chat.completions.create(**ASKED)

    assert "Hello." == answer.choices[0].message.content
    assert "stop" == answer.choices[0].finish_reason
    used = answer.usage
    assert (1, 3, 4) == (used.prompt_tokens, used.completion_tokens, used.total_tokens)
    nothing = {"memories": [], "messages": [], "recall_tokens": 0, "generation": 0}
    assert nothing | {"kept": True, "chat": 1, "left_out": 0, "noted": []} == answer.model_extra["tsubasa"]


async def test_the_official_client_reads_a_stream(tmp_path):
    async with serving(tmp_path) as world, client(world) as api:
        stream = await api.chat.completions.create(
            **ASKED, stream=True, stream_options={"include_usage": True}
        )
        chunks: list[ChatCompletionChunk] = [chunk async for chunk in stream]
    first, *words, last, usage = chunks

    assert ("assistant", "") == (first.choices[0].delta.role, first.choices[0].delta.content)
    assert ["Hel", "lo", "."] == [chunk.choices[0].delta.content for chunk in words]
    assert "stop" == last.choices[0].finish_reason
    assert ([], 4) == (usage.choices, usage.usage.total_tokens)
    assert 1 == len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks})


async def test_what_the_model_thinks_is_told_apart_and_not_kept(tmp_path):
    engine = FakeEngine()
    engine.thoughts = ["Hm, ", "so."]
    async with serving(tmp_path, engine) as world, client(world) as api:
        whole = await api.chat.completions.create(**ASKED, extra_body={"reasoning_effort": "low"})
        stream = await api.chat.completions.create(**ASKED, stream=True)
        deltas = [chunk.choices[0].delta async for chunk in stream]
        kept = await world.rows("select text from messages where role = 'assistant'")

    message = whole.choices[0].message
    assert ("Hello.", "Hm, so.") == (message.content, message.reasoning_content)
    details = whole.usage.completion_tokens_details
    assert (2, 5) == (details.reasoning_tokens, whole.usage.completion_tokens)
    assert Reasoning(thinks=True, effort="low") == engine.requests[0]["reasoning"]
    assert Reasoning() == engine.requests[1]["reasoning"]
    thoughts = [delta.reasoning_content for delta in deltas if hasattr(delta, "reasoning_content")]
    assert ["Hm, ", "so."] == thoughts
    assert "Hello." == "".join(delta.content or "" for delta in deltas)
    assert {("Hello.",)} == set(kept)


TOOL = {"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}
CALLS = [ToolCall(id="call_1", name="read", arguments='{"path": "b"}')]


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_of_tools_come_whole_and_streamed_and_are_kept_with_the_answer(tmp_path, stream):
    engine = FakeEngine("I look.")
    engine.calls = CALLS
    asked = {**ASKED, "tools": [TOOL], "tool_choice": "auto"}
    async with serving(tmp_path, engine) as world, client(world) as api:
        if stream:
            async with api.chat.completions.stream(**asked) as events:
                answer = await events.get_final_completion()
        else:
            answer = await api.chat.completions.create(**asked)
        said = answer.choices[0].message
        history = [
            *ASKED["messages"],
            said,
            {"role": "tool", "tool_call_id": "call_1", "content": "I am the user."},
        ]
        engine.calls, engine.words = [], ["Done."]
        await api.chat.completions.create(**{**asked, "messages": history})
        kept = await world.rows("select chat_id, role, text from messages order by id")

    call = said.tool_calls[0]
    assert ("tool_calls", "call_1", "read") == (answer.choices[0].finish_reason, call.id, call.function.name)
    assert ({"path": "b"}, "I look.") == (json.loads(call.function.arguments), said.content)
    block = 'I look.\n<tool_call>\n{"arguments": {"path": "b"}, "name": "read"}\n</tool_call>'
    assert [
        (1, "user", "hi"),
        (1, "assistant", block),
        (1, "tool", "I am the user."),
        (1, "assistant", "Done."),
    ] == kept
    assert TOOL["function"]["name"] == engine.requests[0]["tools"].offered[0]["function"]["name"]
    told = engine.requests[1]["messages"]
    assert ["user", "assistant", "tool"] == [one["role"] for one in told]
    assert "read" == told[1]["tool_calls"][0]["name"]


@pytest.mark.parametrize("stream", [False, True])
async def test_of_several_answers_all_are_told_and_the_first_is_kept(tmp_path, stream):
    async with serving(tmp_path) as world, client(world) as api:
        asked = {**ASKED, "n": 3, "seed": 5}
        if stream:
            async with api.chat.completions.stream(**asked) as events:
                answer = await events.get_final_completion()
        else:
            answer = await api.chat.completions.create(**asked)
        kept = await world.rows("select role, text from messages")
        seeds = [one["sampling"].seed for one in world.engine.requests]

    assert [(0, "Hello."), (1, "Hello."), (2, "Hello.")] == [
        (c.index, c.message.content) for c in answer.choices
    ]
    assert [("user", "hi"), ("assistant", "Hello.")] == kept
    assert [5, 6, 7] == seeds
    assert stream or (1, 9) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)


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
        stream = await api.chat.completions.create(**ASKED, stream=True)
        with pytest.raises(openai.APIError, match="was killed by signal 9"):
            async for _ in stream:
                pass
        found = await world.rows("select role, text from messages order by id")

    assert [("user", "hi"), ("assistant", "Hello.")] == found


@pytest.mark.parametrize(
    ("raised", "status", "expected", "said"),
    [
        pytest.param(
            PromptTooLong(n_prompt=9001, n_ctx=512),
            400,
            {"param": "messages", "code": "context_length_exceeded", "n_prompt_tokens": 9001, "n_ctx": 512},
            ("context_length_exceeded", "9001", "512"),  # some programs look for it in the message
            id="a prompt beyond the context",
        ),
        pytest.param(
            SchemaRefused(reason="unknown type 'x'"),
            400,
            {"param": "response_format", "type": "invalid_request_error"},
            ("Invalid schema for response_format",),
            id="a schema that makes no grammar",
        ),
        pytest.param(
            EngineBusy(waiting=64, retry_after_s=7),
            429,
            {"type": "invalid_request_error", "code": "engine_busy"},
            ("64", "7 s"),
            id="too many at once",
        ),
        pytest.param(StoreFull("tsubasa.db"), 503, {"code": "disk_full"}, (), id="a full disk"),
        pytest.param(ZeroDivisionError("the insides"), 500, {"code": "internal_error"}, (), id="a bug"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_fails_before_the_first_word_has_a_status_and_the_daemon_goes_on(
    tmp_path, caplog, raised, status, expected, said, stream
):
    engine = FakeEngine()
    engine.before_first = raised
    async with serving(tmp_path, engine) as world:
        reply = await world.chat(stream=stream)
        engine.before_first = None
        after = await world.chat()
    error = reply.json()["error"]

    assert (status, 200) == (reply.status_code, after.status_code)
    assert expected == {name: error[name] for name in expected}
    assert all(part in error["message"] for part in said)
    assert (status >= 500) is (reply.headers.get("x-should-retry") == "false")
    assert ("7" if status == 429 else None) == reply.headers.get("retry-after")
    assert reply.headers["x-request-id"].startswith("req_")
    assert "insides" not in reply.text
    assert (status == 500) is ("ZeroDivisionError" in caplog.text)


async def test_an_unknown_model_is_served_with_a_warning_and_an_unknown_generation_is_a_404(tmp_path):
    async with serving(tmp_path) as world:
        model, generation = await world.chat(model="gpt-4o"), await world.chat(model="tsubasa@7")

    assert (200, "tsubasa:private") == (model.status_code, model.json()["model"])
    assert "unknown model name" in model.headers["x-tsubasa-warning"]
    assert (404, "model_not_found") == (generation.status_code, generation.json()["error"]["code"])
