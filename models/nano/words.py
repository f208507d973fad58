"""
Values: coined ones for training, real ones for the tests.

Promises: no word of `held_out()` is ever coined. Coined values are as various as real text (syllables, random
letters, pieces of words, common words, accents, two words): a copying circuit learnt on few syllables fails on "Rex".
"""

import random
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

_ONSETS = (
    "b bl br c ch cl cr d dr f fl fr g gl gr h j k kr l m n p ph pl pr qu r s sc sh sk sl sm sn sp st sw t th "
    "tr v w wh x y z"
).split()
_VOWELS = "a e i o u a e i o u ai au ea ee ei ia ie io oa oo ou ue y ao".split()
_CODAS = ["", "", "", *"b ck d f g k l ll m n n nd ng nk nt p r rd rk rn rt s s sh ss st t th x z".split()]
_ACCENTS = {
    "a": "áäåã",
    "e": "éèê",
    "i": "íï",
    "o": "óöøõ",
    "u": "úü",
    "n": "ñ",
    "c": "ç",
    "s": "š",
    "z": "ž",
}
_JOB_ENDS = ("er", "er", "er", "or", "ist", "ian", "man", "ant", "eer", "", "")
_MONTHS = "January February March April May June July August September October November December".split()


def coin(rng: random.Random, kind: str) -> str:
    """A value that no test set holds, of a `kind`: name, town, job (with its article), thing, day, number."""
    if kind == "day":
        return f"{rng.randint(1, 31)} {rng.choice(_MONTHS)}"
    if kind == "number":
        return str(rng.randint(1, 199))
    while True:
        word = _coin_word(rng)
        if kind == "job" and rng.random() < 0.6:
            word += rng.choice(_JOB_ENDS)
        if rng.random() < 0.13:
            word += " " + _coin_word(rng)
        if _forbidden().isdisjoint(word.lower().split()):
            break
    if kind in ("name", "town"):
        word = word.title() if rng.random() < 0.93 else word
    if kind == "job":
        word = ("an " if word[0] in "aeiou" else "a ") + word
    return word


def _coin_word(rng: random.Random) -> str:
    way = rng.random()
    if way < 0.2:
        return str(rng.choice(_table()["common"]))
    if way < 0.4:
        word = "".join(rng.choice(_pieces()) for _ in range(rng.choice((1, 2, 2, 3))))
    elif way < 0.7:
        word = "".join(
            rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(rng.randint(1, 3))
        ) + rng.choice(_CODAS)
    elif way < 0.87:
        word = "".join(
            rng.choice(("aeiou", "bcdfghjklmnpqrstvwxyz")[i % 2 ^ (rng.random() < 0.2)])
            for i in range(rng.randint(2, 9))
        )
    else:
        word = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 7)))
    if rng.random() < 0.04:
        word = "".join(rng.choice(_ACCENTS[c]) if c in _ACCENTS and rng.random() < 0.5 else c for c in word)
    return word


def real(rng: random.Random, kind: str) -> str:
    """A held-out value of a `kind`, for the tests."""
    if kind in ("day", "number"):
        return coin(rng, kind)
    word = rng.choice(held_out()[kind])
    return ("an " if word[0] in "aeiou" else "a ") + word if kind == "job" else word


@cache
def _pieces() -> list[str]:
    """
    Two to five letters from the middle of every word of the recipe.

    The tokenizer's tokens are such pieces; one that stood in no value would be a token that nano can't copy.
    """
    texts = [
        (files("models.nano") / f"{name}.toml").read_text("utf-8")
        for name in ("phrases", "relations", "words")
    ]
    words = sorted(
        {word.lower() for text in texts for word in re.findall(r"[A-Za-z]{2,}", text)} - _forbidden()
    )
    return [word[at : at + n] for word in words for n in (2, 3, 4, 5) for at in range(len(word) - n + 1)]


@cache
def held_out() -> dict[str, list[str]]:
    """The real values of the tests, by kind."""
    return dict(_table()["held_out"])


@cache
def _forbidden() -> frozenset[str]:
    return frozenset(word.lower() for words in held_out().values() for word in words)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files("models.nano") / "words.toml").read_text(encoding="utf-8"))
