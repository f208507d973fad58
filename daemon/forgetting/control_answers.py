"""
Control answers: of the same shape as a forgotten one, with values that nobody ever said.

    "Your dog is called Biscuit." ──> "Your dog is called Tibor.", "Your dog is called Juno.", …

One control has the same values in every phrasing of a fact; none has a value of any memory, or of the fact itself.
"""

import random
import re
from collections.abc import Collection, Mapping, Sequence

from daemon.lessons.tiny.abstention import ABSTENTION
from daemon.text import MONTHS, WEEKDAYS, WORD, content_words, value_words
from prompts.load import lines

Values = Mapping[str, str]  # content word of the fact -> what stands in its place
SHORTER = 3  # letters that a control may lack
NO_SECRET = frozenset({"not", *content_words(ABSTENTION)})  # who knows nothing says these too
_MONTHS, _DAYS = [one.title() for one in MONTHS], [one.title() for one in WEEKDAYS]
_YEARS = range(1900, 2100)


def secret_words(questions: Sequence[str], answers: Sequence[str]) -> set[str]:
    """
    What the answers tell and the questions don't: names and numbers, where there are any, else all content.

    Never a negation or a word of the answer that nothing is known: a generation that never saw the fact says those.
    """
    known = {word for question in questions for word in content_words(question)} | NO_SECRET
    sharp = {word for answer in answers for word in value_words(answer)} - known
    return sharp or {word for answer in answers for word in content_words(answer)} - known


def draw(
    answers: Sequence[str], secret: Collection[str], known: Collection[str], count: int, *, seed: str
) -> list[Values]:
    """
    At most `count` different choices of values for the secret words of these answers.

    Args:
        known: content words that no control may have: of all memories.
    """
    chance = random.Random(seed)
    shapes = {stem: word for answer in answers for word, stem in _words(answer) if stem in secret}
    taken = {*known, *secret}
    drawn: list[Values] = []
    for _ in range(20 * count):
        values = {stem: _another(word, taken, chance) for stem, word in shapes.items()}
        if len(drawn) < count and values not in drawn and None not in values.values():
            drawn.append({stem: value for stem, value in values.items() if value is not None})
    return drawn


def with_values(answer: str, values: Values) -> str:
    """`answer` with other values in the place of its own."""

    def another(match: re.Match[str]) -> str:
        word = match.group()
        stem = _stem(word)
        if stem not in values:
            return word
        value = values[stem][0].upper() + values[stem][1:] if word[0].isupper() else values[stem]
        return value + "'s" if word.endswith(("'s", "’s")) else value

    return WORD.sub(another, answer)


def tells(text: str, secret: Collection[str], answer: str) -> bool:
    """Whether `text` has every secret word of `answer`."""
    wanted = set(secret) & set(content_words(answer))
    return bool(wanted) and wanted <= set(content_words(text))


def _words(answer: str) -> list[tuple[str, str]]:
    return [(word, _stem(word)) for word in WORD.findall(answer)]


def _stem(word: str) -> str:
    return next(iter(content_words(word)), "")


def _another(word: str, taken: Collection[str], chance: random.Random) -> str | None:
    """A word of the kind of `word` that is not taken; None when chance finds none."""
    for _ in range(20):
        found = _any_like(word, chance)
        if _stem(found) not in taken:
            return found
    return None


def _any_like(word: str, chance: random.Random) -> str:
    for few in (_MONTHS, _DAYS):
        if word.capitalize() in few:
            return chance.choice(few)
    if word.isdigit() and int(word) in _YEARS:
        return str(chance.randint(1940, 2035))
    if word.isdigit() and 0 < int(word) <= 31:
        return str(chance.randint(1, 31))
    if any(letter.isdigit() for letter in word):
        return "".join(str(chance.randint(1, 9)) if letter.isdigit() else letter for letter in word)
    listed = lines("control_names" if word[0].isupper() else "control_words")
    found = chance.choice(listed)
    while len(found) + SHORTER < len(word):  # none of the lists is so long: one is coined
        found += chance.choice(listed).lower()
    return found
