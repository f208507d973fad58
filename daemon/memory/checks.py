"""
Checks of what the model wants to do to a memory: the same thing, the same person, nothing lost.

Some are rules of English. In every other language code can't tell whom a sentence is about, nor what denies it, so the
rest is strict: one difference, all words, a high cosine. What fails becomes an addition beside the memory.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from daemon.embedding.choices import Limits
from daemon.memory.ranking import Ranked
from daemon.text import content_words, in_english, normalised, tells_names, value_words
from store.text import is_letter, pairs

_SHORT = 3  # letters of a word that parts two differences no more: "nurse in Ghent", "cook in Oslo"
_TIMES = {  # words that tell when a sentence is true, which the content words leave out
    "was": frozenset("was were had did been used formerly".split()),
    "may be": frozenset("will would could should shall may might won wo".split()),
    "no more": frozenset("anymore longer".split()),
}
_OWNED = re.compile(
    r"[\w ]{1,60}['’]s ([\w -]{1,60}?) "
    r"(?:is|are|was|were|has|have|had|lives?|lived|works?|worked|plays?|likes?|goes|moved)\b"
)


def may_be_one_thing(held: Ranked, new: str, limits: Limits) -> bool:
    """Whether `new` may tell of what the memory tells; in English, where stop words are known, a word says so."""
    shares = held.shares_words and in_english(new) and in_english(held.memory.text)
    return shares or held.cosine >= limits.same_thing


def of_another(new: str, old: str, people: Sequence[str]) -> bool:
    """Whether two sentences are about different persons or things, as far as words tell."""
    if _subject(new, people) != _subject(old, people) or _differ(_owned(new), _owned(old)):
        return True
    return not (in_english(new) and in_english(old)) and differences(new, old) > 1


def merged(new: str, both: str) -> str:
    """The model's sentence for both where it says every word of the new one in its time, else the new one itself."""
    return both if set(content_words(new)) <= set(content_words(both)) and same_time(new, both) else new


def repeats(new: str, old: str, cosine: float, limits: Limits) -> bool:
    """Whether nothing is lost when `new` is left out: the old one says it all, and does not deny it."""
    if not same_time(new, old):
        return False
    if in_english(new) and in_english(old):
        denies = ("not" in content_words(new)) != ("not" in content_words(old))
    else:  # any word more may deny it: only names and numbers can't
        more = set(content_words(old)) - set(content_words(new))
        denies = not more <= value_words(old)
    return not denies and says_all(old, of=new, cosine=cosine, limits=limits)


def same_time(one: str, other: str) -> bool:
    """
    Whether two sentences may speak of the same time: both of what was, of what is, or of what may come to be.

    English only, where the words that tell it are no content words; in other languages every word counts.
    """
    return _times(one) == _times(other)


def says_all(text: str, *, of: str, cosine: float, limits: Limits) -> bool:
    """
    Whether `text` has every word of `of`; or, where the two mean the same and writing tells names, at least its names
    and numbers, and the last word of one is in the other.
    """
    words, wanted = content_words(text), content_words(of)
    if not same_time(text, of):
        return False
    if set(wanted) <= set(words):
        return True
    if not (tells_names(text) and tells_names(of)):
        return False
    ends_meet = bool(words and wanted) and (wanted[-1] in words or words[-1] in wanted)
    return cosine >= limits.same_meaning and ends_meet and value_words(of) <= set(words)


def differences(one: str, other: str) -> int:
    """In how many places two sentences say different things; what one only says more is no difference."""
    said = [_letters_or_words(text) for text in (one, other)]
    count, parted = 0, True
    for kind, start, end, _, _ in SequenceMatcher(None, said[0], said[1], autojunk=False).get_opcodes():
        if kind == "equal":
            parted |= any(map(_parts, said[0][start:end]))
        elif kind == "replace":
            count, parted = count + parted, False
    return count


def _subject(text: str, people: Sequence[str]) -> str:
    """Whom a sentence is about: a person with a name that it begins with, or "the assistant"; "" for the user."""
    said = f"{normalised(text)} "
    names = sorted({normalised(name) for name in (*people, "the assistant")} - {""}, key=len, reverse=True)
    ends = (" ", "'s ")
    return next(
        (
            name
            for name in names
            if said.startswith(name) and (said[len(name) :].startswith(ends) or is_letter(name[-1]))
        ),
        "",
    )


def _owned(text: str) -> list[str]:
    """What of somebody's a sentence is about: "little", "sister" of "The user's little sister lives in Ghent."."""
    found = _OWNED.match(text)
    return content_words(found[1]) if found else []


def _differ(one: list[str], other: list[str]) -> bool:
    return bool(one and other) and one[-1] not in other and other[-1] not in one


def _times(text: str) -> set[str]:
    words = {part for word in normalised(text).split() for part in (word, word.split("n't")[0])}
    return {name for name, telling in _TIMES.items() if words & telling}


def _parts(word: str) -> bool:
    """Whether two differences around it are two; in scripts other than Latin short words say more."""
    return is_letter(word) or len(word) > (_SHORT if word.isascii() else 1)


def _letters_or_words(text: str) -> list[str]:
    """The words of a sentence, of scripts without spaces the letters."""
    words = pairs(normalised(text), last=True).split()
    return [word[0] if is_letter(word[0]) else word for word in words]
