"""What rounds out the night of a model that is not tiny: what nothing answers, and questions over two memories."""

import json
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from daemon.lessons.dataset import compose
from daemon.lessons.generation import generate_missing
from daemon.lessons.regularisation import add_regularisation, current_lines, teachable
from daemon.memory.recall import recalled_lines
from prompts.load import load
from store import generations, lessons, memories
from tests.daemon.lessons.good_model import TONGUES, GoodModel
from tests.daemon.memory.fakes import DAY, core_of, open_store_thread, remember

VALUES = {
    "english": ("Ghent", "Rex"),
    "german": ("Gent", "Bello"),
    "chinese": ("柏林", "旺财"),
    "arabic": ("بغداد", "لولو"),
}
EVERY = pytest.mark.parametrize("tongue", TONGUES)


@asynccontextmanager
async def rounded_out(folder, tongue="english", **instead):
    """A core whose store holds two memories with all their lessons, after one round; and how many that added."""
    async with open_store_thread(folder) as store_thread:
        model = GoodModel(**instead)
        core = core_of(store_thread, model)
        for topic, value in zip(TONGUES[tongue].topics, VALUES[tongue], strict=True):
            await remember(store_thread, topic.memory.format(value))
        await generate_missing(model, store_thread)
        yield core, await add_regularisation(core)


async def held(core, *kinds):
    found = await core.store_thread.run(lessons.holding)
    return [one for one in found if one.kind in kinds]


@EVERY
async def test_what_no_memory_answers_is_asked_and_met_in_the_models_own_words(tmp_path, tongue):
    async with rounded_out(tmp_path, tongue) as (core, _):
        made = [one for one in await held(core, "abstain", "reading") if one.abstains]
        asked = Counter(task for task, _ in core.engine.asked)
    speaks = TONGUES[tongue]

    assert set(speaks.untold) == {one.question for one in made if one.kind == "abstain"}
    assert {speaks.unknown} == {one.answer for one in made}
    assert {(1, 2)} == {one.memory_ids for one in made}
    assert {2} == {len(recalled_lines(one.grounding)) for one in made}
    assert asked["ask_untold"] == 1 and asked["knows"] == len(speaks.untold)


@EVERY
async def test_two_memories_are_asked_about_together_and_each_answer_tells_of_both(tmp_path, tongue):
    async with rounded_out(tmp_path, tongue) as (core, _):
        made = await held(core, "two")

    assert ["train", "train", "exam"] == [one.split for one in made]
    assert {(1, 2)} == {one.memory_ids for one in made}
    assert all(value in one.answer for one in made for value in VALUES[tongue])


async def test_each_memory_that_is_taught_is_also_read_and_a_round_is_made_once(tmp_path):
    async with rounded_out(tmp_path) as (core, added):
        read = [one for one in await held(core, "reading") if not one.abstains]
        core.engine.asked.clear()
        again = [await add_regularisation(core) for _ in range(9)][-1]

        assert [(1,), (2,)] == [one.memory_ids for one in read]
        assert (True, 0) == (added > 10, again)


@pytest.mark.parametrize(
    "instead",
    [
        pytest.param({"ask_untold": lambda text, sampling: '["Where do I live?"]'}, id="it asks what is told"),
        pytest.param({"ask_untold": lambda text, sampling: "nothing"}, id="it gives no list"),
        pytest.param({"ask_untold": lambda text, sampling: '["Wie heißt meine Katze?"]'}, id="another language"),
        pytest.param({"knows": lambda text, sampling: "maybe"}, id="its own judgement can't be read"),
        pytest.param({"knows": lambda text, sampling: '{"knows": true}'}, id="it takes every answer for a claim"),
        pytest.param(
            {"answer": lambda text, sampling: "Your sister is Ruth." if "sister" in text else None,
             "ask_untold": lambda text, sampling: '["What is my sister\'s name?"]'},
            id="it makes something up each time",
        ),
    ],
)  # fmt: skip
async def test_a_model_that_is_bad_at_it_is_taught_no_abstaining(tmp_path, instead):
    async with rounded_out(tmp_path, **instead) as (core, _):
        assert [] == [one for one in await held(core, "abstain", "reading") if one.abstains]


ASKED = [f"What is my {who}'s name?" for who in ("sister", "brother", "aunt", "uncle")]


@pytest.mark.parametrize(
    ("n", "splits"), [(1, ["exam"]), (2, ["exam", "train"]), (4, ["exam", "train", "exam", "train"])]
)
async def test_of_few_questions_that_nothing_answers_two_are_held_out_and_no_exam_goes_without(
    tmp_path, n, splits
):
    asked = json.dumps(ASKED[:n])
    async with rounded_out(tmp_path, ask_untold=lambda text, sampling: asked) as (core, _):
        assert splits == [one.split for one in await held(core, "abstain")]


async def test_an_answer_that_claims_something_is_sampled_again(tmp_path):
    def first_a_lie(text, sampling):
        return "Your sister is Ruth." if "sister" in text and sampling.seed is None else None

    async with rounded_out(tmp_path, answer=first_a_lie) as (core, _):
        made = {one.question: one.answer for one in await held(core, "abstain")}

    assert TONGUES["english"].unknown == made["What is my sister's name?"]


SISTER = "The user's sister has the name Ruth."


def learn_all(db):
    """As a night does: lessons that a kept generation has learned stay in the store."""
    made = [one.id for one in lessons.holding(db)]
    generations.propose(db, b"weights", base_sha256="c" * 64, lesson_ids=made)


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("answers", [False, True])
async def test_what_is_told_later_is_laid_beside_the_question_and_where_it_answers_it_is_taught_no_more(
    tmp_path, learned, answers
):
    known = answers  # whether the new memory answers the question

    def knowing(text, sampling):
        return "Your sister is Ruth." if known and "sister" in text and told else None

    told = False
    async with rounded_out(tmp_path, answer=knowing) as (core, _):
        if learned:
            await core.store_thread.run(learn_all)
        await core.store_thread.run(memories.add, SISTER, told_on=DAY, sources=())
        told = True
        await add_regularisation(core)
        able = {one.question: one for one in await teachable(core) if one.kind == "abstain"}

    assert answers == ("What is my sister's name?" not in able)
    assert "When is my birthday?" in able


async def test_a_memory_that_is_forgotten_takes_the_lessons_it_lay_beside_with_it(tmp_path):
    async with rounded_out(tmp_path) as (core, _):
        await core.store_thread.run(memories.forget, [2])
        left = await held(core, "abstain", "two")
        await add_regularisation(core)
        anew = await held(core, "abstain")

    assert ([], {(1,)}) == (left, {one.memory_ids for one in anew})


async def test_a_night_lays_the_memories_before_the_teacher_and_names_all_of_them(tmp_path):
    async with rounded_out(tmp_path) as (core, _):
        lines = await core.store_thread.run(current_lines)
        tonight = compose(await teachable(core), lines, seed=0, tiny=False)
    own = [one for one in tonight if one.kind != "general"]
    told = {id for one in own for id, line in lines.items() if line in recalled_lines(one.grounding)}

    assert {"fact", "two", "abstain", "reading"} <= {one.kind for one in own}
    assert all(one.grounding.startswith(load("recall_instruct")) for one in own)
    assert told == {id for one in own for id in one.memory_ids} == set(lines)
