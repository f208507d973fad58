"""Which memories a night teaches that is too short for all of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.night.planning import Teachable, left_for_later


def memories(*costs, **more):
    return [Teachable(memory_id=id, cost_s=cost, **more) for id, cost in enumerate(costs, start=1)]


TEACHABLE = st.lists(
    st.builds(
        Teachable,
        memory_id=st.integers(1, 10**6),
        cost_s=st.floats(0.1, 100),
        asked=st.integers(0, 50),
        is_live=st.booleans(),
        waited=st.integers(0, 20),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda one: one.memory_id,
)


@given(TEACHABLE, st.floats(0, 2000))
def test_a_night_is_never_empty_and_never_longer_than_its_room_allows(found, room_s):
    later = left_for_later(found, room_s)
    taught = [one for one in found if one.memory_id not in later]

    assert taught
    assert later == left_for_later(found, room_s)
    assert len(taught) == 1 or sum(one.cost_s for one in taught) <= room_s * 1.000001
    assert sum(one.cost_s for one in found) > room_s or not later


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({}, 3),  # the newest
        ({1: {"asked": 5}}, 1),
        ({2: {"waited": 2}, 3: {"asked": 1}}, 2),
    ],
    ids=["newest", "asked for", "waited"],
)
def test_the_newest_the_most_asked_for_and_those_that_waited_come_first(change, first):
    found = [replace(one, **change.get(one.memory_id, {})) for one in memories(1, 1, 1)]

    assert {1, 2, 3} - {first} == left_for_later(found, 1.0)


def test_what_is_known_stays_and_others_get_a_quarter_of_the_room():
    known = [replace(one, is_live=True, asked=one.memory_id) for one in memories(*[1] * 8)]
    new = [Teachable(memory_id=id, cost_s=1) for id in range(9, 20)]

    taught = {one.memory_id for one in [*known, *new]} - left_for_later([*known, *new], 8)

    assert {3, 4, 5, 6, 7, 8} | {18, 19} == taught


def test_each_of_many_memories_has_its_turn():
    """Twenty nights with room for a fifth of the memories, two of which are asked for all the time."""
    found = [replace(one, asked=40 if one.memory_id < 3 else 0) for one in memories(*[1] * 20)]
    ever = set()
    for _ in range(20):
        later = left_for_later(found, 4)
        ever |= {one.memory_id for one in found} - later
        found = [
            replace(
                one,
                is_live=one.memory_id not in later,
                waited=one.waited + 1 if one.memory_id in later else 0,
            )
            for one in found
        ]

    assert set(range(1, 21)) == ever
    assert not {1, 2} & later  # what is asked for most stays
