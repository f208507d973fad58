"""Before the embedder is there: chats are answered at once, and recall goes by words."""

from datetime import date

import pytest

from daemon.cli.status import recall as said_by_status
from daemon.embedding.client import EmbedderInfo
from daemon.memory.indexing import index_missing
from daemon.processes.errors import ChildCrashed
from store import memories, vectors
from tests.daemon.api.world import serving

DAY = date(2026, 3, 5)
FACTS = ("The user's dog is called Rex.", "The user lives in Ghent.")


async def scene(tmp_path, change, *questions, indexed=False):
    """Ask each of the questions once `change(services)` was made; what was laid beside them, and the status."""

    async with serving(tmp_path) as world:
        for fact in FACTS:
            await world.store_thread.run(memories.add, fact, told_on=DAY, sources=())
        if indexed:
            await index_missing(world.store_thread, world.services.embedder)
        change(world.services.embedder)
        answers = [(await world.chat(question)).json() for question in questions]
        status = (await world.http.get("/tsubasa/status")).json()
        told = [world.engine.requests[at]["messages"][:-1] for at in range(len(answers))]
        return told, status


def starts_still(embedder):
    embedder.made = None


async def test_a_question_is_answered_by_words_while_the_embedder_starts(tmp_path):
    (dog, talk), status = await scene(tmp_path, starts_still, "What is my dog called?", "Nice weather!")

    assert [True] == [FACTS[0] in one["content"] for one in dog]
    assert [] == talk
    assert {"by": "words", "why": "the embedder is starting"} == status["recall"]
    assert 2 + 4 == status["held"]["unindexed"]
    line = said_by_status(status["recall"], status["held"]["unindexed"])
    assert (
        "[yellow]Recall: by words only[/]; 6 texts wait for their vectors: the embedder is starting" == line
    )


async def test_words_are_enough_where_the_store_never_saw_an_embedder(tmp_path):
    async with serving(tmp_path) as world:
        world.services.embedder.made = None
        await world.store_thread.run(lambda db: db.execute("delete from embedder"))
        await world.store_thread.run(memories.add, FACTS[0], told_on=DAY, sources=())
        answered, asked = await world.chat("What is my dog called?"), world.engine.requests[0]["messages"]

    assert 200 == answered.status_code
    assert FACTS[0] in asked[0]["content"]


async def test_what_was_said_is_quoted_by_words_when_it_has_half_of_the_questions(tmp_path):
    async with serving(tmp_path) as world:
        await world.chat("I parked the blue bicycle behind the station.")
        world.services.embedder.made = None
        await world.chat("Where is my bicycle parked?")
        await world.chat("Which bicycle race is the hardest one in Belgium, do you think?")
        parked, race = [one["messages"] for one in world.engine.requests[1:]]

    assert "behind the station" in parked[0]["content"]
    assert 1 == len(race)


async def test_an_embedder_that_dies_leaves_a_chat_to_words(tmp_path):
    def dies(embedder):
        embedder.fails = ChildCrashed("embedder", exit_code=-9, last_words="", starting=False)

    (dog,), _ = await scene(tmp_path, dies, "What is my dog called?", indexed=True)

    assert [True] == [FACTS[0] in one["content"] for one in dog]


async def test_vectors_of_another_length_under_the_same_name_leave_a_chat_to_words_and_show(tmp_path, caplog):
    def other(embedder):
        embedder.dimension, embedder.made = 5, EmbedderInfo(id="fake", dimension=5)

    (dog,), status = await scene(tmp_path, other, "What is my dog called?", indexed=True)

    assert [True] == [FACTS[0] in one["content"] for one in dog]
    assert "words" == status["recall"]["by"]
    assert "tsubasa up --reindex" in status["recall"]["why"]
    assert "Recall goes by words" in caplog.text


async def test_with_the_embedder_recall_goes_by_meaning(tmp_path):
    _, status = await scene(tmp_path, lambda embedder: None, "What is my dog called?", indexed=True)

    assert {"by": "meaning", "why": None} == status["recall"]
    assert said_by_status(status["recall"], 0) is None


@pytest.mark.parametrize("config", [{"recall": False}, {"recall_k": 0}])
async def test_status_tells_that_recall_is_off(tmp_path, config):
    async with serving(tmp_path, **config) as world:
        found = (await world.http.get("/tsubasa/status")).json()["recall"]

    assert "nothing" == found["by"]


async def test_the_index_is_made_as_soon_as_the_embedder_is_there(tmp_path):
    async with serving(tmp_path) as world:
        embedder = world.services.embedder
        embedder.made = None
        await world.store_thread.run(memories.add, FACTS[0], told_on=DAY, sources=())
        await world.services.runner.order("index", {})
        await world.services.runner.look()
        found = await world.store_thread.run(vectors.missing, "memory")

    assert [] == found
