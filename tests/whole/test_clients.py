"""A real daemon on nano and the clients that programs are written with: each finds the server that it was made for."""

import json
from typing import Literal

import anthropic
import ollama
import openai
import pytest
from pydantic import BaseModel

from tests.whole.house import NANO, Daemon

HI = [{"role": "user", "content": "Hi!"}]
READ = {
    "type": "object",
    "properties": {"path": {"type": "string", "maxLength": 12}},
    "required": ["path"],
    "additionalProperties": False,
}
TOOL = {
    "type": "function",
    "function": {"name": "read_file", "description": "Reads a file.", "parameters": READ},
}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    made = Daemon(tmp_path_factory.mktemp("home"), NANO, temperature="0").start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def api(daemon):
    with daemon.client() as client:
        yield client


@pytest.fixture(scope="module")
def claude(daemon):
    with anthropic.Anthropic(
        base_url=str(daemon.running["url"]), api_key=daemon.key, max_retries=0
    ) as client:
        yield client


class Colour(BaseModel):
    """What a schema is made of, as programs write it."""

    name: Literal["red", "blue"]


def test_an_answer_is_parsed_into_the_clients_own_type(api):
    answer = api.chat.completions.parse(model="tsubasa", messages=HI, response_format=Colour)

    assert answer.choices[0].message.parsed.name in ("red", "blue")


@pytest.mark.parametrize(
    "choice", ["auto", "none", "required", {"type": "function", "function": {"name": "weather"}}]
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_request_with_tools_is_answered_whatever_the_model_knows_of_tools(api, choice, stream):
    asked = {
        "model": "tsubasa",
        "messages": HI,
        "tools": [TOOL, WEATHER],
        "tool_choice": choice,
        "max_tokens": 200,
    }
    if stream:
        with api.chat.completions.stream(**asked) as events:
            made = events.get_final_completion().choices[0]
    else:
        made = api.chat.completions.create(**asked).choices[0]

    if choice in ("auto", "none"):
        assert made.message.content and not made.message.tool_calls
        return
    assert "tool_calls" == made.finish_reason
    for call in made.message.tool_calls:
        arguments = json.loads(call.function.arguments)
        assert (call.function.name, *arguments) in (("read_file", "path"), ("weather",))
    assert choice == "required" or ["weather"] == [call.function.name for call in made.message.tool_calls]


def test_an_agent_that_calls_three_tools_comes_to_an_end_and_nothing_of_theirs_is_the_users(daemon, api):
    messages = [{"role": "user", "content": "Read a, b and c."}]
    for step in range(3):
        named = {"type": "function", "function": {"name": "read_file"}}
        said = api.chat.completions.create(
            model="tsubasa", messages=messages, tools=[TOOL], tool_choice=named
        )
        call = said.choices[0].message.tool_calls[0]
        result = {"role": "tool", "tool_call_id": call.id, "content": f"The user lives in Ghent {step}."}
        messages += [said.choices[0].message, result]
    end = api.chat.completions.create(model="tsubasa", messages=messages, tools=[TOOL])
    with daemon.own() as own:
        chats = own.chats()["chats"]
        kept = [one["role"] for one in own.past_chat(chats[0]["id"])["messages"]]

    assert end.choices[0].message.content
    assert ["user", *["assistant", "tool"] * 3, "assistant"] == kept


def test_texts_are_gone_on_with_and_embedded(api):
    prompts = ["The sky is", "I live"]
    more = api.completions.create(model="tsubasa", prompt=prompts, max_tokens=5, echo=True)
    vectors = api.embeddings.create(model="any", input=["I have a dog.", ""])

    assert [True, True] == [one.text.startswith(p) for one, p in zip(more.choices, prompts, strict=True)]
    assert 2 == len(vectors.data)
    assert 1 == pytest.approx(sum(number**2 for number in vectors.data[0].embedding), abs=1e-3)
    with pytest.raises(openai.BadRequestError, match="dimensions"):
        api.embeddings.create(model="any", input="a", dimensions=3)


def test_the_responses_api_goes_on_from_an_earlier_answer_and_finds_it_after_a_restart(daemon, api):
    first = api.responses.create(model="tsubasa", input="My name is Wanda.", instructions="Be brief.")
    with api.responses.stream(model="tsubasa", input="Hi again!", previous_response_id=first.id) as events:
        second = [event for event in events][-1].response
    found = api.responses.retrieve(first.id)
    parsed = api.responses.parse(model="tsubasa", input="Red or blue?", text_format=Colour)
    weather = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
    asked = {"model": "tsubasa", "tools": [weather, {"type": "web_search"}], "tool_choice": "required"}
    called = api.responses.create(**asked, input="The weather?")
    answer = {"type": "function_call_output", "call_id": called.output[0].call_id, "output": "It rains."}
    after = api.responses.create(model="tsubasa", previous_response_id=called.id, input=[answer])
    api.responses.delete(first.id)

    assert "completed" == first.status and first.output_text == found.output_text
    assert second.output_text and second.usage.input_tokens > first.usage.input_tokens
    assert parsed.output_parsed.name in ("red", "blue")
    assert ("function_call", "weather") == (called.output[0].type, called.output[0].name)
    assert after.output_text
    with pytest.raises(openai.NotFoundError, match="deleted"):
        api.responses.retrieve(first.id)
    with daemon.own() as own:
        said = [one["text"] for one in own.past_chat(own.chats()["chats"][-1]["id"])["messages"]]
    assert said  # its chat is kept


@pytest.fixture(scope="module")
def llama(daemon):
    headers = {"authorization": f"Bearer {daemon.key}"}
    with ollama.Client(host=str(daemon.running["url"]), headers=headers, trust_env=False) as client:
        yield client


def test_the_ollama_client_lists_chats_streams_calls_and_embeds(llama):
    names = {one.model for one in llama.list().models}
    whole = llama.chat(model="tsubasa", messages=HI).message.content
    streamed = "".join(part.message.content for part in llama.chat(model="tsubasa", messages=HI, stream=True))
    answer = llama.generate(model="tsubasa", prompt="Red?", format=Colour.model_json_schema())
    tools = llama.chat(model="tsubasa", messages=HI, tools=[TOOL])
    vectors = llama.embed(model="any", input=["I have a dog.", "It rains."]).embeddings

    assert {"tsubasa", "tsubasa:private"} <= names
    assert whole and whole == streamed
    assert json.loads(answer.response)["name"] in ("red", "blue")
    assert tools.message.content and 2 == len(vectors)
    assert "completion" in llama.show("tsubasa").capabilities
    with pytest.raises(ollama.ResponseError, match="role is not valid"):
        llama.chat(model="tsubasa", messages=[{"role": "king", "content": "hi"}])


def test_the_anthropic_client_reads_answers_streams_tools_and_counts(claude):
    asked = {"model": "tsubasa", "max_tokens": 200, "messages": HI, "system": "Be brief."}
    whole = claude.messages.create(**asked)
    with claude.messages.stream(**asked) as events:
        streamed = events.get_final_message()
    tool = {
        "name": "weather",
        "description": "Tells it.",
        "input_schema": {"type": "object", "properties": {}},
    }
    called = claude.messages.create(**asked, tools=[tool], tool_choice={"type": "any"})
    used = called.content[0]
    history = [
        *HI,
        {"role": "assistant", "content": called.content},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": used.id, "content": "It rains."}],
        },
    ]
    after = claude.messages.create(**{**asked, "messages": history}, tools=[tool])
    counted = claude.messages.count_tokens(model="tsubasa", messages=HI)

    assert "end_turn" == whole.stop_reason and whole.content[0].text == streamed.content[0].text
    assert ("tool_use", "weather", {}) == (called.stop_reason, used.name, used.input)
    assert after.content[0].text
    assert 0 < counted.input_tokens < 100
    with pytest.raises(anthropic.BadRequestError, match="messages"):
        claude.messages.create(**{**asked, "messages": []})
