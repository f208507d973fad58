import pytest

from store import jobs
from store.errors import LeaseLost
from tests.store.sample import NOON, later


def test_the_oldest_job_of_a_kind_is_claimed_first_and_by_one_only(db):
    one = jobs.enqueue(db, "observe", {"chat": 1})
    two = jobs.enqueue(db, "observe", {"chat": 2})
    jobs.enqueue(db, "night", {})
    claimed = [jobs.claim(db, "observe", now=NOON, lease_s=60) for _ in range(3)]

    assert [job and job.id for job in claimed] == [one.id, two.id, None]
    assert (one.state, one.attempts, one.payload) == ("waiting", 0, {"chat": 1})
    assert (claimed[0].state, claimed[0].attempts, claimed[0].lease_until) == (
        "running",
        1,
        later(seconds=60),
    )


def test_one_unfinished_job_of_a_name_is_enough(db):
    one = jobs.enqueue(db, "night", {}, unique="tonight")
    assert jobs.enqueue(db, "night", {"other": 1}, unique="tonight") == one
    assert jobs.enqueue(db, "observe", {}, unique="tonight").id != one.id
    running = jobs.claim(db, "night", now=NOON, lease_s=60)
    assert jobs.enqueue(db, "night", {}, unique="tonight") == running
    jobs.finish(db, running)

    assert jobs.enqueue(db, "night", {}, unique="tonight").id != one.id


def test_a_job_whose_lease_ran_out_is_claimed_again_and_its_first_runner_has_lost_it(db):
    jobs.enqueue(db, "night", {})
    first = jobs.claim(db, "night", now=NOON, lease_s=60)
    assert jobs.claim(db, "night", now=later(seconds=59), lease_s=60) is None
    second = jobs.claim(db, "night", now=later(seconds=60), lease_s=60)

    assert (second.id, second.attempts) == (first.id, 2)
    for report in (
        lambda: jobs.finish(db, first),
        lambda: jobs.fail(db, first, "late", retry_at=None),
        lambda: jobs.renew(db, first, now=later(seconds=61), lease_s=60),
    ):
        with pytest.raises(LeaseLost):
            report()
    assert jobs.finish(db, second).state == "done"


def test_a_renewed_lease_lasts_longer(db):
    jobs.enqueue(db, "night", {})
    job = jobs.claim(db, "night", now=NOON, lease_s=60)
    renewed = jobs.renew(db, job, now=later(seconds=50), lease_s=60)

    assert renewed.lease_until == later(seconds=110)
    assert jobs.claim(db, "night", now=later(seconds=100), lease_s=60) is None


def test_a_failed_job_waits_for_its_retry_and_keeps_its_error(db):
    jobs.enqueue(db, "night", {})
    job = jobs.claim(db, "night", now=NOON, lease_s=60)
    waiting = jobs.fail(db, job, "no memory left", retry_at=later(hours=1))

    assert (waiting.state, waiting.error, waiting.lease_until) == ("waiting", "no memory left", None)
    assert jobs.claim(db, "night", now=later(minutes=59), lease_s=60) is None
    again = jobs.claim(db, "night", now=later(hours=1), lease_s=60)
    assert (again.id, again.attempts, again.error) == (job.id, 2, "no memory left")
    assert jobs.fail(db, again, "no memory left", retry_at=None).state == "failed"
    assert jobs.claim(db, "night", now=later(days=9), lease_s=60) is None


def test_a_job_is_finished_once(db):
    jobs.enqueue(db, "night", {})
    job = jobs.claim(db, "night", now=NOON, lease_s=60)
    jobs.finish(db, job)
    with pytest.raises(LeaseLost):
        jobs.finish(db, job)


def test_after_a_crash_running_jobs_wait_again(db):
    jobs.enqueue(db, "night", {})
    lost = jobs.claim(db, "night", now=NOON, lease_s=3600)

    assert jobs.recover(db) == 1
    assert jobs.claim(db, "night", now=later(seconds=1), lease_s=60).attempts == 2
    with pytest.raises(LeaseLost):
        jobs.finish(db, lost)


def test_the_latest_job_of_a_kind_is_told(db):
    assert jobs.latest(db, "night") is None
    jobs.enqueue(db, "night", {"n": 1})
    newest = jobs.enqueue(db, "night", {"n": 2})

    assert jobs.latest(db, "night") == newest


def test_the_latest_job_can_be_asked_for_by_a_key_of_its_payload(db):
    first = jobs.enqueue(db, "night", {"night": "2026-03-05"})
    jobs.enqueue(db, "night", {"seed": 3})

    assert first.id == jobs.latest(db, "night", having="night").id
    assert jobs.latest(db, "night", having="recipe") is None


def test_a_job_that_is_put_back_waits_and_the_attempt_does_not_count(db):
    jobs.enqueue(db, "night", {})
    waiting = jobs.put_back(db, jobs.claim(db, "night", now=NOON, lease_s=60), run_at=later(minutes=1))

    assert ("waiting", 0, None) == (waiting.state, waiting.attempts, waiting.error)
    assert jobs.claim(db, "night", now=later(seconds=59), lease_s=60) is None
    assert 1 == jobs.claim(db, "night", now=later(minutes=1), lease_s=60).attempts


def test_who_has_lost_a_job_can_not_put_it_back_or_note_anything(db):
    jobs.enqueue(db, "night", {})
    first = jobs.claim(db, "night", now=NOON, lease_s=60)
    jobs.claim(db, "night", now=later(minutes=2), lease_s=60)

    for report in (lambda: jobs.put_back(db, first, run_at=NOON), lambda: jobs.note(db, first, {"after": 1})):
        with pytest.raises(LeaseLost):
            report()


def test_what_is_noted_with_a_job_is_there_at_its_next_attempt(db):
    jobs.enqueue(db, "night", {"night": "2026-03-05"})
    job = jobs.claim(db, "night", now=NOON, lease_s=60)
    jobs.note(db, job, {"after": 1})
    jobs.note(db, job, {"night": "2026-03-06"})
    jobs.recover(db)

    assert {"night": "2026-03-06", "after": 1} == jobs.claim(db, "night", now=NOON, lease_s=60).payload


def test_an_order_is_due_at_once_whatever_a_waiting_job_was_told(db):
    jobs.enqueue(db, "night", {"night": "2026-03-05"}, unique="night")
    failed = jobs.fail(
        db, jobs.claim(db, "night", now=NOON, lease_s=60), "no memory left", retry_at=later(hours=1)
    )
    ordered = jobs.order(db, "night", {"seed": 3}, unique="night")

    assert (failed.id, {"night": "2026-03-05", "seed": 3}) == (ordered.id, ordered.payload)
    running = jobs.claim(db, "night", now=NOON, lease_s=60)
    again = jobs.order(db, "night", {"seed": 4}, unique="night")  # for its next attempt
    assert (running.id, "running", running.attempts) == (again.id, again.state, again.attempts)
    assert 4 == again.payload["seed"]


def test_a_wait_longer_than_any_is_a_wrong_clocks_and_not_waited_for(db):
    """The clock stood in the next year when the job failed."""
    jobs.enqueue(db, "night", {})
    jobs.fail(db, jobs.claim(db, "night", now=NOON, lease_s=60), "no", retry_at=later(days=365))

    assert jobs.claim(db, "night", now=NOON, lease_s=60, longest_wait_s=366 * 86_400.0) is None
    assert jobs.claim(db, "night", now=NOON, lease_s=60, longest_wait_s=7200.0) is not None


def test_a_night_is_over_when_its_job_is_done_or_given_up(db):
    for day, end in (("2026-03-04", "done"), ("2026-03-05", "failed"), ("2026-03-06", None)):
        jobs.enqueue(db, "night", {"night": day})
        job = jobs.claim(db, "night", now=NOON, lease_s=60)
        if end == "done":
            jobs.finish(db, job)
        elif end == "failed":
            jobs.fail(db, job, "no", retry_at=None)
    jobs.enqueue(db, "tend", {"night": "2026-03-06"})

    days = [f"2026-03-0{day}" for day in range(3, 8)]
    assert [False, True, True, False, False] == [jobs.is_over(db, "night", "night", day) for day in days]
