"""What waits for the user's word is no memory until it is accepted, and goes with what is forgotten."""

from datetime import UTC, datetime

from store import memories, proposals
from tests.daemon.api.world import DAY, GHENT, OSLO, serving
from tests.daemon.cli.commands import typed

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


async def wait(world, *texts, sources=(), origin=""):
    def put(db):
        more = {"day": DAY, "told_on": DAY, "trust": "user", "sources": sources, "origin": origin, "at": NOW}
        return [proposals.put(db, text, **more) for text in texts]

    return await world.store_thread.run(put)


async def listed(world):
    return [one["text"] for one in (await world.http.get("/tsubasa/proposals")).json()["proposals"]]


async def held(world):
    return [one.text for one in await world.store_thread.run(memories.holding)]


async def test_what_waits_is_neither_listed_nor_recalled_until_it_is_accepted(tmp_path):
    async with serving(tmp_path) as world:
        await world.chat("I moved to Oslo.")
        (number,) = await wait(world, OSLO, sources=[1])
        asked = {
            "model": "tsubasa",
            "messages": [{"role": "user", "content": "Where does the user live in Oslo?"}],
        }
        before = (await world.http.post("/v1/chat/completions", json=asked)).json()["tsubasa"]["memories"]
        count = (await world.http.get("/tsubasa/status")).json()["proposals"]
        done = (await world.http.post("/tsubasa/proposals", json={"accept": [number, 99]})).json()
        sources = (await world.http.get("/tsubasa/memories/1")).json()["messages"]

        assert ([], 1) == (before, count)
        assert ([{"proposal": 1, "op": "ADD", "memory": 1, "by": "code"}], [99]) == (
            done["accepted"],
            done["missing"],
        )
        assert ([OSLO], [], ["I moved to Oslo."]) == (
            await held(world),
            await listed(world),
            [one["text"] for one in sources],
        )


async def test_what_was_refused_is_not_proposed_again_by_the_same_message(tmp_path):
    async with serving(tmp_path) as world:
        await world.chat("I moved to Oslo.")
        await world.chat("Oslo is my home.")
        (number,) = await wait(world, OSLO, sources=[1])
        await world.http.post("/tsubasa/proposals", json={"refuse": [number]})
        again = await wait(world, OSLO, sources=[1])
        anew = await wait(world, OSLO, sources=[3])
        twice = await wait(world, OSLO, sources=[3])

        assert ([None], [2], [None]) == (again, anew, twice)
        assert ([OSLO], []) == (await listed(world), await held(world))


async def test_it_goes_with_the_message_that_told_it_and_with_its_words(tmp_path):
    async with serving(tmp_path) as world:
        await world.chat("I moved from Ghent to Oslo.")
        await world.remember(GHENT, 1)
        await wait(world, OSLO, sources=[1])
        await wait(world, f"Once more: {GHENT}", "The user has a dog.")
        await world.http.post("/tsubasa/forget", json={"memories": [1]})

        assert ["The user has a dog."] == await listed(world)
        assert [(0,)] == await world.rows("select count(*) from proposal_messages")


async def test_what_a_program_notes_waits_too_where_the_user_wants_to_be_asked(tmp_path):
    async with serving(tmp_path, approve=True) as world:
        body = {"text": OSLO, "by": "assistant", "program": "Some editor"}
        reply = await world.http.post("/tsubasa/memories", json=body)
        own = await world.http.post("/tsubasa/memories", json={"text": GHENT})

        assert (409, "waits", 200) == (reply.status_code, reply.json()["error"]["code"], own.status_code)
        assert ([OSLO], [GHENT]) == (await listed(world), await held(world))


async def test_the_command_line_lists_accepts_and_refuses(tmp_path):
    async def prepare(world):
        await wait(world, OSLO, "The user has a dog.", "The user sings.")

    commands = (
        "memories", "memories waiting", "memories accept 1", "memories refuse 2 9", "memories accept --all",
        "memories waiting", "memories list",
    )  # fmt: skip
    shown = await typed(tmp_path, prepare, *(one.split() for one in commands))

    assert "3 sentences wait" in shown[0]
    assert ("The user has a dog." in shown[1], "memory 1" in shown[2]) == (True, True)
    assert ("Refused: 1 sentence" in shown[3], "9: nothing" in shown[3]) == (True, True)
    assert "memory 2" in shown[4]
    assert "Nothing waits" in shown[5]
    assert (OSLO in shown[6], "The user has a dog." in shown[6]) == (True, False)
