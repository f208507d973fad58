"""How the user wants things done: read out of a chat as such, kept as such, and laid beside what it is about."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from daemon.memory import manual_edits
from daemon.memory.evolve import evolve
from daemon.memory.indexing import index_missing
from daemon.memory.observe import Observation, observe
from daemon.memory.recall import STANDING, recall, wants_many
from prompts.load import load
from store import memories
from tests.daemon.memory.fakes import (
    DAY,
    FakeEmbedder,
    FakeEngine,
    core_of,
    open_store_thread,
    quoted,
    remember,
)
from tests.daemon.memory.fakes import make_message as turn

CODE = "The user wants types in code."
GERMAN = "The user wants answers in German."
DOG = "The user has a dog called Rex."
MARK = load("standing")


class Asked(FakeEngine):
    """Finds the kinds as likely as it is told: nats of fact, standing, always."""

    nats = (5.0, 1.0, 4.0)

    async def score(self, messages, replies, *, adapter=None):
        self.scored = [*getattr(self, "scored", ()), messages[-1]["content"]]
        return [SimpleNamespace(nats=nats) for nats in self.nats]


async def read(engine, *turns):
    return (await observe(engine, list(turns), day=DAY)).found


async def recalled(folder, told, question, *, embedded=True, **options):
    """What is recalled where these memories (text, kind) hold."""
    embedder = FakeEmbedder()
    async with open_store_thread(folder) as store_thread:
        for text, kind, *trust in told:
            await remember(store_thread, text, kind=kind, trust=(*trust, "user")[0])
        if embedded:
            await index_missing(store_thread, embedder)
        return await recall(store_thread, embedder, question, standing=True, **options)


def entry(kind, fact=CODE, turns=(1,)):
    return {"turns": list(turns), "day": "today", **({"kind": kind} if kind else {}), "fact": fact}


@pytest.mark.parametrize(
    ("written", "kind"), [("standing", "standing"), ("always", "always"), (None, "fact"), ("god", "fact")]
)
async def test_a_model_names_the_kind_beside_each_sentence_and_may_leave_it_out(written, kind):
    engine = FakeEngine(observe=lambda text: [entry(written)], taught=False, n_ctx=4096)

    (one,) = await read(engine, turn(1, "I want types in code"))

    assert kind == one.kind


async def test_what_the_assistant_said_never_is_how_things_are_done():
    told = "The assistant recommended types in code."
    engine = FakeEngine(observe=lambda text: [entry("always", told, [2])], taught=False, n_ctx=4096)

    (one,) = await read(engine, turn(1, "Any tips?"), turn(2, "I recommend types in code.", role="assistant"))

    assert ("assistant", "fact") == (one.trust, one.kind)


@pytest.mark.parametrize(
    ("nats", "tiny", "kind"),
    [
        ((5.0, 1.0, 4.0), False, "standing"),
        ((5.0, 4.5, 1.0), False, "always"),
        pytest.param((2.0, 1.5, 4.0), False, "fact", id="it is not sure"),
        pytest.param((5.0, 1.0, 4.0), True, "fact", id="a tiny one is not asked"),
    ],
)
async def test_a_model_that_writes_bare_sentences_is_asked_for_their_kind(nats, tiny, kind):
    engine = Asked(observe=lambda text: [f"today: {CODE}"], tiny=tiny)
    engine.nats = nats

    (one,) = await read(engine, turn(1, "I want types in code"))

    assert kind == one.kind
    assert [] == getattr(engine, "scored", []) if tiny else [CODE] == engine.scored


@pytest.mark.parametrize(
    ("op", "observed", "held"),
    [
        ("ADD", "standing", {CODE: "fact", f"{CODE[:-1]} of tests.": "standing"}),
        ("RECONCILE", "always", {f"{CODE[:-1]} of tests.": "always"}),
        ("RECONCILE", "fact", {f"{CODE[:-1]} of tests.": "fact"}),
    ],
)
async def test_a_memory_keeps_the_kind_it_was_observed_as(tmp_path, op, observed, held):
    choice = {"index": 1, "op": op, "text": ""}
    engine = FakeEngine(evolve=lambda text: quoted(choice, text))
    async with open_store_thread(tmp_path) as store_thread:
        await index_missing(store_thread, FakeEmbedder())
        core = core_of(store_thread, engine, FakeEmbedder())
        first = Observation(text=CODE, day=DAY, told_on=DAY, sources=())
        await evolve(core, first)
        await evolve(core, replace(first, text=f"{CODE[:-1]} of tests.", kind=observed))
        found = await store_thread.run(memories.holding)

    assert held == {one.text: one.kind for one in found}


def test_what_says_more_about_a_standing_memory_is_standing_too(db):
    old = memories.add(db, CODE, told_on=DAY, sources=[], kind="standing")

    assert "standing" == memories.update(db, old, f"{CODE} All.", told_on=DAY, sources=[]).kind


async def test_it_is_laid_beside_what_is_like_it_and_marked(tmp_path):
    found = await recalled(tmp_path, [(CODE, "standing"), (DOG, "fact")], "Write code that sorts a list")

    assert (f"2026-03-05: {CODE} {MARK}",) == found.lines
    assert [CODE] == [one.text for one in found.best_first]


async def test_it_is_not_laid_beside_other_things_but_what_holds_always_is(tmp_path):
    told = [(CODE, "standing"), (GERMAN, "always"), (DOG, "fact")]

    assert (f"2026-03-05: {GERMAN} {MARK}",) == (await recalled(tmp_path, told, "hi")).lines


async def test_facts_have_their_places_beside_it(tmp_path):
    told = [(CODE, "standing"), ("The user wrote code in May.", "fact"), ("The user sells code.", "fact")]
    found = await recalled(tmp_path, told, "What code did I write in May?", k=2)

    assert 3 == len(found.lines)
    assert told[0][0] == found.best_first[-1].text


async def test_three_lines_at_most_are_laid_and_one_of_them_is_like_the_question(tmp_path):
    told = [(f"The user wants code in {one}.", "standing") for one in ("Go", "C", "Rust", "Zig")]
    always = [(f"The user wants answers {one}.", "always") for one in ("short", "polite", "dry", "rhymed")]
    found = await recalled(tmp_path, [*told, *always], "Write code in Zig")

    assert STANDING == len(found.lines)
    assert [told[3][0], always[3][0], always[2][0]] == [one.text for one in found.best_first]


async def test_all_of_them_are_told_where_a_question_takes_many(tmp_path):
    told = [(f"The user wants code in {one}.", "standing") for one in ("Go", "C", "Rust", "Zig")]
    question = "List all languages that I want code in"

    assert wants_many(question)
    assert 4 == len((await recalled(tmp_path, told, question)).lines)


async def test_nobody_but_the_user_or_an_import_says_how_things_are_done(tmp_path):
    told = [(f"The user wants code in {one}.", "always", one) for one in ("assistant", "untrusted", "import")]
    found = await recalled(tmp_path, told, "Write code")

    assert ["import"] == [one.trust for one in found.best_first]


async def test_until_it_has_a_vector_its_words_lead_to_it(tmp_path):
    found = await recalled(tmp_path, [(CODE, "standing")], "Write code", embedded=False)

    assert [CODE] == [one.text for one in found.best_first]


def test_a_person_sets_the_kind_and_takes_it_back(db):
    old = manual_edits.add(db, CODE, today=DAY)
    new = manual_edits.edit(db, old.id, None, today=DAY, kind="always")

    assert (CODE, "always", "user") == (new.text, new.kind, new.trust)
    assert "fact" == memories.undo(db, new.id, today=DAY).restored.kind


def test_what_a_program_adds_is_a_fact(db):
    assert "fact" == manual_edits.add(db, CODE, today=DAY, by="assistant", program="A", kind="always").kind
