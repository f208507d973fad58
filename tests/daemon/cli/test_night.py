import pytest

from daemon.cli.night import report_of, why_none

DONE = {"job": {"id": 7, "state": "done", "error": None}, "last": {"job": 7, "adopted": True}}


def changed(*, last=DONE["last"], **job):
    return {"job": DONE["job"] | job, "last": last}


def test_a_night_that_is_done_has_its_report():
    assert DONE["last"] == report_of(DONE, 7)


@pytest.mark.parametrize(
    "ended",
    [
        changed(state="waiting", error="the trainer was killed"),
        changed(state="failed"),
        changed(last={"job": 6, "adopted": True}),
        changed(last=None),
        changed(id=8),
    ],
)
def test_the_report_of_another_night_is_not_taken_for_that_of_a_failed_one(ended):
    assert report_of(ended, 7) is None


def test_a_failed_night_tells_why():
    assert "killed" == why_none(changed(state="waiting", error="killed"))
    assert "restarted" in why_none(changed(last=None))
