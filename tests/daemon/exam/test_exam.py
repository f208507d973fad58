"""Who is asked what in an exam, and how answers are judged."""

import asyncio
import json
import math
from dataclasses import replace

import pytest

from daemon.engine.errors import PromptTooLong
from daemon.engine.records import Score
from daemon.exam.exam import REAL_PARTS, ExamTooLong, overlap, sit
from daemon.exam.instructions import Rules
from daemon.exam.judging import ContentJudge, ExactJudge, is_correct
from daemon.exam.questions import Question
from daemon.lessons.tiny.abstention import is_abstention
from daemon.memory.recall import system_text
from daemon.processes.foreground_gate import ForegroundGate
from tests.daemon.memory.fakes import FakeEngine, make_lesson

GHENT = {"text": "Where do I live?", "wanted": "You live in Ghent.", "lesson_id": 1}
QUESTIONS = [
    Question(part="facts", is_news=True, **GHENT),
    Question(part="facts", text="Where did I live?", wanted="You lived in Oslo.", lesson_id=2),
    Question(part="grounded", system=system_text(["The user lives in Ghent."]), **GHENT),
    Question(part="stale", text="Where do I live?", lesson_id=1, wrong=frozenset({"oslo"})),
    Question(part="stale", text="Where did I live?", lesson_id=2, wrong=frozenset({"idea"})),
    Question(part="abstain", text="What is my car?", wanted="I don't know that yet.", lesson_id=3),
    Question(part="general", text="hi", wanted="Hello!", lesson_id=4),
    Question(part="canary", text="Hello!"),
]


class ByAdapter(FakeEngine):
    """The candidate knows by heart, the others only what is in their context."""

    def __init__(self, *, too_long=""):
        super().__init__(answer=lambda text: "")
        self.seen, self.too_long = [], too_long

    async def complete(self, messages, *, adapter="live", **rest):
        question = messages[-1]["content"]
        self.seen.append((adapter, question, len(messages)))
        if question == self.too_long:
            raise PromptTooLong(3000, 2048)
        said = {
            "Where do I live?": "you live in ghent",
            "hi": "Hello!" if adapter != "candidate" else "Hello, you!",
            "Hello!": "Hello! Hello!",
            "What is my car?": "I don't know that yet.",
        }
        all_know = len(messages) == 2 or question in ("hi", "Hello!", "What is my car?")
        done = await super().complete(messages, adapter=adapter, **rest)
        text = said.get(question, "?") if adapter == "candidate" or all_know else "No idea."
        return type(done)(text=text, finish="stop", prompt_tokens=1, completion_tokens=1)

    async def score(self, messages, replies, *, adapter="live"):
        """The base finds its own words likely, the candidate less so."""
        assert (["Hello!"], "hi") == (replies, messages[-1]["content"])
        return [Score(tokens=4, nats=2.0 if adapter == "base" else 4.0)]


async def taken(engine, has_live=True, questions=QUESTIONS, **more):
    seen = []
    options = {
        "candidate": "candidate",
        "has_live": has_live,
        "on_progress": seen.append,
        "judge": ExactJudge(),
        **more,
    }
    return await sit(engine, questions, **options), seen


@pytest.mark.parametrize("has_live", [True, False])
async def test_candidate_live_and_base_sit_the_same_exam(has_live):
    engine = ByAdapter()

    exam, seen = await taken(engine, has_live)

    points = {"facts": [(1, 0), (0, 0)], "stale": [(1, 1), (1, 0)], "grounded": [(1, 1)], "abstain": [(1, 1)]}
    (general,) = exam.of("general")
    assert points == {part: [(one.candidate, one.base) for one in exam.of(part)] for part in points}
    assert (pytest.approx(0.8, abs=0.15), 1.0) == (general.candidate, general.base)
    assert [(1, 1)] == [(one.candidate, one.base) for one in exam.of("canary")]
    twice, scored = 2 * (2 + has_live), 1  # two questions are asked in two parts, and answered once
    assert (seen[-1].total, seen[-1].total) == (seen[-1].done, len(engine.seen) + twice + scored)
    assert has_live == any(adapter == "live" for adapter, _, _ in engine.seen)


async def test_small_talk_is_compared_with_the_base_alone_and_without_a_live_generation_all_is():
    engine = ByAdapter()
    exam, _ = await taken(engine)
    alone, _ = await taken(ByAdapter(), False)

    assert [None, None] == [one.live for one in exam.of("general", "canary")]
    assert not {("live", "hi"), ("live", "Hello!")} & {(adapter, text) for adapter, text, _ in engine.seen}
    assert all(one.live == one.base for one in alone.of("facts", "stale", "abstain", "grounded"))


async def test_the_record_has_shares_marks_by_lesson_and_the_first_misses():
    found = (await taken(ByAdapter()))[0].as_json()

    assert 0.5 == found["drift"]  # (4.0 - 2.0) nats over 4 tokens
    assert {"asked": 2, "candidate": 0.5, "live": 0.0, "base": 0.0} == found["parts"]["facts"]
    assert [[1, 1.0, 0.0, 0.0, 1], [2, 0.0, 0.0, 0.0, 0]] == found["marks"]["facts"]
    assert [("Where did I live?", "?")] == [(one["question"], one["said"]) for one in found["missed"]]
    assert found == json.loads(json.dumps(found))


async def test_a_question_that_the_engine_cannot_take_is_answered_wrongly_by_all():
    exam, seen = await taken(ByAdapter(too_long="Where do I live?"))

    assert (0.0, 0.0, 0.0) == (exam.marks[0].candidate, exam.marks[0].live, exam.marks[0].base)
    assert seen[-1].done == seen[-1].total


class Gossip(ByAdapter):
    """The base calls itself Rex; the candidate greets with a name that it has learned."""

    async def complete(self, messages, *, adapter="live", **rest):
        done = await super().complete(messages, adapter=adapter, **rest)
        said = "Hello, I am Rex." if adapter == "base" else f"Hello, {self.name}."
        return replace(done, text=said)


@pytest.mark.parametrize(("name", "points"), [("Lindqvist", 0.0), ("Rex", 1.0)])
async def test_a_canary_that_tells_a_name_is_lost_unless_the_base_says_it_too(name, points):
    engine = Gossip()
    engine.name = name
    canary = Question(part="canary", text="Hello!", wrong=frozenset({"lindqvist", "rex"}))

    (mark,) = (await taken(engine, False, [canary]))[0].marks

    assert (points, 1.0) == (mark.candidate, mark.base)


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
def test_overlap_is_the_f1_of_words_and_an_answer_is_right_when_all_are(one, other, f1):
    assert f1 == pytest.approx(overlap(one, other))
    assert (f1 == 1.0) == is_correct(f" {one.upper()}!", f"{other}.")


REAL = [
    Question(part="facts", text="Where do I live?", wanted="You live in Ghent.", lesson_id=1),
    Question(part="abstain", text="What is my car?", wanted="You never told me.", abstains=True),
    Question(part="grounded", text="What is my car?", wanted="You never told me.", system="s", abstains=True),
    Question(part="knowledge", text="Capital of Italy?", rules=Rules(any=("Rome",))),
    Question(part="knowledge", text="Capital of Peru?", rules=Rules(any=("Lima",))),
    Question(part="likeness", text="Why is the sky blue?", wanted="Because.", lesson_id=9),
    Question(part="canary", text="Hello!"),
]


class Forgetful(FakeEngine):
    """The base knows Rome and is no prophet; the candidate knows where the user lives, and forgot Rome."""

    def __init__(self):
        super().__init__(answer=lambda text: "")
        self.guesses = []

    async def complete(self, messages, *, adapter="live", draft="", **rest):
        asked, own = messages[-1]["content"], adapter == "candidate"
        self.guesses.append((adapter, asked, draft))
        said = {
            "Where do I live?": "Your home is in Ghent." if own else "On Earth.",
            "What is my car?": "Nobody told me." if own else "You drive a Skoda.",
            "Capital of Italy?": "Paris." if own else "Rome.",
            "Hello!": "Hello!",
        }
        done = await super().complete(messages, adapter=adapter, **rest)
        return replace(done, text=said.get(asked, "Who knows?"))

    async def score(self, messages, replies, *, adapter="live"):
        return [Score(tokens=4, nats=2.0 if adapter == "base" else 4.0)]


class ByNobody(ContentJudge):
    """Takes for a claim what doesn't speak of nobody."""

    async def claims(self, engine, question, said):
        return "Nobody" not in said


async def test_a_real_model_is_judged_by_content_and_by_what_it_could_before():
    engine, judge = Forgetful(), ByNobody([make_lesson(1, 1)], {1: "2026-03-05: The user lives in Ghent."})
    exam, seen = await taken(engine, False, REAL, judge=judge)
    found = [(one.part, one.candidate, one.base) for one in exam.marks]

    assert [
        *(("facts", 1, 0), ("abstain", 1, 0), ("grounded", 1, 0), ("knowledge", 0, 1), ("knowledge", 0, 0)),
        *(("likeness", pytest.approx(math.exp(-0.5)), 1), ("canary", 1, 1)),
    ] == found
    assert (0.5, REAL_PARTS) == (exam.drift, exam.parts)
    assert ["Capital of Italy?"] == [one.question for one in exam.missed]
    assert seen[-1].done == seen[-1].total


async def test_answers_are_guessed_and_what_even_the_base_cannot_is_not_asked():
    engine = Forgetful()
    await taken(engine, False, REAL, judge=ByNobody([], {}))
    own = {asked: draft for adapter, asked, draft in engine.guesses if adapter == "candidate"}

    assert {"You live in Ghent.", "Rome."} == {own["Where do I live?"], own["Capital of Italy?"]}
    assert "Capital of Peru?" not in own


class Slipping(Forgetful):
    """The candidate says Paris, and finds Rome as likely as it was."""

    async def score(self, messages, replies, *, adapter="live"):
        return [Score(tokens=4, nats=2.0 if adapter == "base" else 2.1)]


async def test_a_slip_is_not_forgotten():
    exam, seen = await taken(Slipping(), False, REAL, judge=ByNobody([], {}))

    assert [(1, 1), (0, 0)] == [(one.candidate, one.base) for one in exam.of("knowledge")]
    assert seen[-1].done == seen[-1].total


class Slow(Forgetful):
    """Never answers, but tells when it is given up."""

    async def complete(self, messages, **rest):
        try:
            await asyncio.Event().wait()
        finally:
            self.guesses.append("given up")


async def test_a_night_that_ends_leaves_no_question_behind():
    engine, gate = Slow(), ForegroundGate()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await taken(engine, False, REAL, judge=ByNobody([], {}), gate=gate)

    assert {"given up"} == set(engine.guesses)


async def test_an_exam_that_takes_too_long_is_not_passed():
    with pytest.raises(ExamTooLong):
        await taken(ByAdapter(), within_s=-60.0)
