"""The end that the page asks for: nothing is deleted but for the words that somebody typed."""

import pytest

from tests.daemon.api.world import serving


@pytest.mark.parametrize("typed", ["", "yes", "delete", "delete everything please"])
async def test_other_words_delete_nothing(tmp_path, typed):
    async with serving(tmp_path) as world:
        refused = await world.http.post("/tsubasa/delete-everything", json={"typed": typed})
        after = world.services.ending.after

    assert (400, "") == (refused.status_code, after)


async def test_the_words_end_the_daemon_and_say_what_comes_after(tmp_path):
    async with serving(tmp_path) as world:
        ended = []
        world.services.ending.leave = lambda: ended.append(True)
        done = await world.http.post("/tsubasa/delete-everything", json={"typed": " Delete  Everything "})
        after = world.services.ending.after

    assert (200, "delete") == (done.status_code, after)
