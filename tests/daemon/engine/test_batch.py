"""What several requests get that share batches, and what a draft may change: nothing."""

import asyncio

import pytest

from daemon.engine.client import Sampling
from tests.daemon.engine.conftest import own_engine

QUESTIONS = [[{"role": "user", "content": f"{n} in the inn" * (1 + n % 3)}] for n in range(20)]
GREEDY = Sampling(max_tokens=24)


async def answer(engine, messages, **rest):
    return await engine.complete(messages, **{"sampling": GREEDY, "background": True, **rest})


@pytest.mark.parametrize("schema", [None, {"type": "array", "items": {"type": "string"}}])
@pytest.mark.parametrize("temperature", [0.0, 0.9])
async def test_a_draft_changes_nothing_of_a_reply(engine, schema, temperature):
    sampling = Sampling(max_tokens=24, temperature=temperature, seed=7)
    plain = await answer(engine, QUESTIONS[0], schema=schema, sampling=sampling)
    half = len(plain.text) // 2
    drafts = [
        *(plain.text, plain.text[:half], plain.text[:half] + "xx", "x", plain.text + "y" * 300, "é" * 50),
    ]
    for draft in drafts:
        drafted = await answer(engine, QUESTIONS[0], schema=schema, sampling=sampling, draft=draft)

        assert (plain.text, plain.finish) == (drafted.text, drafted.finish)
        assert plain.completion_tokens == drafted.completion_tokens
        whole = (0, len(plain.text))
        assert plain.surprise(*whole) == pytest.approx(drafted.surprise(*whole), abs=0.02)


async def test_a_draft_may_be_longer_than_the_context(engine):
    n_ctx = (await engine.info()).n_ctx
    plain = await answer(engine, QUESTIONS[0], sampling=Sampling())
    drafted = await answer(engine, QUESTIONS[0], sampling=Sampling(), draft=plain.text + "z" * n_ctx)

    assert (plain.text, plain.finish) == (drafted.text, drafted.finish)


async def test_many_at_once_are_answered_as_one_after_the_other_also_with_other_adapters(engine, adapters):
    names = ["base", await engine.load(adapters[0]), await engine.load(adapters[1])]
    asked = [(messages, names[n // 4 % 3]) for n, messages in enumerate(QUESTIONS)]
    alone = [await answer(engine, messages, adapter=name) for messages, name in asked]
    together = await asyncio.gather(*(answer(engine, messages, adapter=name) for messages, name in asked))
    for name in names[1:]:
        await engine.unload(name)

    assert [one.text for one in alone] == [one.text for one in together]
    assert len({one.text for one in alone}) > 10


async def test_scores_asked_for_at_once_are_those_asked_for_one_by_one(engine):
    replies = ["in the inn", "x" * 90, "the inner thesis"]
    alone = [await engine.score(messages, replies) for messages in QUESTIONS]
    together = await asyncio.gather(*(engine.score(messages, replies) for messages in QUESTIONS))

    for one, other in zip(alone, together, strict=True):
        assert [score.nats for score in one] == pytest.approx([score.nats for score in other], abs=0.05)


async def test_more_than_the_context_holds_is_answered_too(model):
    """Each needs the whole context, and a chat comes in between."""
    async with own_engine(model) as engine:
        long = [[{"role": "user", "content": f"{n}" + "y" * 400}] for n in range(6)]
        alone = [await answer(engine, messages) for messages in long]
        asked = [asyncio.create_task(answer(engine, messages)) for messages in long]
        await asyncio.sleep(0)
        await engine.complete(long[0], sampling=Sampling(max_tokens=30))
        together = await asyncio.gather(*asked)

    assert [one.text for one in alone] == [one.text for one in together]


async def test_a_chat_does_not_wait_for_background_requests_and_one_that_is_given_up_leaves_the_others(
    engine,
):
    asked = [asyncio.create_task(answer(engine, messages, sampling=Sampling())) for messages in QUESTIONS[:6]]
    await asyncio.sleep(0)
    await engine.complete(QUESTIONS[9], sampling=Sampling(max_tokens=2))
    asked[0].cancel()

    assert not any(one.done() for one in asked[1:])
    assert all((await asyncio.gather(*asked, return_exceptions=True))[1:])
