"""The queue: one runner at a time, and what happens when that one is late, fails or is killed."""

import pytest

from store import jobs
from store.errors import LeaseLost
from tests.store.sample import NOON, later


def claim(db, now=NOON, **more):
    return jobs.claim(db, "night", now=now, **{"lease_s": 60, **more})


@pytest.fixture
def job(db):
    """A night's job, claimed at noon for a minute."""
    jobs.enqueue(db, "night", {"night": "2026-03-05"}, unique="night")
    return claim(db)


def test_the_oldest_job_of_a_kind_is_claimed_first_and_by_one_only(db):
    one = jobs.enqueue(db, "observe", {"chat": 1})
    two = jobs.enqueue(db, "observe", {"chat": 2})
    jobs.enqueue(db, "night", {})
    claimed = [jobs.claim(db, "observe", now=NOON, lease_s=60) for _ in range(3)]

    assert [job and job.id for job in claimed] == [one.id, two.id, None]
    assert (one.state, one.attempts, one.payload) == ("waiting", 0, {"chat": 1})
    assert (claimed[0].state, claimed[0].attempts) == ("running", 1)
    assert claimed[0].lease_until == later(seconds=60)


def test_one_unfinished_job_of_a_name_is_enough(db):
    one = jobs.enqueue(db, "night", {}, unique="tonight")
    assert jobs.enqueue(db, "night", {"other": 1}, unique="tonight") == one
    assert jobs.enqueue(db, "observe", {}, unique="tonight").id != one.id
    running = claim(db)
    assert jobs.enqueue(db, "night", {}, unique="tonight") == running
    jobs.finish(db, running)

    assert jobs.enqueue(db, "night", {}, unique="tonight").id != one.id


LATE = [
    pytest.param(lambda db, job: jobs.finish(db, job), id="finish"),
    pytest.param(lambda db, job: jobs.fail(db, job, "late", retry_at=None), id="fail"),
    pytest.param(lambda db, job: jobs.renew(db, job, now=later(seconds=61), lease_s=60), id="renew"),
    pytest.param(lambda db, job: jobs.put_back(db, job, run_at=NOON), id="put back"),
    pytest.param(lambda db, job: jobs.note(db, job, {"after": 1}), id="note"),
]


@pytest.mark.parametrize("report", LATE)
def test_a_job_whose_lease_ran_out_is_claimed_again_and_its_first_runner_has_lost_it(db, job, report):
    assert claim(db, later(seconds=59)) is None
    second = claim(db, later(seconds=60))
    with pytest.raises(LeaseLost):
        report(db, job)

    assert (second.id, second.attempts) == (job.id, 2)
    assert jobs.finish(db, second).state == "done"
    with pytest.raises(LeaseLost):
        jobs.finish(db, second)


def test_a_renewed_lease_lasts_longer(db, job):
    renewed = jobs.renew(db, job, now=later(seconds=50), lease_s=60)

    assert renewed.lease_until == later(seconds=110)
    assert claim(db, later(seconds=100)) is None


def test_a_failed_job_waits_for_its_retry_and_keeps_its_error(db, job):
    waiting = jobs.fail(db, job, "no memory left", retry_at=later(hours=1))

    assert (waiting.state, waiting.error, waiting.lease_until) == ("waiting", "no memory left", None)
    assert claim(db, later(minutes=59)) is None
    again = claim(db, later(hours=1))
    assert (again.id, again.attempts, again.error) == (job.id, 2, "no memory left")
    assert jobs.fail(db, again, "no memory left", retry_at=None).state == "failed"
    assert claim(db, later(days=9)) is None


def test_after_a_crash_running_jobs_wait_again_with_what_was_noted(db, job):
    jobs.note(db, job, {"after": 1})
    jobs.note(db, job, {"night": "2026-03-06"})

    assert jobs.recover(db) == 1
    again = claim(db, later(seconds=1))
    assert (2, {"night": "2026-03-06", "after": 1}) == (again.attempts, again.payload)
    with pytest.raises(LeaseLost):
        jobs.finish(db, job)


def test_the_latest_job_of_a_kind_is_found_also_by_a_key_of_its_payload(db):
    assert jobs.latest(db, "night") is None
    first = jobs.enqueue(db, "night", {"night": "2026-03-05"})
    newest = jobs.enqueue(db, "night", {"seed": 3})

    assert jobs.latest(db, "night") == newest
    assert first.id == jobs.latest(db, "night", having="night").id
    assert jobs.latest(db, "night", having="recipe") is None


def test_a_job_that_is_put_back_waits_and_the_attempt_does_not_count(db, job):
    waiting = jobs.put_back(db, job, run_at=later(minutes=1))

    assert ("waiting", 0, None) == (waiting.state, waiting.attempts, waiting.error)
    assert claim(db, later(seconds=59)) is None
    assert 1 == claim(db, later(minutes=1)).attempts


def test_an_order_is_due_at_once_whatever_a_waiting_job_was_told(db, job):
    failed = jobs.fail(db, job, "no memory left", retry_at=later(hours=1))
    ordered = jobs.order(db, "night", {"seed": 3}, unique="night")

    assert (failed.id, {"night": "2026-03-05", "seed": 3}) == (ordered.id, ordered.payload)
    running = claim(db)
    again = jobs.order(db, "night", {"seed": 4}, unique="night")  # for its next attempt
    assert (running.id, "running", running.attempts) == (again.id, again.state, again.attempts)
    assert 4 == again.payload["seed"]


def test_a_wait_longer_than_any_is_a_wrong_clocks_and_not_waited_for(db, job):
    """The clock stood in the next year when the job failed."""
    jobs.fail(db, job, "no", retry_at=later(days=365))

    assert claim(db, longest_wait_s=366 * 86_400.0) is None
    assert claim(db, longest_wait_s=7200.0) is not None


def test_a_night_is_over_when_its_job_is_done_or_given_up(db):
    for day in ("2026-03-04", "2026-03-05", "2026-03-06"):
        jobs.enqueue(db, "night", {"night": day})
    jobs.finish(db, claim(db))
    jobs.fail(db, claim(db), "no", retry_at=None)
    claim(db)
    jobs.enqueue(db, "tend", {"night": "2026-03-06"})
    days = [f"2026-03-0{day}" for day in range(3, 8)]

    assert [False, True, True, False, False] == [jobs.is_over(db, "night", "night", day) for day in days]
