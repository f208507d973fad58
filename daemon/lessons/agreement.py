"""
Agreement: what an answer tells of a sentence beyond the question, and whether two answers tell the same, in any
language.

    "You live in Ghent." to "Where do I live?", of "The user lives in Ghent." ──> told: ghent
    "你住在柏林。" to "我住在哪里？", of "用户住在柏林。" ──> told: 在柏, 柏林

Words are compared as written, with room for endings; what they mean is the model's to say. Rather "no" too often.
"""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from daemon.text import (
    ENGLISH,
    MONTHS,
    UNCASED,
    content_words,
    normalised,
    numbers,
    root,
    share_of_english,
    value_words,
)

LIKE = 0.6  # share of what the shorter answer tells that the other must tell too
LONG = 4  # letters from which a word is hardly an article, a preposition or a pronoun
ENDING = 3  # letters that a word may have more than another form of it
FEW = 4  # words from which a sentence without any of these is not English
_DENSE = 3  # letters of an alphabet that one of Han or kana stands for


def told(answer: str, question: str, source: str, *, common: Collection[str] = ()) -> frozenset[str]:
    """
    Words of `source` that `answer` says and `question` does not: what it tells.

    Args:
        common: words that many questions about `source` have; they count only where there are no others, and the
            answer has no words of its own.
    """
    said, asked = content_words(answer), content_words(question)
    found = [one for one in dict.fromkeys(content_words(source)) if has(said, one) and not has(asked, one)]
    rare = [word for word in found if not has(common, word)]
    return frozenset(rare or ([] if common and extra(answer, question, source) else found))


def extra(answer: str, *texts: str) -> frozenset[str]:
    """Words of `answer` that none of the texts has; short ones, such as prepositions, only where they carry a value."""
    known = [word for text in texts for word in content_words(text)]
    return frozenset(word for word in content_words(answer) if carries(word, answer) and not has(known, word))


def carries(word: str, text: str) -> bool:
    """Whether a word of `text` is hardly an article, a preposition or a pronoun."""
    if len(word) >= LONG or word.isdigit() or UNCASED.fullmatch(word):
        return True
    return any(part[0].isupper() and word in content_words(part) for part in text.split()[1:])


def has(words: Collection[str], word: str) -> bool:
    """Whether `word` is one of `words`, endings aside; numbers must be the same."""
    return any(_is_same(one, word) for one in words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer to a question, and what it tells."""

    question: str
    text: str
    tells: frozenset[str]


def agree(one: Answer, other: Answer, source: str, *, plain: Collection[str] = ()) -> bool:
    """
    Whether two answers tell the same of `source`.

    Where one tells less, it must have no words of its own: "You live in Oslo." shares a word with "You live in Ghent.".

    Args:
        plain: words that carry no value (`plain_words`).
    """
    fewer, more = sorted((one, other), key=lambda answer: len(answer.tells))
    shared = [word for word in fewer.tells if has(more.tells, word)]
    if not fewer.tells or len(shared) < LIKE * len(fewer.tells):
        return False
    if any(word.isdigit() and word not in more.tells for word in fewer.tells):
        return False
    if len(shared) == len(more.tells):
        return True
    own = extra(fewer.text, source, one.question, other.question, more.text)
    return all(word in plain for word in own)


def plain_words(texts: Iterable[str]) -> frozenset[str]:
    """Words in small letters that several of the texts have: "bist", "your". Where letters have no case, none."""
    counts = Counter(
        word
        for text in texts
        for word in {word for part in text.split() if part[0].islower() for word in content_words(part)}
    )
    return frozenset(word for word, count in counts.items() if count > 1)


def invents(answer: str, *sources: str) -> bool:
    """Whether `answer` has a number, or a name where writing tells names, that no source has; months are no names."""
    known = {root(word) for source in sources for word in (*content_words(source), *_names(source))}
    figures = {int(number) for source in sources for number in numbers(source)}
    names = _names(answer) - set(MONTHS)
    return not {int(number) for number in numbers(answer)} <= figures or any(
        root(word) not in known for word in names if word.isalpha()
    )


def same_language(one: str, other: str) -> bool:
    """
    Whether two texts may be in one language: in one script, and not English and something else. A text without
    letters is in every language.

    Other languages of one script are not told apart; English is what models fall back to.
    """
    marks = share_of_english(one), share_of_english(other)
    mixed = any(
        a >= ENGLISH and not b and _is_long(text) for a, b, text in ((*marks, other), (*marks[::-1], one))
    )
    scripts = {script(one), script(other)} - {""}
    return len(scripts) < 2 and not mixed


def quotes(answer: str, *sources: str) -> bool:
    """Whether all words of `answer` stand in the sources: a name may be in another script than what it answers."""
    return set(content_words(answer)) <= {word for source in sources for word in content_words(source)}


def script(text: str) -> str:
    """
    The script of most of its letters: "LATIN", "CYRILLIC", "ARABIC", "CJK"; "KANA" for Japanese; "" without letters.

    Words with a capital count only where there are no others: "用户在Microsoft Corporation工作。" is in "CJK".
    """
    found: Counter[str] = Counter()
    names: Counter[str] = Counter()
    last, counts = "", found
    for letter in text:
        name = unicodedata.name(letter, "?").split()[0] if letter.isalpha() else ""
        dense = name in ("CJK", "HIRAGANA", "KATAKANA")
        if name and ("CJK" if dense else name) != last:
            counts = names if letter.isupper() else found
        last = "CJK" if dense else name
        if name:
            counts[last] += _DENSE if dense else 1
            found["KANA"] += name in ("HIRAGANA", "KATAKANA")
    kana = found.pop("KANA", 0)
    most = max(found or names, key=(found or names).__getitem__, default="")
    return "KANA" if most == "CJK" and kana * 10 * _DENSE >= found["CJK"] else most


def _is_long(text: str) -> bool:
    return len(normalised(text).split()) >= FEW


def _is_same(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if short == long or short.isdigit():
        return short == long
    alike = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    is_form = alike == len(short) and len(long) - len(short) <= ENDING
    return alike >= LONG and (is_form or 10 * alike >= 7 * len(long))


def _names(text: str) -> set[str]:
    """The words of `text` that carry a value for sure, sentence by sentence."""
    return {word for sentence in _sentences(text) for word in value_words(sentence)}


def _sentences(text: str) -> list[str]:
    for end in "!?。！？;\n":
        text = text.replace(end, ".")
    return [part for part in (one.strip() for one in text.split(". ")) if part]
