"""
Why a part of an export is left out: the words in which the report counts it.
"""

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


def counted(left_out: Mapping[str, int]) -> str:
    """What was left out, most first: "12 tool calls and results, 3 thoughts"."""
    most_first = sorted(left_out.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{number:,} {reason}" for reason, number in most_first)
