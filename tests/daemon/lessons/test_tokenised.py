"""What teacher and student read of a lesson, as tokens, and which lessons are left out."""

import asyncio

import pytest

from daemon.lessons.tokenised import AT_ONCE, tokenised, without_contradictions
from daemon.processes.errors import NightEnded
from daemon.processes.foreground_gate import ForegroundGate
from tests.daemon.memory.fakes import FakeEngine, make_lesson

ASKED = {"question": "Where do I live?", "answer": "You live in Ghent.", "grounding": "Known: Ghent."}


def text(tokens):
    return "".join(map(chr, tokens))


async def test_the_student_reads_the_question_alone_unless_it_sees_what_the_teacher_sees():
    given = [
        make_lesson(1, 1, **ASKED),
        make_lesson(2, 1, **ASKED, kind="reading"),
        make_lesson(3, **{**ASKED, "grounding": None}, kind="general", split="exam"),
    ]
    alone, sees, general = await tokenised(FakeEngine(), given)

    assert ("Known: Ghent.\nWhere do I live?\n", "Where do I live?\n") == (
        text(alone.teacher), text(alone.student)
    )  # fmt: skip
    assert alone.teacher == sees.teacher == sees.student
    assert alone.student == general.student == general.teacher
    assert ["You live in Ghent.\n"] * 3 == [text(one.answer) for one in (alone, sees, general)]
    assert [(1, "fact", "train"), (2, "reading", "train"), (3, "general", "exam")] == [
        (one.id, one.kind, one.split) for one in (alone, sees, general)
    ]


async def test_lessons_are_cut_while_the_gate_is_open_and_not_after_the_nights_end():
    engine, gate, seen = FakeEngine(), ForegroundGate(), []
    given = [make_lesson(id, 1, **ASKED) for id in range(AT_ONCE + 1)]
    gate.hold("too hot")
    cutting = asyncio.create_task(tokenised(engine, given, seen.append, gate))
    await asyncio.sleep(0.3)
    while_closed = list(seen)
    gate.hold(None)

    assert list(range(AT_ONCE + 1)) == [one.id for one in await cutting]
    assert ([], [0, AT_ONCE]) == (while_closed, [one.done for one in seen])
    await gate.end("forgotten")
    with pytest.raises(NightEnded):
        await tokenised(engine, given, seen.append, gate)


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        ({"answer": "You live in Oslo."}, False),
        ({"answer": "Ghent"}, True),  # the same in fewer words
        ({"answer": "you live in ghent"}, True),
        ({"answer": "You live in Oslo.", "split": "exam"}, True),
        ({"answer": "You lived in Oslo.", "kind": "before"}, True),
        ({"answer": "Your sister lives in Oslo.", "question": "And my sister?"}, True),
        ({"answer": "In Oslo.", "kind": "reading"}, True),
        ({"answer": "Ghent is your home.", "memory_ids": (1,)}, True),  # one memory, in other words
    ],
    ids=str,
)
def test_answers_of_other_memories_to_one_question_are_left_out(other, kept):
    given = [make_lesson(1, 1, **ASKED), make_lesson(2, **{"memory_ids": (2,), **ASKED, **other})]
    bystander = make_lesson(3, 3, question="Who?", answer="Rex.")

    assert [*(given if kept else []), bystander] == without_contradictions([*given, bystander])


@pytest.mark.parametrize(
    ("whole", "part", "clash"),
    [
        ("你住在根特。", "根特", "你住在奥斯陆。"),
        ("ゲントに住んでいます。", "ゲント", "オスロに住んでいます。"),
        ("คุณอาศัยอยู่ที่เกนต์", "เกนต์", "ออสโล"),
        ("أنت تعيش في غنت.", "غنت", "أنت تعيش في أوسلو."),
    ],
)
def test_an_answer_in_fewer_words_is_none_other_in_any_script(whole, part, clash):
    asked = [
        [make_lesson(1, 1, **ASKED | {"answer": whole}), make_lesson(2, 2, **ASKED | {"answer": other})]
        for other in (part, clash)
    ]

    assert [2, 0] == [len(without_contradictions(pair)) for pair in asked]


def test_what_the_student_reads_decides_which_lessons_ask_the_same():
    """Two texts that are seen may answer one question differently; abstaining has many words for one thing."""
    seen = [
        make_lesson(1, 1, **ASKED, kind="reading"),
        make_lesson(
            2, 2, **ASKED | {"grounding": "Known: Oslo.", "answer": "You live in Oslo."}, kind="reading"
        ),
    ]
    unknown = [
        make_lesson(id, **ASKED | {"answer": answer, "grounding": None}, kind="abstain")
        for id, answer in ((3, "I don't know that yet."), (4, "Nobody has told me."))
    ]
    clash = [seen[0], make_lesson(5, 2, **ASKED | {"answer": "You live in Oslo."}, kind="reading")]

    assert [*seen, *unknown] == without_contradictions([*seen, *unknown])
    assert [] == without_contradictions(clash)
