from dataclasses import replace

from daemon.memory.recall import system_text
from daemon.night.compose import compose
from store.lessons import Lesson

LINES = {2: "2026-01-01: b.", 1: "2026-02-01: a.", 3: "2026-03-01: c.", 4: "2026-04-01: never studied."}


def lesson(id, memory_id, *, kind="fact"):
    grounding = system_text([LINES[memory_id]])
    return Lesson(
        id=id,
        question=f"q{id}",
        answer="a",
        grounding=grounding,
        kind=kind,
        split="train",
        memory_ids=(memory_id,),
    )


HELD = [lesson(id, 1 + id % 3) for id in range(120)]


def test_other_memories_lie_beside_the_one_asked_about_oldest_first():
    made = compose(HELD, LINES, set(), seed=0)

    told = {one.grounding for one in made if one.memory_ids == (1,)}
    subsets = [[1], [2, 1], [1, 3], [2, 1, 3]]
    assert {system_text([LINES[id] for id in chosen]) for chosen in subsets} == told


def test_a_memory_without_lessons_tonight_is_in_no_grounding():
    assert not any("never studied" in (one.grounding or "") for one in compose(HELD, LINES, set(), seed=0))


def test_the_same_night_is_composed_the_same_way():
    assert compose(HELD, LINES, set(), seed=1) == compose(HELD, LINES, set(), seed=1)
    assert compose(HELD, LINES, set(), seed=1) != compose(HELD, LINES, set(), seed=2)


def test_abstain_lessons_that_a_memory_answers_by_now_are_left_out():
    abstain = replace(
        lesson(1, 1, kind="abstain"), question="What is my sister called?", grounding=None, memory_ids=()
    )

    assert ([], [abstain]) == (
        compose([abstain], {}, {"sister"}, seed=0),
        compose([abstain], {}, {"dog"}, seed=0),
    )
