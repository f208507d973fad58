"""
Temporal lessons: questions about what held at a time, out of those about what held before.

    "Where did I live before?", "You lived in Ghent.", true from March to June 2026
        ──> "Where did I live in April 2026?", "You lived in Ghent."

English only: other questions give none.
"""

import re
from collections.abc import Sequence

from daemon.lessons.paraphrases import Pair, Thing
from daemon.lessons.temporal import PERIODS, Time, sure_time
from store.memories import Memory

_BEFORE = re.compile(r",? (?:before|previously|earlier)\b.*$", re.I)


def as_of(before: Sequence[Pair], memory: Memory, earlier: Sequence[Memory]) -> list[Thing]:
    """
    What held at a time that is sure, one thing each, in the wordings of `before`.

    Args:
        before: the questions after the latest of `earlier`, with their answers.
        earlier: what held in the place of `memory`, oldest first.
    """
    found = []
    for old in [memory, *earlier[-PERIODS:]] if earlier else []:
        time = sure_time(old, [one for one in (memory, *earlier) if one.id != old.id])
        pairs = [_at(pair, _in_english(time), earlier[-1], old) for pair in before] if time else []
        if whole := tuple(dict.fromkeys(pair for pair in pairs if pair)):
            found.append(Thing(kind="as_of", pairs=whole))
    return found


def _at(pair: Pair, when: str, latest: Memory, old: Memory) -> Pair | None:
    """The question of `pair` with the time instead of "before", answered by `old`."""
    question, cut = _BEFORE.subn("", pair.question.rstrip("? "))
    answer = pair.answer if old.id == latest.id else _answer(pair.answer, latest.text, old.text)
    if not (cut and question and answer):
        return None
    if question.split()[-1] in ("in", "at", "on"):  # not "Which town did I live in in April?"
        return Pair(
            question=f"{when[0].upper()}{when[1:]}, {question[0].lower()}{question[1:]}?", answer=answer
        )
    return Pair(question=f"{question} {when}?", answer=answer)


def _answer(answer: str, said: str, instead: str) -> str | None:
    """`answer` with the words in which `said` differs from `instead` put in place; None where that can't be done."""
    one, other = said.rstrip(".").split(), instead.rstrip(".").split()
    first = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if first is None:
        return None
    last = 0
    while last < min(len(one), len(other)) - first and one[-1 - last] == other[-1 - last]:
        last += 1
    was, now = " ".join(one[first : len(one) - last]), " ".join(other[first : len(other) - last])
    parts = re.split(rf"\b{re.escape(was)}(?!\w)", answer) if was and now else []
    return now.join(parts) if len(parts) == 2 else None


def _in_english(time: Time) -> str:
    """ "in April 2026", or "on 9 September 2026"."""
    return f"in {time.day:%B %Y}" if time.is_month else f"on {time.day.day} {time.day:%B %Y}"
