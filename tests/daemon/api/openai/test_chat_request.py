"""What a chat request may hold, and what each mistake is answered with."""

import json
from datetime import UTC, datetime

import pytest

from daemon.api.errors import WireError
from daemon.api.openai import chat_request
from daemon.chat.prompt_context import Turn
from daemon.engine.client import Reasoning
from daemon.engine.errors import SamplingRefused

HI = [{"role": "user", "content": "hi"}]


def question(**keys):
    body = json.dumps({"messages": HI, **keys}).encode()
    return chat_request.question(chat_request.read(body), retry=False, temperature=0.7, max_tokens=100)


def test_parts_are_joined_and_developer_means_system():
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "reasoning_content": "hm"},
        {"role": "tool", "content": "42", "tool_call_id": "1"},
    ]

    roles = {"system": "Be brief.", "user": "ab", "assistant": "", "tool": "42"}
    expected = tuple(Turn(role=role, text=text) for role, text in roles.items())
    assert expected == question(messages=messages).history.turns


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
    assert question(store=True, metadata={}, n=1, tools=[{"type": "function"}], tool_choice="none")


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
        ({"messages": [{"role": "user", "content": ["hi"]}]}, "messages[0].content"),
        ({"model": 7}, "model"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"stop": [""]}, "stop"),
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
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"functions": [{}]}, "functions"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"5": 1.0}}, "logit_bias"),
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
    [{"temperature": -1}, {"top_p": 2}, {"max_tokens": 0}, {"presence_penalty": 9}, {"top_p": -0.1}],
    ids=str,
)
def test_a_number_out_of_range_is_refused_by_name(keys):
    with pytest.raises(SamplingRefused) as caught:
        question(**keys)

    assert [caught.value.field] == list(keys)
