"""Whose word may change what, and the three ways of evolving."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from daemon.memory.evolve import evolve
from daemon.memory.indexing import index_missing
from store import chats, memories
from store.chats import NewMessage
from tests.daemon.memory.fakes import FakeEmbedder, FakeEngine, core_of, open_store_thread, quoted
from tests.daemon.memory.test_evolve import evolved, observation


async def test_an_addition_in_place_of_a_refused_change_says_what_it_stands_beside(tmp_path):
    texts = ["The user's dog is called Rex.", "The user's dog is a beagle."]
    await evolved(tmp_path, texts, choice={"index": 1, "op": "UPDATE", "text": ""})

    async with open_store_thread(tmp_path) as store_thread:
        found = [(one.op, one.memory_id, one.beside) for one in await store_thread.run(memories.events)]

    assert [("ADD", 1, None), ("ADD", 2, 1)] == found


@pytest.mark.parametrize("op", ["UPDATE", "RECONCILE"])
@pytest.mark.parametrize(
    ("old", "new"), [("user", "assistant"), ("import", "untrusted"), ("assistant", "untrusted")]
)
async def test_a_weaker_voice_changes_nothing_that_a_stronger_one_said(tmp_path, op, old, new):
    texts = ["The user lives in Ghent.", "The user lives in Oslo, not Ghent."]

    done, held, _, _ = await evolved(
        tmp_path, texts, choice={"index": 1, "op": op, "text": texts[1]}, trusts=[old, new]
    )

    assert ("ADD", "check", texts) == (done.kind, done.by, held)


@pytest.mark.parametrize(
    "new", ["Gina lives in Oslo.", "Gina's home is in Oslo.", "The assistant lives in Oslo."]
)
async def test_what_is_told_of_another_person_changes_nothing_about_the_user(tmp_path, new):
    texts = ["The user lives in Ghent.", new]

    op, held, asked, _ = await evolved(
        tmp_path, texts, choice={"index": 1, "op": "RECONCILE", "text": ""}, people=["Gina"]
    )

    assert ("ADD", texts) == (op.kind, held)


async def test_off_only_adds_but_for_the_same_words(tmp_path):
    texts = ["The user lives in Ghent.", "The user lives in Oslo.", "the user lives in ghent"]

    op, held, asked, _ = await evolved(tmp_path, texts, way="off")

    assert ("IGNORE", texts[:2], []) == (op.kind, held, asked)


@pytest.mark.parametrize(
    ("choice", "kind", "expected"),
    [
        ({"index": 1, "op": "IGNORE", "text": ""}, "IGNORE", ["The user lives in Ghent."]),
        ({"index": 1, "op": "UPDATE", "text": "The user lives."}, "UPDATE", ["The user lives."]),
        ({"index": 1, "op": "RECONCILE", "text": ""}, "RECONCILE", ["The user bakes bread."]),
        (
            {"index": 0, "op": "UPDATE", "text": "x"},
            "ADD",
            ["The user lives in Ghent.", "The user bakes bread."],
        ),
        ("garbage", "ADD", ["The user lives in Ghent.", "The user bakes bread."]),
    ],
)
async def test_paper_does_what_the_model_says(tmp_path, choice, kind, expected):
    op, held, asked, _ = await evolved(
        tmp_path, ["The user lives in Ghent.", "The user bakes bread."], choice=choice, way="paper"
    )

    assert (1, kind, expected) == (len(asked), op.kind, held)


async def told_again(folder, told, *, way="safe"):
    """Evolve (message, text) pairs of one day in turn; the last op and what is held."""

    async with open_store_thread(folder) as store_thread:
        embedder = FakeEmbedder()
        for number in range(3):
            said = NewMessage(role="user", text=f"message {number}")
            await store_thread.run(chats.record, [said], at=datetime(2026, 3, 5, number, tzinfo=UTC))
        await index_missing(store_thread, embedder)
        choice = {"index": 1, "op": "RECONCILE", "text": ""}
        engine = FakeEngine(evolve=lambda text: quoted(choice, text))
        op = None
        for message, text in told:
            one = replace(observation(text), sources=(message,), read=(message,))
            op = await evolve(core_of(store_thread, engine, embedder), one, way=way)
        return op, [memory.text for memory in await store_thread.run(memories.holding)]


GHENT, OSLO = "The user lives in Ghent.", "The user lives in Oslo."


@pytest.mark.parametrize("way", ["off", "safe", "paper"])
async def test_a_message_that_is_read_anew_does_not_bring_back_what_changed_since(tmp_path, way):
    op, held = await told_again(tmp_path, [(1, GHENT), (2, OSLO), (1, GHENT)], way=way)

    assert ("IGNORE", [GHENT, OSLO] if way == "off" else [OSLO]) == (op.kind, held)


@pytest.mark.parametrize("way", ["safe", "paper"])
async def test_who_changes_back_on_the_same_day_is_believed(tmp_path, way):
    op, held = await told_again(tmp_path, [(1, GHENT), (2, OSLO), (3, GHENT)], way=way)

    assert ("RECONCILE", [GHENT]) == (op.kind, held)


async def test_what_is_forgotten_while_it_is_thought_about_is_not_held(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        embedder = FakeEmbedder()
        for text in ("I live in Ghent.", "A small flat there."):
            await store_thread.run(chats.record, [NewMessage(role="user", text=text)], at=datetime.now(UTC))
        memory = await store_thread.run(memories.add, GHENT, told_on=date(2026, 3, 5), sources=[1])
        await index_missing(store_thread, embedder)
        await store_thread.run(memories.forget, [memory.id])
        late = replace(observation("The user has a flat in Ghent."), sources=(2,), read=(1, 2))
        op = await evolve(core_of(store_thread, embedder=embedder), late)
        held = await store_thread.run(memories.holding)

    assert (("IGNORE", None, "check"), []) == ((op.kind, op.memory_id, op.by), held)


async def test_what_a_stranger_said_first_becomes_the_users_word_when_the_user_says_it(tmp_path):
    op, held, _, _ = await evolved(tmp_path, [GHENT, GHENT], trusts=["untrusted", "user"])

    async with open_store_thread(tmp_path) as store_thread:
        found = [memory.trust for memory in await store_thread.run(memories.holding)]

    assert ("UPDATE", "code", [GHENT], ["user"]) == (op.kind, op.by, held, found)


@pytest.mark.parametrize(("people", "differs"), [(["Al"], False), (["🙂"], False), (["Al", "Alice"], True)])
async def test_a_name_is_a_whole_name(tmp_path, people, differs):
    texts = ["Alice lives in Ghent.", "Alan lives in Oslo."]

    op, held, _, _ = await evolved(
        tmp_path, texts, choice={"index": 1, "op": "RECONCILE", "text": ""}, people=people
    )

    assert ("ADD" if differs else "RECONCILE") == op.kind


async def test_who_moves_back_is_believed(tmp_path):
    texts = ["The user lives in Ghent.", "The user lives in Oslo.", "The user lives in Ghent."]
    days = [date(2026, 3, 5), date(2026, 10, 3), date(2027, 1, 1)]

    op, held, _, _ = await evolved(
        tmp_path, texts, choice={"index": 1, "op": "RECONCILE", "text": ""}, days=days
    )

    assert ("RECONCILE", texts[2:]) == (op.kind, held)


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ("The user's cousin lives in Ghent.", "The user's neighbour lives in Oslo.", False),
        ("The user's favourite food is ramen.", "The user's favourite colour is green.", False),
        ("The user's sister lives in Ghent.", "The user's little sister lives in Oslo.", True),
        ("The user's home is in Ghent.", "The user lives in Oslo.", True),
    ],
)
async def test_one_person_or_thing_is_not_replaced_by_another(tmp_path, old, new, replaces):
    choice = {"index": 1, "op": "RECONCILE", "text": ""}

    op, held, _, _ = await evolved(tmp_path, [old, new], choice=choice)

    assert (("RECONCILE", [new]) if replaces and held == [new] else ("ADD", [old, new])) == (op.kind, held)
    assert replaces or op.by == "check"


async def test_a_memory_that_the_user_changes_meanwhile_is_looked_at_again(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        embedder = FakeEmbedder()
        await index_missing(store_thread, embedder)
        choice = {"index": 1, "op": "RECONCILE", "text": ""}
        engine = FakeEngine(evolve=lambda text: quoted(choice, text))
        await evolve(core_of(store_thread, engine, embedder), observation("The user lives in Ghent."))
        asked_first = engine.complete

        async def edited_meanwhile(*given, **named):
            if len(engine.asked) == 0:
                old = await store_thread.run(memories.get, 1)
                text = "The user lives in Bergen."
                await store_thread.run(memories.update, old, text, told_on=date(2026, 3, 5), sources=())
                await index_missing(store_thread, embedder)
            return await asked_first(*given, **named)

        engine.complete = edited_meanwhile
        op = await evolve(core_of(store_thread, engine, embedder), observation("The user lives in Oslo."))
        asked, held = engine.asked, [one.text for one in await store_thread.run(memories.holding)]

    assert ("RECONCILE", 2, ["The user lives in Oslo."]) == (op.kind, len(asked), held)
    assert asked[1].text.startswith("The user lives in Bergen. (1)")


async def test_a_change_counts_from_the_day_on_which_it_happened(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        embedder = FakeEmbedder()
        await index_missing(store_thread, embedder)
        choice = {"index": 1, "op": "RECONCILE", "text": ""}
        engine = FakeEngine(evolve=lambda text: quoted(choice, text))
        await evolve(core_of(store_thread, engine, embedder), observation("The user lives in Ghent."))
        moved = observation("The user lives in Oslo.", day=date(2026, 9, 1))
        await evolve(core_of(store_thread, engine, embedder), replace(moved, told_on=date(2026, 10, 3)))
        days = [date(2026, 8, 31), date(2026, 9, 1)]
        true = [await store_thread.run(memories.as_of, day) for day in days]
        true, (now,) = (
            [[one.text for one in found] for found in true],
            await store_thread.run(memories.holding),
        )

    assert [["The user lives in Ghent."], ["The user lives in Oslo."]] == true
    assert (date(2026, 9, 1), date(2026, 10, 3)) == (now.valid_from, now.told_on)
