"""What an observation does to the memories, whose word may change what, and the three ways of evolving."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from daemon.memory.evolve import evolve
from daemon.memory.indexing import index_missing
from daemon.memory.observe import Observation
from daemon.memory.recall import recall
from store import chats, imports, memories, vectors
from store.chats import NewMessage
from tests.daemon.memory.fakes import DAY, FakeEmbedder, FakeEngine, core_of, quoted, remember

ALIKE = {"moved": "live", "like": "love", "bake": "sing"}  # bake and sing: a little alike, but not the same
LATER = date(2026, 10, 3)
GHENT, OSLO = "The user lives in Ghent.", "The user lives in Oslo."
REX, BEAGLE = "The user's dog is called Rex.", "The user's dog is a beagle."
BROWN, MERGED = "The user's dog Rex is a brown beagle.", "The user has a dog, Rex the brown beagle."
BREAD = "The user bakes bread."


def choose(op, text="", index=1):
    return {"index": index, "op": op, "text": text}


RECONCILE = choose("RECONCILE")


def observation(text, *, day=DAY, trust="user"):
    return Observation(text=text, day=day, told_on=day, sources=(), trust=trust)


async def life(store_thread, choice=RECONCILE):
    """A store that is indexed, and models of which one makes this choice."""
    engine, embedder = FakeEngine(evolve=lambda text: quoted(choice, text)), FakeEmbedder(alike=ALIKE)
    await index_missing(store_thread, embedder)
    return core_of(store_thread, engine, embedder)


async def holding(core):
    return [memory.text for memory in await core.store_thread.run(memories.holding)]


async def evolved(store_thread, texts, choice=None, *, days=None, trusts=None, way="safe", people=()):
    """Evolve `texts` in turn; the last op, all that holds, what the model was asked, and the core."""
    core = await life(store_thread, choice)
    for name in people:
        session = [NewMessage(role="user", text=f"Hello from {name}.", speaker=name)]
        at = datetime(2026, 3, 5, tzinfo=UTC)
        await core.store_thread.run(imports.record_import, name, name, [session], at)
    await index_missing(core.store_thread, core.embedder)
    for place, text in enumerate(texts):
        day, trust = days[place] if days else DAY, trusts[place] if trusts else "user"
        op = await evolve(core, observation(text, day=day, trust=trust), way=way)
    recalled = await recall(core.store_thread, core.embedder, "Where do I live?")
    assert [] == await core.store_thread.run(vectors.missing, "memory")
    return op, await holding(core), core.engine.asked, recalled.lines


@pytest.mark.parametrize(
    ("texts", "op", "held"),
    [
        ([GHENT], "ADD", [GHENT]),
        ([GHENT, GHENT], "IGNORE", [GHENT]),
        ([GHENT, "the user  lives in Ghent"], "IGNORE", [GHENT]),
        ([GHENT, REX], "ADD", [GHENT, REX]),
    ],
)
async def test_a_first_memory_a_repetition_and_what_has_no_neighbour_need_no_model(
    store_thread, texts, op, held
):
    done, holds, asked, _ = await evolved(store_thread, texts)

    assert (op, "code", held, []) == (done.kind, done.by, holds, asked)


PAIRS = [  # of which content words see no difference
    ("The user has a dog.", "The user had a dog."),
    ("The user is married.", "The user was married."),
    ("The user can swim.", "The user could swim."),
    ("The user lives in Ghent.", "The user would live in Ghent."),
    ("Der Nutzer hat einen Hund.", "Der Nutzer hatte einen Hund."),
    ("The user was a nurse.", "The user is a nurse."),
]


@pytest.mark.parametrize(("held", "new"), PAIRS)
async def test_tense_is_content_which_the_model_is_asked_about(store_thread, held, new):
    op, holds, asked, _ = await evolved(store_thread, [held, new], choose("RECONCILE"))

    assert ("RECONCILE", [new], 1) == (op.kind, holds, len(asked))


@pytest.mark.parametrize("op", ["IGNORE", "UPDATE"])
@pytest.mark.parametrize(("held", "new"), PAIRS)
async def test_a_model_that_overlooks_the_tense_loses_nothing(store_thread, held, new, op):
    done, holds, _, _ = await evolved(store_thread, [held, new], choose(op, held))

    assert ("ADD", "check", [held, new]) == (done.kind, done.by, holds)


async def test_the_same_in_another_wording_is_the_model_s_to_ignore(store_thread):
    op, holds, _, _ = await evolved(store_thread, [GHENT, "The user now lives in Ghent!"], choose("IGNORE"))

    assert ("IGNORE", "model", [GHENT]) == (op.kind, op.by, holds)


async def test_the_model_sees_numbered_memories_and_can_only_choose_one_of_them(store_thread):
    _, _, asked, _ = await evolved(store_thread, [GHENT, OSLO], RECONCILE)

    assert f"{GHENT} (1)\nNew: {OSLO}" == asked[0].text
    assert {"enum": ["", f"{GHENT} (1)"]} == asked[0].schema["properties"]["memory"]
    assert ("base", True) == (asked[0].adapter, asked[0].background)


async def test_a_change_of_mind_is_told_as_one(store_thread):
    moved = "The user moved to Oslo."

    op, held, _, lines = await evolved(store_thread, [GHENT, moved], RECONCILE, days=[DAY, LATER])

    assert ("RECONCILE", "model", [moved]) == (op.kind, op.by, held)
    assert (f"2026-10-03: {moved} Before that: {GHENT}",) == lines


@pytest.mark.parametrize(
    ("texts", "choice", "held"),
    [
        pytest.param([REX, BROWN], choose("UPDATE", MERGED), MERGED, id="a merged sentence with what is new"),
        pytest.param([REX, BROWN], choose("UPDATE", "The user has a dog."), BROWN, id="one without it"),
        pytest.param([REX, BROWN], choose("UPDATE"), BROWN, id="none"),
        pytest.param(
            ["The user loves ramen.", "The user likes ramen a lot."],
            choose("IGNORE"),
            "The user loves ramen.",
            id="a repetition in other words",
        ),
    ],
)
async def test_a_sound_proposal_is_followed(store_thread, texts, choice, held):
    op, holds, _, _ = await evolved(store_thread, texts, choice)

    assert (choice["op"], "model", [held]) == (op.kind, op.by, holds)


@pytest.mark.parametrize(
    "choice",
    [
        choose("UPDATE", index=0),
        choose("RECONCILE", "x", index=0),
        choose("ADD"),
        choose("IGNORE"),  # would lose "Oslo"
        choose("DELETE"),
        choose("UPDATE", index=7),
        choose("UPDATE", index="x"),
        '{"index": 1, "op": "UPDATE", "text": "The us',
        "garbage",
        [],
    ],
)
async def test_a_proposal_that_fails_the_check_becomes_an_addition(store_thread, choice):
    op, held, _, lines = await evolved(store_thread, [GHENT, OSLO], choice)

    assert ("ADD", [GHENT, OSLO]) == (op.kind, held)
    assert f"2026-03-05: {OSLO}" in lines


@pytest.mark.parametrize(
    ("texts", "choice", "more"),
    [
        ([OSLO, GHENT], RECONCILE, {"days": [LATER, DAY]}),  # an older telling
        ([BREAD, "The user sings songs nightly."], RECONCILE, {}),
        ([REX, BEAGLE], choose("UPDATE"), {}),  # would lose the name
        ([GHENT, "Gina lives in Oslo."], RECONCILE, {"people": ["Gina"]}),
        ([GHENT, "Gina's dog lives in Oslo."], RECONCILE, {"people": ["Gina"]}),
        ([GHENT, "The assistant lives in Oslo."], RECONCILE, {}),
        (["Alice lives in Ghent.", "Alan lives in Oslo."], RECONCILE, {"people": ["Al", "Alice"]}),
        (["The user's cousin lives in Ghent.", "The user's neighbour lives in Oslo."], RECONCILE, {}),
        (["The user's favourite food is ramen.", "The user's favourite colour is green."], RECONCILE, {}),
        *(
            ([GHENT, "The user lives in Oslo, not Ghent."], choose(op, OSLO), {"trusts": trusts})
            for op in ("UPDATE", "RECONCILE")
            for trusts in (("user", "assistant"), ("import", "untrusted"), ("assistant", "untrusted"))
        ),
    ],
)
async def test_what_is_older_weaker_or_about_another_replaces_nothing(store_thread, texts, choice, more):
    op, held, asked, _ = await evolved(store_thread, texts, choice, **more)

    assert ("ADD", "check", texts, 1) == (op.kind, op.by, held, len(asked))


@pytest.mark.parametrize(
    ("texts", "more"),
    [
        (["Alan lives in Ghent.", "Alan lives in Oslo."], {"people": ["Al"]}),  # a name is a whole name
        (["Alan lives in Ghent.", "Alan lives in Oslo."], {"people": ["🙂"]}),
        ([GHENT, OSLO, GHENT], {"days": [DAY, LATER, date(2027, 1, 1)]}),  # who moves back is believed
        (["The user's sister lives in Ghent.", "The user's little sister lives in Oslo."], {}),
    ],
)
async def test_what_is_about_the_same_replaces_it(store_thread, texts, more):
    op, held, _, _ = await evolved(store_thread, texts, RECONCILE, **more)

    assert ("RECONCILE", texts[-1:]) == (op.kind, held)


async def test_an_addition_in_place_of_a_refused_change_names_the_memory_it_was_about(store_thread):
    await evolved(store_thread, [REX, BEAGLE], choose("UPDATE"))
    events = await store_thread.run(memories.events)

    assert [("ADD", 1, None), ("ADD", 2, 1)] == [(one.op, one.memory_id, one.beside) for one in events]


async def test_what_a_stranger_said_first_becomes_the_users_word_when_the_user_says_it(store_thread):
    op, held, _, _ = await evolved(store_thread, [GHENT, GHENT], trusts=["untrusted", "user"])
    trusts = [memory.trust for memory in await store_thread.run(memories.holding)]

    assert ("UPDATE", "code", [GHENT], ["user"]) == (op.kind, op.by, held, trusts)


@pytest.mark.parametrize(
    ("way", "last", "choice", "kind", "expected"),
    [
        ("paper", BREAD, choose("IGNORE"), "IGNORE", [GHENT]),
        ("paper", BREAD, choose("UPDATE", "The user lives."), "UPDATE", ["The user lives."]),
        ("paper", BREAD, RECONCILE, "RECONCILE", [BREAD]),
        ("paper", BREAD, choose("UPDATE", "x", index=0), "ADD", [GHENT, BREAD]),
        ("paper", BREAD, "garbage", "ADD", [GHENT, BREAD]),
        ("off", OSLO, RECONCILE, "ADD", [GHENT, OSLO]),
        ("off", GHENT.lower()[:-1], RECONCILE, "IGNORE", [GHENT]),
    ],
)
async def test_paper_does_what_the_model_says_and_off_never_asks_it(
    store_thread, way, last, choice, kind, expected
):
    op, held, asked, _ = await evolved(store_thread, [GHENT, last], choice, way=way)

    assert (1 if way == "paper" else 0, kind, expected) == (len(asked), op.kind, held)


@pytest.mark.parametrize(
    ("way", "last", "kind", "held"),
    [
        ("off", 1, "IGNORE", [GHENT, OSLO]),  # the first message is read again: what changed since stays
        ("safe", 1, "IGNORE", [OSLO]),
        ("paper", 1, "IGNORE", [OSLO]),
        ("safe", 3, "RECONCILE", [GHENT]),  # who changes back on the same day is believed
        ("paper", 3, "RECONCILE", [GHENT]),
    ],
)
async def test_a_message_that_is_read_again_changes_nothing(store_thread, way, last, kind, held):
    core = await life(store_thread)
    for hour in range(3):
        said = NewMessage(role="user", text=f"message {hour}")
        at = datetime(2026, 3, 5, hour, tzinfo=UTC)
        await core.store_thread.run(chats.record, [said], at=at)
    await index_missing(core.store_thread, core.embedder)
    for message, text in ((1, GHENT), (2, OSLO), (last, GHENT)):
        one = replace(observation(text), sources=(message,), read=(message,))
        op = await evolve(core, one, way=way)
    holds = await holding(core)

    assert (kind, held) == (op.kind, holds)


async def test_what_is_forgotten_while_it_is_thought_about_is_not_stored(store_thread):
    core = await life(store_thread)
    run = core.store_thread.run
    for text in ("I live in Ghent.", "A small flat there."):
        await run(chats.record, [NewMessage(role="user", text=text)], at=datetime.now(UTC))
    memory = await remember(core.store_thread, GHENT, sources=[1])
    await index_missing(core.store_thread, core.embedder)
    await run(memories.forget, [memory.id])
    late = replace(observation("The user has a flat in Ghent."), sources=(2,), read=(1, 2))
    op, held = await evolve(core, late), await holding(core)

    assert (("IGNORE", None, "check"), []) == ((op.kind, op.memory_id, op.by), held)


async def test_a_memory_that_the_user_changes_meanwhile_is_looked_at_again(store_thread):
    core = await life(store_thread)
    await evolve(core, observation(GHENT))
    engine, first, run = core.engine, core.engine.complete, core.store_thread.run

    async def edited_meanwhile(*given, **named):
        if not engine.asked:
            old = await run(memories.get, 1)
            await run(memories.update, old, "The user lives in Bergen.", told_on=DAY, sources=())
            await index_missing(core.store_thread, core.embedder)
        return await first(*given, **named)

    engine.complete = edited_meanwhile
    op, held = await evolve(core, observation(OSLO)), await holding(core)

    assert ("RECONCILE", 2, [OSLO]) == (op.kind, len(engine.asked), held)
    assert engine.asked[1].text.startswith("The user lives in Bergen. (1)")


async def test_a_change_counts_from_the_day_on_which_it_happened(store_thread):
    moved, told_on = date(2026, 9, 1), date(2026, 10, 3)
    core = await life(store_thread)
    run = core.store_thread.run
    await evolve(core, observation(GHENT))
    await evolve(core, replace(observation(OSLO, day=moved), told_on=told_on))
    (before,), (after,) = [await run(memories.as_of, day) for day in (date(2026, 8, 31), moved)]

    assert (GHENT, OSLO) == (before.text, after.text)
    assert (moved, told_on) == (after.valid_from, after.told_on)
