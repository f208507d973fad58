"""`tsubasa night report` after a forgetting, and what it says of the exam."""

import json

from store import memories
from tests.daemon.cli.test_generations import four
from tests.daemon.cli.test_memories import typed


def test_a_night_whose_generation_learned_what_was_forgotten_says_what_it_did_and_what_answers_now(tmp_path):
    async def tainted(world):
        await four(world)
        await world.store_thread.run(memories.forget, [1, 2])

    report, listed = (
        " ".join(told.split())
        for told in typed(tmp_path, tainted, ["night", "report", "2"], ["night", "list", "--json"])
    )

    assert "generation 2 no longer answers" in report and "is live" not in report
    assert "it knows 2 things" in report
    assert "forgotten since, so it answers no more; now the base model answers" in report
    assert ["it knows 2 things"] == [
        one["reason"] for one in json.loads(listed)["nights"] if one["night"] == 2
    ]


def test_a_report_shows_what_was_said_beside_what_is_right(tmp_path):
    (told,) = typed(tmp_path, four, ["night", "report", "2"])

    assert "asked Question 1? said Rex. right The user lives in [Ghent]." in " ".join(told.split())
