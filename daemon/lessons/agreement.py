"""
Agreement: what an answer tells of a sentence beyond the question, and whether two answers tell the same, in any
language.

    "You live in Ghent." to "Where do I live?", of "The user lives in Ghent." ──> told: ghent
    "你住在柏林。" to "我住在哪里？", of "用户住在柏林。" ──> told: 在柏, 柏林

Words are compared as written, with room for endings; what they mean is the model's to say. Rather "no" once too often.
"""

import unicodedata
from collections import Counter
from collections.abc import Collection

from daemon.text import (
    STOP_WORDS,
    UNCASED,
    content_words,
    normalised,
    numbers,
    root,
    value_words,
)

LIKE = 0.6  # share of what the shorter answer tells that the other must tell too
LONG = 4  # letters from which a word is hardly an article, a preposition or a pronoun
ENDING = 3  # letters that a word may have more than another form of it
SHARE = 0.15  # of the words of an English sentence that only English has, at least
FEW = 4  # words from which a sentence without any of these is not English
_OTHERS_TOO = frozenset(  # English words of telling that other languages write the same
    """
    a am an as at by do for had has he her his i in is me of on over so to was we were will
    """.split()
)
_ENGLISH = (STOP_WORDS | {"user", "user's"}) - _OTHERS_TOO
_DENSE = 3  # letters of an alphabet that one of Han or kana stands for


def told(answer: str, question: str, source: str, *, clearly: bool = False) -> frozenset[str]:
    """
    Words of `source` that `answer` says and `question` does not.

    Args:
        clearly: short small words, such as prepositions, never count; else where there are no others.
    """
    asked = content_words(question)
    found = [word for word in dict.fromkeys(content_words(source)) if has(content_words(answer), word)]
    news = [word for word in found if not has(asked, word)]
    capitals = {word for part in source.split()[1:] if part[0].isupper() for word in content_words(part)}
    strong = [word for word in news if len(word) >= LONG or word in capitals or _says_much(word)]
    return frozenset(strong or (() if clearly else news))


def has(words: Collection[str], word: str) -> bool:
    """Whether `word` is one of `words`, endings aside; numbers must be the same."""
    return any(_is_same(one, word) for one in words)


def agree(one: str, other: str, said: Collection[str], other_said: Collection[str]) -> bool:
    """
    Whether two answers tell the same.

    Args:
        said: what `one` tells (`told`).
        other_said: what `other` tells.
    """
    fewer, text = (said, other) if len(said) <= len(other_said) else (other_said, one)
    words = content_words(text)
    shared = sum(has(words, word) for word in fewer)
    figures = [word for word in fewer if word.isdigit()]
    return bool(fewer) and shared >= LIKE * len(fewer) and all(word in words for word in figures)


def invents(answer: str, *sources: str) -> bool:
    """Whether `answer` has a number, or a name where writing tells names, that no source has."""
    known = {root(word) for source in sources for word in content_words(source)}
    figures = {number for source in sources for number in numbers(source)}
    names = {word for sentence in _sentences(answer) for word in value_words(sentence)}
    return not set(numbers(answer)) <= figures or any(
        root(word) not in known for word in names if not word.isdigit()
    )


def same_language(one: str, other: str) -> bool:
    """
    Whether two texts may be in one language: in one script, and not English and something else.

    Other languages of one script are not told apart; English is what models fall back to.
    """
    marks = _english(one), _english(other)
    mixed = any(
        a >= SHARE and not b and _is_long(text) for a, b, text in ((*marks, other), (*marks[::-1], one))
    )
    return script(one) == script(other) and not mixed


def script(text: str) -> str:
    """The script of most of its letters: "LATIN", "CYRILLIC", "ARABIC", "CJK"; "KANA" for Japanese."""
    found: Counter[str] = Counter()
    for letter in text:
        if letter.isalpha():
            name = unicodedata.name(letter, "?").split()[0]
            dense = name in ("CJK", "HIRAGANA", "KATAKANA")
            found["CJK" if dense else name] += _DENSE if dense else 1
            found["KANA"] += name in ("HIRAGANA", "KATAKANA")
    kana = found.pop("KANA", 0)
    most = max(found, key=found.__getitem__, default="")
    return "KANA" if most == "CJK" and kana * 10 * _DENSE >= found["CJK"] else most


def _english(text: str) -> float:
    """The share of words that English sentences have and those of other languages don't."""
    words = normalised(text).split()
    return sum(word.split("'")[0] in _ENGLISH for word in words) / max(len(words), 1)


def _is_long(text: str) -> bool:
    return len(normalised(text).split()) >= FEW


def _is_same(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if short == long or short.isdigit():
        return short == long
    alike = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    is_form = alike == len(short) and len(long) - len(short) <= ENDING
    return alike >= LONG and (is_form or 10 * alike >= 7 * len(long))


def _says_much(word: str) -> bool:
    return word.isdigit() or bool(UNCASED.fullmatch(word))


def _sentences(text: str) -> list[str]:
    for end in "!?。！？;\n":
        text = text.replace(end, ".")
    return [part for part in (one.strip() for one in text.split(". ")) if part]
