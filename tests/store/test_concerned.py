"""What `forget` and `undo_import` would take of memories and lessons, before they do."""

from datetime import date

import pytest

from store import forgetting, generations, imports, lessons, memories
from store.errors import NoSuchMemory, NotFound
from store.lessons import NewLesson


def lesson(answer, *memory_ids, kind="fact"):
    return NewLesson(
        question=f"What of {answer}?",
        answer=answer,
        grounding=None,
        kind=kind,
        split="train",
        memory_ids=memory_ids,
    )


def told(db):
    """Ghent, replaced by Oslo; a dog; lessons of each, and one of both."""
    ghent = memories.add(db, "The user lives in Ghent.", told_on=date(2026, 3, 1), sources=())
    dog = memories.add(db, "The user's dog is called Rex.", told_on=date(2026, 3, 1), sources=())
    oslo = memories.reconcile(
        db,
        ghent,
        "The user lives in Oslo.",
        told_on=date(2026, 3, 2),
        valid_from=date(2026, 3, 2),
        sources=(),
    )
    lessons.add(
        db,
        [
            lesson("Ghent", ghent.id),
            lesson("Rex", dog.id),
            lesson("Oslo", oslo.id),
            lesson("Ghent", oslo.id, kind="before"),
            lesson("Rex, Oslo", dog.id, oslo.id, kind="two"),
        ],
    )
    return ghent.id, dog.id, oslo.id


def test_what_would_go_is_what_goes(db):
    _, dog, _ = told(db)
    concerned = forgetting.concerned(db, [dog])
    report = memories.forget(db, [dog])

    assert ((dog,), ["Rex", "Rex, Oslo"]) == (concerned.memories, [one.answer for one in concerned.lessons])
    assert (1, 2) == (report.memories, report.lessons)


def test_of_what_was_replaced_the_lessons_of_what_came_after_go_too_but_not_its_memory(db):
    ghent, _, _ = told(db)
    concerned = forgetting.concerned(db, [ghent])

    assert (ghent,) == concerned.memories
    assert ["Ghent", "Oslo", "Ghent", "Rex, Oslo"] == [one.answer for one in concerned.lessons]
    assert 5 == len(lessons.several(db, range(9)))


def test_generations_that_were_tainted_before_have_learned_it_all_the_same(db):
    ghent, dog, _ = told(db)
    ids = [one.id for one in lessons.several(db, range(9))]
    made = generations.propose(db, b"GGUF", base_sha256="b" * 64, lesson_ids=ids)
    first = forgetting.concerned(db, [dog]).generations
    memories.forget(db, [dog])

    assert ((made.id,), (made.id,)) == (first, forgetting.concerned(db, [ghent]).generations)
    assert () == memories.forget(db, [ghent]).generations


def test_nothing_is_changed_and_the_unknown_is_an_error(db):
    _, dog, _ = told(db)
    before = lessons.holding(db), memories.holding(db)
    forgetting.concerned(db, [dog])

    assert before == (lessons.holding(db), memories.holding(db))
    assert ((), ()) == ((none := imports.concerned(db, 99)).memories, none.lessons)
    with pytest.raises(NoSuchMemory):
        forgetting.concerned(db, [99])
    with pytest.raises(NotFound):
        forgetting.concerned(db, messages=[99])
