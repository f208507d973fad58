"""`tsubasa night`: whose report it shows, the reports of past nights, and one whose memories were forgotten since."""

import json

import pytest

from daemon.cli.night import report_of, why_none
from daemon.errors import Refused
from store import memories
from tests.daemon.api.world import nothing
from tests.daemon.cli.commands import typed, unwrapped
from tests.daemon.cli.test_generations import four

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
    assert why_none(changed(last=None))


async def test_the_morning_report_tells_each_section(tmp_path):
    (told,) = await typed(tmp_path, four, ["night", "report", "2"])
    parts = ["Night 2", "generation 2 is live", "called Rex.", "[Ghent]", "it changes every day", "900 MB"]
    parts += ["asked Question 1? said Rex. right The user lives in [Ghent]."]

    assert [] == [part for part in parts if part not in unwrapped(told)]
    assert max(map(len, told.splitlines())) <= 80


async def test_the_latest_report_and_the_list_come_as_one_line_of_json(tmp_path):
    latest, listed, table = await typed(
        tmp_path, four, ["night", "report", "--json"], ["night", "list", "--json"], ["night", "list"]
    )

    assert ("\n", 1) == (latest[-1], latest.count("\n"))
    assert (4, "adopted") == (json.loads(latest)["night"], json.loads(latest)["outcome"])
    assert [4, 3, 2, 1] == [one["night"] for one in json.loads(listed)["nights"]]
    rows = [line.split() for line in table.splitlines() if line[:1].isdigit()]
    assert [["4", "adopted", "4"], ["3", "refused", "3"]] == [[row[0], *row[3:5]] for row in rows[:2]]


async def test_before_the_first_night_there_is_no_report(tmp_path):
    listed, latest, seventh = await typed(
        tmp_path, nothing, ["night", "list"], ["night", "report"], ["night", "report", "7"], catch=Refused
    )

    assert "There was no night yet" in listed
    assert "no night yet" in latest and "no night 7" in seventh


async def test_a_night_whose_generation_learned_what_was_forgotten_says_what_answers_now(tmp_path):
    async def tainted(world):
        await four(world)
        await world.store_thread.run(memories.forget, [1, 2])

    report, listed = await typed(tmp_path, tainted, ["night", "report", "2"], ["night", "list", "--json"])
    report, (night,) = unwrapped(report), [one for one in json.loads(listed)["nights"] if one["night"] == 2]

    assert "generation 2 no longer answers" in report and "is live" not in report
    assert "forgotten since, so it answers no more; now the base model answers" in report
    assert "it knows 2 things" in report and "it knows 2 things" == night["reason"]


async def test_what_a_night_would_cost_is_said_before_it(tmp_path):
    async def knows(world):
        await world.http.post("/tsubasa/memories", json={"text": "The user has a dog."})

    (empty,) = await typed(tmp_path / "empty", nothing, ["night", "--estimate"])
    said, as_json = await typed(
        tmp_path / "one", knows, ["night", "--estimate"], ["night", "--estimate", "--json"]
    )

    assert "nothing to learn" in empty
    assert "no memory has its lessons yet" in unwrapped(said).lower()
    assert (1, 5 * 3600) == tuple(json.loads(as_json)[key] for key in ("to_study", "hours_s"))
