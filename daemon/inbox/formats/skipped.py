"""
Why a part of an export is left out: the words in which the report counts it.
"""

import re
from collections.abc import Mapping

EMPTY = "empty messages"
EMPTY_CHATS = "empty conversations"
BRANCHES = "messages on other branches"
SYSTEM = "system messages"
HIDDEN = "hidden messages"
ERRORS = "error messages"
THOUGHTS = "thoughts"
TOOLS = "tool calls and results"
MEDIA = "pictures, sounds and files"
UNKNOWN = "messages of an unknown kind"
UNKNOWN_PARTS = "parts of an unknown kind"
OTHER_FILES = "other files of the archive"

_OF_ONE = {  # those that more is changed in than an s
    TOOLS: "tool call or result",
    MEDIA: "picture, sound or file",
}
_MANY = re.compile(r"\b(message|conversation|thought|part|file|line)s\b")


def counted(left_out: Mapping[str, int]) -> str:
    """What was left out, most first: "12 tool calls and results, 1 thought"."""
    most_first = sorted(left_out.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{number:,} {_one(reason) if number == 1 else reason}" for reason, number in most_first)


def _one(reason: str) -> str:
    return _OF_ONE.get(reason) or _MANY.sub(r"\1", reason, count=1)
