from collections import Counter

import pytest

from daemon.lessons.generation import generate_missing
from daemon.lessons.regularisation import add_regularisation
from daemon.lessons.tiny.abstention import ABSTENTION, FEWEST_MISSES, name_only_questions
from daemon.lessons.tiny.regularisation import Told, fit_for_tonight
from prompts.load import lines
from store import generations, lessons, memories
from tests.daemon.memory.fakes import (
    DAY,
    FakeEngine,
    core_of,
    make_lesson,
    open_store_thread,
    remember,
    topic_and_value,
)

REX = "The user's {} is called Rex."


def _asked(line):
    topic, value = topic_and_value(line.partition(" Before that:")[0])
    ways = ("What", "Which", "Who", "Where", "When")
    return [{"q": f"{way} is my {topic}?", "a": f"It is {value}."} for way in ways]


class Good(FakeEngine):
    """Answers every question rightly: it repeats what it is told."""

    def __init__(self):
        super().__init__(ask=_asked)

    async def complete(self, messages, **rest):
        self.scripts["answer"] = lambda text: "Hello! " + messages[0]["content"].splitlines()[-1]
        return await super().complete(messages, **rest)


async def studied_round(store_thread):
    """How many lessons a round adds, once everything was studied."""
    await generate_missing(Good(), store_thread)
    return await add_regularisation(core_of(store_thread, Good()))


async def rounded_out(folder, *texts, then=None):
    """The lessons after everything was studied and rounded out twice; how many the rounds added."""
    async with open_store_thread(folder) as store_thread:
        if texts:
            await remember(store_thread, *texts)
        added = [await studied_round(store_thread), await studied_round(store_thread)]
        if then:
            await store_thread.run(then)
            added.append(await studied_round(store_thread))
        return added, await store_thread.run(lessons.holding)


def couples(held):
    return {tuple(sorted(one.memory_ids)) for one in held if one.kind == "two"}


def replace_first(text):
    """A change of the first memory."""
    return lambda db: memories.reconcile(db, memories.get(db, 1), text, told_on=DAY, sources=())


async def test_a_night_is_rounded_out_once(tmp_path):
    (added, again), held = await rounded_out(tmp_path)
    counted = Counter(one.kind for one in held)

    assert (0, added) == (again, len(held))
    assert (len(lines("abstain")), len(lines("small_talk"))) == (counted["abstain"], counted["general"])
    assert {None} == {one.grounding for one in held}
    assert {"abstain", "general", "reading"} == {one.kind for one in held if one.split == "train"}
    assert {"abstain", "general", "reading"} == {one.kind for one in held if one.split == "exam"}
    assert {ABSTENTION} == {one.answer for one in held if one.kind in ("abstain", "reading")}


async def test_memories_are_asked_about_two_by_two_and_each_stays_so(tmp_path):
    texts = [REX.format(thing) for thing in ("dog", "cat", "horse", "parrot")]
    (_, again), held = await rounded_out(tmp_path, *texts)

    assert (0, {(1, 2), (3, 4)}) == (again, couples(held))


async def test_what_replaced_half_of_a_couple_finds_another(tmp_path):
    texts = [REX.format(thing) for thing in ("dog", "cat", "horse")]
    change = replace_first("The user's dog is called Ivo.")
    _, held = await rounded_out(tmp_path, *texts, then=change)

    assert 1 == len(couples(held)) and 1 not in {id for pair in couples(held) for id in pair}


async def test_what_is_not_said_of_somebody_goes_with_their_memory(tmp_path):
    sister, change = "The user's sister is called Priya.", replace_first("The user's sister is called Ana.")
    _, held = await rounded_out(tmp_path, sister)
    near = [one for one in held if one.kind == "abstain" and one.memory_ids]
    _, then = await rounded_out(tmp_path / "then", sister, then=change)

    assert {((1,), ABSTENTION)} == {(one.memory_ids, one.answer) for one in near}
    assert all("my sister" in one.question for one in near)
    assert not any(1 in one.memory_ids for one in then)


async def test_a_memory_that_is_forgotten_meanwhile_is_in_no_lesson(store_thread):
    await remember(store_thread, REX.format("dog"), REX.format("cat"))
    await generate_missing(Good(), store_thread)
    run_it, looks = store_thread.run, []

    async def run_later(ask, *args, **rest):
        if ask is lessons.add and not looks:
            looks.append(await run_it(memories.forget, [1]))
        return await run_it(ask, *args, **rest)

    store_thread.run = run_later
    await add_regularisation(core_of(store_thread, Good()))
    found = {id for one in await run_it(lessons.holding) for id in one.memory_ids}

    assert {2} == found


async def test_each_memory_that_is_taught_is_also_read(tmp_path):
    texts = [f"The user's thing{number} is called Rex{number}." for number in range(1, 11)]
    _, held = await rounded_out(tmp_path, *texts)
    read = [one for one in held if one.kind == "reading" and one.memory_ids]

    assert [*range(1, 11)] == [one.memory_ids[0] for one in read]
    assert all(one.grounding for one in read)


@pytest.mark.parametrize("forgotten", [1, 2, 3])
async def test_forgetting_a_memory_or_what_it_replaced_taints_what_learned_any_lesson_of_it(
    store_thread, forgotten
):
    """Also the lessons over two memories, and those in whose grounding only "Before that: ..." tells it."""
    await remember(store_thread, "The user's cat is called Ivo.")
    await store_thread.run(replace_first("The user's cat is called Ana."))
    await remember(store_thread, REX.format("dog"))
    await studied_round(store_thread)
    two = [one.id for one in await store_thread.run(lessons.holding) if one.kind == "two"]
    await store_thread.run(generations.propose, b"weights", base_sha256="b" * 64, lesson_ids=two)
    report = await store_thread.run(memories.forget, [forgotten])
    left = {one.id for one in await store_thread.run(lessons.holding)}

    assert (True, (1,), set()) == (bool(two), report.generations, left & set(two))


def _abstentions(held):
    return {one.question for one in held if one.answer == ABSTENTION}


def tell_of_a_cat(db):
    memories.add(db, "The user's cat is called Ivo.", told_on=DAY, sources=())


def learn_and_tell_of_a_cat(db):
    made = [one.id for one in lessons.holding(db) if "cat" in one.question]
    generations.propose(db, b"weights", base_sha256="b" * 64, lesson_ids=made)
    tell_of_a_cat(db)


@pytest.mark.parametrize(
    ("then", "asked"),
    [
        pytest.param(None, True, id="what is taught is asked about what was never told"),
        pytest.param(tell_of_a_cat, False, id="dropped when something told answers it"),
        pytest.param(learn_and_tell_of_a_cat, True, id="but kept while a generation has learned it"),
    ],
)
async def test_a_lesson_in_abstaining(tmp_path, then, asked):
    (_, again, *_), held = await rounded_out(tmp_path, REX.format("dog"), then=then)

    assert (0, asked) == (again, any("cat" in question for question in _abstentions(held)))


async def test_lessons_in_abstaining_do_not_pile_up_while_a_life_is_told(store_thread):
    roles = ("sister", "brother", "aunt", "uncle", "cousin", "niece", "nephew", "boss", "coach", "dentist")

    counted = []
    for role in roles:
        await remember(store_thread, REX.format(role))
        await studied_round(store_thread)
        counted.append(len(_abstentions(await store_thread.run(lessons.holding))))

    assert max(counted) <= len(lines("abstain")) + 2 * FEWEST_MISSES + len(roles)


def test_abstain_lessons_that_a_memory_answers_by_now_are_left_out():
    made = [
        make_lesson(1, kind="abstain", question="Which team do I support?", abstains=True),
        make_lesson(2, kind="reading", question="Which team do I support?", abstains=True),
        make_lesson(3, kind="abstain", question="What's my sister's name?", abstains=True),
    ]
    lines = {2: "2026-03-05: The user's boss is called Ana."}
    sister = {2: "2026-03-05: The user's sister is called Ana."}
    known = [*made, make_lesson(9, 2)]

    def asked(lines, *said):
        return [one.id for one in fit_for_tonight(known, Told(set(said), lines))]

    assert [1, 2, 3, 9] == asked(lines, "boss", "ana")
    assert [3, 9] == asked(lines, "team")
    assert [1, 2, 9] == asked(sister, "sister", "ana")


def test_what_is_taught_tonight_is_no_lesson_in_abstaining_however_its_memory_is_worded():
    lines = {1: "2026-03-05: Nothing beats autumn."}
    held = [
        make_lesson(1, 1, question="Which season do I like best?"),
        make_lesson(2, kind="abstain", question="What is my favourite season?", abstains=True),
    ]

    assert held[:1] == fit_for_tonight(held, Told(set(), lines))


def test_what_is_known_of_somebody_by_now_is_no_lesson_in_abstaining():
    lines = {1: "2026-03-05: The user's sister is called Priya."}
    asked = name_only_questions(lines)[0].question
    held = [
        make_lesson(1, 1),
        make_lesson(2, 1, kind="abstain", question=asked, abstains=True, grounding=None),
    ]
    more = {**lines, 2: "2026-03-06: Priya lives in Leeds."}

    assert held == fit_for_tonight(held, Told({"sister"}, lines))
    assert held[:1] == fit_for_tonight(held, Told({"sister"}, more))
