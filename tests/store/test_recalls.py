from store import memories, recalls
from store.recalls import Recalls
from tests.store.sample import DAY, NOON, later


def test_recalls_are_counted_with_the_last_time(db):
    one, two = (memories.add(db, text, told_on=DAY, sources=[]) for text in ("one", "two"))
    recalls.count(db, [one.id, two.id], at=later(days=1))
    recalls.count(db, [one.id, 99], at=NOON)

    expected = {one.id: Recalls(n=2, last_at=later(days=1)), two.id: Recalls(n=1, last_at=later(days=1))}
    assert expected == recalls.counted(db)
    assert {two.id: expected[two.id]} == recalls.counted(db, [two.id, 99])
    assert {} == recalls.counted(db, [])


def test_the_count_of_a_forgotten_memory_is_gone(db):
    memory = memories.add(db, "The user lives in Ghent.", told_on=DAY, sources=[])
    recalls.count(db, [memory.id], at=NOON)
    memories.forget(db, [memory.id])

    assert {} == recalls.counted(db)
