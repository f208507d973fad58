from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import full_text, memories, memory_queries, vectors
from store.errors import NoSuchMemory, NotFound, NotHeld
from tests.store.sample import DAY, NOON, embed, later, say, undone, vector

WEEK = timedelta(weeks=1)
GHENT, OSLO = "The user lives in Ghent.", "The user lives in Oslo."


def texts(found):
    return [memory.text for memory in found]


def test_a_memory_comes_back_with_its_days_and_sources(db):
    source = say(db, "I live in Ghent")
    memory = memories.add(db, GHENT, told_on=DAY, sources=[source.id], trust="import")

    assert (memory.text, memory.told_on, memory.valid_from, memory.valid_to) == (GHENT, DAY, DAY, None)
    assert (memory.superseded_by, memory.trust) == (None, "import")
    assert memories.get(db, memory.id) == memory
    assert memories.sources(db, memory.id) == [source.id]
    assert memories.holding(db) == [memory]


def test_a_memory_can_be_true_since_long_before_it_was_told(db):
    memory = memories.add(db, GHENT, told_on=DAY, valid_from=DAY - WEEK, sources=[])

    assert memories.as_of(db, DAY - WEEK) == [memory]


def test_reconcile_closes_the_old_and_keeps_it_readable(db):
    old = memories.add(db, GHENT, told_on=DAY, sources=[])
    new = memories.reconcile(db, old, OSLO, told_on=DAY + WEEK, sources=[])
    kept = memories.get(db, old.id)

    assert memories.holding(db) == [new]
    assert (kept.valid_to, kept.superseded_by) == (DAY + WEEK, new.id)
    assert texts(memories.as_of(db, DAY + WEEK)) == [OSLO]
    assert texts(memories.as_of(db, DAY + WEEK - timedelta(days=1))) == [GHENT]
    assert memories.as_of(db, DAY - WEEK) == []


def test_update_stands_in_for_the_old_from_its_first_day(db):
    old = memories.add(db, "The user has a dog.", told_on=DAY, sources=[])
    new = memories.update(db, old, "The user has a dog called Rex.", told_on=DAY + WEEK, sources=[])

    assert (new.valid_from, new.told_on) == (DAY, DAY + WEEK)
    assert memories.as_of(db, DAY) == memories.holding(db) == [new]
    assert memories.get(db, old.id).superseded_by == new.id


def test_history_is_the_same_from_every_link_and_oldest_first(db):
    one = memories.add(db, "one", told_on=DAY, sources=[])
    two = memories.update(db, one, "two", told_on=DAY, sources=[])
    three = memories.reconcile(db, two, "three", told_on=DAY, sources=[])
    other = memories.add(db, "other", told_on=DAY, sources=[])

    for link in (one, two, three):
        assert texts(memories.history(db, link.id)) == ["one", "two", "three"]
    assert memories.history(db, other.id) == [other]


def test_a_narrative_tells_the_latest_change_of_mind_only(db):
    ghent = memories.add(db, GHENT, told_on=DAY, sources=[])
    exact = memories.update(db, ghent, "The user lives in Ghent, by the river.", told_on=DAY, sources=[])
    oslo = memories.reconcile(db, exact, OSLO, told_on=DAY + WEEK, sources=[])
    refined = memories.update(db, oslo, "The user lives in Oslo, alone.", told_on=DAY + 2 * WEEK, sources=[])
    rome = memories.reconcile(db, refined, "The user lives in Rome.", told_on=DAY + 3 * WEEK, sources=[])

    assert memories.narrative(db, ghent) == "2026-03-05: The user lives in Ghent."
    assert memories.narrative(db, exact) == "2026-03-05: The user lives in Ghent, by the river."
    before = "Before that: The user lives in Ghent, by the river."
    assert memories.narrative(db, oslo) == f"2026-03-12: The user lives in Oslo. {before}"
    assert memories.narrative(db, refined) == f"2026-03-12: The user lives in Oslo, alone. {before}"
    last = "2026-03-26: The user lives in Rome. Before that: The user lives in Oslo, alone."
    assert memories.narrative(db, rome) == last


def test_a_narrative_can_leave_out_what_others_said(db):
    ghent = memories.add(db, GHENT, told_on=DAY, sources=[])
    day, rest = DAY + WEEK, {"sources": [], "trust": "untrusted"}
    exact = memories.update(db, ghent, "The user lives in Ghent, by the river.", told_on=day, **rest)
    oslo = memories.reconcile(db, exact, OSLO, told_on=day, sources=[], trust="import")
    bonn = memories.reconcile(db, oslo, "The user lives in Bonn.", told_on=day, **rest)
    rome = memories.reconcile(db, bonn, "The user lives in Rome.", told_on=DAY + 2 * WEEK, sources=[])
    own = ("user", "import")

    assert memories.narrative(db, oslo, trust=own) == f"2026-03-12: {OSLO}"
    assert (
        memories.narrative(db, rome, trust=own) == f"2026-03-19: The user lives in Rome. Before that: {OSLO}"
    )
    assert memories.narrative(db, rome).endswith("Before that: The user lives in Bonn.")
    assert [OSLO] == texts(memory_queries.before(db, rome, trust=own))
    assert [exact.id, oslo.id, bonn.id] == [one.id for one in memory_queries.before(db, rome)]


@pytest.mark.parametrize("trust", [None, ("user",), ()])
def test_many_narratives_are_told_like_each_of_them(db, trust):
    tips = []
    for number in range(60):
        tip = memories.add(db, f"statement {number}", told_on=DAY, sources=[])
        for place in range(number % 4):
            change = (memories.update, memories.reconcile)[(number // 4 + place) % 2]
            whose = ("user", "untrusted")[(number // 8 + place) % 2]
            tip = change(db, tip, f"statement {number}.{place}", told_on=DAY, sources=[], trust=whose)
        tips.append(tip)
    memories.undo(db, tips[-1].id, today=DAY)

    each = [memories.narrative(db, tip, trust=trust) for tip in tips]
    assert each == memories.narratives(db, tips, trust=trust)


def test_every_operation_is_an_event_with_its_sources(db):
    sources = [say(db, text, at=later(days=n)).id for n, text in enumerate(["a", "b", "c", "d", "e"])]
    one = memories.add(db, "one", told_on=DAY, sources=sources[:1])
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


def test_a_memory_that_was_replaced_cannot_be_changed_again(db):
    old = memories.add(db, GHENT, told_on=DAY, sources=[])
    memories.reconcile(db, old, OSLO, told_on=DAY, sources=[])
    for change in (memories.update, memories.reconcile):
        with pytest.raises(NotHeld, match="memory 2 has replaced it"):
            change(db, old, "no", told_on=DAY, sources=[])

    assert len(memories.events(db)) == 2


def test_a_memory_is_one_line(db):
    memory = memories.add(db, " The user lives\n- in\u2028\tGhent. ", told_on=DAY, sources=[])

    assert "The user lives - in Ghent." == memory.text == memories.events(db, memory.id)[0].text


def test_what_is_not_there_is_an_error(db):
    with pytest.raises(NoSuchMemory):
        memories.get(db, 7)
    with pytest.raises(NoSuchMemory):
        memories.history(db, 7)
    with pytest.raises(NoSuchMemory):
        memories.sources(db, 7)
    with pytest.raises(NotFound):
        memories.add(db, GHENT, told_on=DAY, sources=[7])

    assert memories.holding(db) == []


def test_only_what_holds_is_found_by_words_and_vectors(db):
    old = memories.add(db, GHENT, told_on=DAY, sources=[])
    embed(db, "memory", [old.id], vector(1))
    new = memories.reconcile(db, old, OSLO, told_on=DAY, sources=[])

    assert full_text.search(db, "memory", "Ghent", 5) == []
    assert vectors.nearest(db, "memory", vector(1), 5) == []
    assert vectors.missing(db, "memory") == [new.id]
    assert [id for id, _ in full_text.search(db, "memory", "where does the user live", 5)] == [new.id]


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "update", "reconcile", "ignore", "trivial"]),
        st.integers(0, 9),
        st.integers(0, 40),
    ),
    max_size=15,
)


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
@given(operations=OPERATIONS)
def test_after_any_operations_the_newest_statements_hold_and_all_are_readable(shared_db, operations):
    db = shared_db
    with undone(db):
        source = say(db, "all of it").id
        lines: list[list[tuple]] = []  # per line: (op, text, told on), in order
        tips = []
        for number, (op, which, days) in enumerate(operations):
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
        assert {memory.id for memory in held} == {memory.id for memory in tips}
        assert all(memory.superseded_by is None for memory in held)
        assert {memory.text for memory in held} == {line[-1][1] for line in lines}
        for tip, line in zip(tips, lines, strict=True):
            assert texts(memories.history(db, tip.id)) == [text for _, text, _ in line]
        for days in range(0, 42, 3):
            day = DAY + timedelta(days=days)
            wanted = [text for line in lines for text in true_on(line, day)]
            assert sorted(texts(memories.as_of(db, day))) == sorted(wanted)
        assert sum(memories.op_counts(db).values()) == len(operations)
        assert sorted(id for id, _ in full_text.search(db, "memory", "statement", 99)) == sorted(
            memory.id for memory in held
        )


def test_events_carry_the_time_they_happened(db):
    memories.add(db, GHENT, told_on=DAY, sources=[])

    assert memories.events(db)[0].at > NOON
