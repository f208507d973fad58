"""What one engine's process computed of a system prompt goes on in another one, to the last digit."""

import pytest

from daemon.engine.client import Sampling, Tools
from tests.daemon.engine.conftest import own_engine

SYSTEM = [{"role": "system", "content": "In the inn the user is the one who asks. " * 4}]
GREEDY = Sampling(max_tokens=60, ignore_eos=True)
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def chat(text):
    return [*SYSTEM, {"role": "user", "content": text}]


async def kept_of(engine, adapter="live"):
    """The prefix of the system prompt after one chat with it, and what the engine kept."""
    await engine.complete(chat("an inn"), sampling=GREEDY, adapter=adapter)
    prefix = await engine.prefix(SYSTEM, adapter=adapter)
    return prefix, await engine.kept(prefix)


async def test_another_process_goes_on_from_it_and_says_what_it_would_have_said(model):
    async with own_engine(model) as first:
        prefix, kept = await kept_of(first)
    async with own_engine(model) as fresh:
        wanted = await fresh.complete(chat("the user"), sampling=GREEDY)
    async with own_engine(model) as other:
        await other.remember(prefix, kept)
        got = await other.complete(chat("the user"), sampling=GREEDY)
        again = await other.complete(chat("in the inn"), sampling=GREEDY)

    assert 0 == wanted.cached_tokens
    assert len(prefix.tokens) > 100
    assert len(prefix.tokens) <= min(got.cached_tokens, again.cached_tokens)
    assert wanted.text == got.text


async def test_it_holds_the_system_turns_and_nothing_that_was_said_behind_them(model):
    """To the byte: whatever was asked and answered behind them, the same is kept."""
    found = []
    for text in ("an inn", "in the"):
        async with own_engine(model) as engine:
            await engine.complete(chat(text), sampling=GREEDY)
            prefix = await engine.prefix(SYSTEM)
            found.append((await engine.join(prefix.tokens), await engine.kept(prefix)))

    assert found[0] == found[1]
    assert SYSTEM[0]["content"] in found[0][0] and "an inn" not in found[0][0]
    assert len(found[0][1]) > 10_000


async def test_what_one_adapter_computed_answers_for_no_other(engine, adapters):
    name = await engine.load(adapters[0])
    prefix, kept = await kept_of(engine, name)
    base = await engine.prefix(SYSTEM, adapter="base")

    assert (name, None) == (prefix.adapter, base.adapter)
    assert kept
    assert b"" == await engine.kept(base)
    await engine.unload(name)


async def test_where_not_all_of_it_is_in_memory_nothing_is_kept(engine):
    never = [{"role": "system", "content": "Never said before, to anybody, in any inn. " * 3}]

    assert b"" == await engine.kept(await engine.prefix(never))


@pytest.mark.parametrize("tools", [None, Tools(offered=(TOOL,))], ids=["none", "tools"])
async def test_the_prefix_is_what_the_chats_prompt_begins_with(engine, tools):
    prefix = await engine.prefix(SYSTEM, tools=tools)
    first = [piece async for piece in engine.chat(chat("a"), sampling=GREEDY, tools=tools)]
    kept = await engine.kept(prefix)

    assert first[0].prompt_tokens > len(prefix.tokens)
    assert kept
