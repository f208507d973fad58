"""A change of embedder: all vectors are made again in a shadow table, and the old ones stay until the end."""

import numpy as np
import pytest

from store import memories, vectors
from store.database import open_store
from store.errors import EmbedderClash, WrongVectors
from tests.store.sample import DAY, DIMENSION, KEY, embed, later, say, vector

NEW = np.ones(4, dtype=np.float32)


def three_messages(db):
    found = [say(db, text, at=later(days=n)).id for n, text in enumerate(["one", "two", "three"])]
    embed(db, "message", found, vector(1), vector(1, 1), vector(0, 1))
    return found


def put_new(db, *ids):
    vectors.put(db, "message", ids, np.stack([NEW] * len(ids)))


def found(db, wanted):
    return [id for id, _ in vectors.nearest(db, "message", wanted, 9)]


def test_all_is_missing_at_first_and_the_old_vectors_stay(db):
    ids = three_messages(db)
    vectors.reindex(db, "other", 4)

    assert ids == vectors.missing(db, "message")
    assert [] == found(db, NEW)
    assert 3 == db.execute("select count(*) from vectors").get


def test_what_has_a_new_vector_is_found_already(db):
    one, two, three = three_messages(db)
    vectors.reindex(db, "other", 4)
    put_new(db, two)

    assert [two] == found(db, NEW)
    assert {one, three} == vectors.without(db, "message", [one, two, three])


def test_the_new_vectors_serve_when_none_is_missing(db):
    ids = three_messages(db)
    vectors.reindex(db, "other", 4)
    put_new(db, *ids[:2])

    assert not vectors.switch(db)
    put_new(db, ids[2])
    assert vectors.switch(db)
    assert ids == found(db, NEW)
    assert (None, []) == (vectors.reindexing(db), vectors.missing(db, "message"))
    assert 3 == db.execute("select count(*) from vectors").get
    vectors.prepare(db, "other", 4)
    with pytest.raises(EmbedderClash):
        vectors.prepare(db, "test-embedder", DIMENSION)


def test_a_reindex_goes_on_after_a_crash_with_or_without_being_asked_again(db, file):
    one, two, three = three_messages(db)
    vectors.reindex(db, "other", 4)
    put_new(db, one)
    for again in (vectors.prepare, vectors.reindex):
        reopened = open_store(file, KEY)
        again(reopened, "other", 4)
        missing = vectors.missing(reopened, "message")
        reopened.close()

        assert [two, three] == missing


def test_going_back_to_the_old_embedder_needs_no_new_vector(db, caplog):
    ids = three_messages(db)
    vectors.reindex(db, "other", 4)
    put_new(db, ids[0])
    vectors.prepare(db, "test-embedder", DIMENSION)

    assert ids == found(db, vector(1, 0.1))
    assert [] == vectors.missing(db, "message")
    assert None is vectors.reindexing(db)
    assert "The re-index to 'other' was given up" in caplog.text


def test_a_third_embedder_is_refused_and_takes_over_when_asked_to(db):
    ids = three_messages(db)
    vectors.reindex(db, "other", 4)
    put_new(db, ids[0])
    with pytest.raises(EmbedderClash, match="'third' .5 numbers.* 'test-embedder' .8 numbers"):
        vectors.prepare(db, "third", 5)
    assert 1 == len(found(db, NEW))
    vectors.reindex(db, "third", 5)

    assert ids == vectors.missing(db, "message")


def test_vectors_of_the_old_dimension_are_refused_meanwhile(db):
    ids = three_messages(db)
    vectors.reindex(db, "other", 4)
    with pytest.raises(WrongVectors, match="shape"):
        embed_old = np.stack([vector(1)])
        vectors.put(db, "message", ids[:1], embed_old)
    with pytest.raises(WrongVectors, match="shape"):
        vectors.nearest(db, "message", vector(1), 3)


def test_a_reindex_tells_how_far_it_is(db):
    ids = three_messages(db)
    vectors.reindex(db, "other", 4)
    put_new(db, ids[0])
    far = vectors.reindexing(db)

    assert ("test-embedder", "other", 1, 3) == (far.old, far.new, far.done, far.total)


def test_what_is_forgotten_meanwhile_is_in_neither(db):
    memory = memories.add(db, "The user lives in Ghent.", told_on=DAY, sources=[])
    embed(db, "memory", [memory.id], vector(1))
    vectors.reindex(db, "other", 4)
    vectors.put(db, "memory", [memory.id], NEW[np.newaxis])
    report = memories.forget(db, [memory.id])

    assert 2 == report.vectors
    assert (
        0 == db.execute("select (select count(*) from vectors) + (select count(*) from coming_vectors)").get
    )


def test_a_reindex_of_an_empty_store_is_none(db):
    vectors.prepare(db, "first", 4)
    vectors.reindex(db, "other", 4)

    assert None is vectors.reindexing(db)
    vectors.prepare(db, "other", 4)


def test_an_embedder_is_expected_by_its_name_before_it_has_told_its_dimension(db):
    assert not vectors.expect(db, "any")
    three_messages(db)

    assert vectors.expect(db, "test-embedder")
    assert DIMENSION == vectors.searched(db).dimension
    with pytest.raises(EmbedderClash, match="embedder 'another': the store .* 'test-embedder' .*--reindex"):
        vectors.expect(db, "another")


def test_a_reindex_under_way_goes_on_or_is_given_up_by_name_alone(db):
    three_messages(db)
    vectors.reindex(db, "other", 4)

    assert vectors.expect(db, "other")
    assert "other" == vectors.searched(db).embedder
    assert vectors.expect(db, "test-embedder")
    assert (None, "test-embedder") == (vectors.reindexing(db), vectors.searched(db).embedder)
