"""Calls of tools: read while they stream, forced by grammar, written into a history; in the forms of the families."""

import json
from pathlib import Path

import numpy as np
import pytest
from llama_cpp.llama_grammar import json_schema_to_gbnf

from daemon.engine.client import Reasoning, Sampling, Tools
from daemon.engine.llama import Model, Sampler
from daemon.engine.template import ChatTemplate
from daemon.engine.tool_calls import HERMES, CallForm, CallReader
from daemon.engine.tool_grammar import grammar_behind_opening
from tests import tiny
from tests.daemon.engine.conftest import own_engine

HELLO = [{"role": "user", "content": "hello"}]
LLAMA = CallForm(opening="", closing="", arguments_key="parameters")
MISTRAL = CallForm(opening="[TOOL_CALLS]", closing="", listed=True)
MISTRAL_NEW = CallForm(opening="[TOOL_CALLS]", closing="", style="named", separator="[ARGS]")
QWEN_XML = CallForm(opening="<tool_call>", closing="</tool_call>", style="xml")
READ = {
    "type": "function",
    "function": {
        "name": "read",
        "description": "Reads a file.",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}, "lines": {"type": "integer"}},
            "required": ["path", "lines"],
        },
    },
}
NOW = {"type": "function", "function": {"name": "now"}}
SPOKEN = {
    "hermes": (
        HERMES,
        'I look.\n<tool_call>\n{"name": "read", "arguments": {"path": "a}", "lines": 3}}\n</tool_call>',
    ),
    "llama": (LLAMA, '{"name": "read", "parameters": {"path": "a}", "lines": 3}}'),
    "mistral": (MISTRAL, 'I look.[TOOL_CALLS][{"name": "read", "arguments": {"path": "a}", "lines": 3}}]'),
    "newer mistral": (MISTRAL_NEW, 'I look.[TOOL_CALLS]read[ARGS]{"path": "a}", "lines": 3}'),
    "xml": (
        QWEN_XML,
        "I look.\n\n<tool_call>\n<function=read>\n<parameter=path>\na}\n</parameter>\n<parameter=lines>\n3\n"
        "</parameter>\n</function>\n</tool_call>",
    ),
}


def read(form, text, size=1, tools=(READ, NOW)):
    """Text and calls, as they come out when `text` comes in parts of that size."""
    reader = CallReader(form, tools)
    shown, calls = "", []
    for at in range(0, len(text), size):
        more, found = reader.push(text[at : at + size])
        shown, calls = shown + more, calls + found
    more, found = reader.rest()
    return shown + more, [(call.name, json.loads(call.arguments)) for call in calls + found]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("family", SPOKEN)
def test_a_call_is_read_while_it_streams_and_none_of_it_is_text(family, size):
    form, text = SPOKEN[family]

    shown, calls = read(form, text, size)

    assert [("read", {"path": "a}", "lines": 3})] == calls
    assert ("" if family == "llama" else "I look.") == shown


@pytest.mark.parametrize(
    ("form", "text", "names"),
    [
        (
            HERMES,
            '<tool_call>{"name": "now", "arguments": {}}</tool_call>\n<tool_call>{"name": "read"}</tool_call>',
            2,
        ),
        (HERMES, '<tool_call>{"name": "now", "arguments": {}}', 1),  # the reply ended before the mark
        (HERMES, '{"name": "now", "arguments": {}}', 1),  # small models forget the marks
        (MISTRAL, '[TOOL_CALLS][{"name": "now", "arguments": {}}, {"name": "read", "arguments": {}}]', 2),
        (LLAMA, '<|python_tag|>{"type": "function", "name": "now", "parameters": {}}', 1),
        (LLAMA, '{"name": "now", "parameters": {}}; {"name": "read", "parameters": {}}', 2),
    ],
)
def test_several_calls_and_careless_ones_are_read(form, text, names):
    shown, calls = read(form, text)

    assert ("", names) == (shown, len(calls))


def test_the_half_mark_of_one_more_call_is_no_text():
    """As of a reply that its limit cuts off."""
    shown, calls = read(HERMES, '<tool_call>{"name": "now", "arguments": {}}</tool_call>\n<tool_')

    assert ("", 1) == (shown, len(calls))


@pytest.mark.parametrize("form", [HERMES, LLAMA, MISTRAL, MISTRAL_NEW, QWEN_XML])
@pytest.mark.parametrize(
    "text",
    [
        "Hello.\n\nHow are you?",
        '{"name": "Bob", "age": 3}',
        '{"answer": 42}',
        "{",
        "a < b, a <tool b, [TOOL] c",
        " {\n",
        "<tool_call>no JSON</tool_call>",
        "[TOOL_CALLS]no JSON",
    ],
)
def test_what_is_no_call_is_text_and_nothing_of_it_is_lost(form, text):
    shown, calls = read(form, text)

    assert (text.strip(), []) == (shown.strip(), calls)


FAMILIES = Path(__file__).parent / "templates"
CALLS = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content }}{% for t in m.tool_calls or [] %}"
)
CALLS += "CALL{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}{% if tools %}{{ tools | tojson }}{% endif %}"
CALLS += "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
WRITTEN = {
    "hermes": "{{ '<tool_call>\n' + t.function | tojson + '\n</tool_call>' }}",
    "llama": """{{ '{"name": "' + t.function.name + '", "parameters": ' + t.function.arguments | tojson + '}' }}""",
    "mistral": "{{ '[TOOL_CALLS][' + t.function | tojson + ']' }}",
    "named": "{{ '[TOOL_CALLS]' + t.function.name + '[ARGS]' + t.function.arguments | tojson }}",
    "xml": "{{ '<tool_call>\n<function=' + t.function.name + '>' }}{% for k, v in t.function.arguments | items %}"
    "{{ '\n<parameter=' + k + '>\n' + v | string + '\n</parameter>' }}{% endfor %}"
    "{{ '\n</function>\n</tool_call>' }}",
    "none": "",
}


@pytest.fixture(params=WRITTEN, scope="module")
async def engine_of(request, tmp_path_factory):
    template = tiny.TEMPLATE if request.param == "none" else CALLS.replace("CALL", WRITTEN[request.param])
    path = tiny.write_model(tmp_path_factory.mktemp("tools") / "m.gguf", template=template)
    async with own_engine(path) as engine:
        yield engine


async def said(engine, **options):
    pieces = [piece async for piece in engine.chat(HELLO, **options)]
    text = "".join(piece.text for piece in pieces)
    return text, [call for piece in pieces for call in piece.calls], pieces


@pytest.mark.parametrize("tool", [READ, NOW], ids=["read", "now"])
async def test_a_call_that_must_be_is_made_by_a_model_that_knows_nothing(engine_of, tool):
    """Its weights are random; only the grammar makes it a call that fits the schema."""
    tools = Tools(offered=(tool,), must=True, parallel=False)
    some = Sampling(max_tokens=400, temperature=1.0, seed=1)
    text, calls, pieces = await said(engine_of, tools=tools, sampling=some)

    if pieces[-1].finish == "length" and tool is READ:
        return  # a text without an end
    assert ([tool["function"]["name"]], "") == ([call.name for call in calls], text)
    assert sorted(tool["function"].get("parameters", {}).get("required", [])) == sorted(
        json.loads(calls[0].arguments)
    )


async def test_tools_that_may_be_called_change_no_answer_in_words(engine_of):
    text, calls, pieces = await said(engine_of, tools=Tools(offered=(READ,)), sampling=Sampling(max_tokens=8))

    assert text and not calls
    assert "length" == pieces[-1].finish


def test_a_call_that_was_begun_freely_is_held_to_its_grammar_and_no_other_text_is(model):
    loaded, random = Model(str(model), gpu_layers=0), np.random.default_rng(1)
    sampler = Sampler(loaded, Sampling(temperature=1.0), seed=1, grammar=None)
    behind = grammar_behind_opening(Tools(offered=(NOW, READ)), HERMES, json_schema_to_gbnf)

    def chosen(most):
        """What a model would say that knows nothing."""
        text = b""
        for _ in range(most):
            token = sampler.choose(random.normal(size=loaded.n_vocab).astype(np.float32))
            if token in loaded.ends:
                break
            text += loaded.piece(token)
        return text.decode("utf-8", "replace")

    sampler.follow(behind, '\n{"name": "no')
    call = '{"name": "no' + chosen(300)
    sampler.follow(behind, "no call")
    free = chosen(20)
    sampler.close()

    assert {"name": "now", "arguments": {}} == json.loads(call.removesuffix("</tool_call>"))
    assert not free.strip().startswith("{")


async def test_beside_a_schema_an_answer_is_a_call_or_what_the_schema_asks_for(engine_of):
    some, tools = Sampling(max_tokens=200, temperature=1.0, seed=3), Tools(offered=(NOW,), parallel=False)
    text, calls, _ = await said(engine_of, tools=tools, schema={"const": "a"}, sampling=some)

    assert (1 == len(calls) and not text) or "a" == json.loads(text)


async def test_schemas_of_tools_that_cannot_be_followed_allow_any_object(engine_of):
    odd = {
        "function": {"name": "odd", "parameters": {"type": "object", "properties": {"a": {"type": "hiccup"}}}}
    }
    tools = Tools(offered=(odd,), must=True)
    first = [piece async for piece in engine_of.chat(HELLO, tools=tools, sampling=Sampling(max_tokens=4))][0]

    assert first.prompt_tokens


async def test_a_prompt_with_tools_is_counted(engine_of):
    alone, beside = await engine_of.count(HELLO), await engine_of.count(HELLO, tools=Tools(offered=(READ,)))

    assert alone <= beside


CALLED = [
    {"role": "user", "content": "Read a and b."},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "1", "name": "read", "arguments": '{"path": "AAA"}'},
            {"id": "2", "name": "read", "arguments": "no JSON <|im_end|>"},
        ],
    },
    {"role": "tool", "tool_call_id": "2", "content": "BEHIND B"},
    {"role": "tool", "content": "BEHIND A"},
    {"role": "user", "content": "Thanks."},
    {"role": "tool", "content": "of no call"},
]


@pytest.mark.parametrize("family", sorted(path.stem for path in FAMILIES.iterdir()))
def test_calls_in_a_history_are_never_a_reason_to_refuse(family):
    source = (FAMILIES / f"{family}.jinja").read_text(encoding="utf-8")
    template = ChatTemplate(source, control=["<|im_end|>"], bos="<s>", eos="</s>")
    prompt = template.write(CALLED, Reasoning(), tools=[READ])
    text = "".join(part.text for part in prompt.segments)

    assert [] == [
        part for part in ("AAA", "BEHIND A", "BEHIND B", "no JSON", "of no call") if part not in text
    ]
    assert ("<|im_end|>", True) in prompt.segments
