"""The engine with templates that are strict, and with models that think: over a real process and a tiny model."""

import json
from pathlib import Path

import pytest

from daemon.engine.client import Reasoning, Sampling
from tests import tiny
from tests.daemon.engine.conftest import own_engine
from tests.trainer.llama_oracle import LlamaOracle

TEMPLATES = Path(__file__).parent / "templates"
THINKS = tiny.TEMPLATE.replace("assistant\\n' }}", "assistant\\n<think>\\n' }}")
HELLO = [{"role": "user", "content": "hello"}]


def turns(*texts):
    """Of the user and the assistant in turn; what begins with "!" is the system's."""
    roles, messages = ("user", "assistant"), []
    for text in texts:
        said = sum(one["role"] != "system" for one in messages)
        messages.append({"role": "system" if text.startswith("!") else roles[said % 2], "content": text})
    return messages


@pytest.mark.parametrize("family", ["gemma-2", "qwen3.5", "qwen3"])
async def test_the_prefix_of_a_chat_with_memories_is_computed_once(tmp_path, family):
    template = (TEMPLATES / f"{family}.jinja").read_text(encoding="utf-8")
    begun = ["!be brief", "hi", "hello there, in the inn. " * 4]
    async with own_engine(tiny.write_model(tmp_path / "m.gguf", template=template)) as engine:
        before = await engine.count(turns(*begun[:2]))
        await engine.complete(turns(*begun, "!they live in Ghent", "where?"), sampling=Sampling(max_tokens=4))
        reply = await engine.complete(
            turns(*begun, "where?", "there", "!they like tea", "and?"), sampling=Sampling(max_tokens=4)
        )

    assert before + 50 < reply.cached_tokens < reply.prompt_tokens  # the long answer before the question too


async def test_a_reply_that_was_begun_is_gone_on_with(engine, model):
    begun = {"role": "assistant", "content": "in the inn"}
    some = Sampling(max_tokens=1)
    reply = await engine.complete([*HELLO, begun], sampling=some)
    anew = await engine.complete([*HELLO, begun], schema={"const": "a"}, sampling=some)
    ((prompt, said),) = await engine.tokenise([(HELLO, "in the inn")])
    with LlamaOracle(model) as oracle:
        likeliest = int(oracle.logits([*prompt, *said[:-1]])[-1].argmax())

    assert len(prompt) + len(said) - 1 == reply.prompt_tokens < anew.prompt_tokens
    assert tiny.vocabulary()[likeliest].replace("Ġ", " ") == reply.text
    assert '"' == anew.text


async def test_a_model_that_always_thinks_does_so_for_people_and_answers_machines_at_once(tmp_path):
    """This one never closes a thought by itself: what it says is no answer."""
    some = Sampling(max_tokens=12)
    async with own_engine(tiny.write_model(tmp_path / "m.gguf", template=THINKS)) as engine:
        at_once = await engine.complete(HELLO, sampling=some)
        data = await engine.complete(HELLO, schema={"const": "a"})
        thought = [piece async for piece in engine.chat(HELLO, sampling=some, reasoning=Reasoning())]
        told = [piece async for piece in engine.chat(HELLO, sampling=some, reasoning=Reasoning(thinks=False))]
        ((prompt, _),) = await engine.tokenise([(HELLO, None)])

    assert at_once.text and "" == at_once.thought and at_once.prompt_tokens == len(prompt)
    assert "a" == json.loads(data.text)
    assert "" == "".join(piece.text for piece in thought)
    assert "".join(piece.thought for piece in thought)
    assert ("length", 12, 12, 0.0) == (
        thought[-1].finish,
        thought[-1].completion_tokens,
        thought[-1].thought_tokens,
        thought[-1].surprise,
    )
    assert at_once.text == "".join(piece.text for piece in told)
    assert thought[0].prompt_tokens < told[0].prompt_tokens == len(prompt)
