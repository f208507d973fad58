"""
The model names on the wire, and what each asks for.

    tsubasa           memories and the live generation
    tsubasa@3         memories and generation 3; 0 is the base model
    tsubasa:base      the base model, no memories, nothing kept
    tsubasa:private   the live generation, no memories, nothing kept

The setting `models` adds names for models beside that one, and each takes the same endings: `qwen3-0.6b@2`.
Routers' prefixes ("openai/") and ":latest", and the case of letters, change nothing. In doubt it is private: whatever
resembles `tsubasa:private`, and every other name that the setting `aliases` doesn't allow, is answered like it.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

MAIN = "tsubasa"
PRIVATE = "tsubasa:private"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """What one model name asks for."""

    name: str  # as the client wrote it; replies echo it
    further: str = ""  # which of the models beside the main one is asked; "": the main one
    generation: int | None = None  # None = the live one, 0 = the base model
    kept: bool = True  # the chat is recorded, and memories are drawn from it
    recalls: bool = True  # memories are recalled for the question
    private: bool = False  # asked for off the record: no later turn of the chat is kept either
    known: bool = True  # False: neither one of our names nor an alias, answered as `tsubasa:private`

    def off_the_record(self) -> "ModelChoice":
        """The same model, with nothing kept and no memories."""
        return replace(self, kept=False, recalls=False, private=True)


def parse_model_name(name: str, aliases: str = "", further: Collection[str] = ()) -> ModelChoice:
    """
    What `name` asks for; never fails.

    Args:
        aliases: patterns of other names for `tsubasa`, separated by commas.
        further: the names of the models beside the main one.
    """
    folded = _folded(name)
    asked, plain = _split(_without_router(folded), {_folded(one): one for one in further})
    choice = ModelChoice(name=name, further=asked)
    if "privat" in "".join(letter for letter in folded if letter.isalnum()):
        return choice.off_the_record()
    if plain == MAIN:
        return choice
    if plain == "tsubasa:base":
        return replace(choice, generation=0, kept=False, recalls=False)
    if numbered := re.fullmatch(r"tsubasa@([0-9]{1,9})", plain):
        return replace(choice, generation=int(numbered.group(1)))
    if not plain.startswith(MAIN) and _is_alias(plain, aliases):
        return choice
    return replace(choice.off_the_record(), further="", known=False)


def _split(plain: str, further: Mapping[str, str]) -> tuple[str, str]:
    """Which further model is named, "" for none, and what is asked of it, in the words that ask the main one."""
    if plain in further:
        return further[plain], MAIN
    for mark in (":", "@"):
        before, found, behind = plain.rpartition(mark)
        if found and before in further:
            return further[before], f"{MAIN}{mark}{behind}"
    return "", plain


def _folded(name: str) -> str:
    """The name in small letters, without what can't be seen."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in folded if unicodedata.category(letter) != "Cf").strip()


def _without_router(folded: str) -> str:
    return folded.rpartition("/")[2].removesuffix(":latest")


def _is_alias(plain: str, aliases: str) -> bool:
    patterns = (_without_router(_folded(pattern)) for pattern in aliases.split(","))
    return any(fnmatchcase(plain, pattern) for pattern in patterns if pattern)
