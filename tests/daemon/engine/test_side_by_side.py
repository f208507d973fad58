"""Several requests in one real engine: each gets what it would get alone, in a fair order, whatever the others do."""

import asyncio

import pytest

from daemon.engine.client import Sampling
from daemon.engine.errors import EngineBusy
from tests.daemon.engine.conftest import own_engine

QUESTIONS = [[{"role": "user", "content": f"{n} in the inn" * (1 + n % 5)}] for n in range(24)]
GREEDY, LONG = Sampling(max_tokens=24), Sampling(max_tokens=400, ignore_eos=True)
MIDDLE = Sampling(
    max_tokens=200, ignore_eos=True
)  # in longer ones two tokens are as good as equal here and there


async def text_of(engine, messages, sampling=GREEDY, **rest):
    return (await engine.complete(messages, sampling=sampling, **rest)).text


async def heard(engine, name, events, messages, sampling, **rest):
    """The text of a reply; `events` gets `name` for each of its pieces."""
    text = ""
    async for piece in engine.chat(messages, sampling=sampling, **rest):
        if piece.completion_tokens:
            events.append(name)
            text += piece.text
    return text


async def test_a_short_question_behind_a_long_answer_is_answered_beside_it(engine):
    events = []
    alone = await text_of(engine, QUESTIONS[3], LONG)
    long = asyncio.create_task(heard(engine, "long", events, QUESTIONS[3], LONG))
    while len(events) < 5:
        await asyncio.sleep(0)
    await heard(engine, "short", events, QUESTIONS[1], Sampling(max_tokens=60, ignore_eos=True))
    first, last = events.index("short"), len(events) - 1 - events[::-1].index("short")

    assert not long.done()
    assert 30 <= events[first:last].count("long") <= 90
    assert alone == await long


@pytest.mark.parametrize("temperature", [0.0, 1.2])
async def test_many_people_get_word_for_word_what_each_would_get_alone(engine, adapters, temperature):
    names = ["base", await engine.load(adapters[0]), await engine.load(adapters[1])]
    asked = [
        (messages, Sampling(max_tokens=24, temperature=temperature, seed=n), names[n // 4 % 3], n % 5 == 4)
        for n, messages in enumerate(QUESTIONS)
    ]

    def all_of():
        return [
            text_of(engine, messages, sampling, adapter=name, background=background)
            for messages, sampling, name, background in asked
        ]

    alone = [await one for one in all_of()]
    assert alone == list(await asyncio.gather(*all_of()))
    assert len(set(alone)) > 12
    for name in names[1:]:
        await engine.unload(name)


async def test_a_swap_drops_and_mixes_none_of_the_streams_under_way(engine, adapters):
    old = [await text_of(engine, messages, MIDDLE) for messages in QUESTIONS[:4]]
    events = [list[str]() for _ in range(4)]
    streams = [asyncio.create_task(heard(engine, "old", events[n], QUESTIONS[n], MIDDLE)) for n in range(4)]
    while not all(len(one) > 3 for one in events):
        await asyncio.sleep(0)
    assert 0 <= await engine.adopt(adapters[0])
    fresh = [asyncio.create_task(text_of(engine, messages)) for messages in QUESTIONS[:4]]
    after = await asyncio.gather(*fresh)

    assert old == await asyncio.gather(*streams)
    assert after == [await text_of(engine, messages) for messages in QUESTIONS[:4]]
    assert not set(after) & {one[: len(other)] for one in old for other in after}


async def test_one_that_is_given_up_leaves_the_others_their_words_and_its_place_to_the_next(engine):
    alone = [await text_of(engine, messages, MIDDLE) for messages in QUESTIONS[:9]]
    asked = [asyncio.create_task(text_of(engine, messages, MIDDLE)) for messages in QUESTIONS[:9]]
    long = [{"role": "user", "content": "y" * 430}]
    reading = asyncio.create_task(text_of(engine, long, MIDDLE))
    await asyncio.sleep(0.005)
    reading.cancel()
    asked[4].cancel()
    rest = await asyncio.gather(*asked, return_exceptions=True)

    assert alone[:4] + alone[5:] == rest[:4] + rest[5:]


async def test_replies_that_together_are_longer_than_the_context_are_those_of_each_alone(engine):
    """Every one goes on to the end of the context; the later ones are put off until there is room."""
    long = [[{"role": "user", "content": f"{n}" + "y" * (60 * n)}] for n in range(6)]
    most = Sampling(ignore_eos=True)
    alone = [await engine.complete(messages, sampling=most) for messages in long]
    together = await asyncio.gather(*(engine.complete(messages, sampling=most) for messages in long))

    assert [one.text for one in alone] == [one.text for one in together]
    assert {512} == {one.prompt_tokens + one.completion_tokens for one in together}


async def test_one_question_too_many_is_refused_at_once_and_all_others_are_answered(model):
    async with own_engine(model) as engine:
        alone = await text_of(engine, QUESTIONS[0], LONG)
        asked = [asyncio.create_task(text_of(engine, QUESTIONS[0], LONG)) for _ in range(72)]
        await asyncio.sleep(0)
        with pytest.raises(EngineBusy, match="64 questions wait") as refused:
            await text_of(engine, QUESTIONS[0])
        quiet = await text_of(engine, QUESTIONS[1], background=True)

        assert 1 <= refused.value.retry_after_s
        assert [alone] * 72 == await asyncio.gather(*asked)
        assert quiet == await text_of(engine, QUESTIONS[1])


async def test_background_work_takes_nothing_from_a_chat_that_nobody_asks_just_now(engine):
    chat = [{"role": "user", "content": "y" * 300}]
    said = await engine.complete(chat, sampling=GREEDY)
    for _ in range(2):
        tasks = [f"{n} task" + "z" * 60 for n in range(12)]
        asked = [[{"role": "user", "content": text}] for text in tasks]
        await asyncio.gather(*(text_of(engine, one, background=True) for one in asked))
    more = [*chat, {"role": "assistant", "content": said.text}, {"role": "user", "content": "and now?"}]
    next_turn = await engine.complete(more, sampling=GREEDY)

    assert said.prompt_tokens <= next_turn.cached_tokens


async def test_a_turn_computes_the_last_question_and_answer_what_was_recalled_and_no_more(engine):
    """Beside a second chat, whose turns come between, and with other memories each time."""
    answer = {"role": "assistant", "content": "in the inn"}
    chats = {
        name: [{"role": "user", "content": name * 80}, answer, {"role": "user", "content": "and?"}]
        for name in "pq"
    }
    for turn in range(3):
        for name, chat in chats.items():
            memories = {"role": "system", "content": f"{turn}{name} likes the inn"}
            said = await engine.complete([*chat[:-1], memories, chat[-1]], sampling=Sampling(max_tokens=8))
            if turn:
                assert said.prompt_tokens - said.cached_tokens <= 90
            chat += [answer, {"role": "user", "content": f"{turn} and?"}]


async def test_the_engine_counts_what_it_computes_and_what_it_found_in_memory(model):
    async with own_engine(model) as engine:
        assert await engine.counts() is None
        first = await engine.complete(QUESTIONS[3], sampling=GREEDY)
        again = await engine.complete(QUESTIONS[3], sampling=GREEDY)
        counts = await engine.counts()

    assert counts is not None
    assert 2 * first.prompt_tokens == counts.prompt_tokens
    assert first.prompt_tokens - 1 == again.cached_tokens == counts.cached_tokens
    assert (48, 2, 0) == (counts.completion_tokens, counts.requests, counts.running + counts.waiting)
    assert first.prompt_tokens + 1 + 2 * 23 == counts.step_tokens
    assert first.prompt_tokens + 23 <= counts.cells_used <= counts.cells == 640
