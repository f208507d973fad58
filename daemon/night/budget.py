"""
Which memories a night teaches when its hours don't hold all of them: a pure decision, the same for the same memories.

Every night trains from the base model, so what is left out is not in what the night makes; recall finds it all the
same. Three quarters of the room go to what the live generation knows, most asked for first; a quarter, and what is left
over, to the others, by how often they were asked for and how many nights they have waited. A night of waiting counts
as much as being asked for twice as often, so that every memory has its turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

FOR_OTHERS = 0.25  # share of the room that memories have which the live generation does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Teachable:
    """One memory that could be taught tonight."""

    memory_id: int
    cost_s: float  # of its lessons: teacher, student and exam
    asked: int = 0  # times that it was recalled
    is_live: bool = False  # the generation that answers knows it
    waited: int = 0  # nights that left it out since it was taught last


def left_for_later(found: Sequence[Teachable], room_s: float) -> frozenset[int]:
    """
    The memories that wait for a coming night.

    Args:
        found: in the order in which they were learned, oldest first.
        room_s: seconds for all of them together, without what the night takes in any case.
    """
    newest_first = list(reversed(found))
    known = sorted((one for one in newest_first if one.is_live), key=lambda one: -one.asked)
    others = sorted(
        (one for one in newest_first if not one.is_live), key=lambda one: -(one.waited + log2(1 + one.asked))
    )
    taken: dict[int, float] = {}
    for group, share in ((others, FOR_OTHERS), (known, 1.0), (others, 1.0)):
        for one in group:
            is_first = not taken and one.cost_s <= room_s  # of the others one has its turn in any case
            if is_first or sum(taken.values()) + one.cost_s <= share * room_s:
                taken[one.memory_id] = one.cost_s
    if not taken and found:  # a night that teaches nothing would be in vain
        taken[(others or known)[0].memory_id] = room_s
    return frozenset(one.memory_id for one in found if one.memory_id not in taken)
