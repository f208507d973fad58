"""
General lessons: what the model itself says to what has nothing to do with the user, so that it stays what it is.

Each prompt is answered once, by the base model; every fifth is held out for the exam.
"""

from collections.abc import Sequence

from daemon.engine.client import Engine, Sampling
from daemon.text import normalised
from prompts.load import lines
from store.lessons import Lesson, NewLesson

MAX_REPLY_TOKENS = 48
EXAM_EVERY = 5  # of each kind of lesson that comes of no memory, every fifth is held out


async def general_lessons(engine: Engine, there: Sequence[Lesson]) -> list[NewLesson]:
    """General lessons that are missing `there`, not yet stored."""
    known = {normalised(one.question) for one in there if one.kind == "general"}
    made = [
        NewLesson(
            question=question,
            answer=await _own_answer(engine, question),
            grounding=None,
            kind="general",
            split="exam" if place % EXAM_EVERY == EXAM_EVERY - 1 else "train",
        )
        for place, question in enumerate(lines("small_talk"))
        if normalised(question) not in known
    ]
    return [one for one in made if one.answer]


async def _own_answer(engine: Engine, question: str) -> str:
    answer = await engine.complete(
        [{"role": "user", "content": question}],
        sampling=Sampling(max_tokens=MAX_REPLY_TOKENS),
        adapter="base",
        background=True,
    )
    return answer.text.strip()
