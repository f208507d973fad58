from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import full_text, lessons, memories, vectors
from store.errors import Conflict, NoSuchMemory, NotFound, NotHeld
from store.lessons import NewLesson
from tests.store.sample import DAY, DIMENSION, embed, say, undone, vector

WEEK = timedelta(weeks=1)
GHENT, OSLO = "The user lives in Ghent.", "The user lives in Oslo."
DAYS = [DAY + timedelta(days=days) for days in range(0, 45, 4)]


def hold(db, text, **more):
    """A memory with its vector and a lesson."""
    return completed(db, memories.add(db, text, told_on=DAY, **{"sources": [], **more}))


def completed(db, memory):
    embed(db, "memory", [memory.id], vector(1, memory.id))
    known = NewLesson(
        question="q", answer="a", grounding=None, kind="fact", split="train", memory_ids=(memory.id,)
    )
    lessons.add(db, [known])
    return memory


def as_held(db):
    """All that an operation can change of what is held."""
    vectors.prepare(db, "test-embedder", DIMENSION)
    return (
        memories.holding(db),
        [memories.as_of(db, day) for day in DAYS],
        sorted(id for id, _ in full_text.search(db, "memory", "the user lives statement", 999)),
        sorted(id for id, _ in vectors.nearest(db, "memory", vector(1, 1), 999)),
        lessons.holding(db),
        lessons.unstudied(db),
    )


def test_undoing_an_add_closes_the_memory_and_keeps_it_readable(db):
    memory = hold(db, GHENT)
    done = memories.undo(db, memory.id, today=DAY)

    assert ("ADD", memory.id, None) == (done.event.op, done.closed.id, done.restored)
    assert ([], []) == (memories.holding(db), memories.as_of(db, DAY))
    assert ("undone", GHENT) == (memories.get(db, memory.id).state, memories.get(db, memory.id).text)
    assert ["ADD", "UNDO"] == [event.op for event in memories.events(db, memory.id)]
    assert [2, None] == [event.undone_by for event in memories.events(db, memory.id)]


@pytest.mark.parametrize("change", [memories.update, memories.reconcile])
def test_undoing_a_change_lets_what_was_replaced_hold_again(db, change):
    old = hold(db, GHENT)
    before = as_held(db)
    new = completed(db, change(db, old, OSLO, told_on=DAY + WEEK, sources=[]))
    done = memories.undo(db, new.id, today=DAY)

    assert (new.id, old) == (done.closed.id, done.restored)
    assert before == as_held(db)
    assert [GHENT, OSLO] == [memory.text for memory in memories.history(db, old.id)]
    assert memories.history(db, old.id) == memories.history(db, new.id)
    assert "2026-03-05: The user lives in Ghent." == memories.narrative(db, old)


def test_operations_are_taken_back_one_by_one_the_latest_first(db):
    old = hold(db, GHENT)
    memories.ignore(db, old, GHENT, told_on=DAY, sources=[])
    new = memories.reconcile(db, old, OSLO, told_on=DAY, sources=[])

    ops = [memories.undo(db, id, today=DAY).event.op for id in (new.id, old.id, old.id)]

    assert ["RECONCILE", "IGNORE", "ADD"] == ops
    assert [] == memories.holding(db)


def test_a_line_goes_on_after_an_undo_and_remembers_every_attempt(db):
    ghent = hold(db, GHENT)
    wrong = memories.reconcile(db, ghent, OSLO, told_on=DAY, sources=[])
    memories.undo(db, wrong.id, today=DAY)
    rome = memories.reconcile(db, ghent, "The user lives in Rome.", told_on=DAY + WEEK, sources=[])

    assert [ghent.id, wrong.id, rome.id] == [one.id for one in memories.history(db, wrong.id)]
    assert memories.narrative(db, rome).endswith(f"Before that: {GHENT}")


def test_only_the_latest_operation_can_be_taken_back(db):
    old = hold(db, GHENT)
    middle = memories.update(db, old, "The user lives in Ghent, alone.", told_on=DAY, sources=[])
    new = memories.reconcile(db, middle, OSLO, told_on=DAY, sources=[])
    memories.ignore(db, new, OSLO, told_on=DAY, sources=[])
    with pytest.raises(Conflict, match="undo memory 1: memory 3 has replaced it"):
        memories.undo(db, old.id, today=DAY)
    with pytest.raises(Conflict, match="undo operation 1: memory 3 has replaced"):
        memories.undo_event(db, 1, today=DAY)
    with pytest.raises(Conflict, match=r"undo operation 3: operation 4 \(IGNORE\) came later"):
        memories.undo_event(db, 3, today=DAY)

    assert [new] == memories.holding(db)


def test_there_is_nothing_to_undo_twice(db):
    memory = hold(db, GHENT)
    memories.undo(db, memory.id, today=DAY)
    with pytest.raises(Conflict, match="memory 1: it was taken back before"):
        memories.undo(db, memory.id, today=DAY)
    with pytest.raises(Conflict, match="operation 1: it was taken back before"):
        memories.undo_event(db, 1, today=DAY)
    with pytest.raises(Conflict, match="it is an UNDO itself"):
        memories.undo_event(db, 2, today=DAY)
    with pytest.raises(NotHeld, match="it was taken back"):
        memories.update(db, memory, OSLO, told_on=DAY, sources=[])
    with pytest.raises(NoSuchMemory):
        memories.undo(db, 9, today=DAY)
    with pytest.raises(NotFound, match="no operation 9"):
        memories.undo_event(db, 9, today=DAY)

    assert 2 == len(memories.events(db))


def test_a_trivial_statement_is_taken_back_by_its_operation(db):
    source = say(db, "hi")
    memories.ignore(db, None, "The user says hi.", told_on=DAY, sources=[source.id])
    done = memories.undo_event(db, 1, today=DAY)

    assert ("IGNORE", None, None) == (done.event.op, done.closed, done.restored)
    assert (source.id,) == memories.events(db)[1].sources


def test_a_restored_memory_without_a_vector_asks_for_one(db):
    old = hold(db, GHENT)
    bare = memories.add(db, "The user has a dog.", told_on=DAY, sources=[])
    new = memories.update(db, bare, "The user has a dog called Rex.", told_on=DAY, sources=[])
    memories.undo(db, new.id, today=DAY)

    assert [bare.id] == vectors.missing(db, "memory")
    assert [old.id] == [id for id, _ in vectors.nearest(db, "memory", vector(1), 9)]


def test_what_was_known_at_a_moment_leaves_out_what_came_later(db):
    old = hold(db, GHENT)
    first = moment_now()
    new = memories.reconcile(db, old, OSLO, told_on=DAY + WEEK, sources=[])
    second = moment_now()
    memories.undo(db, new.id, today=DAY)
    third = moment_now()

    later_day = DAY + 2 * WEEK
    known = [texts(memories.as_of(db, later_day, known_by=by)) for by in (first, second, third)]
    assert [[GHENT], [OSLO], [GHENT]] == known
    assert [GHENT] == texts(memories.as_of(db, DAY, known_by=second))
    assert [] == memories.as_of(db, DAY, known_by=datetime(2020, 1, 1, tzinfo=UTC))


def moment_now():
    return datetime.now(UTC)


def texts(found):
    return [memory.text for memory in found]


def test_forgetting_a_fact_takes_what_had_refined_it_and_was_taken_back(db):
    dog = hold(db, "The user has a dog.")
    rex = memories.update(db, dog, "The user has a dog called Rex.", told_on=DAY, sources=[])
    memories.undo(db, rex.id, today=DAY)
    report = memories.forget(db, [dog.id])

    assert (2, 0) == (report.memories, len(memories.events(db)))
    assert [] == list(db.execute("select * from undone"))


def test_forgetting_what_was_taken_back_leaves_what_holds_in_its_place(db):
    ghent = hold(db, GHENT)
    oslo = completed(db, memories.reconcile(db, ghent, OSLO, told_on=DAY, sources=[]))
    memories.undo(db, oslo.id, today=DAY)
    report = memories.forget(db, [oslo.id])

    assert (1, 1) == (report.memories, report.lessons)
    assert [ghent] == memories.holding(db)


def test_forgetting_a_fact_takes_the_lessons_of_a_contradiction_that_was_taken_back(db):
    ghent = hold(db, GHENT)
    oslo = completed(db, memories.reconcile(db, ghent, OSLO, told_on=DAY, sources=[]))
    memories.undo(db, oslo.id, today=DAY)
    report = memories.forget(db, [ghent.id])

    assert (1, 2) == (report.memories, report.lessons)
    assert [oslo.id] == [one.id for one in memories.history(db, oslo.id)]


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "update", "reconcile", "ignore", "trivial", "undo", "undo"]),
        st.integers(0, 9),
        st.integers(0, 40),
    ),
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(operations=OPERATIONS)
def test_after_any_operations_undo_restores_exactly_what_held_before(shared_db, operations):
    db = shared_db
    with undone(db):
        lines = []  # per line, newest first: (memory that holds after it, what was held before it)
        made, events = {}, 0
        for number, (op, which, days) in enumerate(operations):
            text, told, before = f"statement {number}", DAY + timedelta(days=days), as_held(db)
            line = lines[which % len(lines)] if lines else None
            events += 1
            if op == "trivial":
                memories.ignore(db, None, text, told_on=told, sources=[])
                memories.undo_event(db, memories.events(db)[-1].id, today=DAY)
                events += 1
                assert before == as_held(db)
            elif op == "undo" and line:
                memory, restores = line.pop(0)
                memories.undo(db, memory.id, today=DAY)
                others = [one for one in lines if one is not line and one]
                assert {one[0][0].id for one in others} <= {memory.id for memory in memories.holding(db)}
                if restores is not None:  # nothing else was done since
                    assert restores == as_held(db)
                if not line:
                    lines.remove(line)
            elif op == "ignore" and line:
                memories.ignore(db, line[0][0], text, told_on=told, sources=[])
                line.insert(0, (line[0][0], before))
            elif op in ("update", "reconcile") and line:
                change = memories.update if op == "update" else memories.reconcile
                new = completed(db, change(db, line[0][0], text, told_on=told, sources=[]))
                line.insert(0, (new, before))
                made[new.id] = text
            else:
                new = completed(db, memories.add(db, text, told_on=told, sources=[]))
                lines.append([(new, before)])
                made[new.id] = text
            for line in lines:  # what was held before is only comparable until another line changes
                if not (line and line[0][1] is before):
                    line[:] = [(memory, None) for memory, _ in line]

        newest = {line[0][0].id for line in lines}
        assert newest == {memory.id for memory in memories.holding(db)}
        assert newest == {id for id, _ in full_text.search(db, "memory", "statement", 99)}
        if made:
            assert newest == {id for id, _ in vectors.nearest(db, "memory", vector(1, 1), 99)}
        assert newest == {lesson.memory_ids[0] for lesson in lessons.holding(db)}
        assert made == {id: memories.get(db, id).text for id in made}  # nothing is lost
        assert events == len(memories.events(db))
        soon = datetime.now(UTC) + WEEK
        for day in DAYS:
            assert memories.as_of(db, day) == memories.as_of(db, day, known_by=soon)


@settings(max_examples=25, deadline=None)
@given(operations=OPERATIONS)
def test_undoing_all_of_a_line_in_turn_brings_back_each_state_in_turn(shared_db, operations):
    db = shared_db
    with undone(db):
        memory, states = None, []
        for number, (op, _, days) in enumerate(operations):
            told, before = DAY + timedelta(days=days), as_held(db)
            if memory is None:
                memory = completed(db, memories.add(db, "statement", told_on=told, sources=[]))
            elif op == "ignore":
                memories.ignore(db, memory, "statement", told_on=told, sources=[])
            else:
                change = memories.update if op == "update" else memories.reconcile
                memory = completed(db, change(db, memory, f"statement {number}", told_on=told, sources=[]))
            states.append(before)
        for before in reversed(states):
            done = memories.undo(db, memory.id, today=DAY)
            memory = done.restored or memory

            assert before == as_held(db)
        assert [] == memories.holding(db)
