"""
What a look at one thing found.
"""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. Only what is "wrong" must be done something about."""

    name: str
    state: State
    said: str
    todo: str = ""  # what to type or do; "" where nothing is to be done
