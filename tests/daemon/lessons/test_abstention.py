import pytest

from daemon.lessons.abstention import MOST_NEAR, PEOPLE, is_mentioned, near


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is my sister called?", True),
        ("Where do I work?", False),
        ("Where did I study?", True),
        ("What did I buy?", True),
        ("What is my favourite season?", False),
        ("What is my favourite food?", True),
        ("Where do I live?", True),
    ],
)
def test_a_question_that_a_memory_may_answer_is_no_lesson_in_abstaining(question, expected):
    said = {"sister", "ana", "studied", "bought", "favourite", "food", "ramen", "live", "ghent"}

    assert expected == is_mentioned(question, said)


SISTER = "2026-03-05: The user's little sister is called Priya."


def test_more_is_asked_about_people_of_whom_the_name_alone_is_known():
    found = near({7: SISTER, 8: "2026-03-05: The user's dog is called Rex."})

    assert {7} == {one.memory_id for one in found}
    assert all("my little sister" in one.question for one in found)


@pytest.mark.parametrize(
    "more",
    [
        "2026-03-06: Priya works as a nurse.",
        "2026-03-06: The user's sister lives in Leeds.",
        "2026-03-06: The user and his sisters sing.",
    ],
)
def test_nothing_is_asked_about_people_of_whom_something_else_is_told(more):
    assert [] == near({7: SISTER, 8: more})


@pytest.mark.parametrize(
    "line",
    [
        "2026-03-05: The user's sister is called Priya and works as a nurse.",
        "2026-03-05: The user's boss is called Ana. Before that: The user's boss is called Ivo.",
        "2026-03-05: The user's sister lives in Leeds.",
    ],
)
def test_a_memory_that_tells_more_than_a_name_is_left_alone(line):
    assert [] == near({1: line})


def test_they_are_few():
    people = {
        id: f"2026-03-05: The user's {role} is called Name{id}." for id, role in enumerate(sorted(PEOPLE))
    }

    assert MOST_NEAR == len(near(people))
