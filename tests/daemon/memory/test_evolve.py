from datetime import UTC, date, datetime

import pytest

from daemon.memory.evolve import Op, evolve
from daemon.memory.indexing import index_missing
from daemon.memory.observe import Observation
from daemon.memory.recall import recall
from store import imports, memories, vectors
from store.chats import NewMessage
from tests.daemon.memory.fakes import FakeEmbedder, FakeEngine, core_of, open_store_thread, quoted

ALIKE = {"moved": "live", "like": "love", "bake": "sing"}  # bake and sing: a little alike, but not the same


def observation(text, *, day=date(2026, 3, 5), trust="user"):
    return Observation(text=text, day=day, told_on=day, sources=(), trust=trust)


async def evolved(folder, texts, *, choice=None, question="?", days=None, trusts=None, way="safe", people=()):
    """Evolve `texts` in turn; the last op, all held texts, what the model was asked, what is recalled."""

    engine, embedder = FakeEngine(evolve=lambda text: quoted(choice, text)), FakeEmbedder(alike=ALIKE)
    async with open_store_thread(folder) as store_thread:
        for name in people:
            session = [NewMessage(role="user", text=f"Hello from {name}.", speaker=name)]
            await store_thread.run(
                imports.record_import, name, name, [session], datetime(2026, 3, 5, tzinfo=UTC)
            )
        await index_missing(store_thread, embedder)
        op = None
        for place, text in enumerate(texts):
            day = days[place] if days else date(2026, 3, 5)
            trust = trusts[place] if trusts else "user"
            op = await evolve(
                core_of(store_thread, engine, embedder), observation(text, day=day, trust=trust), way=way
            )
        held = [memory.text for memory in await store_thread.run(memories.holding)]
        lacking = await store_thread.run(vectors.missing, "memory")
        assert [] == lacking
        return op, held, engine.asked, await recall(store_thread, embedder, question)


async def test_the_first_memory_is_added_without_asking_the_model(tmp_path):
    op, held, asked, _ = await evolved(tmp_path, ["The user lives in Ghent."])

    assert Op(kind="ADD", memory_id=1, by="code") == op
    assert (["The user lives in Ghent."], []) == (held, asked)


@pytest.mark.parametrize(
    "again", ["The user lives in Ghent.", "the user  lives in Ghent", "The user now lives in Ghent!"]
)
async def test_what_was_said_before_is_ignored_without_asking_the_model(tmp_path, again):
    op, held, asked, _ = await evolved(tmp_path, ["The user lives in Ghent.", again])

    assert Op(kind="IGNORE", memory_id=1, by="code") == op
    assert (["The user lives in Ghent."], []) == (held, asked)


async def test_what_has_no_neighbour_is_added_without_asking_the_model(tmp_path):
    op, held, asked, _ = await evolved(
        tmp_path, ["The user lives in Ghent.", "The user's dog is called Rex."]
    )

    assert ("ADD", "code", []) == (op.kind, op.by, asked)
    assert 2 == len(held)


async def test_the_model_sees_numbered_memories_and_can_only_choose_one_of_them(tmp_path):
    choice = {"index": 1, "op": "RECONCILE", "text": ""}

    _, _, asked, _ = await evolved(
        tmp_path, ["The user lives in Ghent.", "The user lives in Oslo."], choice=choice
    )

    assert "The user lives in Ghent. (1)\nNew: The user lives in Oslo." == asked[0].text
    assert {"enum": ["", "The user lives in Ghent. (1)"]} == asked[0].schema["properties"]["memory"]
    assert ("base", True) == (asked[0].adapter, asked[0].background)


async def test_a_change_of_mind_is_told_as_one(tmp_path):
    choice = {"index": 1, "op": "RECONCILE", "text": ""}
    texts, days = (
        ["The user lives in Ghent.", "The user moved to Oslo."],
        [date(2026, 3, 5), date(2026, 10, 3)],
    )

    op, held, _, recalled = await evolved(
        tmp_path, texts, choice=choice, question="Where do I live?", days=days
    )

    assert ("RECONCILE", "model", ["The user moved to Oslo."]) == (op.kind, op.by, held)
    assert ("2026-10-03: The user moved to Oslo. Before that: The user lives in Ghent.",) == recalled.lines


@pytest.mark.parametrize(
    ("merged", "expected"),
    [
        ("The user has a dog, Rex the brown beagle.", "The user has a dog, Rex the brown beagle."),
        ("The user has a dog.", "The user's dog Rex is a brown beagle."),
        ("", "The user's dog Rex is a brown beagle."),
    ],
)
async def test_an_update_keeps_the_merged_sentence_only_when_it_says_what_is_new(tmp_path, merged, expected):
    choice = {"index": 1, "op": "UPDATE", "text": merged}
    texts = ["The user's dog is called Rex.", "The user's dog Rex is a brown beagle."]

    op, held, _, _ = await evolved(tmp_path, texts, choice=choice)

    assert ("UPDATE", [expected]) == (op.kind, held)


@pytest.mark.parametrize(
    "choice",
    [
        {"index": 0, "op": "UPDATE", "text": ""},
        {"index": 0, "op": "RECONCILE", "text": "x"},
        {"index": 1, "op": "ADD", "text": ""},
        {"index": 1, "op": "IGNORE", "text": ""},  # would lose "Oslo"
        {"index": 1, "op": "DELETE", "text": ""},
        {"index": 7, "op": "UPDATE", "text": ""},
        {"index": "x", "op": "UPDATE", "text": ""},
        '{"index": 1, "op": "UPDATE", "text": "The us',
        "garbage",
        [],
    ],
)
async def test_a_proposal_that_fails_the_check_becomes_an_addition(tmp_path, choice):
    texts = ["The user lives in Ghent.", "The user lives in Oslo."]

    op, held, _, recalled = await evolved(tmp_path, texts, choice=choice, question="Where do I live?")

    assert ("ADD", texts) == (op.kind, held)
    assert "2026-03-05: The user lives in Oslo." in recalled.lines


async def test_an_older_telling_does_not_overrule_a_newer_one(tmp_path):
    texts, days = (
        ["The user lives in Oslo.", "The user lives in Ghent."],
        [date(2026, 10, 3), date(2026, 3, 5)],
    )

    op, held, _, _ = await evolved(
        tmp_path, texts, choice={"index": 1, "op": "RECONCILE", "text": ""}, days=days
    )

    assert ("ADD", "check", texts) == (op.kind, op.by, held)


async def test_a_memory_is_not_replaced_by_one_about_another_thing(tmp_path):
    texts = ["The user bakes bread.", "The user sings songs nightly."]

    op, held, asked, _ = await evolved(tmp_path, texts, choice={"index": 1, "op": "RECONCILE", "text": ""})

    assert (1, "ADD", "check", texts) == (len(asked), op.kind, op.by, held)


async def test_an_update_that_would_lose_the_old_value_becomes_an_addition(tmp_path):
    texts = ["The user's dog is called Rex.", "The user's dog is a beagle."]

    op, held, _, _ = await evolved(tmp_path, texts, choice={"index": 1, "op": "UPDATE", "text": ""})

    assert ("ADD", "check", texts) == (op.kind, op.by, held)


async def test_a_repetition_in_other_words_may_be_ignored(tmp_path):
    choice = {"index": 1, "op": "IGNORE", "text": ""}

    op, held, _, _ = await evolved(
        tmp_path, ["The user loves ramen.", "The user likes ramen a lot."], choice=choice
    )

    assert (Op(kind="IGNORE", memory_id=1, by="model"), ["The user loves ramen."]) == (op, held)
