"""
Content words: what a sentence says, less the words that every sentence has.

Promises: pure functions; negations and numbers are content. Knows nothing of models or of the store.
"""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")  # a word of any script, with an inner apostrophe
_EMPTY = frozenset(
    """
    a an the this that these those there here it its of in on at to for from with by as about into
    and or but so if then than too very just also still now currently
    i me my mine myself we us our you your yours he him his she her they them their user user's users
    am is are was were be been being do does did done have has had having will would can could
    shall should may might
    what which who whom whose when where why how
    called named name names say says said tell tells told know knows remember
    please yes hi hello hey thanks thank
    """.split()
)


def normalised(text: str) -> str:
    """`text` in one case and spacing, without punctuation: equal for two tellings of the same sentence."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(_WORD.findall(folded))


def content_words(text: str) -> list[str]:
    """
    The content words of `text` in their order, in lower case, possessive and plural endings dropped.

    "The user's dogs aren't called Rex" -> ["dog", "not", "rex"]
    """
    words = []
    for word in normalised(text).split():
        if word.endswith("n't") or word in ("not", "no", "never", "cannot"):
            words.append("not")
        elif word not in _EMPTY:
            words.append(_stem(word))
    return words


def value_words(text: str) -> set[str]:
    """The content words that carry a value for sure: numbers, and names (capital letters after the first word)."""
    later = text.split()[1:]
    return {word for part in later if part[0].isupper() or part[0].isdigit() for word in content_words(part)}


def _stem(word: str) -> str:
    """Just enough that `dog's`, `dogs` and `dog` are one."""
    word = word.split("'")[0] or word
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
