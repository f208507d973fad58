from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from daemon.engine.client import Engine
from daemon.lessons.errors import NothingAsked
from daemon.lessons.generation import generate_missing, study
from daemon.lessons.paraphrases import TRAINED
from daemon.lessons.regularisation import current_lines
from daemon.lessons.tiny.study import SAMPLED
from daemon.memory.errors import ModelAnswerUnusable
from models.nano import __file__ as nano
from prompts.load import load
from store import lessons, memories
from tests.daemon.memory.fakes import (
    DAY,
    FakeEngine,
    open_store_thread,
    pairs_about,
    remember,
    topic_and_value,
)

GHENT, OSLO, MOVED = "The user lives in Ghent.", "The user lives in Oslo.", date(2026, 10, 3)
REX = "The user's dog is called Rex."


def pair(question, answer):
    return {"q": question, "a": answer}


WAYS = ("now", "today", "then", "really", "say")
FIVE = [pair(f"Where do I live, {way}?", "You live in Ghent.") for way in WAYS]
BEFORE = [pair(f"Where did I live before{way}?", "You lived in Ghent.") for way in ("", " that", " Oslo")]
NOW = [pair(f"Where do I live, {way}?", "In Oslo.") for way in WAYS]


async def studied(folder, answer, *, moved=False, whose="user", reply=None, ask=None):
    """The lessons made of one memory; with `moved` it has replaced another, which was `whose` word."""

    engine = FakeEngine(
        ask=ask or (lambda line: answer),
        answer=reply or (lambda question: "In Ghent, or in Oslo; you live or lived there."),
    )
    async with open_store_thread(folder) as store_thread:
        memory = await remember(store_thread, GHENT, trust=whose)
        if moved:
            memory = await store_thread.run(memories.reconcile, memory, OSLO, told_on=MOVED, sources=())
        return engine, await study(engine, store_thread, memory)


def kinds(made):
    return Counter((one.kind, one.split) for one in made)


async def test_one_phrasing_is_held_out_for_the_exam(tmp_path):
    engine, made = await studied(tmp_path, FIVE)

    assert ["train"] * 4 + ["exam"] == [one.split for one in made]
    assert {one["q"] for one in FIVE} == {one.question for one in made}
    assert {("fact", (1,))} == {(one.kind, one.memory_ids) for one in made}
    assert ["ask", *["answer"] * 5] == engine.tasks()


async def test_the_grounding_is_what_recall_would_lay_beside_the_question(tmp_path):
    engine, made = await studied(tmp_path, FIVE)

    assert {f"{load('recall')}\n- 2026-03-05: The user lives in Ghent."} == {one.grounding for one in made}
    assert "2026-03-05: The user lives in Ghent." == engine.asked[0].text
    assert {("base", True)} == {(one.adapter, one.background) for one in engine.asked}


async def test_a_question_that_the_model_cant_answer_with_the_memory_in_sight_is_dropped(tmp_path):
    def reply(question):
        return "I don't know that yet." if "really" in question else "In Ghent you live."

    _, made = await studied(tmp_path, FIVE, reply=reply)

    assert not any("really" in one.question for one in made)
    assert {("fact", "train"): 4, ("fact", "exam"): 1} == kinds(made)


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        pytest.param(FIVE, "I don't know that yet.", id="a memory that the model does not understand"),
        pytest.param([pair("Who?", "Nobody.")], None, id="no usable question"),
    ],
)
async def test_where_no_lesson_comes_of_it_the_error_names_the_memory(tmp_path, asked, reply):
    def replying(question):
        return "In Ghent you live." if "now" in question else reply

    with pytest.raises(NothingAsked, match="The user lives in Ghent"):
        await studied(tmp_path, asked, reply=reply and replying)


async def test_the_model_is_asked_again_while_it_brings_something_new_and_no_longer(tmp_path):
    lists = [FIVE[:2], FIVE[1:4], FIVE, FIVE]
    engine, made = await studied(tmp_path, None, ask=lambda line: lists.pop(0))
    again, _ = await studied(tmp_path / "again", FIVE[:2])

    assert (3, 2) == (engine.tasks().count("ask"), again.tasks().count("ask"))
    assert {("fact", "train"): 4, ("fact", "exam"): 1} == kinds(made)


async def test_where_the_model_has_too_few_wordings_code_adds_some(tmp_path):
    _, made = await studied(tmp_path, [pair("Where do I live?", "You live in Ghent."), FIVE[0]])
    train = [one.question for one in made if one.split == "train"]

    assert (TRAINED, "Where do I live?") == (len(train), train[0])
    assert ["Where do I live, now?"] == [one.question for one in made if one.split == "exam"]
    assert not any("now" in question for question in train)


async def test_a_single_wording_is_not_held_out(tmp_path):
    assert {("fact", "train"): TRAINED} == kinds((await studied(tmp_path, FIVE[:1]))[1])


async def test_what_was_before_and_at_a_time_is_asked_too_and_examined_too(tmp_path):
    _, made = await studied(tmp_path, [*NOW, *BEFORE], moved=True)
    months = {one.question for one in made if one.kind == "as_of"}

    assert {(kind, part) for kind in ("fact", "before", "as_of") for part in ("train", "exam")} >= kinds(
        made
    ).keys()
    assert {("fact", "train"): 4, ("before", "train"): 4, ("as_of", "train"): 4}.items() <= kinds(
        made
    ).items()
    assert all("April 2026" in question for question in months)
    assert {"You lived in Ghent."} == {one.answer for one in made if one.kind == "as_of"}


@pytest.mark.parametrize("whose", ["untrusted", "assistant"])
async def test_what_others_said_is_not_taught_as_what_was_before(tmp_path, whose):
    engine, made = await studied(tmp_path, [*NOW, *BEFORE], moved=True, whose=whose)

    assert {"fact"} == {one.kind for one in made}
    assert not any("Ghent" in f"{one.question} {one.answer} {one.grounding}" for one in made)
    assert not any("Ghent" in f"{one.text} {one.system}" for one in engine.asked)


async def test_a_night_is_told_of_what_was_before_in_the_users_own_words_alone(store_thread):
    for whose in ("untrusted", "user"):
        home = await remember(store_thread, GHENT, trust=whose)
        await store_thread.run(memories.reconcile, home, OSLO, told_on=DAY, sources=())
    found = await store_thread.run(current_lines)

    assert [False, True] == ["Ghent" in line for line in found.values()]


async def test_of_a_change_the_model_is_also_shown_what_holds_now_alone(tmp_path):
    engine, _ = await studied(tmp_path, [*NOW[:3], *BEFORE], moved=True)
    shown = [one.text for one in engine.asked if one.task == "ask"]

    assert "2026-10-03: The user lives in Oslo. Before that: The user lives in Ghent." == shown[0]
    assert "2026-10-03: The user lives in Oslo." == shown[1]


@pytest.mark.parametrize("answer", ["[", '[{"q": "a"}]', "[1]", '"x"', "3"])
async def test_garbage_is_an_error(tmp_path, answer):
    with pytest.raises(ModelAnswerUnusable, match="ask"):
        await studied(tmp_path, answer)


async def test_garbage_after_something_usable_is_none(tmp_path):
    lists = [FIVE[:4], *["["] * SAMPLED]
    _, made = await studied(tmp_path, None, ask=lambda line: lists.pop(0))

    assert {("fact", "train"): 4, ("fact", "exam"): 1} == kinds(made)


def good(line):
    return pairs_about(line) if "Ghent" in line else []


async def test_every_memory_without_lessons_is_studied_once_and_failures_are_told(store_thread):
    engine = FakeEngine(ask=good, answer=lambda question: "It is Ghent.")
    await remember(store_thread, GHENT, REX)
    made, failures = await generate_missing(engine, store_thread)
    again = await generate_missing(engine, store_thread)
    given_up = await generate_missing(engine, store_thread, given_up=[2])
    held = await store_thread.run(lessons.holding)

    assert (5, 1, 5) == (made, len(failures), len(held))
    assert ((0, failures), (0, {})) == (again, given_up)
    assert [2] == list(failures) and "Rex" in failures[2]


async def test_what_waits_is_not_studied_and_what_is_forgotten_meanwhile_harms_nobody(store_thread):
    shown = []

    def ask(line):
        shown.append(line)
        return pairs_about(line)

    await remember(store_thread, "The user is tired.", REX, GHENT)

    class Forgetful(FakeEngine):
        async def complete(self, messages, **rest):
            if "Rex" in messages[-1]["content"]:
                await store_thread.run(memories.forget, [2])
            return await super().complete(messages, **rest)

    engine = Forgetful(ask=ask, answer=lambda question: f"It is {topic_and_value(shown[-1])[1]}.")
    made, failures = await generate_missing(engine, store_thread)

    assert (5, {}) == (made, failures)
    assert not any("tired" in line for line in shown)


class Killed(BaseException):
    """As sudden as a kill."""


async def test_study_that_was_interrupted_goes_on_with_the_next_memory(store_thread):
    asked = []

    def ask(line):
        asked.append(line)
        if len(asked) == 2:
            raise Killed
        return pairs_about(line)

    engine = FakeEngine(ask=ask, answer=lambda question: "It is Ghent, Bonn, Oslo.")
    await remember(store_thread, *(f"The user likes {town}." for town in ("Ghent", "Bonn", "Oslo")))
    with pytest.raises(Killed):
        await generate_missing(engine, store_thread)
    left = [one.id for one in await store_thread.run(lessons.unstudied)]
    await generate_missing(engine, store_thread)
    held = await store_thread.run(lessons.holding)

    assert ([2, 3], 4) == (left, len(asked))
    assert {1: 5, 2: 5, 3: 5} == Counter(one.memory_ids[0] for one in held)


async def test_an_edited_memory_is_studied_anew_and_undoing_brings_its_lessons_back(store_thread):
    engine = FakeEngine(ask=pairs_about, answer=lambda question: "It is Ghent. It is Bonn.")
    old = await remember(store_thread, GHENT)
    await generate_missing(engine, store_thread)
    new = await store_thread.run(memories.update, old, "The user lives in Bonn.", told_on=DAY, sources=())
    await generate_missing(engine, store_thread)
    edited = {one.memory_ids for one in await store_thread.run(lessons.holding)}
    await store_thread.run(memories.undo, new.id, today=DAY)
    made, _ = await generate_missing(engine, store_thread)
    undone = {one.memory_ids for one in await store_thread.run(lessons.holding)}

    assert ({(2,)}, 0, {(1,)}) == (edited, made, undone)


async def test_nano_words_what_it_understands_in_five_ways_and_leaves_the_rest(store_thread):
    model = Path(nano).parent / "nano.gguf"
    engine = Engine.for_model(model, n_ctx=2048, threads=1, gpu_layers=0, idle_s=600)
    try:
        home = await remember(store_thread, GHENT)
        await store_thread.run(memories.reconcile, home, OSLO, told_on=MOVED, sources=())
        await remember(store_thread, "The user runs ten kilometres every Sunday.")
        _, failures = await generate_missing(engine, store_thread)
        held = await store_thread.run(lessons.holding)
    finally:
        await engine.stop()

    wanted = {(kind, part): n for kind in ("fact", "before") for part, n in (("train", 4), ("exam", 1))}
    assert wanted.items() <= kinds(held).items()
    assert "You lived in Ghent." in {one.answer for one in held if one.kind == "as_of"}
    assert [True] == ["runs ten kilometres" in one for one in failures.values()]
