"""Before the embedder is there: chats are answered at once, and recall goes by words."""

import pytest

from daemon.embedding.client import EmbedderInfo
from daemon.memory.indexing import index_missing
from daemon.processes.errors import ChildCrashed
from store import vectors
from tests.daemon.api.world import serving
from tests.daemon.memory.fakes import remember

FACTS = ("The user's dog is called Rex.", "The user lives in Ghent.")
DOG = "What is my dog called?"


async def scene(tmp_path, change, *questions, indexed=False):
    """Ask each of the questions once `change(embedder)` was made; what was laid beside them, and the status."""
    async with serving(tmp_path) as world:
        await remember(world.store_thread, *FACTS)
        if indexed:
            await index_missing(world.store_thread, world.services.embedder)
        change(world.services.embedder)
        assert all([(await world.chat(question)).status_code == 200 for question in questions])
        status = (await world.http.get("/tsubasa/status")).json()
        told = [one["messages"][:-1] for one in world.engine.requests[: len(questions)]]
        return told, status


def starts_still(embedder):
    embedder.made = None


def dies(embedder):
    embedder.fails = ChildCrashed("embedder", exit_code=-9, last_words="", starting=False)


def has_vectors_of_another_length(embedder):
    embedder.dimension, embedder.made = 5, EmbedderInfo(id="fake", dimension=5)


@pytest.mark.parametrize(
    ("change", "indexed", "by", "why"),
    [
        (starts_still, False, "words", "the embedder is starting"),
        (has_vectors_of_another_length, True, "words", "tsubasa up --reindex"),
        (dies, True, None, ""),
        (lambda embedder: None, True, "meaning", ""),
    ],
)
async def test_a_question_is_answered_whatever_becomes_of_the_embedder(tmp_path, change, indexed, by, why):
    (dog, talk), status = await scene(tmp_path, change, DOG, "Nice weather!", indexed=indexed)

    assert [True] == [FACTS[0] in one["content"] for one in dog]
    assert by == "meaning" or [] == talk
    assert by in (None, status["recall"]["by"])
    assert why in (status["recall"]["why"] or "")
    assert (0 if indexed else 2) + 4 == status["held"]["unindexed"]


async def test_words_are_enough_where_the_store_never_saw_an_embedder(tmp_path):
    async with serving(tmp_path) as world:
        world.services.embedder.made = None
        await world.store_thread.run(lambda db: db.execute("delete from embedder"))
        await remember(world.store_thread, FACTS[0])
        answered, asked = await world.chat(DOG), world.engine.requests[0]["messages"]

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


@pytest.mark.parametrize("config", [{"recall": False}, {"recall_k": 0}])
async def test_status_tells_that_recall_is_off(tmp_path, config):
    async with serving(tmp_path, **config) as world:
        found = (await world.http.get("/tsubasa/status")).json()["recall"]

    assert "nothing" == found["by"]


async def test_the_index_is_made_as_soon_as_the_embedder_is_there(tmp_path):
    async with serving(tmp_path) as world:
        embedder = world.services.embedder
        embedder.made = None
        await remember(world.store_thread, FACTS[0])
        await world.services.runner.order("index", {})
        await world.services.runner.look()
        found = await world.store_thread.run(vectors.missing, "memory")

    assert [] == found
