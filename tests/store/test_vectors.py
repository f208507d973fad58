import numpy as np
import pytest

from store import memories, vectors
from store.errors import EmbedderClash, NoEmbedder, WrongVectors
from tests.store.sample import DAY, DIMENSION, embed, later, say, vector


def three_messages(db):
    found = [say(db, text, at=later(days=n)).id for n, text in enumerate(["one", "two", "three"])]
    embed(db, "message", found, vector(1), vector(1, 1), vector(0, 1))
    return found


def test_the_nearest_come_first_with_their_cosine_distance(db):
    one, two, three = three_messages(db)
    found = vectors.nearest(db, "message", vector(1, 0.1) * np.float32(7), 3)

    assert [id for id, _ in found] == [one, two, three]
    assert found[0][1] == pytest.approx(0.005, abs=0.001)
    assert dict(vectors.nearest(db, "message", vector(1), 2)) == pytest.approx({one: 0, two: 1 - 0.5**0.5})


@pytest.mark.parametrize("k", [-1, 0])
def test_no_neighbours_are_no_neighbours(db, k):
    three_messages(db)

    assert vectors.nearest(db, "message", vector(1), k) == []


def test_any_number_of_neighbours_may_be_asked_for(db):
    three_messages(db)

    assert len(vectors.nearest(db, "message", vector(1), 1_000_000)) == 3


def test_memories_and_messages_do_not_mix(db):
    three_messages(db)
    memory = memories.add(db, "The user lives in Ghent.", told_on=DAY, sources=[])
    embed(db, "memory", [memory.id], vector(1))

    assert [id for id, _ in vectors.nearest(db, "memory", vector(1), 9)] == [memory.id]


def test_what_has_no_vector_is_missing(db):
    first = say(db, "one", "two")
    say(db, " ", at=later(days=1))
    vectors.prepare(db, "test-embedder", DIMENSION)

    assert vectors.missing(db, "message") == [first.id, first.id + 1]
    embed(db, "message", [first.id], vector(1))
    assert vectors.missing(db, "message") == [first.id + 1]


def test_a_vector_may_be_replaced(db):
    one, *_ = three_messages(db)
    embed(db, "message", [one], vector(0, 0, 1))

    assert dict(vectors.nearest(db, "message", vector(0, 0, 1), 1)) == pytest.approx({one: 0}, abs=1e-6)
    assert len(vectors.nearest(db, "message", vector(1), 9)) == 3


def test_vectors_of_what_was_forgotten_or_superseded_meanwhile_are_passed_over(db):
    source = say(db, "I live in Ghent")
    old = memories.add(db, "The user lives in Ghent.", told_on=DAY, sources=[])
    new = memories.reconcile(db, old, "The user lives in Oslo.", told_on=DAY, sources=[source.id])
    memories.forget(db, [new.id])
    embed(db, "message", [source.id, 99], vector(1), vector(1))
    embed(db, "memory", [old.id, new.id], vector(1), vector(1))

    assert db.execute("select count(*) from vectors").get == 0
    assert vectors.missing(db, "message") == []


def test_another_embedder_is_refused_while_vectors_are_held(db):
    three_messages(db)
    for name, dimension in (("other", DIMENSION), ("test-embedder", 4)):
        with pytest.raises(EmbedderClash, match="--reindex") as caught:
            vectors.prepare(db, name, dimension)
        assert "'test-embedder'" in str(caught.value)

    assert len(vectors.nearest(db, "message", vector(1), 9)) == 3


def test_another_embedder_is_welcome_while_nothing_is_embedded(db):
    vectors.prepare(db, "first", DIMENSION)
    vectors.prepare(db, "second", 4)
    vectors.put(db, "message", [say(db, "hi").id], np.ones((1, 4), dtype=np.float32))

    assert len(vectors.nearest(db, "message", np.ones(4, dtype=np.float32), 1)) == 1


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
