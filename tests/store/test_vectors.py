"""Retrieval by meaning: whatever was done to the store, the nearest are those that an exact scan finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import memories, vectors
from store.database import open_store, writing
from store.errors import NoEmbedder, StoreError, WrongVectors
from tests.store.sample import (
    DAY,
    DIMENSION,
    GHENT,
    KEY,
    OSLO,
    by_meaning,
    embed,
    later,
    remember,
    say,
    undone,
    vector,
)

NEW = np.ones(4, dtype=np.float32)  # what another embedder makes


@pytest.fixture
def ids(db):
    """The numbers of three messages with their vectors."""
    found = [say(db, text, at=later(days=n)).id for n, text in enumerate(["one", "two", "three"])]
    embed(db, "message", found, vector(1), vector(1, 1), vector(0, 1))
    return found


def test_the_nearest_come_first_with_their_cosine_distance(db, ids):
    one, two, _ = ids
    found = vectors.nearest(db, "message", vector(1, 0.1) * np.float32(7), 3)

    assert [id for id, _ in found] == ids
    assert found[0][1] == pytest.approx(0.005, abs=0.001)
    assert dict(vectors.nearest(db, "message", vector(1), 2)) == pytest.approx(
        {one: 0, two: 1 - 0.5**0.5}, abs=1e-6
    )


def test_the_distance_of_given_ids_is_that_of_the_search_and_one_without_a_vector_has_none(db, ids):
    asked = vector(1, 0.5)
    bare = say(db, "No vector yet.").id

    assert dict(vectors.nearest(db, "message", asked, 9)) == pytest.approx(
        vectors.distances(db, "message", [*ids, bare, 999], asked)
    )
    assert {} == vectors.distances(db, "memory", ids, asked)


@pytest.mark.parametrize(("k", "found"), [(-1, 0), (0, 0), (1_000_000, 3)])
def test_any_number_of_neighbours_may_be_asked_for(db, ids, k, found):
    assert len(by_meaning(db, "message", vector(1), k)) == found


def test_memories_and_messages_do_not_mix(db, ids):
    memory = remember(db, GHENT)
    embed(db, "memory", [memory.id], vector(1))

    assert [memory.id] == by_meaning(db, "memory", vector(1))


def test_what_has_no_vector_is_missing(db):
    first = say(db, "one", "two")
    say(db, " ", at=later(days=1))
    vectors.prepare(db, "test-embedder", DIMENSION)

    assert vectors.missing(db, "message") == [first.id, first.id + 1]
    embed(db, "message", [first.id], vector(1))
    assert vectors.missing(db, "message") == [first.id + 1]


def test_a_vector_may_be_replaced(db, ids):
    embed(db, "message", ids[:1], vector(0, 0, 1))

    assert dict(vectors.nearest(db, "message", vector(0, 0, 1), 1)) == pytest.approx({ids[0]: 0}, abs=1e-6)
    assert len(by_meaning(db, "message", vector(1))) == 3


def test_vectors_of_what_was_forgotten_or_superseded_meanwhile_are_passed_over(db):
    source = say(db, "I live in Ghent")
    old = remember(db, GHENT)
    new = memories.reconcile(db, old, OSLO, told_on=DAY, sources=[source.id])
    memories.forget(db, [new.id])
    embed(db, "message", [source.id, 99], vector(1), vector(1))
    embed(db, "memory", [old.id, new.id], vector(1), vector(1))

    assert db.execute("select count(*) from vectors").get == 0
    assert vectors.missing(db, "message") == []


@pytest.mark.parametrize(("name", "dimension"), [("other", DIMENSION), ("test-embedder", 4)])
def test_another_embedder_is_refused_while_vectors_are_held(db, ids, name, dimension):
    with pytest.raises(StoreError, match="'test-embedder'.*--reindex"):
        vectors.prepare(db, name, dimension)

    assert ids == by_meaning(db, "message", vector(1))


def test_another_embedder_is_welcome_while_nothing_is_embedded(db):
    vectors.prepare(db, "first", DIMENSION)
    vectors.prepare(db, "second", 4)
    vectors.reindex(db, "third", 4)
    assert None is vectors.reindexing(db)
    vectors.prepare(db, "third", 4)
    vectors.put(db, "message", [say(db, "hi").id], NEW[np.newaxis])

    assert [1] == by_meaning(db, "message", NEW)


def test_vectors_before_an_embedder_are_refused(db):
    with pytest.raises(NoEmbedder):
        vectors.nearest(db, "message", vector(1), 1)
    with pytest.raises(NoEmbedder):
        vectors.put(db, "message", [1], np.stack([vector(1)]))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (np.ones((1, 3), dtype=np.float32), "shape"),
        (np.ones((2, DIMENSION), dtype=np.float32), "shape"),
        (np.full((1, DIMENSION), np.nan, dtype=np.float32), "finite"),
        (np.zeros((1, DIMENSION), dtype=np.float32), "zero"),
    ],
)
def test_vectors_that_make_no_sense_are_refused(db, made, why):
    vectors.prepare(db, "test-embedder", DIMENSION)
    message = say(db, "hi")
    with pytest.raises(WrongVectors, match=why):
        vectors.put(db, "message", [message.id], made)

    assert vectors.missing(db, "message") == [message.id]


STEPS = ["add", "put", "supersede", "undo", "forget", "drop", "search", "rollback", "part", "other"]


def exact(db, kind, wanted, k):
    """The nearest by a scan of the whole table."""
    table = "coming_vectors" if db.execute("select count(*) from coming_embedder").get else "vectors"
    held = db.execute(
        f"select id, vector from {table} where kind = ? and id in (select id from {vectors.FINDABLE[kind]})",
        (kind,),
    )
    found = []
    for id, blob in held:
        one = np.frombuffer(blob, dtype="<f4").astype(np.float64)
        far = 1 - one @ wanted.astype(np.float64) / np.linalg.norm(one) / np.linalg.norm(wanted.astype(float))
        found.append((id, pytest.approx(far, abs=1e-6)))
    return sorted(found, key=lambda one: (round(one[1].expected, 6), one[0]))[:k]


def same(db, wanted, k):
    found = vectors.nearest(db, "memory", wanted, k)
    return [(id, far) for id, far in sorted(found, key=lambda one: (round(one[1], 6), one[0]))]


def step(db, name, number):
    """One change of the store; `number` chooses what is changed and the vector."""
    held = memories.holding(db)
    chosen = held[number % len(held)] if held else None
    made = vector(number % 7 + 1, number % 5 - 2, number % 3 - 1)
    if name in ("add", "other") or chosen is None:
        new = remember(db, f"Statement {number} of {len(held)}.")
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


def many_memories(db, made):
    """As many memories as there are vectors, with these."""
    numbers = ", ".join(f"('Number {n}.', '{DAY}', '{DAY}', 'user')" for n in range(len(made)))
    db.execute(f"insert into memories (text, told_on, valid_from, trust) values {numbers}")
    vectors.prepare(db, "test-embedder", made.shape[1])
    vectors.put(db, "memory", range(1, len(made) + 1), made)


def test_of_many_the_coarse_pass_loses_hardly_any_of_the_nearest(db):
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(60, 64))
    made = (centres[draw.integers(0, 60, 3000)] + draw.normal(size=(3000, 64))).astype(np.float32)
    many_memories(db, made)
    unit = made / np.linalg.norm(made, axis=1, keepdims=True)
    shares = []
    for asked in unit[:20]:
        nearest = {int(place) + 1 for place in np.argsort(-(unit @ asked))[:60]}
        shares.append(len(nearest & set(by_meaning(db, "memory", asked, 60))) / 60)

    assert 0.99 <= np.mean(shares)


def test_any_number_of_memories_that_were_replaced_hides_none_that_holds(db):
    made = np.tile(vector(1), (vectors.CANDIDATES + 10, 1))
    made[0] = vector(0, 1)
    many_memories(db, made)
    db.execute("update memories set superseded_by = 1 where id > 1")

    assert [1] == by_meaning(db, "memory", vector(1), 60)


# A change of embedder: all vectors are made again in a shadow table, and the old ones stay until the end.


def put_new(db, *ids):
    vectors.put(db, "message", ids, np.stack([NEW] * len(ids)))


@pytest.fixture
def coming(db, ids):
    """A re-index under way: of three messages, the second one has its new vector."""
    vectors.reindex(db, "other", 4)
    put_new(db, ids[1])
    return ids


def test_during_a_reindex_what_has_a_new_vector_is_found_and_the_old_ones_stay(db, coming):
    one, two, three = coming
    far = vectors.reindexing(db)

    assert [two] == by_meaning(db, "message", NEW)
    assert {one, three} == vectors.without(db, "message", coming)
    assert 3 == db.execute("select count(*) from vectors").get
    assert ("test-embedder", "other", 1, 3) == (far.old, far.new, far.done, far.total)


def test_the_new_vectors_serve_when_none_is_missing(db, coming):
    put_new(db, coming[0])
    assert not vectors.switch(db)
    put_new(db, coming[2])
    assert vectors.switch(db)

    assert coming == by_meaning(db, "message", NEW)
    assert (None, []) == (vectors.reindexing(db), vectors.missing(db, "message"))
    assert 3 == db.execute("select count(*) from vectors").get
    vectors.prepare(db, "other", 4)
    with pytest.raises(StoreError, match="--reindex"):
        vectors.prepare(db, "test-embedder", DIMENSION)


@pytest.mark.parametrize("again", [vectors.prepare, vectors.reindex])
def test_a_reindex_goes_on_after_a_crash_with_or_without_being_asked_again(db, file, coming, again):
    reopened = open_store(file, KEY)
    again(reopened, "other", 4)
    missing = vectors.missing(reopened, "message")
    reopened.close()

    assert [coming[0], coming[2]] == missing


def test_going_back_to_the_old_embedder_needs_no_new_vector(db, coming, caplog):
    vectors.prepare(db, "test-embedder", DIMENSION)

    assert coming == by_meaning(db, "message", vector(1, 0.1))
    assert [] == vectors.missing(db, "message")
    assert None is vectors.reindexing(db)
    assert "'other'" in caplog.text


def test_a_third_embedder_is_refused_and_takes_over_when_asked_to(db, coming):
    with pytest.raises(StoreError, match="'third' .5 numbers.* 'test-embedder' .8 numbers"):
        vectors.prepare(db, "third", 5)
    assert [coming[1]] == by_meaning(db, "message", NEW)
    vectors.reindex(db, "third", 5)

    assert coming == vectors.missing(db, "message")
    assert [] == by_meaning(db, "message", np.ones(5, dtype=np.float32))


def test_vectors_of_the_old_dimension_are_refused_meanwhile(db, coming):
    with pytest.raises(WrongVectors, match="shape"):
        vectors.put(db, "message", coming[:1], np.stack([vector(1)]))
    with pytest.raises(WrongVectors, match="shape"):
        vectors.nearest(db, "message", vector(1), 3)


def test_what_is_forgotten_during_a_reindex_is_in_neither_table(db):
    memory = remember(db, GHENT)
    embed(db, "memory", [memory.id], vector(1))
    vectors.reindex(db, "other", 4)
    vectors.put(db, "memory", [memory.id], NEW[np.newaxis])
    report = memories.forget(db, [memory.id])
    left = "select (select count(*) from vectors) + (select count(*) from coming_vectors)"

    assert (2, 0) == (report.vectors, db.execute(left).get)


def test_an_embedder_is_expected_by_its_name_before_it_has_told_its_dimension(db):
    assert not vectors.expect(db, "any")
    embed(db, "message", [say(db, "one").id], vector(1))

    assert vectors.expect(db, "test-embedder")
    assert DIMENSION == vectors.searched(db).dimension
    with pytest.raises(StoreError, match="embedder 'another': the store .* 'test-embedder' .*--reindex"):
        vectors.expect(db, "another")


def test_a_reindex_under_way_goes_on_or_is_given_up_by_name_alone(db, coming):
    assert vectors.expect(db, "other")
    assert "other" == vectors.searched(db).embedder
    assert vectors.expect(db, "test-embedder")
    assert (None, "test-embedder") == (vectors.reindexing(db), vectors.searched(db).embedder)
