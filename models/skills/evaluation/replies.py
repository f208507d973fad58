"""
Judging what is said in a chat: is it the value that was asked for, is nothing claimed, is it speech at all.

By content: any wording of a value is an answer, and any wording of not knowing, a question back and a refusal are an
abstention. A claim is a name, a number or a thing that the question doesn't have, told as if it were so.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.text import content_words, root
from models.skills.evaluation.words import Group, alternatives, fits, fold, known, values

DISTINCT = 0.3  # share of the words of an answer that are new, from which on it is no babble
MAINLY = 0.5  # share of letters that makes a text one of a script
BARE = 4  # content words of a value that is given without a sentence, at most
UNKNOWN = re.compile(
    r"(?:do not|don't|dont|didn't|did not|doesn't|does not)(?: \w+){0,2} (?:know|have|recall|remember|see|find|say|tell"
    r"|mention|specify|provide|contain|include)"
    r"|(?:haven't|have not|hasn't|has not|hadn't|never|wasn't|isn't|is not|not|no one|nobody)(?: \w+){0,2} "
    r"(?:told|mentioned|said|shared|given|provided|specified|stated|known|sure|certain|aware|clear|available|recorded|able|listed"
    r"|come up|noted|talked|spoken|heard|learn\w*)"
    r"|\b(?:no|any|not enough|more|without) (?:\w+ )?(?:information|record|details?|data|mention|memory|idea"
    r"|knowledge|note|clue|context)"
    r"|(?:can't|cannot|can not|unable|couldn't|won't be able|could not)|unknown|unclear|unspecified"
    r"|only (?:know|remember)"
    r"|not (?:yet|there|in my|the|your|their|his|her|that|what|when|where|who|which|how)\b"
)
_CLAUSE = re.compile(r"(?<=[.!?;])\s+|\n|,? but (?=\w+ )")
_CLAIM = re.compile(
    r"\b(?:you|your|the user|user's|he|she|his|her|hers|they|their|it|it's|i|my|we|our)\b|\bis\b|\bare\b|\bwas\b"
)
_NO_CLAIM = re.compile(
    r"\b(?:if|could|can|please|let me|would|tell me|may|perhaps|should|feel free|try|check|ask)\b"
)
_NAMES_USER = re.compile(
    r"\b(?:you are called|you're called|your name is|the user is called|the user's name is)\b"
)
_ASKS_NAME = re.compile(r"\b(?:name|called|call me|who am i\W*$|spell|nickname)")
_OF_ITSELF = re.compile(  # how an assistant speaks of itself
    r"\W*(?:and |so )?(?:i'm|i am|i was|i will|i'll|as an? (?:ai|chatbot|assistant|language)"
    r"|my (?:primary|main|purpose|role|job))\b"
)
_YES_NO_QUESTION = re.compile(
    r"^\W*(?:(?:so|and|ok|hey|hi|btw)\W+)*(?:do|does|did|am|is|are|was|were|have|has|had|can)\b"
)
_POLITE = frozenset(
    map(
        root,
        """
        sure course certainly okay ok yet help glad happy welcome great good question thing something anything more
        like let happily ask answer assist assistance able memory chat earlier told talk conversation information i'll
        i'd you'd what's that's it's ah oh well hmm right now again today really actually sorry afraid wish
        remind reminder detail want need feel free time interested interesting moment note here learn
        """.split(),
    )
)
_OWN_NAMES = {
    "i",
    "i'm",
    "i'll",
    "i'd",
    "i've",
    "ai",
    "smollm",
    "smollm2",
    "hugging",
    "face",
    "tsubasa",
    "qwen",
    "nano",
}
_OWN_NAMES |= {"alibaba", "cloud", "little", "ok", "english"}
_ABOUT_USER = re.compile(
    r"\byour (?:name|job|work|dog|cat|pet|sister|brother|mother|mum|mom|father|dad|wife|husband|partner|son|daughter"
    r"|favou?rite|birthday|boss|friend|neighbou?r)(?:'s)?(?: \w+)? (?:is|are|was|lives|works|will)\b"
    r"|\byou (?:live|work|are called|told me|said|mentioned|grew up|drive|play|moved|have an?|own|studied|used to)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question with the memories beside it, and how a right answer is known; groups as in `words.py`."""

    turns: Sequence[str]  # the user's first, then by turns; the last one is the question
    memories: Sequence[str] = ()
    expect: Group = ()  # none: the answer is not known
    reject: Sequence[Group] = ()

    @property
    def question(self) -> str:
        """The last turn."""
        return self.turns[-1]


def is_fine(asked: Asked, said: str) -> bool:
    """Whether a question is answered, or, where the memories don't tell, nothing is claimed."""
    return is_answered(asked, said) if asked.expect else abstains(asked, said)


def is_answered(asked: Asked, said: str) -> bool:
    """Whether every wanted word is there, no rejected one, and no name or number that nobody told."""
    told = known([*asked.turns, *asked.memories, *alternatives(asked.expect)])
    return (
        bool(said.strip())
        and fits(said, asked.expect)
        and not any(fits(said, group) for group in asked.reject)
        and not _named(said) - told
        and not (_NAMES_USER.search(fold(said)) and not _ASKS_NAME.search(fold(asked.question)))
    )


def abstains(asked: Asked, said: str) -> bool:
    """Whether it is speech that bears on the question, and claims nothing about what was asked."""
    asks_back = "?" in said or UNKNOWN.search(fold(said)) is not None
    bears = {root(word) for word in content_words(said)} & {
        root(word) for turn in asked.turns for word in content_words(turn)
    }
    return is_speech(said, 1) and bool(asks_back or bears) and not claims(asked, said)


def claims(asked: Asked, said: str) -> bool:
    """Whether `said` tells, as if it were so, what neither the chat nor the memories tell."""
    folded = fold(said)
    admits = UNKNOWN.search(folded) is not None
    if not admits and re.search(r"\b(?:named|called) (?!what|how)\w+", folded):
        return True
    if not admits and _YES_NO_QUESTION.match(fold(asked.question)) and re.match(r"\W*(?:yes|no)\b", folded):
        return True
    in_question, in_memories = known(asked.turns), known(asked.memories)
    roots = {root(word) for turn in asked.turns for word in content_words(turn)}
    held = {root(word) for line in asked.memories for word in content_words(line)} - roots - _POLITE
    for sentence in filter(str.strip, _CLAUSE.split(said)):
        named = _named(sentence) - in_question
        if named - in_memories or (named and not admits):
            return True
        if UNKNOWN.search(fold(sentence)) or sentence.rstrip().endswith("?"):
            continue
        if admits and _OF_ITSELF.match(fold(sentence)):
            continue
        words = {root(word) for word in content_words(sentence)} - roots - _POLITE
        if words & held and not admits:
            return True
        if words - held and _claims(sentence, words, admits):
            return True
    return False


def chats(said: str, remark: str) -> bool:
    """Whether a reply to small talk is speech, and makes nothing up about the user."""
    named = {word for word in _named(said) if not word.isdigit()} - known([remark])
    return is_speech(said, 1) and not named and _ABOUT_USER.search(fold(said)) is None


def is_speech(answer: str, words: int) -> bool:
    """Whether it has at least `words` words (characters without spaces between), and does not repeat itself only."""
    parts = re.findall(r"\w", answer) if share_in(answer, "CJK") > MAINLY else re.findall(r"\w+", answer)
    lines = Counter(line.strip() for line in answer.splitlines() if line.strip())
    is_stuck = max(lines.values(), default=0) > 3
    return len(parts) >= words and len(set(parts)) >= DISTINCT * len(parts) and not is_stuck


def share_in(text: str, script: str) -> float:
    """The share of the letters of `text` that are of `script`, as their Unicode names begin."""
    letters = [one for one in text if one.isalpha()]
    return sum(unicodedata.name(one, "").startswith(script) for one in letters) / max(1, len(letters))


def _named(said: str) -> set[str]:
    return values(said) - _OWN_NAMES


def _claims(sentence: str, words: set[str], admits: bool) -> bool:
    """`words`: content words of the sentence that neither the question nor politeness has."""
    folded = fold(sentence)
    if _NO_CLAIM.search(folded):
        return False
    return _CLAIM.search(folded) is not None or (not admits and len(words) <= BARE)
