"""What must be true after any statements and any answers of the model, sane or not."""

import json
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.memory.evolve import OPS, evolve
from daemon.memory.indexing import index_missing
from daemon.memory.observe import Observation
from daemon.memory.ranking import nearest_memories
from daemon.text import content_words
from store import memories
from tests.daemon.memory.fakes import FakeEmbedder, FakeEngine, core_of, open_store_thread, quoted

FIRST = date(2026, 1, 1)
STATEMENTS = st.builds(
    str.format,
    st.sampled_from(
        ["The user lives in {}.", "The user's dog is called {}.", "The user's favourite town is {}."]
    ),
    st.sampled_from(["Ghent", "Oslo", "Rex", "Ghent with Rex"]),
)
ANSWERS = st.one_of(
    st.builds(
        dict,
        index=st.integers(0, 5),
        op=st.sampled_from(OPS),
        text=st.sampled_from(["", "The user is.", "The user lives in Ghent with Rex."]),
    ),
    st.sampled_from(["garbage", "", "[]", '{"memory": ""}']),
)
LIVES = st.lists(st.tuples(STATEMENTS, ANSWERS), min_size=1, max_size=7)


@asynccontextmanager
async def lived(life, way="safe"):
    """A store in which `life` was evolved, one statement a day, and the operations done."""
    answers = iter([])
    engine, embedder = FakeEngine(evolve=lambda text: next(answers)(text)), FakeEmbedder()
    with TemporaryDirectory() as folder:
        async with open_store_thread(Path(folder)) as store_thread:
            await index_missing(store_thread, embedder)
            done = []
            for place, (statement, answer) in enumerate(life):
                answers = iter([lambda text, answer=answer: quoted(answer, text)])
                day = FIRST + timedelta(days=place)
                observation = Observation(text=statement, day=day, told_on=day, sources=())
                done.append(await evolve(core_of(store_thread, engine, embedder), observation, way=way))
                vector = (await embedder.embed([statement]))[0]
                near = await store_thread.run(nearest_memories, statement, vector)
                told = [
                    set(content_words(await store_thread.run(memories.narrative, one.memory))) for one in near
                ]
                trivial = done[-1].kind == "IGNORE" and done[-1].memory_id is None
                if way == "safe" and not trivial:
                    assert any(set(content_words(statement)) <= words for words in told), "recallable at once"
            yield store_thread, done


QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(life=LIVES)
async def test_the_newest_statement_is_recallable_and_nothing_is_lost(life):
    async with lived(life) as (store_thread, _):
        ever = [one.text for one in await store_thread.run(memories.events)]

    assert len(life) == len(ever)
    for statement, _ in life:
        assert any(set(content_words(statement)) <= set(content_words(text)) for text in ever)


@QUICK
@given(life=LIVES, way=st.sampled_from(["off", "safe", "paper"]))
async def test_undoing_everything_newest_first_leaves_nothing_held(life, way):
    async with lived(life, way) as (store_thread, _):
        for event in reversed(await store_thread.run(memories.events)):
            before = {one.id for one in await store_thread.run(memories.holding)}
            undone = await store_thread.run(memories.undo_event, event.id, today=FIRST)
            after = {one.id for one in await store_thread.run(memories.holding)}

            assert after == (before - {undone.closed.id if undone.closed else None}) | (
                {undone.restored.id} if undone.restored else set()
            )
        assert [] == await store_thread.run(memories.holding)


@pytest.mark.parametrize("answer", ["", "[]", json.dumps({"memory": 7, "op": [], "text": {}}), "\0" * 100])
async def test_garbage_under_the_grammar_adds(answer):
    async with lived([("The user lives in Ghent.", ""), ("The user lives in Oslo.", answer)]) as (_, done):
        assert ["ADD", "ADD"] == [one.kind for one in done]
