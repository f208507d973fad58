"""
The model names on the wire, and what each asks for.

    tsubasa           memories and the live generation
    tsubasa@3         memories and generation 3; 0 is the base model
    tsubasa:base      the base model, no memories, nothing kept
    tsubasa:private   the live generation, no memories, nothing kept

Any other name is served as `tsubasa`, with a warning: clients insist on names of their own.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """What one model name asks for."""

    name: str  # as the client wrote it; replies echo it
    generation: int | None = None  # None = the live one, 0 = the base model
    kept: bool = True  # the chat is recorded, and memories are drawn from it
    recalls: bool = True  # memories are recalled for the question
    private: bool = False  # asked for off the record: no later turn of the chat is kept either
    known: bool = True  # False: not one of our names, served as `tsubasa`


def parse_model_name(name: str) -> ModelChoice:
    """What `name` asks for; never fails."""
    if name == "tsubasa":
        return ModelChoice(name=name)
    if name == "tsubasa:base":
        return ModelChoice(name=name, generation=0, kept=False, recalls=False)
    if name == "tsubasa:private":
        return ModelChoice(name=name, kept=False, recalls=False, private=True)
    numbered = re.fullmatch(r"tsubasa@(\d{1,9})", name)
    if numbered:
        return ModelChoice(name=name, generation=int(numbered.group(1)))
    return ModelChoice(name=name, known=False)
