"""
Lessons of a model that is tiny: made from scratch for these tasks, it knows no language, so English tables stand in.

    memory ──> narrative ──> the model asks and answers ──> filters ──> can it answer again, with the memory in
    sight? ──> things asked for, in several wordings ──> lessons: train, exam

All of `daemon/lessons/tiny/` is for models whose file says `tsubasa.tiny`, chosen in `generation.py` and
`regularisation.py`; what any other model learns, it asks and answers itself. Source: TSUBASA, arXiv 2604.07894.
"""

import re
from collections.abc import Iterator, Sequence

from daemon.engine.client import Engine, Sampling
from daemon.lessons.errors import NothingAsked
from daemon.lessons.paraphrases import BEFORE, ENOUGH, Pair, Thing, as_lessons, read_pairs
from daemon.lessons.temporal import PERIODS, Time, dated_lines, sure_time
from daemon.lessons.tiny.paraphrases import bare, is_answered, split, things, usable
from daemon.memory.errors import HOPELESS
from daemon.memory.recall import system_text
from daemon.text import normalised
from prompts.load import schema, task
from store.lessons import NewLesson
from store.memories import Memory

MAX_ANSWER_TOKENS = 768
MAX_REPLY_TOKENS = 48
SAMPLED = 3  # times that the model is asked for other wordings, at most
TEMPERATURE = 0.7
_BEFORE = re.compile(r",? (?:before|previously|earlier)\b.*$", re.I)


async def study(engine: Engine, memory: Memory, line: str, earlier: Sequence[Memory]) -> list[NewLesson]:
    """
    Lessons about `memory`, at least one: of each thing asked for, at least four wordings to train where that can be,
    and one that is held out for the exam.

    Args:
        line: its narrative.
        earlier: what held in its place before, oldest first.

    Raises:
        ModelAnswerUnusable: the model's pairs can't be read.
        NothingAsked: no pair survived the filters.
    """
    found = things(await _pairs(engine, line), line)
    if not found:
        raise NothingAsked(memory.id, line)
    before = next((thing.pairs for thing in found if thing.kind == "before"), ())
    dated = system_text(dated_lines(memory, line, earlier))
    at_times = as_of(before, memory, earlier)
    beside = [*((thing, system_text([line])) for thing in found), *((thing, dated) for thing in at_times)]
    return [
        one
        for thing, grounding in beside
        for one in as_lessons(thing, *split(thing.pairs, memory.id), memory, grounding)
    ]


async def _pairs(engine: Engine, line: str) -> list[Pair]:
    """
    Usable pairs about `line` that the model can answer again; of a list that it mostly can't, none.

    It is asked until each thing has enough wordings, at most `SAMPLED` times after the first, and no more once that
    brings nothing new.
    """
    found: list[Pair] = []
    failed: Exception | None = None
    for shown, sampling in _tries(line):
        known = {normalised(pair.question) for pair in found}
        try:
            asked = usable(await _ask(engine, shown, sampling), line)
        except HOPELESS as error:
            asked, failed = [], error
        asked = [pair for pair in asked if normalised(pair.question) not in known]
        new = [pair for pair in asked if await _can_answer(engine, pair, line)]
        if 2 * len(new) < len(
            asked
        ):  # then the model does not read the memory: the others were right by chance
            new = []
        found += new
        if _is_enough(found, line) or (sampling.temperature and not new):
            break
    if failed and not found:
        raise failed
    return found


def _tries(line: str) -> Iterator[tuple[str, Sampling]]:
    """What the model is shown, and how it is to choose: as it likes best first; of a change, what holds now alone."""
    yield line, Sampling(max_tokens=MAX_ANSWER_TOKENS)
    now, before, _ = line.partition(BEFORE)
    if before:
        yield now.strip(), Sampling(max_tokens=MAX_ANSWER_TOKENS)
    for seed in range(1, SAMPLED + 1):
        yield line, Sampling(max_tokens=MAX_ANSWER_TOKENS, temperature=TEMPERATURE, seed=seed)


def _is_enough(pairs: Sequence[Pair], line: str) -> bool:
    found = things(pairs, line)
    return bool(found) and all(
        len({bare(pair.question) for pair in thing.pairs}) >= ENOUGH for thing in found
    )


async def _ask(engine: Engine, line: str, sampling: Sampling) -> list[Pair]:
    answer = await engine.complete(
        [*task("ask", taught=(await engine.info()).taught), {"role": "user", "content": line}],
        sampling=sampling,
        schema=schema("ask"),
        adapter="base",
        background=True,
    )
    return read_pairs(answer.text)


async def _can_answer(engine: Engine, pair: Pair, line: str) -> bool:
    """Whether the model itself gives the answer of `pair`, with the memory in sight."""
    beside = system_text([line], tiny=(await engine.info()).tiny)
    reply = await engine.complete(
        [{"role": "system", "content": beside}, {"role": "user", "content": pair.question}],
        sampling=Sampling(max_tokens=MAX_REPLY_TOKENS),
        adapter="base",
        background=True,
    )
    return is_answered(pair, reply.text)


def as_of(before: Sequence[Pair], memory: Memory, earlier: Sequence[Memory]) -> list[Thing]:
    """
    What held at a time that is sure, one thing each, in the wordings of `before`. English only: others give none.

        "Where did I live before?", "You lived in Ghent.", true from March to June 2026
            ──> "Where did I live in April 2026?", "You lived in Ghent."

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
