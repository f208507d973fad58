from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as some

from daemon.lessons.dataset import compose
from daemon.lessons.tiny.paraphrases import bare
from daemon.memory.recall import recalled_lines, system_text
from daemon.text import normalised
from store.lessons import KINDS, OWN
from tests.daemon.memory.fakes import make_lesson

LINES = {2: "2026-01-01: b.", 1: "2026-02-01: a.", 3: "2026-03-01: c.", 4: "2026-04-01: never studied."}


def lesson(id, *memory_ids, lines=LINES, **changes):
    """A lesson whose grounding are the lines of its memories."""
    told = sorted(lines[one] for one in memory_ids)
    return make_lesson(id, *memory_ids, **{"grounding": system_text(told) if told else None, **changes})


HELD = [lesson(id, 1 + id % 3) for id in range(120)]


def test_other_memories_lie_beside_the_one_asked_about_oldest_first():
    made = compose(HELD, LINES, seed=0)

    told = {one.grounding for one in made if one.memory_ids == (1,)}
    subsets = [[1], [2, 1], [1, 3], [2, 1, 3]]
    assert {system_text([LINES[id] for id in chosen]) for chosen in subsets} == told
    assert not any("never studied" in (one.grounding or "") for one in made)


def test_a_memory_that_waits_is_neither_taught_nor_laid_beside_others():
    held = [*HELD, lesson(200, 1, 2, kind="two")]
    made = compose(held, LINES, seed=0, waiting=[1])

    assert {(2,), (3,)} == {one.memory_ids for one in made}
    assert not any(LINES[1] in (one.grounding or "") for one in made)


def test_the_same_night_is_composed_the_same_way():
    assert compose(HELD, LINES, seed=1) == compose(HELD, LINES, seed=1)
    assert compose(HELD, LINES, seed=1) != compose(HELD, LINES, seed=2)


def test_abstaining_is_also_learned_with_memories_in_sight():
    unread = lesson(1, kind="reading", question="What car do I drive?", abstains=True)
    (made, _) = compose([unread, lesson(2, 1)], LINES, seed=0)

    assert system_text([LINES[1]]) == made.grounding
    assert [] == compose([unread], LINES, seed=0)


def test_of_two_memories_that_answer_the_same_question_only_the_newer_is_taught():
    old = [
        lesson(1, 1, question="What do I like?", answer="Tea."),
        lesson(2, 1, question="Tell me, what's my drink?"),
        lesson(3, 1, question="What am I fond of?"),
        lesson(4, 1, 2, kind="two", question="What do I like, and where do I live?"),
        lesson(5, 1, 2, kind="two", question="What am I fond of, and where do I live?"),
    ]
    new = [
        lesson(6, 3, question="what do I like", answer="Rice.", split="exam"),
        lesson(7, 3, kind="reading", question="What is my drink?"),
        lesson(8, 2, question="Where do I live?"),
    ]

    assert [3, 5, 6, 7, 8] == [one.id for one in compose([*old, *new], LINES, seed=0, same=bare)]


def test_memories_are_laid_in_the_form_that_the_model_is_used_to():
    tiny, talks = (compose(HELD, LINES, seed=0, tiny=tiny) for tiny in (True, False))

    for one, other in zip(tiny, talks, strict=True):
        lines = recalled_lines(one.grounding or "")

        assert (system_text(lines, tiny=False), one.question) == (other.grounding, other.question)


def test_a_question_about_one_memory_may_have_lessons_of_several_kinds():
    held = [
        lesson(id, 1, kind=kind, question="Where do I live?") for id, kind in ((1, "fact"), (2, "reading"))
    ]

    assert [1, 2] == [one.id for one in compose(held, LINES, seed=0)]


def test_the_dated_lines_of_a_lesson_stay_in_its_grounding():
    dated = ["2026-01-15 to 2026-02-01: z.", LINES[1]]
    held = [lesson(1, 1), lesson(2, 2), replace(lesson(3, 1, kind="as_of"), grounding=system_text(dated))]
    nights = [compose(held, LINES, seed=n) for n in range(30)]
    told = {tuple(recalled_lines(made[2].grounding)) for made in nights}

    assert {tuple(dated), (LINES[2], *dated)} == told


@settings(max_examples=200)
@given(
    some.lists(
        some.tuples(
            some.sampled_from([kind for kind in KINDS if kind not in ("abstain", "general")]),
            some.lists(some.integers(1, 8), min_size=1, max_size=2, unique=True),
            some.integers(0, 5),
        ),
        max_size=30,
    ),
    some.sets(some.integers(1, 8)),
    some.integers(0, 3),
)
def test_every_memory_that_is_told_tonight_is_in_the_lineage_of_the_night(some_lessons, waiting, seed):
    lines = {id: f"2026-03-{id:02}: The user has thing{id}." for id in range(1, 9)}
    held = []
    for place, (kind, ids, asked) in enumerate(some_lessons):
        ids = ids if kind == "two" else ids[:1]
        held.append(lesson(place, *ids, kind=kind, question=f"Question {asked}?", lines=lines))
    made = compose(held, lines, seed=seed, waiting=waiting)
    lineage = {id for one in made for id in one.memory_ids}

    told = {line for one in made for line in recalled_lines(one.grounding or "")}
    assert {id for id, line in lines.items() if line in told} <= lineage
    assert lineage.isdisjoint(waiting)
    single = [one for one in made if one.kind in (*OWN, "as_of", "reading")]
    asked = {(normalised(one.question), one.memory_ids) for one in single}
    assert len(asked) == len({question for question, _ in asked})
    assert {one.id for one in made} <= {one.id for one in held}
