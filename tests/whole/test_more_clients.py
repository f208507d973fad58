"""A real daemon on nano and the libraries that programs are written with; `pip install -e '.[clients]'` brings them."""

import asyncio
import gc
import json
import os
import socket
import subprocess
import sys
import warnings
from contextlib import suppress
from typing import Literal

import httpx
import openai
import pytest
from pydantic import BaseModel

from tests.whole.house import NANO, Daemon

HI = [{"role": "user", "content": "Hi!"}]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    made = Daemon(tmp_path_factory.mktemp("home"), NANO, temperature="0", recall="false").start(
        by_meaning=False
    )
    try:
        yield made
        _hang_up(int(made.running["port"]))
    finally:
        made.stop()


def _hang_up(port):
    """Close the connections and event loops that the libraries keep in caches: each would be a warning at the end."""
    for one in gc.get_objects():
        # not by isinstance, which asks each object in the process for its class: some of torch's warn of it
        if issubclass(type(one), socket.socket) and one.family == socket.AF_INET:
            with suppress(OSError):
                if one.getpeername()[1] == port:
                    one.close()
        elif issubclass(type(one), asyncio.BaseEventLoop) and not one.is_running():
            one.close()


@pytest.fixture(scope="module")
def api(daemon):
    return {"base_url": f"{daemon.running['url']}/v1", "api_key": daemon.key}


def library(name):
    """One of the extra `clients`; its own warnings are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"pip install -e '.[clients]' brings {name}")


class Colour(BaseModel):
    """What programs have an answer parsed into."""

    name: Literal["red", "blue"]


@pytest.mark.filterwarnings("ignore")
def test_langchain_asks_streams_and_gets_its_own_type(api):
    langchain = library("langchain_openai")
    model = langchain.ChatOpenAI(model="tsubasa", max_tokens=200, max_retries=0, stream_usage=True, **api)
    pieces = list(model.stream("Hi!"))
    for method in ("json_schema", "function_calling"):
        made = model.with_structured_output(Colour, method=method).invoke("Red or blue?")
        assert made.name in ("red", "blue")

    assert model.invoke("Hi!").content == "".join(piece.content for piece in pieces)
    assert any(piece.usage_metadata for piece in pieces)
    vectors = langchain.OpenAIEmbeddings(model="any", check_embedding_ctx_length=False, **api)
    assert 2 == len(vectors.embed_documents(["I have a dog.", "It rains."]))


@pytest.mark.filterwarnings("ignore")
def test_langchain_knows_a_prompt_that_is_too_long_by_its_error(api):
    langchain = library("langchain_openai")
    from langchain_core.exceptions import ContextOverflowError

    model = langchain.ChatOpenAI(model="tsubasa", max_retries=0, **api)
    with pytest.raises(ContextOverflowError):
        model.invoke("word " * 100_000)


@pytest.mark.filterwarnings("ignore")
def test_litellm_asks_and_streams(api):
    litellm = library("litellm")
    asked = {"model": "openai/tsubasa", "messages": HI, "max_tokens": 20, "api_key": api["api_key"]}
    whole = litellm.completion(api_base=api["base_url"], **asked)
    pieces = litellm.completion(
        api_base=api["base_url"], stream=True, stream_options={"include_usage": True}, **asked
    )
    streamed = [piece for piece in pieces]

    said = "".join(piece.choices[0].delta.content or "" for piece in streamed if piece.choices)
    assert whole.choices[0].message.content == said
    assert whole.usage.completion_tokens > 0


def test_llm_asks_on_the_command_line(api, tmp_path):
    library("llm")
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: tsubasa\n  model_name: tsubasa\n  api_base: {api['base_url']}\n"
        "  api_key_name: tsubasa\n  supports_schema: true\n"
    )
    (tmp_path / "keys.json").write_text(json.dumps({"tsubasa": api["api_key"]}))
    environment = os.environ | {"LLM_USER_PATH": str(tmp_path)}
    schema = json.dumps(Colour.model_json_schema())
    for more in ((), ("--no-stream",), ("--schema", schema)):
        command = [sys.executable, "-W", "ignore", "-m", "llm", "-m", "tsubasa", *more, "Hi!"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

        assert (0, True) == (done.returncode, bool(done.stdout.strip())), done.stderr
    assert json.loads(done.stdout)["name"] in ("red", "blue")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["TOOLS", "JSON_SCHEMA"])
def test_instructor_gets_its_own_type_where_a_grammar_holds_the_model(api, mode):
    instructor = library("instructor")
    import openai

    client = instructor.from_openai(openai.OpenAI(max_retries=0, **api), mode=getattr(instructor.Mode, mode))
    made = client.chat.completions.create(
        model="tsubasa", messages=[{"role": "user", "content": "Red or blue?"}], response_model=Colour
    )

    assert made.name in ("red", "blue")


@pytest.mark.filterwarnings("ignore")
def test_an_agent_of_pydantic_ai_answers_in_words_and_in_its_own_type(api):
    library("pydantic_ai")
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async def both():
        async with openai.AsyncOpenAI(**api) as client:  # its own would not be closed before its loop
            model = OpenAIChatModel("tsubasa", provider=OpenAIProvider(openai_client=client))
            words = await Agent(model).run("Hi!")
            typed = await Agent(model, output_type=Colour).run("Red or blue?")
            return words.output, typed.output

    words, typed = asyncio.run(both())

    assert words
    assert typed.name in ("red", "blue")


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {
                "type": "object",
                "properties": {"path": {"type": "string", "maxLength": 8}},
                "required": ["path"],
                "additionalProperties": False,
            },
        },
    }
    for name in ("list_files", "read_file", "write_file")
]


def test_an_agent_with_three_tools_uses_each_and_comes_to_an_end(daemon):
    with daemon.client() as client:
        messages = [{"role": "user", "content": "Copy a to b."}]
        for name in ("list_files", "read_file", "write_file"):
            choice = {"type": "function", "function": {"name": name}}
            with client.chat.completions.stream(
                model="tsubasa", messages=messages, tools=TOOLS, tool_choice=choice
            ) as events:
                said = events.get_final_completion().choices[0]
            (call,) = said.message.tool_calls
            assert (name, ["path"]) == (call.function.name, [*json.loads(call.function.arguments)])
            assert "tool_calls" == said.finish_reason
            messages += [
                said.message.model_dump(exclude_none=True),
                {"role": "tool", "tool_call_id": call.id, "content": "done"},
            ]
        end = client.chat.completions.create(
            model="tsubasa", messages=messages, tools=TOOLS, tool_choice="none", max_tokens=20
        )

    assert end.choices[0].message.content is not None and not end.choices[0].message.tool_calls


CODEX = {  # the keys that Codex sends, and its kinds of tools
    "model": "tsubasa",
    "instructions": "You are a coding agent.",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "<env/>"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List the files."}]},
        {"type": "reasoning", "summary": [], "encrypted_content": None},
        {"type": "function_call", "call_id": "c1", "name": "shell", "arguments": '{"command": ["ls"]}'},
        {"type": "function_call_output", "call_id": "c1", "output": "a.py"},
    ],
    "tools": [
        {"type": "function", "name": "shell", "strict": False, "parameters": {"type": "object"}},
        {"type": "local_shell"},
        {"type": "web_search"},
        {"type": "custom", "name": "apply_patch", "format": {"type": "grammar"}},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "low", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "k",
    "client_metadata": {"a": "b"},
    "max_output_tokens": 20,
}
CLAUDE_CODE = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 20,
    "system": [{"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [{"type": "text", "text": "List.", "cache_control": {"type": "ephemeral"}}],
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {"c": "ls"}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "a.py"}]},
                {"type": "text", "text": "<system-reminder>no todo list</system-reminder>"},
            ],
        },
    ],
    "tools": [{"name": "Bash", "description": "Runs.", "input_schema": {"type": "object", "properties": {}}}],
    "metadata": {"user_id": "u"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "context_management": {"edits": []},
    "stream": True,
}


@pytest.mark.parametrize(
    "path, body, headers, last",
    [
        (
            "/v1/responses",
            CODEX,
            {"originator": "codex_cli_rs"},
            ("response.completed", "response.incomplete"),
        ),
        (
            "/v1/messages?beta=true",
            CLAUDE_CODE,
            {"anthropic-beta": "claude-code-20250219"},
            ("message_stop",),
        ),
    ],
    ids=["Codex", "Claude Code"],
)
def test_the_requests_of_coding_agents_are_answered_to_the_end(daemon, path, body, headers, last):
    with httpx.Client(base_url=str(daemon.running["url"]), trust_env=False, timeout=300) as client:
        reply = client.post(path, json=body, headers={"authorization": f"Bearer {daemon.key}", **headers})
        kinds = [
            line.removeprefix("event: ") for line in reply.text.splitlines() if line.startswith("event: ")
        ]

    assert 200 == reply.status_code, reply.text
    assert kinds[0] in ("response.created", "message_start")
    assert kinds[-1] in last
