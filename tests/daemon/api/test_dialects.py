"""The dialects beside OpenAI's chat: what each reads, in what shape it answers, and what is refused."""

import json

import pytest

from daemon.engine.client import ToolCall
from tests.daemon.api.world import serving
from tests.fakes import FakeEngine

HI = [{"role": "user", "content": "hi"}]
READ = {"type": "object", "properties": {"path": {"type": "string"}}}


@pytest.fixture
def engine():
    engine = FakeEngine()
    engine.thoughts = ["Hm."]
    engine.calls = [ToolCall(id="call_1", name="read", arguments='{"path": "b"}')]
    return engine


@pytest.fixture
async def world(tmp_path, engine):
    async with serving(tmp_path, engine) as made:
        yield made


@pytest.fixture(scope="module")
async def http(tmp_path_factory):
    async with serving(tmp_path_factory.mktemp("home")) as made:
        yield made.http


def events(reply):
    """The data of each event, and whether its name says the same as its type."""
    blocks = [block for block in reply.text.split("\n\n") if block and not block.startswith(":")]
    return [json.loads(block.split("data: ", 1)[1]) for block in blocks]


async def test_anthropics_events_come_in_the_order_that_its_clients_want(world):
    tool = {"name": "read", "input_schema": READ}
    reply = await world.http.post("/v1/messages", json={"messages": HI, "stream": True, "tools": [tool]})
    found = events(reply)

    kinds = [one["type"] for one in found]
    block = ["content_block_start", *["content_block_delta"], "content_block_stop"]
    words = ["content_block_start", *["content_block_delta"] * 3, "content_block_stop"]
    assert ["message_start", *block, *words, *block, "message_delta", "message_stop"] == kinds
    starts = [one["content_block"]["type"] for one in found if one["type"] == "content_block_start"]
    assert ["thinking", "text", "tool_use"] == starts
    assert [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2] == [one["index"] for one in found if "index" in one]
    assert "tool_use" == found[-2]["delta"]["stop_reason"]


async def test_results_of_tools_in_a_turn_of_the_user_are_no_words_of_the_user(world, engine):
    history = [
        *HI,
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "1", "name": "read", "input": {"path": "b"}}],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "1",
                    "content": [{"type": "image"}, {"type": "text", "text": "x"}],
                },
                {"type": "text", "text": "And now?"},
            ],
        },
    ]
    await world.http.post("/v1/messages", json={"messages": history, "model": "tsubasa"})
    kept = await world.rows("select role, text from messages order by id")

    assert [("user", "hi"), ("tool", "[image]x"), ("user", "And now?")] == [kept[0], *kept[2:4]]
    assert "assistant" == kept[1][0] and '"name": "read"' in kept[1][1]
    assert "read" == engine.requests[0]["messages"][1]["tool_calls"][0]["name"]


async def test_the_events_of_a_response_tell_each_item_from_its_beginning_to_its_end(world):
    tool = {"type": "function", "name": "read", "parameters": READ}
    asked = {"input": "hi", "stream": True, "tools": [tool, {"type": "web_search"}]}
    reply = await world.http.post("/v1/responses", json=asked)
    found = events(reply)

    assert "web_search" in reply.headers["x-tsubasa-warning"]
    assert list(range(len(found))) == [one["sequence_number"] for one in found]
    added = [one["item"]["id"] for one in found if one["type"] == "response.output_item.added"]
    done = [one["item"]["id"] for one in found if one["type"] == "response.output_item.done"]
    last = found[-1]["response"]
    assert added == done == [item["id"] for item in last["output"]]
    assert ["reasoning", "message", "function_call"] == [item["type"] for item in last["output"]]
    assert ("response.created", "response.completed") == (found[0]["type"], found[-1]["type"])


async def test_an_answer_is_found_by_its_id_until_its_chat_is_forgotten(world, engine):
    engine.calls, engine.thoughts = [], []
    first = (await world.http.post("/v1/responses", json={"input": "I have a dog."})).json()
    asked = {"input": "And?", "previous_response_id": first["id"]}
    await world.http.post("/v1/responses", json=asked)
    private = (await world.http.post("/v1/responses", json={"input": "x", "store": False})).json()
    found = await world.http.get(f"/v1/responses/{first['id']}")
    await world.http.post("/tsubasa/forget", json={"messages": [1, 2]})
    gone = [await world.http.get(f"/v1/responses/{one['id']}") for one in (first, private)]
    on = await world.http.post("/v1/responses", json=asked)

    told = [one["content"] for one in engine.requests[1]["messages"]]
    assert ["I have a dog.", "Hello.", "And?"] == told
    assert "Hello." == found.json()["output"][0]["content"][0]["text"]
    assert [404, 404, 404] == [one.status_code for one in (*gone, on)]


async def test_ollama_streams_lines_unless_it_is_told_not_to(world):
    tool = {"type": "function", "function": {"name": "read", "parameters": READ}}
    streamed = await world.http.post("/api/chat", json={"messages": HI, "tools": [tool]})
    whole = (await world.http.post("/api/generate", json={"prompt": "hi", "stream": False})).json()
    lines = [json.loads(line) for line in streamed.text.splitlines()]

    assert "application/x-ndjson" == streamed.headers["content-type"]
    assert "Hello." == "".join(line["message"]["content"] for line in lines)
    called = [call for line in lines for call in line["message"].get("tool_calls", ())]
    assert [{"function": {"name": "read", "arguments": {"path": "b"}}}] == called
    assert [False] * (len(lines) - 1) + [True] == [line["done"] for line in lines]
    assert ("Hello.", "Hm.", "stop") == (whole["response"], whole["thinking"], whole["done_reason"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {}),
        ("/v1/completions", {"prompt": []}),
        ("/v1/completions", {"prompt": "a", "suffix": "b"}),
        ("/v1/completions", {"prompt": "a", "n": 1000}),
        ("/v1/embeddings", {"input": 7}),
        ("/v1/embeddings", {"input": "a", "encoding_format": "hex"}),
        ("/v1/responses", {"input": []}),
        ("/v1/responses", {"input": [{"type": "reasoning"}]}),
        ("/v1/responses", {"input": [{"role": "user", "content": [{"type": "input_image"}]}]}),
        ("/v1/responses", {"input": "a", "text": {"format": {"type": "json_schema"}}}),
        ("/v1/messages", {"messages": []}),
        ("/v1/messages", {"messages": [{"role": "user", "content": [{"type": "image"}]}]}),
        ("/v1/messages", {"messages": HI, "tool_choice": {"type": "tool"}}),
        ("/v1/messages/count_tokens", {}),
        ("/api/chat", {"messages": [{"role": "king", "content": "hi"}]}),
        ("/api/chat", {"messages": [{"role": "user", "content": "hi", "images": ["x"]}]}),
        ("/api/generate", {"prompt": "hi", "format": "yaml"}),
        ("/api/embed", {"input": {}}),
        ("/tokenize", {"content": 3}),
        ("/tokenize", {"content": "x" * 300_000}),
        ("/detokenize", {"tokens": ["a"]}),
    ],
    ids=str,
)
async def test_a_mistake_is_a_400_in_the_shape_of_the_dialect(http, path, body):
    reply = await http.post(path, json=body)
    error = reply.json()["error"]

    assert 400 == reply.status_code
    message = error if path.startswith("/api") else error["message"]
    assert 1 == len(message.splitlines())
    assert ("error" == reply.json().get("type")) is path.startswith("/v1/messages")


async def test_texts_become_tokens_and_tokens_texts(world):
    tokens = (await world.http.post("/tokenize", json={"content": "a b"})).json()["tokens"]
    pieces = (await world.http.post("/tokenize", json={"content": "a b", "with_pieces": True})).json()[
        "tokens"
    ]
    text = (await world.http.post("/detokenize", json={"tokens": tokens})).json()["content"]

    assert tokens == [one["id"] for one in pieces]
    assert text and all(str(token) in text for token in tokens)


async def test_texts_are_embedded_as_numbers_or_in_base64(world):
    plain = await world.http.post("/v1/embeddings", json={"input": ["a", "b"]})
    tokens = await world.http.post("/v1/embeddings", json={"input": [1, 2], "encoding_format": "base64"})

    assert [0, 1] == [one["index"] for one in plain.json()["data"]]
    assert 16 == len(plain.json()["data"][0]["embedding"])
    assert isinstance(tokens.json()["data"][0]["embedding"], str)
    assert "x-tsubasa-warning" not in plain.headers and "tokenize" in tokens.headers["x-tsubasa-warning"]


async def test_prompts_come_in_the_forms_of_llama_cpps_server_too(world):
    parts = {"content": [{"type": "text", "text": "a b "}, {"type": "text", "text": "c"}]}
    told = [
        (await world.http.post("/v1/embeddings", json={"input": one})).json()
        for one in ("a b c", {"prompt_string": "a b c"}, parts, ["a b c", parts], [1, "a b", 2])
    ]
    wrong = [
        (await world.http.post("/v1/embeddings", json={"input": one})).status_code
        for one in ([], {"content": "a"}, {"content": [{"type": "image_url"}]}, [[1.5]], [True])
    ]

    assert [1, 1, 1, 2, 1] == [len(one["data"]) for one in told]
    vectors = [vector["embedding"] for one in told[:4] for vector in one["data"]]
    assert [vectors[0]] * 5 == vectors
    assert {400} == set(wrong)


async def test_a_text_of_which_only_the_beginning_would_count_is_not_embedded(world):
    long = await world.http.post("/v1/embeddings", json={"input": ["a b", "word " * 501]})
    counted = await world.http.post("/v1/embeddings", json={"input": ["a b", "c"]})

    error = long.json()["error"]
    assert (400, "context_length_exceeded", "input") == (long.status_code, error["code"], error["param"])
    assert "text 1" in error["message"]
    assert {"prompt_tokens": 3, "total_tokens": 3} == counted.json()["usage"]


@pytest.mark.parametrize("path", ["/v1/chat/completions/input_tokens", "/responses/input_tokens"])
async def test_the_length_of_a_prompt_is_told_before_it_is_asked(world, path):
    named = "input" if "responses" in path else "messages"
    short, longer = [
        (await world.http.post(path, json={named: [{"role": "user", "content": text}]})).json()
        for text in ("Hi!", "Hi! " * 50)
    ]

    assert "response.input_tokens" == short["object"]
    assert 0 < short["input_tokens"] < longer["input_tokens"]


async def test_a_text_is_gone_on_with_and_nothing_of_it_is_kept(world, engine):
    reply = await world.http.post(
        "/v1/completions", json={"prompt": ["def f(", [1, 2]], "echo": False, "n": 2}
    )
    kept = await world.rows("select count(*) from messages")

    assert [0, 1, 2, 3] == [one["index"] for one in reply.json()["choices"]]
    assert ["def f(", "def f(", (1, 2), (1, 2)] == [one["raw"] for one in engine.requests]
    assert [(0,)] == kept


CODEX = {  # as Codex sends it
    "model": "tsubasa",
    "instructions": "You are a coding agent.",
    "input": [
        {
            "type": "message",
            "role": "developer",
            "content": [{"type": "input_text", "text": "Sandbox: read only."}],
        },
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List the files."}]},
        {"type": "reasoning", "summary": [], "encrypted_content": "x"},
        {"type": "function_call", "name": "shell", "arguments": '{"command": ["ls"]}', "call_id": "call_1"},
        {"type": "function_call_output", "call_id": "call_1", "output": "a b"},
        {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin", "call_id": "call_2"},
        {
            "type": "custom_tool_call_output",
            "call_id": "call_2",
            "output": [{"type": "input_text", "text": "Done"}],
        },
    ],
    "tools": [
        {"type": "function", "name": "shell", "strict": False, "parameters": {"type": "object"}},
        {"type": "custom", "name": "apply_patch", "format": {"type": "grammar"}},
        {"type": "web_search"},
        {"type": "namespace", "name": "x", "tools": []},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "medium", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "k",
    "client_metadata": {"a": "b"},
}
CLAUDE_CODE = {  # as Claude Code sends it
    "model": "claude-sonnet-4-5",
    "max_tokens": 32000,
    "system": [{"type": "text", "text": "You are a CLI.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "List the files."}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "x"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": "LS", "input": {"path": "."}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a b", "is_error": False},
                {"type": "text", "text": "<system-reminder>Be brief.</system-reminder>"},
            ],
        },
    ],
    "tools": [
        {
            "name": "LS",
            "description": "Lists.",
            "input_schema": {"$schema": "http://json-schema.org/draft-07/schema#"},
        },
        {"type": "web_search_20250305", "name": "web_search"},
    ],
    "metadata": {"user_id": "u"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "stream": True,
}


@pytest.mark.parametrize(
    ("path", "body", "roles"),
    [
        ("/v1/responses", CODEX, ["system", "system", "user", "assistant", "tool", "assistant", "tool"]),
        ("/v1/messages?beta=true", CLAUDE_CODE, ["system", "user", "assistant", "tool", "user"]),
    ],
    ids=["codex", "claude code"],
)
async def test_agents_are_answered_as_they_ask(world, engine, path, body, roles):
    reply = await world.http.post(path, json=body)

    assert 200 == reply.status_code
    assert "Hel" in reply.text
    assert roles == [one["role"] for one in engine.requests[0]["messages"]]
    assert 1 == len(engine.requests[0]["tools"].offered)
    assert "not known" in reply.headers["x-tsubasa-warning"]
