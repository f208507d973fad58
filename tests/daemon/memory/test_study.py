import asyncio
from datetime import date

import pytest

from daemon.memory.errors import ModelAnswerUnusable
from daemon.memory.study import ABSTENTION, NothingAsked, is_mentioned, round_out, study, study_missing
from prompts.load import lines, load
from store import lessons, memories
from tests.daemon.memory.fakes import FakeEngine, open_keeper, pairs_about


def studied(folder, answer, *, moved=False):
    """The lessons made of one memory; with `moved` it has replaced another."""

    async def run():
        engine = FakeEngine(ask=lambda line: answer)
        async with open_keeper(folder) as keep:
            held = await keep.run(
                memories.add, "The user lives in Ghent.", told_on=date(2026, 3, 5), sources=()
            )
            if moved:
                text, day = "The user lives in Oslo.", date(2026, 10, 3)
                held = await keep.run(memories.reconcile, held, text, told_on=day, sources=())
            return engine, await study(engine, keep, held)

    return asyncio.run(run())


def pair(question, answer):
    return {"q": question, "a": answer}


FIVE = [
    pair(f"Where do I live, {way}?", "You live in Ghent.")
    for way in ("now", "today", "then", "really", "say")
]


def test_the_last_phrasing_is_held_out_for_the_exam(tmp_path):
    _, made = studied(tmp_path, FIVE)

    assert ["train"] * 4 + ["exam"] == [one.split for one in made]
    assert [one["q"] for one in FIVE] == [one.question for one in made]
    assert {("fact", (1,))} == {(one.kind, one.memory_ids) for one in made}


def test_the_grounding_is_what_recall_would_lay_beside_the_question(tmp_path):
    engine, made = studied(tmp_path, FIVE)

    assert {f"{load('recall')}\n- 2026-03-05: The user lives in Ghent."} == {one.grounding for one in made}
    assert "2026-03-05: The user lives in Ghent." == engine.asked[0].text
    assert ("base", True) == (engine.asked[0].adapter, engine.asked[0].background)


def test_pairs_that_teach_nothing_are_dropped(tmp_path):
    junk = [
        pair("Where do I live, now?", "Ghent again."),  # the same question
        pair("What is my job?", "I don't know that yet."),  # not from the memory
        pair("Where?", "In Ghent, " + "well " * 50),  # too long
        pair("   ", "Ghent."),
        pair("Do I live in Ghent?", "You live in Ghent."),  # says nothing that the question doesn't
        pair("Since when do I live there?", "You live in Ghent since January."),  # made up
    ]

    _, made = studied(tmp_path, [*FIVE, *junk])

    assert 5 == len(made)


def test_what_was_before_is_asked_too_and_examined_too(tmp_path):
    before = [pair("Where did I live before?", "You lived in Ghent."), pair("And earlier?", "In Ghent.")]
    now = [pair(f"Where do I live, {way}?", "In Oslo.") for way in ("now", "today", "then", "really")]

    _, made = studied(tmp_path, [*now, *before], moved=True)

    assert [("fact", "train")] * 3 + [("fact", "exam")] == [(one.kind, one.split) for one in made[:4]]
    assert [("before", "train"), ("before", "exam")] == [(one.kind, one.split) for one in made[4:]]


@pytest.mark.parametrize("answer", ["[", '[{"q": "a"}]', "[1]", '"x"', "3"])
def test_garbage_is_an_error(tmp_path, answer):
    with pytest.raises(ModelAnswerUnusable, match="ask"):
        studied(tmp_path, answer)


def test_no_usable_question_is_an_error_that_names_the_memory(tmp_path):
    with pytest.raises(NothingAsked, match="The user lives in Ghent"):
        studied(tmp_path, [pair("Who?", "Nobody.")])


def test_every_memory_without_lessons_is_studied_once_and_failures_are_told(tmp_path):
    async def run():
        engine = FakeEngine(ask=lambda line: pairs_about(line) if "Ghent" in line else [])
        async with open_keeper(tmp_path) as keep:
            for text in ("The user lives in Ghent.", "The user's dog is called Rex."):
                await keep.run(memories.add, text, told_on=date(2026, 3, 5), sources=())
            first = await study_missing(engine, keep)
            second = await study_missing(engine, keep)
            return first, second, await keep.run(lessons.holding)

    (made, failures), (again, _), held = asyncio.run(run())

    assert (5, 1, 0, 5) == (made, len(failures), again, len(held))
    assert "Rex" in failures[0]


def test_a_night_is_rounded_out_once_with_abstaining_and_small_talk(tmp_path):
    async def run():
        engine = FakeEngine(answer=lambda question: "Hello! How can I help?")
        async with open_keeper(tmp_path) as keep:
            added = await round_out(engine, keep)
            again = await round_out(engine, keep)
            return added, again, await keep.run(lessons.holding)

    added, again, held = asyncio.run(run())

    assert (len(lines("abstain")) + len(lines("small_talk")), 0, added) == (added, again, len(held))
    assert {None} == {one.grounding for one in held}
    assert {("abstain", "train"), ("abstain", "exam"), ("general", "train"), ("general", "exam")} == {
        (one.kind, one.split) for one in held
    }
    assert {ABSTENTION} == {one.answer for one in held if one.kind == "abstain"}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is my sister called?", True),
        ("Where do I work?", False),
        ("Where did I study?", True),
        ("What did I buy?", True),
        ("What is my favourite season?", False),
        ("What is my favourite food?", True),
        ("Where do I live?", True),
    ],
)
def test_a_question_that_a_memory_may_answer_is_no_lesson_in_abstaining(question, expected):
    said = {"sister", "ana", "studied", "bought", "favourite", "food", "ramen", "live", "ghent"}

    assert expected == is_mentioned(question, said)
