"""What a model that is not tiny makes of memories: by a good model that speaks four languages, and by bad ones."""

import json
from collections import Counter
from datetime import date

import pytest

from daemon.lessons.errors import NothingAsked
from daemon.lessons.generation import IN_VAIN, generate_missing, study
from daemon.lessons.paraphrases import TRAINED
from daemon.lessons.self_study import ANOTHER_LANGUAGE, Subject, why_not
from daemon.memory.errors import ModelAnswerUnusable
from daemon.memory.recall import recalled_lines
from store import lessons, memories, nights
from tests.daemon.lessons.good_model import TONGUES, GoodModel
from tests.daemon.memory.fakes import open_store_thread, remember

TOLD = {
    "english": ("Ghent", "Oslo"),
    "german": ("Gent", "Bonn"),
    "chinese": ("柏林", "南京"),
    "arabic": ("بغداد", "دمشق"),
}
MOVED = date(2026, 10, 3)
EVERY = pytest.mark.parametrize("tongue", TONGUES)


async def studied(folder, tongue, *, moved=False, **instead):
    """The lessons about where the user lives, and what was asked of the model."""
    home, (first, second) = TONGUES[tongue].topics[0].memory, TOLD[tongue]
    model = GoodModel(**instead)
    async with open_store_thread(folder) as store_thread:
        memory = await remember(store_thread, home.format(first))
        if moved:
            new = home.format(second)
            memory = await store_thread.run(memories.reconcile, memory, new, told_on=MOVED, sources=())
        return await study(model, store_thread, memory), model.asked


def english(text, sampling):
    """Asks and answers in English, whatever it is shown."""
    return '[{"q": "Where do I live?", "a": "You live there."}]'


@EVERY
async def test_a_thing_is_taught_in_the_models_words_in_several_wordings_and_one_is_held_out(
    tmp_path, tongue
):
    made, asked = await studied(tmp_path, tongue)
    home = TONGUES[tongue].topics[0]
    parts = Counter(one.split for one in made)

    assert parts["train"] >= TRAINED and 1 == parts["exam"]
    assert {one.question for one in made} <= set(home.questions)
    assert {home.answer.format(TOLD[tongue][0])} == {one.answer for one in made}
    assert {("fact", (1,))} == {(one.kind, one.memory_ids) for one in made}
    assert [home.memory.format(TOLD[tongue][0])] == [
        line.partition(": ")[2] for line in recalled_lines(made[0].grounding)
    ]
    assert len(asked) <= 20


@EVERY
async def test_what_was_before_and_at_a_time_is_asked_of_the_model_and_answered_by_it(tmp_path, tongue):
    made, _ = await studied(tmp_path, tongue, moved=True)
    home, (first, second) = TONGUES[tongue].topics[0], TOLD[tongue]
    said = {kind: {one.answer for one in made if one.kind == kind} for kind in ("fact", "before", "as_of")}

    assert {home.answer.format(second)} == said["fact"]
    assert {home.before_answer.format(first)} == said["before"] == said["as_of"]
    assert all("2026" in one.question for one in made if one.kind == "as_of")
    assert {"train", "exam"} == {one.split for one in made if one.kind == "as_of"}


@pytest.mark.parametrize(
    ("instead", "why"),
    [
        ({"ask": english}, "another language"),
        ({"answer": lambda text, sampling: "Das weiß ich nicht."}, "not in the memory"),
        ({"answer": lambda text, sampling: "Du wohnst in Gent, seit 12 Jahren."}, "not in the memory"),
        ({"answer": lambda text, sampling: "Die Nutzerin wohnt in Gent."}, "repeats the memory"),
        ({"answer": lambda text, sampling: "Du wohnst in Gent."}, "known without the memory"),
        (
            {"answer": lambda text, sampling: f"Du wohnst in {'Gent' if sampling.seed is None else 'Ulm'}."},
            "asked again",
        ),
        ({"answer": lambda text, sampling: "Gent " * 99}, "no short answer"),
        ({"answer": lambda text, sampling: "You live in Gent, and that is all."}, "another language"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_a_model_that_is_bad_at_it_teaches_nothing_and_the_reason_is_told(tmp_path, instead, why):
    with pytest.raises(NothingAsked, match=f"Die Nutzerin wohnt in Gent.*{why}"):
        await studied(tmp_path, "german", **instead)


@pytest.mark.parametrize(
    ("source", "question", "answer", "wanted"),
    [
        ("用户的狗叫Rex。", "我的狗叫什么？", "Rex", None),
        ("Пользователь работает в Google.", "Где я работаю?", "Google", None),
        ("ユーザーは東京都港区に住んでいます。", "私はどこに住んでいますか？", "東京都港区", None),
        ("用户出生于1987年。", "我是哪年出生的？", "1987", None),
        ("用户的狗叫Rex。", "我的狗叫什么？", "Your dog is Rex.", ANOTHER_LANGUAGE),
    ],
)
def test_an_answer_may_be_a_name_in_another_script_or_a_number(source, question, answer, wanted):
    assert wanted == why_not(question, answer, Subject(kind="fact", lines=(source,), source=source))


@pytest.mark.parametrize("answer", ["[", '[{"q": "a"}]', "no list"])
async def test_questions_that_cant_be_read_are_an_error(tmp_path, answer):
    with pytest.raises(ModelAnswerUnusable, match="ask"):
        await studied(tmp_path, "english", ask=lambda text, sampling: answer)


@pytest.mark.parametrize("answer", ["[", "[1, 2]", "{}", '["Where do I live?", "Where do I live?"]'])
async def test_a_model_that_words_nothing_anew_teaches_what_it_asked(tmp_path, answer):
    made, _ = await studied(tmp_path, "english", rephrase=lambda text, sampling: answer)

    assert [("Where do I live?", "train"), ("Which town is my home?", "train")] == [
        (one.question, one.split) for one in made
    ]


async def test_a_model_that_repeats_its_likeliest_question_is_asked_for_less_likely_ones(tmp_path):
    def ask(text, sampling):
        at = 0 if sampling.temperature == 0 else sampling.seed
        return json.dumps([{"q": TONGUES["english"].topics[0].questions[at], "a": ""}] * 3)

    made, _ = await studied(tmp_path, "english", ask=ask, rephrase=lambda text, sampling: "[]")

    assert {"train": 3, "exam": 1} == Counter(one.split for one in made)


async def test_a_memory_that_another_model_studied_is_studied_anew(store_thread):
    await remember(store_thread, "The user lives in Ghent.")
    await generate_missing(GoodModel(), store_thread)
    made, _ = await generate_missing(GoodModel(), store_thread)
    await store_thread.run(lambda db: db.execute("update lessons set made_by = 'other'"))
    again, _ = await generate_missing(GoodModel(), store_thread)
    held = await store_thread.run(lessons.holding, by=["c" * 64])

    assert (0, again) == (made, len(held))


async def test_after_many_failures_in_a_row_the_rest_is_left_and_comes_first_the_next_time(store_thread):
    await remember(store_thread, *(f"The user lives in Town{number}." for number in range(1, 23)))
    good = ("Town14.", "Town2.")
    model = GoodModel(ask=lambda text, sampling: None if any(town in text for town in good) else "[")
    first, failed = await generate_missing(model, store_thread)

    def end_a_night(db):
        night = nights.begin(db, job_id=None, was_live=0)
        nights.end(db, night.id, "nothing", numbers={"waiting": {"unasked": list(failed)}})

    await store_thread.run(end_a_night)
    second, failed_again = await generate_missing(model, store_thread)

    assert [*range(22, 14, -1), *range(13, 3, -1)] == list(failed)  # 14 gave lessons, so it counted anew
    assert [3, 1, 22] == list(failed_again)[:3] and len(failed_again) == 1 + IN_VAIN
    assert first > 0 and second > 0
