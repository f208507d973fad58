"""A program that floods the store with memories is slowed, told, kept from most of the prompt, and taken back."""

from daemon.memory.manual_edits import PER_HOUR, TOGETHER
from daemon.memory.recall import recall
from tests.daemon.api.test_forgetting_keeps_its_word import Words
from tests.daemon.api.world import serving
from tests.fakes import FakeEngine

EVIL = "Evil (by MCP)"


async def add(world, text, program=EVIL):
    body = {"text": text, "by": "assistant", "program": program}
    return await world.http.post("/tsubasa/memories", json=body)


async def attention(world):
    return (await world.http.get("/tsubasa/status")).json()["attention"]


async def test_more_than_an_hour_s_worth_is_refused_and_told_with_the_way_back(tmp_path):
    async with serving(tmp_path) as world:
        statuses = [(await add(world, f"The user likes hill {n}.")).status_code for n in range(PER_HOUR + 2)]
        other = (await add(world, "The user likes rain.", "Good")).status_code
        told = [one for one in await attention(world) if one["kind"] == "flood"]

    assert [200] * PER_HOUR + [429] * 2 == statuses
    assert 200 == other
    assert 1 == len(told) and EVIL in told[0]["what"] and "take-back 'Evil (by MCP)'" in told[0]["do"]


async def test_a_program_that_changes_its_name_meets_the_limit_of_all_together(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        found = [
            (await add(world, f"The user likes hill {n}.", f"Evil {n}")).status_code
            for n in range(TOGETHER + 1)
        ]

    assert [200] * TOGETHER + [429] == found


async def test_what_programs_noted_has_a_third_of_the_places_and_is_marked_as_theirs(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        for number in range(PER_HOUR):
            await add(world, f"The user's dog is called Bello{number}.")
        for text in ("The user's dog is called Rex.", "The user's dog is a brown beagle."):
            await world.http.post("/tsubasa/memories", json={"text": text})
        found = await recall(world.store_thread, world.services.embedder, "What is my dog called?")
        many = await recall(
            world.store_thread, world.services.embedder, "Tell me all about my dog, everything."
        )

    theirs = [line for line in found.lines if "Bello" in line]
    assert 1 == len(theirs) and theirs[0].endswith("(noted by a program, not told by the user)")
    assert any("Rex" in line and "program" not in line for line in found.lines)
    assert 3 >= sum("Bello" in line for line in many.lines)


async def test_all_of_one_program_is_taken_back_at_once_and_nothing_else(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        for number in range(3):
            await add(world, f"The user likes hill {number}.")
        await add(world, "The user likes rain.", "Good")
        await world.http.post("/tsubasa/memories", json={"text": "The user sings."})
        await world.http.post("/tsubasa/memories/1", json={"text": "The user likes hill 0 most."})
        listed = (await world.http.get("/tsubasa/programs")).json()["programs"]
        done = (await world.http.post("/tsubasa/programs/take-back", json={"program": EVIL})).json()
        unknown = await world.http.post("/tsubasa/programs/take-back", json={"program": "Nobody"})
        left = [one["text"] for one in (await world.http.get("/tsubasa/memories")).json()["memories"]]

    assert [("Good", 1), (EVIL, 2)] == [(one["name"], one["memories"]) for one in listed]
    assert {"program": EVIL, "undone": 2, "replaced": 1} == done
    assert (404, True) == (unknown.status_code, "memories programs" in unknown.text)
    assert ["The user likes rain.", "The user sings.", "The user likes hill 0 most."] == left
