"""What real clients send in passing: taken as it is meant, or refused by name; never a 500."""

import pytest

from tests.daemon.api.world import serving

HI = {"role": "user", "content": "hi"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
TOOL = {"type": "function", "function": {"name": "read_file", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
async def http(tmp_path_factory):
    async with serving(tmp_path_factory.mktemp("home")) as made:
        yield made.http


TAKEN = [
    {"max_tokens": 256.0, "seed": 42.0},
    {"max_tokens": -1},
    {"max_tokens": None},
    {"max_tokens": 0},
    {"stop": ""},
    {"stop": [""]},
    {"stop": None},
    {"stop": [str(number) for number in range(20)]},
    {"model": None},
    {"logit_bias": {"50256": None}},
    {"messages": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}]},
    {"messages": [{"role": "user", "content": ["hi"]}]},
    {"messages": [{"role": "user", "content": {"type": "text", "text": "hi"}}]},
    {"messages": [{"role": "user", "content": [PICTURE]}, {"role": "assistant", "content": "Nice."}, HI]},
    {"messages": [HI, {"role": "assistant", "content": "You live in"}]},
    {"messages": [{"role": "user", "content": ""}]},
    {"messages": [HI, {"role": "assistant", "tool_calls": [{}]}, {"role": "tool", "content": None}]},
    {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": True},
    {"tools": [TOOL], "tool_choice": "required"},
    {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "read_file"}}},
    {"tools": [TOOL], "tool_choice": "none"},
    {"tools": []},
    {"response_format": {"type": "json_object", "schema": {"type": "object"}}},
    {"grammar": 'root ::= "a"'},
    {
        "top_k": 40,
        "min_p": 0.05,
        "typical_p": 0.9,
        "repeat_penalty": 1.1,
        "ignore_eos": True,
        "cache_prompt": False,
    },
    {"n": 2, "logprobs": True, "top_logprobs": 5, "stream_options": {"include_usage": True}},
    {"max_completion_tokens": 5, "reasoning_effort": "low", "metadata": {}, "store": True, "user": "u"},
    {"service_tier": "auto", "prediction": {"type": "content", "content": "x"}, "verbosity": "low"},
]
REFUSED = [
    ({"temperature": "0.7"}, "temperature"),
    ({"stream": "true"}, "stream"),
    ({"messages": [{"role": "user", "content": [PICTURE]}]}, "messages[0].content"),
    ({"n_probs": 5}, "n_probs"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"top_k": "many"}, "top_k"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("keys", TAKEN, ids=str)
async def test_what_clients_send_in_passing_is_answered(http, keys, stream):
    reply = await http.post("/v1/chat/completions", json={"messages": [HI], "stream": stream, **keys})

    assert 200 == reply.status_code, reply.text
    assert "error" not in reply.text


@pytest.mark.parametrize(("keys", "param"), REFUSED, ids=str)
async def test_what_is_not_meant_so_is_refused_by_name(http, keys, param):
    reply = await http.post("/v1/chat/completions", json={"messages": [HI], **keys})

    assert (400, param) == (reply.status_code, reply.json()["error"]["param"])
