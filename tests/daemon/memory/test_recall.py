"""Which memories and messages lie beside a question, in what order, within how many tokens."""

from datetime import UTC, date, datetime

import pytest

from daemon.memory.indexing import index_missing
from daemon.memory.recall import recall
from prompts.load import load
from store import chats, memories, vectors
from store.chats import NewMessage
from tests.daemon.memory.fakes import FakeEmbedder, open_store_thread


async def recalled(folder, told, question, **options):
    embedder = FakeEmbedder()
    async with open_store_thread(folder) as store_thread:
        for day, text in told:
            await store_thread.run(memories.add, text, told_on=day, sources=())
        await index_missing(store_thread, embedder)
        return await recall(store_thread, embedder, question, **options)


TODAY = datetime(2026, 3, 5, tzinfo=UTC)
TOLD = [
    (date(2026, 3, 9), "The user's dog is called Rex."),
    (date(2026, 3, 5), "The user lives in Ghent."),
    (date(2026, 3, 7), "The user's sister has a dog."),
]


async def test_memories_that_bear_on_the_question_are_told_oldest_first(tmp_path):
    found = await recalled(tmp_path, TOLD, "What is my dog called?")

    assert (
        "2026-03-07: The user's sister has a dog.",
        "2026-03-09: The user's dog is called Rex.",
    ) == found.lines
    assert f"{load('recall')}\n- {found.lines[0]}\n- {found.lines[1]}" == found.system_text


async def test_the_same_memories_can_be_had_best_first(tmp_path):
    """Of the two that are told, the newer bears more on the question than the older."""
    found = await recalled(tmp_path, TOLD, "Is my dog called Rex?")

    assert "The user's dog is called Rex." == found.best_first[0].text
    assert found.memories == tuple(reversed(found.best_first))


@pytest.mark.parametrize(
    "question", ["hi", "what is 2+2", "", "   ", "😀", "؟", '"; drop table memories; --']
)
async def test_small_talk_gets_no_memories(tmp_path, question):
    found = await recalled(tmp_path, TOLD, question)

    assert ((), (), None) == (found.memories, found.lines, found.system_text)


async def test_an_empty_store_recalls_nothing(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        found = await recall(store_thread, FakeEmbedder(), "Where do I live?")

    assert None is found.system_text


async def test_k_widens_while_the_scores_are_flat_and_no_further_than_max_k(tmp_path):
    same = [(date(2026, 3, 1), f"The user owns a boat of colour c{number}.") for number in range(20)]

    found = await recalled(tmp_path, same, "Which boat do I own?", k=3, max_k=7)

    assert 7 == len(found.lines)


async def test_a_k_beyond_max_k_is_meant(tmp_path):
    same = [(date(2026, 3, 1), f"The user owns a boat of colour c{number}.") for number in range(20)]

    assert 12 == len((await recalled(tmp_path, same, "Which boat do I own?", k=12)).lines)


async def test_k_stays_where_the_others_are_clearly_worse(tmp_path):
    near = [(date(2026, 3, 1), f"The user owns a red boat c{number}.") for number in range(3)]
    far = [
        (date(2026, 3, 1), f"The user paints large wooden chairs, boat parts and fences f{n}.")
        for n in range(5)
    ]

    found = await recalled(tmp_path, near + far, "Which red boat do I own?")

    assert 3 == len(found.lines)


async def test_k_of_zero_recalls_nothing(tmp_path):
    assert () == (await recalled(tmp_path, TOLD, "What is my dog called?", k=0)).lines


MOVES = ["The user lives in Ghent.", "The user lives in Oslo.", "The user lives in Bergen."]


async def moved(folder, question, *, extra=0):
    """Recall in a life with two changes of town, and `extra` other memories."""

    async def run():
        embedder = FakeEmbedder()
        async with open_store_thread(folder) as store_thread:
            memory = await store_thread.run(memories.add, MOVES[0], told_on=date(2024, 1, 1), sources=())
            for year, text in enumerate(MOVES[1:], start=2025):
                memory = await store_thread.run(
                    memories.reconcile, memory, text, told_on=date(year, 1, 1), sources=()
                )
            for number in range(extra):
                await store_thread.run(
                    memories.add, f"The user has pet p{number}.", told_on=date(2026, 1, 2), sources=()
                )
            await index_missing(store_thread, embedder)
            return await recall(store_thread, embedder, question)

    return (await run()).lines


NOW = "2026-01-01: The user lives in Bergen. Before that: The user lives in Oslo."


async def test_what_held_before_is_told_behind_what_holds(tmp_path):
    assert (NOW,) == await moved(tmp_path, "Where do I live?")


async def test_a_question_about_the_past_is_told_all_that_held(tmp_path):
    old = "2024-01-01 to 2025-01-01: The user lives in Ghent."

    assert (old, NOW) == await moved(tmp_path, "Where did I live in 2024?")


async def test_a_question_about_the_past_finds_what_holds_by_the_words_of_what_does_not(tmp_path):
    assert NOW in await moved(tmp_path, "Was Ghent ever important?")
    assert () == await moved(tmp_path / "again", "Is Ghent important?")


@pytest.mark.parametrize(
    "question", ["Who was the first man on the moon?", "Did it rain in 1815?", "Was it ghostly?"]
)
async def test_a_question_about_the_worlds_past_finds_nothing(tmp_path, question):
    assert () == await moved(tmp_path, question)


async def test_a_question_that_takes_many_memories_gets_them(tmp_path):
    assert 10 == len(await moved(tmp_path, "Can you list all my pet animals?", extra=12))


async def test_messages_and_memories_without_a_vector_get_one_in_batches(tmp_path):
    embedder = FakeEmbedder()
    async with open_store_thread(tmp_path) as store_thread:
        await store_thread.run(memories.add, "The user lives in Ghent.", told_on=date(2026, 3, 5), sources=())
        history = [NewMessage(role="user", text=f"message {number}") for number in range(5)]
        await store_thread.run(chats.record, history, at=TODAY)
        made = await index_missing(store_thread, embedder, batch=2)
        again = await index_missing(store_thread, embedder, batch=2)
        near = await store_thread.run(vectors.nearest, "message", (await embedder.embed(["message 3"]))[0], 1)
        said = (await store_thread.run(chats.get, near[0][0])).text
        batches = embedder.batches

    assert (6, 0, [1, 2, 2, 1, 1], "message 3") == (made, again, batches, said)
