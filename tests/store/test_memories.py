from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import lessons, memories, memory_queries, vectors
from store.errors import Conflict, NoSuchMemory, NotFound, NotHeld
from tests.store.sample import (
    DAY,
    DIMENSION,
    GHENT,
    NOON,
    OSLO,
    by_meaning,
    by_words,
    embed,
    ids,
    later,
    lesson,
    remember,
    say,
    texts,
    undone,
    vector,
)

WEEK = timedelta(weeks=1)
DAYS = [DAY + timedelta(days=days) for days in range(0, 45, 4)]
BONN, ROME = "The user lives in Bonn.", "The user lives in Rome."
RIVER = "The user lives in Ghent, by the river."


def test_what_was_replaced_is_found_by_words_of_any_script(db):
    for text in (
        "The user lives in Ghent.",
        "Пользователь живёт в Генте.",
        "用户住在根特。",
        "المستخدم في أوسلو",
    ):
        memories.reconcile(db, remember(db, text), "x", told_on=DAY, valid_from=DAY, sources=[])

    by_word = {
        word: memory_queries.replaced_with(db, [word], 9) for word in ("ghent", "генте", "根特", "اوسلو")
    }
    assert [1, 3, 5, 7] == [one.id for found in by_word.values() for one in found]


def test_a_memory_comes_back_with_its_days_and_sources(db):
    source = say(db, "I live in Ghent")
    memory = remember(db, GHENT, source, valid_from=DAY - WEEK, trust="import")

    assert (memory.text, memory.told_on, memory.valid_from, memory.valid_to) == (GHENT, DAY, DAY - WEEK, None)
    assert (memory.superseded_by, memory.trust) == (None, "import")
    assert memories.get(db, memory.id) == memory
    assert memories.sources(db, memory.id) == [source.id]
    assert memories.holding(db) == memories.as_of(db, DAY - WEEK) == [memory]


def test_reconcile_closes_the_old_and_keeps_it_readable(db):
    old = remember(db, GHENT)
    new = memories.reconcile(db, old, OSLO, told_on=DAY + WEEK, sources=[])
    kept = memories.get(db, old.id)

    assert memories.holding(db) == [new]
    assert (kept.valid_to, kept.superseded_by) == (DAY + WEEK, new.id)
    assert texts(memories.as_of(db, DAY + WEEK)) == [OSLO]
    assert texts(memories.as_of(db, DAY + WEEK - timedelta(days=1))) == [GHENT]
    assert memories.as_of(db, DAY - WEEK) == []


def test_update_stands_in_for_the_old_from_its_first_day(db):
    old = remember(db, "The user has a dog.")
    new = memories.update(db, old, "The user has a dog called Rex.", told_on=DAY + WEEK, sources=[])

    assert (new.valid_from, new.told_on) == (DAY, DAY + WEEK)
    assert memories.as_of(db, DAY) == memories.holding(db) == [new]
    assert memories.get(db, old.id).superseded_by == new.id


def test_history_is_the_same_from_every_link_and_oldest_first(db):
    one = remember(db, "one")
    two = memories.update(db, one, "two", told_on=DAY, sources=[])
    three = memories.reconcile(db, two, "three", told_on=DAY, sources=[])
    other = remember(db, "other")

    assert [["one", "two", "three"]] * 3 == [
        texts(memories.history(db, link.id)) for link in (one, two, three)
    ]
    assert memories.history(db, other.id) == [other]


def test_a_narrative_tells_the_latest_change_of_mind_only(db):
    ghent = remember(db, GHENT)
    exact = memories.update(db, ghent, RIVER, told_on=DAY, sources=[])
    oslo = memories.reconcile(db, exact, OSLO, told_on=DAY + WEEK, sources=[])
    refined = memories.update(db, oslo, "The user lives in Oslo, alone.", told_on=DAY + 2 * WEEK, sources=[])
    rome = memories.reconcile(db, refined, ROME, told_on=DAY + 3 * WEEK, sources=[])

    assert [memories.narrative(db, one) for one in (ghent, exact, oslo, refined, rome)] == [
        f"2026-03-05: {GHENT}",
        f"2026-03-05: {RIVER}",
        f"2026-03-12: {OSLO} Before that: {RIVER}",
        f"2026-03-12: {refined.text} Before that: {RIVER}",
        f"2026-03-26: {ROME} Before that: {refined.text}",
    ]


def test_a_narrative_can_leave_out_what_others_said(db):
    ghent = remember(db, GHENT)
    day, rest = DAY + WEEK, {"sources": [], "trust": "untrusted"}
    exact = memories.update(db, ghent, RIVER, told_on=day, **rest)
    oslo = memories.reconcile(db, exact, OSLO, told_on=day, sources=[], trust="import")
    bonn = memories.reconcile(db, oslo, BONN, told_on=day, **rest)
    rome = memories.reconcile(db, bonn, ROME, told_on=DAY + 2 * WEEK, sources=[])
    own = ("user", "import")

    assert memories.narrative(db, oslo, trust=own) == f"2026-03-12: {OSLO}"
    assert memories.narrative(db, rome, trust=own) == f"2026-03-19: {ROME} Before that: {OSLO}"
    assert memories.narrative(db, rome).endswith(f"Before that: {BONN}")
    assert [OSLO] == texts(memory_queries.before(db, rome, trust=own))
    assert [exact.id, oslo.id, bonn.id] == ids(memory_queries.before(db, rome))


@pytest.mark.parametrize("trust", [None, ("user",), ()])
def test_many_narratives_are_told_like_each_of_them(db, trust):
    tips = []
    for number in range(60):
        tip = remember(db, f"statement {number}")
        for place in range(number % 4):
            change = (memories.update, memories.reconcile)[(number // 4 + place) % 2]
            whose = ("user", "untrusted")[(number // 8 + place) % 2]
            tip = change(db, tip, f"statement {number}.{place}", told_on=DAY, sources=[], trust=whose)
        tips.append(tip)
    memories.undo(db, tips[-1].id, today=DAY)

    each = [memories.narrative(db, tip, trust=trust) for tip in tips]
    assert each == memories.narratives(db, tips, trust=trust)


def test_every_operation_is_an_event_with_its_sources(db):
    said = [say(db, text, at=later(days=n)) for n, text in enumerate("abcde")]
    sources = ids(said)
    one = remember(db, "one", said[0])
    two = memories.update(db, one, "two", told_on=DAY, sources=sources[1:2])
    three = memories.reconcile(db, two, "three", told_on=DAY, sources=sources[2:3])
    memories.ignore(db, three, "three!", told_on=DAY, sources=sources[3:])
    memories.ignore(db, None, "hi", told_on=DAY, sources=[])

    assert [(event.op, event.memory_id, event.text) for event in memories.events(db)] == [
        ("ADD", one.id, "one"),
        ("UPDATE", two.id, "two"),
        ("RECONCILE", three.id, "three"),
        ("IGNORE", three.id, "three!"),
        ("IGNORE", None, "hi"),
    ]
    assert [event.sources for event in memories.events(db, three.id)] == [(sources[2],), tuple(sources[3:])]
    assert memories.op_counts(db) == {"ADD": 1, "UPDATE": 1, "RECONCILE": 1, "IGNORE": 2}
    assert memories.sources(db, three.id) == [sources[2]]
    assert all(event.at > NOON for event in memories.events(db))


def test_a_memory_that_was_replaced_cannot_be_changed_again(db):
    old = remember(db, GHENT)
    memories.reconcile(db, old, OSLO, told_on=DAY, sources=[])
    for change in (memories.update, memories.reconcile):
        with pytest.raises(NotHeld, match="memory 2 has replaced it"):
            change(db, old, "no", told_on=DAY, sources=[])

    assert len(memories.events(db)) == 2


def test_a_memory_is_one_line(db):
    memory = remember(db, " The user lives\n- in\u2028\tGhent. ")

    assert "The user lives - in Ghent." == memory.text == memories.events(db, memory.id)[0].text


def test_what_is_not_there_is_an_error(db):
    for ask in (memories.get, memories.history, memories.sources):
        with pytest.raises(NoSuchMemory):
            ask(db, 7)
    with pytest.raises(NotFound):
        memories.add(db, GHENT, told_on=DAY, sources=[7])

    assert memories.holding(db) == []


def hold(db, text, **more):
    """A memory with its vector and a lesson."""
    return completed(db, remember(db, text, **more))


def completed(db, memory):
    embed(db, "memory", [memory.id], vector(1, memory.id))
    lessons.add(db, [lesson(memory.id)])
    return memory


def as_held(db):
    """All that an operation can change of what is held."""
    vectors.prepare(db, "test-embedder", DIMENSION)
    return (
        memories.holding(db),
        [memories.as_of(db, day) for day in DAYS],
        sorted(by_words(db, "memory", "the user lives statement", 999)),
        sorted(by_meaning(db, "memory", vector(1, 1), 999)),
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
    assert [GHENT, OSLO] == texts(memories.history(db, old.id))
    assert memories.history(db, old.id) == memories.history(db, new.id)
    assert f"{DAY}: {GHENT}" == memories.narrative(db, old)


def test_a_line_goes_on_after_an_undo_and_remembers_every_attempt(db):
    ghent = hold(db, GHENT)
    wrong = memories.reconcile(db, ghent, OSLO, told_on=DAY, sources=[])
    memories.undo(db, wrong.id, today=DAY)
    rome = memories.reconcile(db, ghent, "The user lives in Rome.", told_on=DAY + WEEK, sources=[])

    assert [ghent.id, wrong.id, rome.id] == ids(memories.history(db, wrong.id))
    assert memories.narrative(db, rome).endswith(f"Before that: {GHENT}")


def test_only_the_latest_operation_can_be_taken_back(db):
    old = hold(db, GHENT)
    middle = memories.update(db, old, "The user lives in Ghent, alone.", told_on=DAY, sources=[])
    new = memories.reconcile(db, middle, OSLO, told_on=DAY, sources=[])
    for _ in range(2):
        memories.ignore(db, new, OSLO, told_on=DAY, sources=[])
    refused = (
        (memories.undo, old.id, "undo memory 1: memory 3 has replaced it"),
        (memories.undo_event, 1, "undo operation 1: memory 3 has replaced"),
        (memories.undo_event, 4, r"undo operation 4: operation 5 \(IGNORE\) came later"),
    )
    for undo, number, why in refused:
        with pytest.raises(Conflict, match=why):
            undo(db, number, today=DAY)

    assert [new] == memories.holding(db)


def test_what_was_said_again_since_is_taken_back_with_the_operation_that_made_it(db):
    old = hold(db, GHENT)
    new = memories.reconcile(db, old, OSLO, told_on=DAY, sources=[])
    for _ in range(2):
        memories.ignore(db, new, OSLO, told_on=DAY, sources=[])
    done = memories.undo_event(db, 2, today=DAY)

    assert (2, GHENT) == (done.event.id, done.restored.text)
    assert [GHENT] == [one.text for one in memories.holding(db)]
    assert [True] * 3 == [one.undone_by is not None for one in memories.events(db) if one.id in (2, 3, 4)]


def test_there_is_nothing_to_undo_twice(db):
    memory = hold(db, GHENT)
    memories.undo(db, memory.id, today=DAY)
    refused = (
        (memories.undo, 1, Conflict, "memory 1: it was taken back before"),
        (memories.undo_event, 1, Conflict, "operation 1: it was taken back before"),
        (memories.undo_event, 2, Conflict, "it is an UNDO itself"),
        (memories.undo, 9, NoSuchMemory, "9"),
        (memories.undo_event, 9, NotFound, "no operation 9"),
    )
    for undo, number, error, why in refused:
        with pytest.raises(error, match=why):
            undo(db, number, today=DAY)
    with pytest.raises(NotHeld, match="it was taken back"):
        memories.update(db, memory, OSLO, told_on=DAY, sources=[])

    assert 2 == len(memories.events(db))


def test_a_trivial_statement_is_taken_back_by_its_operation(db):
    source = say(db, "hi")
    memories.ignore(db, None, "The user says hi.", told_on=DAY, sources=[source.id])
    done = memories.undo_event(db, 1, today=DAY)

    assert ("IGNORE", None, None) == (done.event.op, done.closed, done.restored)
    assert (source.id,) == memories.events(db)[1].sources


def test_a_restored_memory_without_a_vector_asks_for_one(db):
    old = hold(db, GHENT)
    bare = remember(db, "The user has a dog.")
    new = memories.update(db, bare, "The user has a dog called Rex.", told_on=DAY, sources=[])
    memories.undo(db, new.id, today=DAY)

    assert [bare.id] == vectors.missing(db, "memory")
    assert [old.id] == by_meaning(db, "memory", vector(1))


def test_what_was_known_at_a_moment_leaves_out_what_came_later(db):
    old = hold(db, GHENT)
    moments = [datetime.now(UTC)]
    new = memories.reconcile(db, old, OSLO, told_on=DAY + WEEK, sources=[])
    moments.append(datetime.now(UTC))
    memories.undo(db, new.id, today=DAY)
    moments.append(datetime.now(UTC))
    known = [texts(memories.as_of(db, DAY + 2 * WEEK, known_by=by)) for by in moments]

    assert [[GHENT], [OSLO], [GHENT]] == known
    assert [GHENT] == texts(memories.as_of(db, DAY, known_by=moments[1]))
    assert [] == memories.as_of(db, DAY, known_by=datetime(2020, 1, 1, tzinfo=UTC))


def test_forgetting_a_fact_takes_what_had_refined_it_and_was_taken_back(db):
    dog = hold(db, "The user has a dog.")
    rex = memories.update(db, dog, "The user has a dog called Rex.", told_on=DAY, sources=[])
    memories.undo(db, rex.id, today=DAY)
    report = memories.forget(db, [dog.id])

    assert (2, 0) == (report.memories, len(memories.events(db)))
    assert [] == list(db.execute("select * from undone"))


@pytest.mark.parametrize(
    ("forgotten", "taken", "held"),
    [
        pytest.param(1, 1, [GHENT], id="what was taken back"),
        pytest.param(0, 2, [], id="what holds, with the lessons of what contradicted it"),
    ],
)
def test_forgetting_one_side_of_a_contradiction_that_was_taken_back_keeps_the_other(
    db, forgotten, taken, held
):
    ghent = hold(db, GHENT)
    oslo = completed(db, memories.reconcile(db, ghent, OSLO, told_on=DAY, sources=[]))
    memories.undo(db, oslo.id, today=DAY)
    report = memories.forget(db, [(ghent, oslo)[forgotten].id])
    kept = (oslo, ghent)[forgotten]

    assert (1, taken) == (report.memories, report.lessons)
    assert held == texts(memories.holding(db))
    assert [kept.id] == ids(memories.history(db, kept.id))


def operations(*names):
    """Some of these operations, each with the place of its line and the day it is told on."""
    return st.lists(st.tuples(st.sampled_from(names), st.integers(0, 9), st.integers(0, 40)), max_size=14)


STATEMENTS = operations("add", "update", "reconcile", "ignore", "trivial")
WITH_UNDO = operations("add", "update", "reconcile", "ignore", "trivial", "undo", "undo")


def true_on(line, day):
    """The text of one line of statements that was true on `day`: a fresh reading of what the words mean."""
    stretches: list[list] = []
    for op, text, told in line:
        if op == "update":
            stretches[-1][1] = text
        else:
            stretches.append([told, text])
    ends = [max(start, after) for (start, _), (after, _) in zip(stretches, stretches[1:], strict=False)]
    return [
        text
        for (start, text), end in zip(stretches, [*ends, None], strict=True)
        if start <= day and (end is None or day < end)
    ]


@settings(max_examples=40, deadline=None)
@given(done=STATEMENTS)
def test_after_any_operations_the_newest_statements_hold_and_all_are_readable(shared_db, done):
    db = shared_db
    with undone(db):
        source = say(db, "all of it").id
        lines: list[list[tuple]] = []  # per line: (op, text, told on), in order
        tips = []
        for number, (op, which, days) in enumerate(done):
            text, told = f"statement {number}", DAY + timedelta(days=days)
            place = which % len(tips) if tips else None
            if op == "trivial":
                memories.ignore(db, None, text, told_on=told, sources=[source])
            elif op == "add" or place is None:
                tips.append(memories.add(db, text, told_on=told, sources=[source]))
                lines.append([("add", text, told)])
            elif op == "ignore":
                memories.ignore(db, tips[place], text, told_on=told, sources=[source])
            else:
                change = memories.update if op == "update" else memories.reconcile
                tips[place] = change(db, tips[place], text, told_on=told, sources=[source])
                lines[place].append((op, text, told))

        held = memories.holding(db)
        assert set(ids(held)) == set(ids(tips))
        assert all(memory.superseded_by is None for memory in held)
        assert {memory.text for memory in held} == {line[-1][1] for line in lines}
        for tip, line in zip(tips, lines, strict=True):
            assert texts(memories.history(db, tip.id)) == [text for _, text, _ in line]
        for days in range(0, 42, 3):
            day = DAY + timedelta(days=days)
            wanted = [text for line in lines for text in true_on(line, day)]
            assert sorted(texts(memories.as_of(db, day))) == sorted(wanted)
        assert sum(memories.op_counts(db).values()) == len(done)
        assert sorted(by_words(db, "memory", "statement", 99)) == sorted(ids(held))


@settings(max_examples=40, deadline=None)
@given(done=WITH_UNDO)
def test_after_any_operations_undo_restores_exactly_what_held_before(shared_db, done):
    db = shared_db
    with undone(db):
        lines = []  # per line, newest first: (memory that holds after it, what was held before it)
        made, events = {}, 0
        for number, (op, which, days) in enumerate(done):
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
                assert {one[0][0].id for one in others} <= set(ids(memories.holding(db)))
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
                new = completed(db, remember(db, text, told_on=told))
                lines.append([(new, before)])
                made[new.id] = text
            for line in lines:  # what was held before is only comparable until another line changes
                if not (line and line[0][1] is before):
                    line[:] = [(memory, None) for memory, _ in line]

        newest = {line[0][0].id for line in lines}
        assert newest == set(ids(memories.holding(db)))
        assert newest == set(by_words(db, "memory", "statement", 99))
        if made:
            assert newest == set(by_meaning(db, "memory", vector(1, 1), 99))
        assert newest == {lesson.memory_ids[0] for lesson in lessons.holding(db)}
        assert made == {id: memories.get(db, id).text for id in made}  # nothing is lost
        assert events == len(memories.events(db))
        soon = datetime.now(UTC) + WEEK
        for day in DAYS:
            assert memories.as_of(db, day) == memories.as_of(db, day, known_by=soon)


@settings(max_examples=25, deadline=None)
@given(done=WITH_UNDO)
def test_undoing_all_of_a_line_in_turn_brings_back_each_state_in_turn(shared_db, done):
    db = shared_db
    with undone(db):
        memory, states = None, []
        for number, (op, _, days) in enumerate(done):
            told, before = DAY + timedelta(days=days), as_held(db)
            if memory is None:
                memory = completed(db, remember(db, "statement", told_on=told))
            elif op == "ignore":
                memories.ignore(db, memory, "statement", told_on=told, sources=[])
            else:
                change = memories.update if op == "update" else memories.reconcile
                memory = completed(db, change(db, memory, f"statement {number}", told_on=told, sources=[]))
            states.append(before)
        for before in reversed(states):
            taken = memories.undo(db, memory.id, today=DAY)
            memory = taken.restored or memory

            assert before == as_held(db)
        assert [] == memories.holding(db)
