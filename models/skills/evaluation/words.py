"""
Words that a sentence must have, as the cases write them.

    ["sister|Annika", "Malmö|Malmo", "!NEG"]    all terms; `a|b` one of them; `!` none of them
    "cat" fits cats, not concatenate: a term fits the beginning of a word; "art$" the whole word; "47" no 470
    NEG, PAST, MAYBE: any word that denies, that says it is over, that says it is not certain

Case, accents and hyphens make no difference. A term "@2026-03-04" is no word: it is the day that a fact is to have.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache

from daemon.text import MONTHS, content_words, value_words

Group = Sequence[str]  # terms
KINDS = {
    "NEG": r"\b(?:not|no|never|none|nor|cannot|without|neither|nothing|\w+n't|dont|doesnt|didnt|isnt|cant|wont)\b",
    "PAST": r"\b(?:no longer|any ?more|used to|former(?:ly)?|previous(?:ly)?|quit|left|leaving|stopped|gave up|given up"
    r"|was|were|had|before|until|ended|old|ex|over|cancel+ed|called off|instead|changed|replaced|sold|switched)\b",
    "MAYBE": r"\b(?:might|may|maybe|perhaps|possib\w+|consider\w*|thinks?|thinking|thought|hopes?|hoping|wish\w*|would"
    r"|could|wants?|if|unsure|undecided|dream\w*|wonder\w*|tempted|debat\w+|weigh\w*|likely|not (?:yet )?(?:decided"
    r"|certain|sure)|idea|toying|plans?|planning|talk(?:s|ed|ing)? (?:of|about)|interested|applied|looking)\b",
}
NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "first": "1", "second": "2", "third": "3"}
_SPACE = re.compile(r"[\s-]+")


def fold(text: str) -> str:
    """`text` in lower case, without accents, with plain apostrophes."""
    parts = unicodedata.normalize("NFKD", text.replace("’", "'").replace("`", "'"))
    return unicodedata.normalize(
        "NFKC", "".join(one for one in parts if not unicodedata.combining(one))
    ).lower()


def fits(text: str, group: Group) -> bool:
    """Whether `text` has what every term of `group` asks for."""
    folded = fold(text)
    return all(_has(folded, term) for term in group if not term.startswith("@"))


def day_of(group: Group) -> str | None:
    """The day that a fact is to have, as an ISO date; None: any."""
    return next((term[1:] for term in group if term.startswith("@")), None)


def alternatives(group: Group) -> list[str]:
    """Every word that a fitting text may have for a term, folded."""
    terms = [term for term in group if term[0] not in "!@"]
    return [fold(word).rstrip("$") for term in terms for word in term.split("|") if word not in KINDS]


def values(text: str) -> set[str]:
    """The names and numbers in `text`, numbers in digits: "19th" and "nineteen" are "19", "06" is "6"."""
    return {plain(word) for part in _sentences(text) for word in value_words(part)}


def known(texts: Iterable[str], days: Iterable[str] = ()) -> set[str]:
    """Every word of `texts`, and of the dates `days`, as `values` writes them: what a sentence may name."""
    words = {word for text in texts for word in re.findall(r"\w+", fold(text))}
    words |= {fold(word) for text in texts for word in content_words(text)}
    for text in (*texts, *days):
        for year, month, day in re.findall(r"(\d{4})-(0[1-9]|1[0-2])-(\d\d)", text):
            words |= {year, day, MONTHS[int(month) - 1]}
    return {plain(word) for word in words} | words


def plain(word: str) -> str:
    """A number in digits without leading zeros or an ending; any other word folded."""
    word = fold(word)
    if found := re.fullmatch(r"0*(\d+)(?:st|nd|rd|th|s|k|am|pm)?", word):
        return found[1]
    return NUMBERS.get(word, word)


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?:])\s+|\n", text)


def _has(folded: str, term: str) -> bool:
    if term.startswith("!"):
        return not _has(folded, term[1:])
    return any(_pattern(word).search(folded) is not None for word in term.split("|"))


@cache
def _pattern(word: str) -> re.Pattern[str]:
    if word in KINDS:
        return re.compile(KINDS[word])
    text = fold(word)
    whole = text.endswith("$")
    inner = r"[\s-]*".join(re.escape(part) for part in _SPACE.split(text.rstrip("$")))
    end = r"(?!\w)" if whole else r"(?!\d)" if text[-1].isdigit() else ""
    return re.compile(rf"(?<!\w){inner}{end}")
