"""The index in memory, beside its table: whatever was done, it finds what an exact look at the table finds."""

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import memories, vectors
from store.database import open_store, writing
from store.vector_search import SEARCHED
from tests.store.sample import DAY, DIMENSION, KEY, embed, later, say, undone, vector

STEPS = ["add", "put", "supersede", "undo", "forget", "drop", "search", "rollback", "part", "other"]


def exact(db, kind, wanted, k):
    """The nearest by a scan of the whole table."""
    table = "coming_vectors" if db.execute("select count(*) from coming_embedder").get else "vectors"
    held = db.execute(
        f"select id, vector from {table} where kind = ? and id in (select id from {SEARCHED[kind]})", (kind,)
    )
    found = []
    for id, blob in held:
        one = np.frombuffer(blob, dtype="<f4").astype(np.float64)
        far = 1 - one @ wanted.astype(np.float64) / np.linalg.norm(one) / np.linalg.norm(wanted.astype(float))
        found.append((id, pytest.approx(far, abs=1e-9)))
    return sorted(found, key=lambda one: (round(one[1].expected, 9), one[0]))[:k]


def same(db, wanted, k):
    found = vectors.nearest(db, "memory", wanted, k)
    return [(id, far) for id, far in sorted(found, key=lambda one: (round(one[1], 9), one[0]))]


def step(db, name, number):
    """One change of the store; `number` chooses what is changed and the vector."""
    held = memories.holding(db)
    chosen = held[number % len(held)] if held else None
    made = vector(number % 7 + 1, number % 5 - 2, number % 3 - 1)
    if name in ("add", "other") or chosen is None:
        new = memories.add(db, f"Statement {number} of {len(held)}.", told_on=DAY, sources=())
        vectors.put(db, "memory", [new.id], made[np.newaxis])
    elif name == "put":
        vectors.put(db, "memory", [chosen.id], made[np.newaxis])
    elif name == "supersede":
        memories.reconcile(db, chosen, f"Otherwise {number}.", told_on=DAY, sources=())
    elif name == "undo":
        memories.undo(db, chosen.id, today=DAY)
    elif name == "forget":
        memories.forget(db, [chosen.id])
    elif name == "drop":
        vectors.drop(db, "memory", [chosen.id])
    vectors.nearest(db, "memory", made, 3)


def in_part(db, number):
    """A part of a transaction that is undone, and the rest of it that is not."""
    with writing(db):
        step(db, "add", number)
        with undone(db):
            step(db, "put", number + 1)
        step(db, "put", number + 2)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 500)), max_size=12))
def test_whatever_is_done_the_index_finds_what_the_table_has(empty_store, tmp_path_factory, steps):
    file = tmp_path_factory.mktemp("store") / "store.db"
    file.write_bytes(empty_store.read_bytes())
    db, other = open_store(file, KEY), open_store(file, KEY)
    try:
        vectors.prepare(db, "test-embedder", DIMENSION)
        for name, number in steps:
            if name == "rollback":
                with undone(db):
                    step(db, "add", number)
                    step(db, "forget", number)
            elif name == "part":
                in_part(db, number)
            else:
                step(other if name == "other" else db, name, number)
            for wanted in (vector(1), vector(number % 7 + 1, -1, 1)):
                assert exact(db, "memory", wanted, 5) == same(db, wanted, 5)
    finally:
        db.close()
        other.close()


def three_messages(db):
    found = [say(db, text, at=later(days=n)).id for n, text in enumerate(["one", "two", "three"])]
    embed(db, "message", found, vector(1), vector(1, 1), vector(0, 1))
    return found


def test_an_index_that_disagrees_with_its_table_is_built_anew_and_logged(db, caplog):
    one, two, three = three_messages(db)
    vectors.warm(db)
    db.execute("drop trigger vector_dropped")
    db.execute("delete from vectors where id = ?", (one,))
    with caplog.at_level(logging.WARNING):
        found = [id for id, _ in vectors.nearest(db, "message", vector(1), 9)]

    assert [two, three] == found
    assert "disagreed with its table" in caplog.text


def test_what_another_connection_wrote_is_found(db, file):
    one, two, three = three_messages(db)
    vectors.warm(db)
    other = open_store(file, KEY)
    embed(other, "message", [three], vector(1, 0.1))
    other.close()

    assert [one, three, two] == [id for id, _ in vectors.nearest(db, "message", vector(1), 9)]


def test_an_index_that_is_far_behind_is_built_anew(db, file, caplog):
    one, two, three = three_messages(db)
    vectors.warm(db)
    other = open_store(file, KEY)
    with writing(other):
        for _ in range(5000):
            embed(other, "message", [three], vector(1, 0.1))
    other.close()
    with caplog.at_level(logging.INFO):
        found = [id for id, _ in vectors.nearest(db, "message", vector(1), 9)]

    assert [one, three, two] == found
    assert "built anew" in caplog.text
    assert 4096 == db.execute("select count(*) from vector_changes").get


def test_the_indexes_are_built_when_they_are_wanted(db):
    three_messages(db)

    assert {"memory": 0, "message": 3} == vectors.warm(db)
