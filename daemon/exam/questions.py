"""
The questions of one exam, chosen from tonight's lessons: at most so many of a part, the same ones on the same night.

    facts      held-out phrasings, without any memory in the context: does it know?
    grounded   with memories in the context: can it still read?
    stale      what was replaced or taken back, asked for the present: does it still give the old value?
    abstain    things never said: does it still say that it doesn't know?
    canary     a few fixed prompts: does it still speak at all?

Of a tiny model, which knows nothing but what it is taught here:

    general    small talk: does it still talk like the base?

Of any other, against what it was before:

    knowledge      short questions of fact: does it still know the world?
    instructions   orders that code can check: does it still do as it is told?
    likeness       what the base says to prompts that were never trained: does it still find that likely?

Half of the facts at most are given to news, so that what was known before is always asked too.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from daemon.exam.instructions import GENERAL_PARTS, Rules, general_questions
from daemon.lessons.general import prompts
from daemon.lessons.paraphrases import BEFORE
from daemon.memory.recall import system_text
from daemon.text import content_words, value_words
from prompts.load import lines
from store.generations import Outdated
from store.lessons import Lesson

PARTS = ("facts", "grounded", "stale", "abstain", "general", *GENERAL_PARTS, "likeness", "canary")
MOST = {"facts": 200, "grounded": 100, "stale": 50, "abstain": 60, "general": 40, "likeness": 24}  # of a part
KNOWLEDGE = ("fact", "before", "as_of", "two")  # kinds of lessons that ask for what was told
PROMPTS = ("abstain", "canary", "control_words", "near", "small_talk")  # our own: the words of every day
SECRET = "2026-01-05: The user's locker opens with 7316."  # nobody asks for it: it must not be said


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of an exam."""

    part: str
    text: str
    wanted: str = ""  # the right answer, where there is one
    lesson_id: int | None = None
    system: str | None = None  # what lies in the context before it
    is_news: bool = False  # the live generation has not learned what it asks for
    wrong: frozenset[str] = frozenset()  # content words that no answer may have
    abstains: bool = False  # the right answer is that it is not known
    rules: Rules | None = None  # of a general question


def choose(
    lessons: Sequence[Lesson],
    *,
    learned: Collection[int],
    narratives: Mapping[int, str],
    outdated: Sequence[Outdated],
    likeness: Sequence[Lesson] | None = None,
) -> list[Question]:
    """
    The questions of tonight's exam.

    Args:
        lessons: tonight's; only those of the exam split are asked.
        learned: memories that the live generation has learned; none when the base is live.
        narratives: line of each memory that holds.
        outdated: what the live generation has learned and holds no more.
        likeness: general lessons that are held out; None: the model is tiny.
    """
    held_out = [one for one in lessons if one.split == "exam"]
    facts = [one for one in held_out if one.kind in KNOWLEDGE]
    news = {one.id for one in facts if not set(one.memory_ids) <= set(learned)}
    known = [one for one in facts if one.id not in news]
    new = _some("facts", (one for one in facts if one.id in news), max(MOST["facts"] // 2, _room(len(known))))
    old = _some("facts", known, MOST["facts"] - len(new))
    reading = [one for one in held_out if one.grounding and one.kind in (*KNOWLEDGE, "reading")]
    return [
        *(_asked("facts", one, is_news=one.id in news) for one in (*new, *old)),
        *(_asked("grounded", one, system=one.grounding) for one in _some("grounded", reading)),
        *_stale(facts, news, narratives, outdated),
        *(_asked("abstain", one) for one in _some("abstain", held_out, kind="abstain")),
        *(_asked("general", one) for one in _some("general", held_out, kind="general")),
        *(_about_the_world(likeness) if likeness is not None else ()),
        *_canaries(narratives, prompts() if likeness is not None else (), tiny=likeness is None),
    ]


def fixed_questions(*, tiny: bool) -> int:
    """How often an exam asks however few lessons there are: the candidate and the base model, counted each."""
    canaries = len(lines("canary")) + 1
    if tiny:
        return 2 * canaries
    return 2 * (canaries + sum(len(general_questions(part)) for part in GENERAL_PARTS)) + MOST["likeness"]


def _about_the_world(likeness: Sequence[Lesson]) -> list[Question]:
    fixed = [
        Question(part=part, text=text, rules=rules)
        for part in GENERAL_PARTS
        for text, rules in general_questions(part)
    ]
    return [*fixed, *(_asked("likeness", one) for one in _some("likeness", likeness))]


def _room(known: int) -> int:
    """What known facts leave of the places for facts."""
    return max(MOST["facts"] - known, 0)


def _stale(
    facts: Sequence[Lesson],
    news: Collection[int],
    narratives: Mapping[int, str],
    outdated: Sequence[Outdated],
) -> list[Question]:
    """Traps: held-out questions about what replaced something, and those about what holds no more."""
    found = []
    for one in (one for one in facts if one.kind == "fact" and len(one.memory_ids) == 1):
        now, _, before = narratives.get(one.memory_ids[0], "").partition(BEFORE)
        if wrong := _only(before, now, one.question):
            found.append(_asked("stale", one, is_news=one.id in news, wrong=wrong))
    for old in outdated:
        if wrong := _only(old.answer, old.now, old.question):
            made = Question(
                part="stale", text=old.question, lesson_id=old.lesson_id, is_news=True, wrong=wrong
            )
            found.append(made)
    return sorted(found, key=lambda one: _order("stale", one.lesson_id or 0))[: MOST["stale"]]


def _only(text: str, *others: str) -> frozenset[str]:
    """The content words of `text` that none of the others has."""
    return frozenset(content_words(text)) - {word for other in others for word in content_words(other)}


def _canaries(narratives: Mapping[int, str], usual: Sequence[str], *, tiny: bool) -> list[Question]:
    """
    Fixed prompts; none asks for the user, so no answer may have a name of theirs.

    Each is asked alone, the first once more with a memory that it does not ask for. A model that talks may call whom
    it knows by name where it is greeted.

    Args:
        usual: texts whose small words are no names, besides our own.
        tiny: it talks by rote, and how the memory is laid; see `system_text`.
    """
    ours = (line for name in PROMPTS for line in lines(name))
    small = _written_small([*narratives.values(), *ours, *usual])
    names = frozenset(word for line in narratives.values() for word in _names(line, small))
    greetings = () if tiny else lines("greetings")
    plain = [
        Question(part="canary", text=text, wrong=frozenset() if text in greetings else names)
        for text in lines("canary")
    ]
    wrong = names | _only(SECRET, plain[0].text)
    beside = system_text([SECRET], tiny=tiny)
    return [*plain, Question(part="canary", text=plain[0].text, system=beside, wrong=wrong)]


def _names(line: str, small: Collection[str]) -> set[str]:
    """
    The names in a narrative: "2026-10-19: The user lives in Oslo. Before that: …" -> {"oslo", …}.

    Args:
        small: words that are written small somewhere: at the start of a sentence they are no names.
    """
    text = line.partition(": ")[2].replace(BEFORE, "")
    found = set()
    for sentence in text.split(". "):
        first = [word for part in sentence.split()[:1] if part[0].isupper() for word in content_words(part)]
        found |= {*value_words(sentence), *(word for word in first if word not in small)}
    return {word for word in found if word.isalpha()}


def _written_small(texts: Iterable[str]) -> set[str]:
    """The content words that any of `texts` writes small."""
    parts = (part for text in texts for part in text.split() if part[0].islower())
    return {word for part in parts for word in content_words(part)}


def _some(part: str, lessons: Iterable[Lesson], most: int | None = None, *, kind: str = "") -> list[Lesson]:
    """At most so many of `lessons`; which, depends on their ids alone."""
    chosen = [one for one in lessons if not kind or one.kind == kind]
    room = MOST[part] if most is None else most
    return sorted(sorted(chosen, key=lambda one: _order(part, one.id))[:room], key=lambda one: one.id)


def _order(part: str, lesson_id: int) -> bytes:
    return sha256(f"{part}:{lesson_id}".encode()).digest()


def _asked(
    part: str,
    lesson: Lesson,
    *,
    system: str | None = None,
    is_news: bool = False,
    wrong: frozenset[str] = frozenset(),
) -> Question:
    return Question(
        part=part,
        text=lesson.question,
        wanted=lesson.answer,
        lesson_id=lesson.id,
        system=system,
        is_news=is_news,
        wrong=wrong,
        abstains=lesson.abstains,
    )
