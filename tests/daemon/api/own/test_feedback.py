"""What the user thinks of an answer is kept with it, shown in the audit, and goes with it; nothing else takes note."""

import pytest

from tests.daemon.api.world import GHENT, serving
from tests.daemon.cli.commands import typed


@pytest.fixture
async def world(tmp_path):
    async with serving(tmp_path) as world:
        await world.chat("Where is Ghent?")
        yield world


async def give(world, message=2, **body):
    return await world.http.post(f"/tsubasa/messages/{message}/feedback", json=body)


async def audited(world):
    return [
        (one["message_id"], one["kind"], one["thumb"], one["correction"], one["answer"])
        for one in (await world.http.get("/tsubasa/memories/audit")).json()["feedback"]
    ]


async def test_a_thumb_and_a_correction_stand_with_the_answer_and_in_the_audit(world):
    await give(world, thumb="up")
    first = await audited(world)
    given = (await give(world, thumb="down", correction=" Shorter, please. ")).json()["feedback"]
    message = (await world.http.get("/tsubasa/chats/1")).json()["messages"][1]

    assert [(2, "preference", 1, "", "Hello.")] == first
    assert [(2, "style", -1, "Shorter, please.", "Hello.")] == await audited(world)
    assert given == message["feedback"]


async def test_it_is_no_memory_and_nothing_is_taught_of_it(world):
    await give(world, thumb="down", correction="I live in Ghent, you know.")
    memories = (await world.http.get("/tsubasa/memories")).json()["memories"]

    assert ([], [(0,)]) == (memories, await world.rows("select count(*) from lessons"))


async def test_it_is_taken_back(world):
    await give(world, thumb="up")
    gone = (await give(world)).json()["feedback"]

    assert (None, []) == (gone, await audited(world))


async def test_it_goes_with_the_answer_and_with_what_is_forgotten_in_its_words(world):
    await world.chat("And the sea?")
    await give(world, 2, thumb="up")
    await give(world, 4, thumb="down", correction=f"You should know: {GHENT}")
    await world.remember(GHENT, 1)
    await world.http.post("/tsubasa/forget", json={"memories": [1]})

    assert [] == await audited(world)


@pytest.mark.parametrize(
    ("message", "body", "status"),
    [(1, {"thumb": "up"}, 400), (99, {"thumb": "up"}, 404), (2, {"thumb": "sideways"}, 400)],
)
async def test_what_can_be_given_no_thumb_is_refused(world, message, body, status):
    assert status == (await give(world, message, **body)).status_code


async def test_the_command_line_shows_it_in_the_audit(tmp_path):
    async def prepare(world):
        await world.chat("hi")
        await give(world, thumb="down", correction="Greet me by name.")

    (shown,) = await typed(tmp_path / "home", prepare, ["memories", "audit"])

    assert ("Greet me by name." in shown, "down" in shown) == (True, True)
