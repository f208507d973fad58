"""
The model names on the wire, and what each asks for.

    tsubasa           memories and the live generation
    tsubasa@3         memories and generation 3; 0 is the base model
    tsubasa:base      the base model, no memories, nothing kept
    tsubasa:private   the live generation, no memories, nothing kept

Routers' prefixes ("openai/") and ":latest", and the case of letters, change nothing. In doubt it is private: whatever
resembles `tsubasa:private`, and every other name that the setting `aliases` doesn't allow, is answered like it.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

PRIVATE = "tsubasa:private"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """What one model name asks for."""

    name: str  # as the client wrote it; replies echo it
    generation: int | None = None  # None = the live one, 0 = the base model
    kept: bool = True  # the chat is recorded, and memories are drawn from it
    recalls: bool = True  # memories are recalled for the question
    private: bool = False  # asked for off the record: no later turn of the chat is kept either
    known: bool = True  # False: neither one of our names nor an alias, answered as `tsubasa:private`

    def off_the_record(self) -> "ModelChoice":
        """The same model, with nothing kept and no memories."""
        return replace(self, kept=False, recalls=False, private=True)


def parse_model_name(name: str, aliases: str = "") -> ModelChoice:
    """What `name` asks for; never fails. `aliases`: patterns of other names for `tsubasa`, separated by commas."""
    choice, folded = ModelChoice(name=name), _folded(name)
    if "privat" in "".join(letter for letter in folded if letter.isalnum()):
        return choice.off_the_record()
    plain = _without_router(folded)
    if plain == "tsubasa":
        return choice
    if plain == "tsubasa:base":
        return replace(choice, generation=0, kept=False, recalls=False)
    if numbered := re.fullmatch(r"tsubasa@([0-9]{1,9})", plain):
        return replace(choice, generation=int(numbered.group(1)))
    if not plain.startswith("tsubasa") and _is_alias(plain, aliases):
        return choice
    return replace(choice.off_the_record(), known=False)


def _folded(name: str) -> str:
    """The name in small letters, without what can't be seen."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in folded if unicodedata.category(letter) != "Cf").strip()


def _without_router(folded: str) -> str:
    return folded.rpartition("/")[2].removesuffix(":latest")


def _is_alias(plain: str, aliases: str) -> bool:
    patterns = (_without_router(_folded(pattern)) for pattern in aliases.split(","))
    return any(fnmatchcase(plain, pattern) for pattern in patterns if pattern)
