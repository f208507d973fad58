import asyncio

import pytest

from daemon.memory.recall import system_text
from daemon.night.exam import is_abstention, is_correct, overlap, sit
from store.lessons import Lesson
from tests.daemon.memory.fakes import FakeEngine


def lesson(id, question, answer, *, kind="fact", split="exam", grounding=None):
    return Lesson(
        id=id, question=question, answer=answer, grounding=grounding, kind=kind, split=split, memory_ids=()
    )


LESSONS = [
    lesson(1, "Where do I live?", "You live in Ghent.", grounding=system_text(["The user lives in Ghent."])),
    lesson(2, "Where did I live?", "You lived in Oslo.", kind="before", grounding=system_text(["Oslo."])),
    lesson(3, "What is my car?", "I don't know that yet.", kind="abstain"),
    lesson(4, "hi", "Hello!", kind="general"),
    lesson(5, "never asked", "x", split="train"),
]


class ByAdapter(FakeEngine):
    """The candidate knows by heart, the others only what is in their context."""

    def __init__(self):
        super().__init__(answer=lambda text: "")
        self.seen = []

    async def complete(self, messages, *, adapter="live", **rest):
        self.seen.append((adapter, messages[-1]["content"], len(messages)))
        said = {
            "Where do I live?": "you live in ghent",
            "hi": "Hello!",
            "What is my car?": "I don't know that yet.",
        }
        knows = (
            adapter == "candidate"
            or len(messages) == 2
            or messages[-1]["content"] in ("hi", "What is my car?")
        )
        done = await super().complete(messages, adapter=adapter, **rest)
        return type(done)(
            text=said.get(messages[-1]["content"], "?") if knows else "No idea.",
            finish="stop",
            prompt_tokens=1,
            completion_tokens=1,
        )


@pytest.mark.parametrize("has_live", [True, False])
def test_candidate_live_and_base_sit_the_same_exam(has_live):
    engine, seen = ByAdapter(), []

    exam = asyncio.run(
        sit(engine, LESSONS, candidate="candidate", has_live=has_live, on_progress=seen.append)
    )

    assert ((True, False), (False, False), (False, False)) == (exam.candidate, exam.live, exam.base)
    assert ((True, False), (True, False)) == (exam.grounded_candidate, exam.grounded_base)
    assert ((True,), (True,), (1.0,)) == (exam.abstain_candidate, exam.abstain_base, exam.general)
    assert (seen[-1].total, seen[-1].total) == (seen[-1].done, len(engine.seen))
    assert has_live == any(adapter == "live" for adapter, _, _ in engine.seen)
    assert "never asked" not in {question for _, question, _ in engine.seen}
    assert 0.5 == exam.as_json()["candidate"]
    assert [{"question": "Where did I live?", "wanted": "You lived in Oslo.", "said": "?"}] == exam.as_json()[
        "missed"
    ]


def test_an_answer_is_right_when_its_words_are():
    assert is_correct(" you live in Ghent!", "You live in Ghent.")
    assert not is_correct("You live in Ghent, I think.", "You live in Ghent.")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("I don't know that yet.", True),
        ("Sorry, I don’t have that information.", True),
        ("I do not know.", True),
        ("You live in Ghent.", False),
        ("", False),
    ],
)
def test_abstaining_has_several_wordings(answer, expected):
    assert expected == is_abstention(answer)


@pytest.mark.parametrize(
    ("one", "other", "f1"), [("a b", "a b", 1.0), ("a b", "c", 0.0), ("a b", "a", 2 / 3), ("", "", 1.0)]
)
def test_overlap_is_the_f1_of_words(one, other, f1):
    assert f1 == pytest.approx(overlap(one, other))
