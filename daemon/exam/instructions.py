"""
General questions of the exam whose answers code can check: short facts and instructions, in several languages.

They stand in prompts/exam_general.toml and are never trained. A reply passes when all its rules hold.
"""

import json
import re
import unicodedata
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from daemon.text import UNCASED, normalised, numbers
from prompts.load import table

Range = tuple[int, int]  # from, to
GENERAL_PARTS = ("knowledge", "instructions")
OF_ONE_SCRIPT = 0.7  # of the letters, where a script is wanted: names and terms may be in another
_SENTENCE_END = re.compile(r"[.!?…]+(?=[\s\"'”’)*]|$)|[。！？؟।]+")
_LISTED = re.compile(r"\s*(?:[-*•–]|\d+[.)、：:]|\(?\d+\))\s*\S")
_COMMA = re.compile(r"[,;，、；،]")
_FENCE = re.compile(r"```\w*\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What must hold of a reply; what is empty or None asks for nothing."""

    any: tuple[str, ...] = ()  # one of these phrases is in it
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    starts: str = ""  # its first word or words
    case: str = ""  # "upper"
    script: str = ""  # of most of its letters: beginnings of their names in Unicode, e.g. "CJK HIRAGANA"
    words: Range | None = None
    sentences: Range | None = None
    lines: Range | None = None
    items: Range | None = None  # of a list: by lines or by commas
    json: tuple[str, ...] | None = None  # keys of the object that it is; (): it is a list


@cache
def general_questions(part: str) -> tuple[tuple[str, Rules], ...]:
    """The questions of one of the `GENERAL_PARTS`, with their rules."""
    return tuple((one["question"], _rules(one)) for one in table("exam_general")[part])


def follows(reply: str, rules: Rules) -> bool:
    """Whether all rules hold of `reply`; an empty one follows none."""
    counted = {
        "words": len(normalised(reply).split()),
        "sentences": max(1, len(_SENTENCE_END.findall(reply.strip()))),
        "lines": sum(bool(line.strip()) for line in reply.splitlines()),
        "items": _items(reply),
    }
    ranges = ((counted[name], getattr(rules, name)) for name in counted)
    return (
        bool(reply.strip())
        and (not rules.any or any(has_phrase(reply, one) for one in rules.any))
        and all(has_phrase(reply, one) for one in rules.all)
        and not any(has_phrase(reply, one) for one in rules.none)
        and normalised(reply).startswith(normalised(rules.starts))
        and (rules.case != "upper" or reply == reply.upper())
        and (not rules.script or _is_written_in(reply, rules.script))
        and all(wanted is None or wanted[0] <= found <= wanted[1] for found, wanted in ranges)
        and (rules.json is None or _is_json(reply, rules.json))
    )


def has_phrase(reply: str, phrase: str) -> bool:
    """Whether the words of `phrase` are in `reply`, as whole words where writing has spaces, and as whole numbers."""
    text, wanted = normalised(reply), normalised(phrase)
    if wanted.isdigit():
        return numbers(wanted)[0] in numbers(reply)
    return wanted in text if UNCASED.search(wanted) else f" {wanted} " in f" {text} "


def _rules(told: dict[str, Any]) -> Rules:
    """Rules as they stand in the file; `answers` are phrases of which any will do."""
    known = {field.name for field in fields(Rules)}
    given = {
        "any" if name == "answers" else name: value for name, value in told.items() if name != "question"
    }
    if unknown := given.keys() - known:
        raise ValueError(f"exam_general.toml: {told['question']!r} has unknown rules: {sorted(unknown)}")
    found: dict[str, Any] = {
        name: tuple(one) if isinstance(one, list) else one for name, one in given.items()
    }
    return Rules(**found)


def _items(reply: str) -> int:
    """The items of a list: lines with a mark or number, else lines, else what commas divide."""
    lines = [line for line in reply.splitlines() if line.strip()]
    if marked := sum(bool(_LISTED.match(line)) for line in lines):
        return marked
    if len(lines) > 1:
        return sum(not line.rstrip().endswith((":", "：")) for line in lines)
    parts = [part.split() for part in _COMMA.split(reply.rpartition(":")[2]) if part.strip()]
    last_holds_two = len(parts) > 1 and len(parts[-1]) >= 3  # "pears and plums", in any language
    return len(parts) + last_holds_two


def _is_written_in(reply: str, script: str) -> bool:
    letters = [unicodedata.name(letter, "") for letter in reply if letter.isalpha()]
    return sum(name.startswith(tuple(script.split())) for name in letters) >= OF_ONE_SCRIPT * max(
        1, len(letters)
    )


def _is_json(reply: str, keys: tuple[str, ...]) -> bool:
    try:
        found = json.loads(_FENCE.sub("", reply).strip())
    except ValueError:
        return False
    return isinstance(found, dict) and found.keys() >= set(keys) if keys else isinstance(found, list)
