"""What a chat request may hold, and what each mistake is answered with."""

import json
from datetime import UTC, datetime

import pytest

from daemon.api.errors import WireError
from daemon.api.openai import chat_request
from daemon.chat.prompt_context import Turn
from daemon.config.settings import Config
from daemon.engine.client import Reasoning, ToolCall
from daemon.engine.errors import SamplingRefused

HI = [{"role": "user", "content": "hi"}]


def question(**keys):
    body = json.dumps({"messages": HI, **keys}).encode()
    return chat_request.question(chat_request.read(body), Config(max_tokens=100))


def test_parts_are_joined_and_developer_means_system():
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "reasoning_content": "hm"},
        {"role": "tool", "content": "42", "tool_call_id": "1"},
    ]

    roles = {"system": "Be brief.", "user": "ab", "assistant": ""}
    expected = [Turn(role=role, text=text) for role, text in roles.items()]
    assert (*expected, Turn(role="tool", text="42", call_id="1")) == question(messages=messages).history.turns


READ = {"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}
NOW = {"type": "function", "function": {"name": "now"}}


@pytest.mark.parametrize(
    ("choice", "names", "must"),
    [
        (None, ["read", "now"], False),
        ("auto", ["read", "now"], False),
        ("required", ["read", "now"], True),
        ({"type": "function", "function": {"name": "now"}}, ["now"], True),
        ("none", None, False),
    ],
    ids=str,
)
def test_a_client_says_which_tools_may_or_must_be_called(choice, names, must):
    asked = question(tools=[READ, NOW, {"type": "web_search"}], tool_choice=choice).tools

    found = asked and [tool["function"]["name"] for tool in asked.offered]
    assert (names, must) == (found, bool(asked and asked.must))


def test_functions_of_old_clients_are_tools():
    asked = question(functions=[READ["function"]], function_call={"name": "read"}).tools

    assert ("read", True) == (asked.offered[0]["function"]["name"], asked.must)


def test_what_is_history_never_refuses_a_question():
    picture = {"type": "image_url", "image_url": {"url": "data:"}}
    messages = [
        {"role": "user", "content": [{"type": "input_text", "text": "See: "}, picture]},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Nice."}],
        },
        {
            "role": "assistant",
            "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {"a": 1}}}, "odd", {}],
        },
        {"role": "tool", "tool_call_id": 7, "content": None},
        {"role": "assistant", "content": 7},
        {"role": "user", "content": ["hi"]},
    ]

    turns = question(messages=messages).history.turns

    assert ["See: [image_url]", "Nice.", "", "", "7", "hi"] == [turn.text for turn in turns]
    assert (ToolCall(id="1", name="f", arguments='{"a": 1}'),) == turns[2].calls


def test_whole_numbers_may_be_written_with_a_point_and_null_is_nothing():
    asked = question(max_tokens=256.0, seed=42.0, model=None, stop=["", "x"], logit_bias={"5": None, "6": 1})

    assert (256, 42, ("x",)) == (asked.sampling.max_tokens, asked.sampling.seed, asked.sampling.stop)
    assert ({"6": 1}, "tsubasa") == (asked.sampling.logit_bias, asked.model.name)


@pytest.mark.parametrize(
    ("keys", "top_k", "top_p", "temperature"),
    [
        ({}, 20, 0.8, 0.7),
        ({"temperature": 0.3}, 0, 1.0, 0.3),
        ({"top_p": 0.5}, 0, 0.5, 0.7),
        ({"top_k": 40}, 40, 1.0, 0.7),
        ({"min_p": 0.1}, 0, 1.0, 0.7),
    ],
    ids=str,
)
def test_who_names_one_way_of_choosing_words_gets_neutral_ones_beside_it(keys, top_k, top_p, temperature):
    sampling = question(**keys).sampling

    assert (top_k, top_p, temperature) == (sampling.top_k, sampling.top_p, sampling.temperature)


def test_without_a_limit_an_answer_goes_to_the_end_of_the_context():
    body = json.dumps({"messages": HI}).encode()

    assert chat_request.question(chat_request.read(body), Config()).sampling.max_tokens is None


def test_sampling_is_taken_as_it_is_given():
    keys = {"temperature": 0, "top_p": 0.5, "seed": 7, "max_tokens": 5}
    keys |= {"presence_penalty": 1, "frequency_penalty": -1}
    sampling = question(**keys, stop="x").sampling

    assert keys == {key: getattr(sampling, key) for key in keys}
    assert (("x",), 0) == (sampling.stop, sampling.top_k)


@pytest.mark.parametrize(
    ("keys", "limit"),
    [
        ({}, 100),
        ({"max_tokens": 5}, 5),
        ({"max_tokens": 5, "max_completion_tokens": 6}, 6),
        ({"max_tokens": -1}, None),
        ({"max_tokens": 10**30}, 2**31 - 1),
    ],
)
def test_max_completion_tokens_wins_and_minus_one_is_no_limit(keys, limit):
    assert limit == question(**keys).sampling.max_tokens


ARRAY = {"type": "array"}


@pytest.mark.parametrize(
    ("keys", "schema"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_object", "schema": ARRAY}, ARRAY),
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": ARRAY}}, ARRAY),
    ],
)
def test_a_response_format_becomes_a_schema(keys, schema):
    assert schema == question(response_format=keys).schema


def test_our_extras_are_read():
    asked = question(tsubasa={"recall": False, "said_at": "2026-03-05"})

    assert (False, datetime(2026, 3, 5, tzinfo=UTC)) == (asked.recall, asked.said_at)


@pytest.mark.parametrize(
    ("keys", "thinks", "effort"),
    [
        ({}, None, None),
        ({"chat_template_kwargs": {"enable_thinking": True, "other": 1}}, True, None),
        ({"reasoning_effort": "high"}, True, "high"),
        ({"reasoning_effort": "none"}, False, "none"),
        ({"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": False}}, False, "low"),
    ],
    ids=str,
)
def test_a_client_says_whether_the_model_thinks(keys, thinks, effort):
    assert Reasoning(thinks=thinks, effort=effort) == question(**keys).reasoning


def test_unknown_keys_and_unused_tools_are_ignored():
    assert question(store=True, metadata={}, n=1, tools=[READ], tool_choice="none").tools is None


@pytest.mark.parametrize(
    ("keys", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": [{"role": "king", "content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [*HI, {"role": "user", "content": [{"type": "image_url"}]}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}, "messages[0].content"),
        ({"model": 7}, "model"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"stop": [3]}, "stop"),
        ({"logit_bias": {"hi": 1.0}}, "logit_bias"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [READ], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        ({"tools": [READ], "tool_choice": "perhaps"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"mirostat": 2}, "mirostat"),
        ({"stop": 3}, "stop"),
        ({"seed": "x"}, "seed"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {}}},
            "response_format.json_schema.schema",
        ),
        ({"reasoning_effort": 3}, "reasoning_effort"),
        ({"chat_template_kwargs": {"enable_thinking": "yes"}}, "chat_template_kwargs.enable_thinking"),
        ({"n": 0}, "n"),
        ({"n": 1000}, "n"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"functions": [{}]}, "functions[0].name"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"tsubasa": {"said_at": "soon"}}, "tsubasa.said_at"),
        ({"tsubasa": {"said_at": "0001-01-01T00:00:00+14:00"}}, "tsubasa.said_at"),  # before the first in UTC
        ({"tsubasa": {"recall": "no"}}, "tsubasa.recall"),
    ],
    ids=str,
)
def test_a_mistake_is_a_400_that_names_its_key(keys, param):
    with pytest.raises(WireError) as caught:
        question(**keys)

    assert (400, param) == (caught.value.status, caught.value.param)
    assert param.split("[")[0] in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"messages": "\\ud800"}', b"[" * 100_000, b"1" * 5_000], ids=repr
)
def test_what_is_no_json_object_is_a_400(body):
    with pytest.raises(WireError) as caught:
        chat_request.read(body)

    assert (400, "invalid_json") == (caught.value.status, caught.value.code)


@pytest.mark.parametrize(
    "keys",
    [
        {"temperature": -1},
        {"top_p": 2},
        {"max_tokens": -5},
        {"presence_penalty": 9},
        {"min_p": 2},
        {"typical_p": 0},
    ],
    ids=str,
)
def test_a_number_out_of_range_is_refused_by_name(keys):
    with pytest.raises(SamplingRefused) as caught:
        question(**keys)

    assert [caught.value.field] == list(keys)
