from datetime import UTC, datetime

import pytest

from store import memories, nights
from store.errors import NotFound
from store.nights import Forgotten
from tests.store.sample import candidate, remember


def test_a_night_is_recorded_from_its_beginning_to_its_end(db):
    made = candidate(db)
    begun = nights.begin(db, job_id=7, was_live=0)
    numbers = {"learned": [1, 2], "waiting": {"just contradicted": [3]}, "train_s": 0.5, "swap_ms": None}
    ended = nights.end(db, begun.id, "adopted", generation_id=made.id, backend="torch, cpu", numbers=numbers)

    assert ("running", None, 7) == (begun.outcome, begun.ended_at, begun.job_id)
    assert ("adopted", 1) == (ended.outcome, ended.generation_id)
    assert ("torch, cpu", numbers) == (ended.backend, ended.numbers)
    assert begun.began_at <= ended.ended_at <= datetime.now(UTC)
    assert (ended, [ended], ended) == (nights.get(db, 1), nights.newest(db, 5), nights.made(db, made.id))


@pytest.mark.parametrize("numbers", [{"a": "Ghent"}, {"a": ["Ghent"]}, {"a": {"b": ("Ghent",)}}])
def test_no_text_gets_into_a_record(db, numbers):
    begun = nights.begin(db, job_id=None, was_live=0)
    with pytest.raises(ValueError, match="ids and numbers only"):
        nights.end(db, begun.id, "adopted", numbers=numbers)

    assert "running" == nights.get(db, begun.id).outcome


def test_a_night_that_was_killed_is_found_by_the_next_start_and_by_the_next_night(db):
    nights.begin(db, job_id=1, was_live=0)
    assert (1, 0) == (nights.recover(db), nights.recover(db))
    nights.begin(db, job_id=1, was_live=0)
    nights.begin(db, job_id=1, was_live=0)

    assert ["running", "interrupted", "interrupted"] == [one.outcome for one in nights.newest(db, 9)]
    assert [None, None, None] == [one.ended_at for one in nights.newest(db, 9)]


def test_what_was_decided_stays_whatever_fails_afterwards(db):
    begun = nights.begin(db, job_id=1, was_live=0)
    nights.end(db, begun.id, "adopted", numbers={"learned": [1]})
    for outcome in ("failed", "interrupted"):
        nights.end(db, begun.id, outcome)
    nights.recover(db)
    later = nights.end(db, begun.id, "adopted", numbers={"learned": [1], "swap_ms": 0.1})

    assert ("adopted", {"learned": [1], "swap_ms": 0.1}) == (later.outcome, later.numbers)


def test_the_last_night_that_was_adopted_is_found(db):
    for outcome in ("adopted", "refused", "failed", "nothing"):
        nights.end(db, nights.begin(db, job_id=1, was_live=0).id, outcome)
    last = nights.begin(db, job_id=1, was_live=0)

    assert 1 == nights.adopted_before(db, last).id
    assert nights.adopted_before(db, nights.get(db, 1)) is None


def test_how_much_was_forgotten_is_counted_by_when_it_was(db):
    before = datetime.now(UTC)
    for text in ("The user lives in Ghent.", "The user has a dog."):
        memories.forget(db, [remember(db, text).id])
    after = datetime.now(UTC)

    assert Forgotten(memories=2) == nights.forgotten_between(db, None, after)
    assert Forgotten(memories=2) == nights.forgotten_between(db, before, after)
    assert Forgotten() == nights.forgotten_between(db, after, datetime.now(UTC))


@pytest.mark.parametrize("outcome", ["running", "won"])
def test_a_night_ends_in_a_known_way_and_one_that_never_was_is_an_error(db, outcome):
    with pytest.raises(ValueError, match=outcome):
        nights.end(db, nights.begin(db, job_id=1, was_live=0).id, outcome)
    with pytest.raises(NotFound, match="night 9"):
        nights.get(db, 9)
