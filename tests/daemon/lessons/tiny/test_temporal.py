from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.lessons.paraphrases import Pair
from daemon.lessons.temporal import dated_lines
from daemon.lessons.tiny.study import as_of
from tests.daemon.memory.fakes import make_memory

BEFORE = [
    Pair(question="Where did I live before?", answer="You lived in Ghent."),
    Pair(question="Which town did I live in before?", answer="You lived in Ghent."),
    Pair(question="What was my old town?", answer="You lived in Ghent."),
]
DAYS = some.dates(date(2020, 1, 1), date(2027, 1, 1))


def memory(id, town, begins, ends=None, told=None):
    changes = {"valid_from": begins, "valid_to": ends}
    return make_memory(id, f"The user lives in {town}.", told or begins, **changes)


def asked(found):
    return [(pair.question, pair.answer) for thing in found for pair in thing.pairs]


MOVE = date(2026, 6, 20)
GHENT = memory(1, "Ghent", date(2026, 3, 5), MOVE)
OSLO = memory(2, "Oslo", MOVE)


def test_what_held_in_a_month_is_asked_for_by_the_month():
    expected = [
        ("Where did I live in April 2026?", "You lived in Ghent."),
        ("In April 2026, which town did I live in?", "You lived in Ghent."),
    ]

    assert expected == asked(as_of(BEFORE, OSLO, [GHENT]))


def test_what_held_for_days_is_asked_for_by_the_day_on_which_it_was_told():
    brief = memory(1, "Ghent", date(2026, 6, 9), MOVE)

    assert "Where did I live on 9 June 2026?" == asked(as_of(BEFORE, OSLO, [brief]))[0][0]


@pytest.mark.parametrize(
    "earlier",
    [
        [],
        [memory(1, "Ghent", MOVE, MOVE)],  # no day at all
        [memory(1, "Ghent", MOVE - timedelta(days=5), MOVE)],  # too near the change
        [memory(3, "Bonn", date(2026, 1, 1), date(2026, 12, 31)), GHENT],  # two at a time
    ],
)
def test_a_time_that_cant_be_told_for_sure_is_not_asked_for(earlier):
    assert not any("Ghent" in answer for _, answer in asked(as_of(BEFORE, OSLO, earlier)))


def test_what_held_longer_ago_and_what_holds_now_are_asked_for_where_their_time_was_told():
    bonn = memory(3, "Bonn", date(2025, 12, 5), date(2026, 3, 5))
    oslo = memory(2, "Oslo", MOVE, told=date(2026, 9, 1))
    found = dict(asked(as_of(BEFORE, oslo, [bonn, GHENT])))

    assert "You lived in Bonn." == found["Where did I live in January 2026?"]
    assert "You lived in Oslo." == found["Where did I live in July 2026?"]
    assert "You lived in Ghent." == found["Where did I live in April 2026?"]


def test_other_languages_and_other_wordings_give_none():
    assert [] == as_of([Pair(question="Wo wohnte ich vorher?", answer="In Ghent.")], OSLO, [GHENT])
    assert [] == as_of([Pair(question="Before?", answer="In Ghent.")], OSLO, [GHENT])


@given(DAYS, DAYS, DAYS, DAYS)
def test_no_time_is_asked_for_in_which_two_tellings_hold(begin, end, told, moved):
    ghent = memory(1, "Ghent", begin, max(begin, end), told)
    bonn = memory(3, "Bonn", moved, moved + timedelta(days=90))
    found = asked(as_of(BEFORE[:1], memory(2, "Oslo", max(begin, end)), [bonn, ghent]))
    for question, answer in found:
        one = {"Ghent": ghent, "Bonn": bonn}[answer.removeprefix("You lived in ").rstrip(".")]
        for year in range(2019, 2028):
            for month in range(1, 13):
                first = date(year, month, 1)
                if f"in {first:%B %Y}?" in question:
                    assert one.valid_from <= first < one.valid_to
                    other = bonn if one is ghent else ghent
                    assert not other.valid_from <= first < other.valid_to


def test_the_first_and_the_last_day_that_there_are_do_no_harm():
    assert [] == as_of(BEFORE, memory(2, "Oslo", date.max), [memory(1, "Ghent", date.min, date.min)])
    as_of(BEFORE, memory(2, "Oslo", date.max), [memory(1, "Ghent", date.max, date.max)])


def test_the_grounding_is_dated():
    narrative = "2026-06-20: The user lives in Oslo. Before that: The user lives in Ghent."

    assert ["2026-03-05 to 2026-06-20: The user lives in Ghent.", narrative] == dated_lines(
        OSLO, narrative, [GHENT]
    )
