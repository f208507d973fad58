"""
Paraphrases: which questions about a memory are worth a lesson, which ask for the same, and more wordings of these.

    pairs of the model ──> usable ──> things asked for, each in several wordings ──> train (4 and more), exam (1)

What is kept for the exam is another wording of a thing that is trained, with an answer that is trained; no wording of
it that code made is trained. English only. Source: TSUBASA, arXiv 2604.07894 (the filters).
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

from daemon.lessons.paraphrases import (
    BEFORE,
    ENOUGH,
    LONGEST_ANSWER,
    MOST_TRAINED,
    THINGS,
    TRAINED,
    Pair,
    Thing,
)
from daemon.text import content_words, normalised, root, value_words

_TELLING = re.compile(
    r"\bwhen (?:did|have|has|was|were)\b.*\b(?:say|said|tell|told|mention|mentioned)\b", re.I
)
_THEIRS = re.compile(
    r"\b([\w-]+)['’]s (?=(?:(?:best|old|older|elder|young|younger|little|big|new|former|favourite) )?([\w-]+))"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
# Other wordings of a question, where the model has too few: what it begins with -> what it begins with instead ...
_SWAPS = (
    (re.compile(r"^What is (?=\w)"), "What's "),
    (re.compile(r"^What's (?=\w)"), "What is "),
    (re.compile(r"^Who is (?=\w)"), "Who's "),
    (re.compile(r"^Where is (?=\w)"), "Where's "),
)
# ... a time at the end, put in front ...
_AT_END = re.compile(r"^(\w)(.*[^,]) (in|on) ((?:\d+ )?[A-Z]\w+ \d{4})\?$")
# ... "What is my favourite food?" as a thing that one knows ...
_MINE = re.compile(r"^What(?: is|'s) (my (?:[\w-]+ ){0,2}?[\w-]+(?:'s [\w-]+)?)\?$")
_NO_NAME = ("called", "named", "like", "in", "at", "into", "from", "doing")  # these end no name of a thing
_KNOWN = ("Do you know {}?", "Tell me {}.")
# ... and any question, announced.
_OPENERS = ("Tell me, ", "Do you remember: ", "Can you tell me: ", "Remind me, ", "One question: ")
_ASKS = re.compile(
    r"(?:(?:in|at|on|with|from|to|for) )?(?:what|where|who|whom|whose|which|when|how|why)\b"
    r"|(?:do|does|did|is|are|was|were|am|have|has|can|will)\b",
    re.I,
)
_OPENED = re.compile("|".join(_OPENERS), re.I)
_SHORT = re.compile(r"\b(what|who|where|when|how)'s\b")


def usable(pairs: Sequence[Pair], line: str) -> list[Pair]:
    """
    Those of `pairs` about the narrative `line` that may be taught, each question once.

    Left out are answers that are long, that say nothing of `line` beyond the question or only the date in front of
    it, or have a name or a number that neither has; questions after the day on which something was said; and pairs
    about somebody of whom `line` only tells what is theirs ("my sister works" of "my sister's boss works").
    """
    words = set(content_words(line))
    dates = {word for date in _DATE.findall(line) for word in content_words(date)}
    kept: dict[str, Pair] = {}
    for pair in pairs:
        asked = set(content_words(pair.question))
        informs = bool(informing(pair, words) - dates) and value_words(pair.answer) <= words | asked
        if (
            informs
            and len(pair.answer) <= LONGEST_ANSWER
            and not _TELLING.search(pair.question)
            and not (takes_owner(pair.question, line) or takes_owner(pair.answer, line))
            and normalised(pair.question)
        ):
            kept.setdefault(normalised(pair.question), pair)
    return list(kept.values())


def takes_owner(text: str, line: str) -> bool:
    """Whether `text` speaks of the owner where `line` only speaks of what is theirs: a small model's misreading."""
    said, rest = _words(text), _THEIRS.sub("", line)
    theirs: dict[str, set[str]] = {}
    for owner, owned in _THEIRS.findall(line):
        theirs.setdefault(owner.lower(), set()).add(owned.lower())
    alone = _words(rest)
    return any(owner in said - alone and not owned & said for owner, owned in theirs.items())


def informing(pair: Pair, words: set[str]) -> set[str]:
    """The words of the memory that the answer says and the question does not."""
    return set(content_words(pair.answer)) & words - set(content_words(pair.question))


def is_answered(pair: Pair, reply: str) -> bool:
    """Whether `reply` to the question, with the memory in sight, says all that the answer says."""
    asked, said = set(content_words(pair.question)), set(content_words(reply))
    wanted = set(content_words(pair.answer)) - asked
    return value_words(pair.answer) - asked <= said and {root(word) for word in wanted} <= {
        root(word) for word in said
    }


def things(pairs: Sequence[Pair], line: str) -> list[Thing]:
    """Usable pairs, put together where they ask for the same; the thing with most wordings first."""
    now, _, before = line.partition(BEFORE)
    words = set(content_words(line))
    groups: list[tuple[str, set[str], list[Pair]]] = []
    for pair in sorted(
        pairs, key=lambda pair: len(informing(pair, words))
    ):  # the barest answer names the thing
        kind, said = kind_of(pair.answer, now, before), informing(pair, words)
        alike = (
            group[2]
            for group in groups
            if group[0] == kind and (group[1] <= said or _has_answer(group[2], pair.answer))
        )
        if (group := next(alike, None)) is None:
            groups.append((kind, said, [pair]))
        else:
            group.append(pair)
    place = {pair: number for number, pair in enumerate(pairs)}
    found = [Thing(kind=kind, pairs=tuple(sorted(group, key=place.__getitem__))) for kind, _, group in groups]
    return sorted(found, key=lambda thing: (-len(thing.pairs), place[thing.pairs[0]]))[:THINGS]


def kind_of(answer: str, now: str, before: str) -> str:
    """ "before" when the answer tells only what the memory replaced, else "fact"."""
    own = set(content_words(answer))
    only_before = own & set(content_words(before)) - set(content_words(now))
    only_now = own & set(content_words(now)) - set(content_words(before))
    return "before" if only_before and not only_now else "fact"


def split(pairs: Sequence[Pair], turn: int) -> tuple[list[Pair], list[Pair]]:
    """
    What is trained of the wordings of one thing, and what is held out for the exam.

    Held out is one of the model's first wordings, whose answer others have too; where fewer than four others are left,
    code words these again. Nothing is held out of a thing with one wording.

    Args:
        turn: another one is held out for another number, so that a wording that is held out for one memory is trained
            for others like it: one that is never trained is not understood.
    """
    held_out = _held_out(pairs, turn)
    left = [pair for pair in pairs if held_out is None or bare(pair.question) != bare(held_out.question)]
    if held_out:
        left.sort(key=lambda pair: normalised(pair.answer) != normalised(held_out.answer))
    train = left[:MOST_TRAINED]
    known = {normalised(pair.question) for pair in pairs}
    for pair in _anew(train):
        if len(train) < TRAINED and normalised(pair.question) not in known:
            known.add(normalised(pair.question))
            train.append(pair)
    return train, [held_out] if held_out else []


def reworded(question: str) -> list[str]:
    """Other wordings of an English question, without a change of what it asks; none where code can't tell."""
    ways = [wording.sub(instead, question) for wording, instead in _SWAPS if wording.search(question)]
    if at_end := _AT_END.match(question):
        first, rest, at, when = at_end.groups()
        ways.append(f"{at.capitalize()} {when}, {first.lower()}{rest}?")
    mine = _MINE.match(question)
    if mine and mine[1].split()[-1] not in _NO_NAME:
        ways += [known.format(mine[1]) for known in _KNOWN]
    if _ASKS.match(question):
        ways += [f"{opener}{question[0].lower()}{question[1:]}" for opener in _OPENERS]
    return ways


def bare(question: str) -> str:
    """A question less what announces it, and in full words: equal for those that code made of one another so."""
    return _SHORT.sub(r"\1 is", normalised(_OPENED.sub("", question.strip(), count=1)))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w-]+", text.lower()))


def _has_answer(pairs: Sequence[Pair], answer: str) -> bool:
    return any(normalised(pair.answer) == normalised(answer) for pair in pairs)


def _anew(pairs: Sequence[Pair]) -> list[Pair]:
    """The first rewording of each, then the second of each, and so on."""
    ways = [[Pair(question=way, answer=pair.answer) for way in reworded(pair.question)] for pair in pairs]
    return [pair for turn in zip_longest(*ways) for pair in turn if pair is not None]


def _held_out(pairs: Sequence[Pair], turn: int) -> Pair | None:
    """Of the first five, one that is worded unlike the others and whose answer is the most usual."""
    wordings = Counter(bare(pair.question) for pair in pairs)
    answers = Counter(normalised(pair.answer) for pair in pairs)
    able = [
        pair
        for pair in pairs[:ENOUGH]
        if answers[normalised(pair.answer)] > 1 and wordings[bare(pair.question)] == 1
    ]
    most = max((answers[normalised(pair.answer)] for pair in able), default=0)
    usual = [pair for pair in able if answers[normalised(pair.answer)] == most]
    return usual[turn % len(usual)] if usual else None
