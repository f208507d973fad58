"""POST /tsubasa/forget, and what it takes out of the running daemon."""

import asyncio
from datetime import date

from daemon.idle_work import ConsolidationReport
from daemon.night.pipeline import NightReport
from daemon.processes.errors import ChildCrashed
from daemon.web.inbox.uploads import save
from tests.daemon.api.world import OSLO, serving, teach
from tests.fakes import FakeEngine

LEARNED = (OSLO, "Where?", "Oslo.")


class DownOnce(FakeEngine):
    """An engine that can't swap adapters while `is_down`."""

    is_down = False

    async def adopt(self, adapter):
        if self.is_down:
            raise ChildCrashed("engine", exit_code=-9)
        return await super().adopt(adapter)


async def forget(world, **what):
    return await world.http.post("/tsubasa/forget", json=what or {"memories": [1]})


async def preview(world, *memories, **more):
    """What forgetting these memories would take."""
    body = {"memories": memories, **more}
    return (await world.http.post("/tsubasa/forget/preview", json=body)).json()


async def learn_two(world):
    """Generation 1 knows nothing of it, generation 2 has learned it."""
    await world.store_thread.run(teach, "The user sings.", "Who?", "You.")
    await world.store_thread.run(teach, *LEARNED)


async def test_an_answer_under_way_ends_before_its_words_are_looked_for(tmp_path):
    engine = FakeEngine(OSLO, " Is it not?")
    engine.go_on = asyncio.Event()
    async with serving(tmp_path, engine) as world:
        await world.store_thread.run(teach, *LEARNED)
        asking = asyncio.create_task(world.chat("Where do I live?"))
        await engine.spoke.wait()
        done = await forget(world)
        told = (await asking).json()["error"]["code"]
        kept = await world.rows("select text from messages")
        status, cancelled = done.status_code, engine.cancelled.is_set()

    assert (200, True, "interrupted") == (status, cancelled, told)
    assert [("Where do I live?",), ("[forgotten]",)] == kept


async def test_what_was_forgotten_is_reported_also_when_the_engine_is_down(tmp_path):
    engine = DownOnce("Hi.")
    async with serving(tmp_path, engine) as world:
        await world.store_thread.run(teach, *LEARNED)
        await world.chat("hi")
        before, engine.is_down = engine.live, True
        done = await forget(world)
        status, done, live = done.status_code, done.json(), engine.live

    assert (200, 1, 0, None) == (status, done["was_live"], done["now_live"], live)
    assert before is not None


async def test_reports_kept_in_memory_quote_nothing_that_was_forgotten(tmp_path):
    async with serving(tmp_path) as world:
        await world.store_thread.run(teach, *LEARNED)
        world.services.consolidation.last = ConsolidationReport(
            chats=1, observations=0, ops={}, lessons=0, unsure=0, failures=(OSLO,)
        )
        night = {"generation": 1, "lessons": 1, "train_s": 1.0, "total_s": 1.0, "swap_ms": None}
        missed = {"missed": [{"wanted": OSLO}]}
        world.services.nights.last = NightReport(adopted=False, reason="", exam=missed, **night)
        await forget(world)
        found = [(await world.http.get(f"/tsubasa/{path}")).text for path in ("night", "tend", "status")]

    assert not any("Oslo" in text for text in found)


async def test_the_exports_that_still_tell_it_are_named_and_left_alone(tmp_path):
    async with serving(tmp_path) as world:
        done = world.services.home.inbox / "done"
        done.mkdir(parents=True)
        telling, other = done / "mine.jsonl", done / "other.jsonl"
        telling.write_text('{"role": "user", "content": "I live in Oslo."}\n')
        other.write_text('{"role": "user", "content": "I sing."}\n')
        for file in (telling, other):
            await world.http.post("/tsubasa/import", json={"file": str(file)})
        await world.remember(OSLO, 1)
        dropped = save(tmp_path, "mine again.jsonl", telling.read_bytes())
        reply = await forget(world)

    assert [str(telling), str(dropped)] == reply.json()["files"]
    assert telling.exists() and dropped.exists()


async def test_a_message_that_no_memory_tells_is_forgotten_by_its_number(tmp_path):
    async with serving(tmp_path) as world:
        await world.chat("My bicycle is stolen.")
        await world.chat("I sing.")
        await world.remember("The user sings.", 3)
        unknown = await forget(world, memories=[1], messages=[1, 99])
        untouched = await world.rows("select count(*) from messages where redacted")
        done = await forget(world, messages=[1])
        shown = (await world.http.get("/tsubasa/messages/1")).json()["message"]["text"]
        report, kept = done.json()["report"], await world.rows("select text from messages")

    assert (404, True, [(0,)]) == (unknown.status_code, "no message 99" in unknown.text, untouched)
    assert (0, 2, []) == (report["memories"], report["messages"], report["kept_memories"])
    assert "[forgotten]" == shown
    assert [("[forgotten]",), ("[forgotten]",), ("I sing.",)] == kept[:3]


async def test_before_forgetting_it_is_told_what_would_go_who_else_tells_it_and_what_the_weights_know(
    tmp_path,
):
    async with serving(tmp_path, FakeEngine("Oslo.")) as world:
        await learn_two(world)
        await world.remember("The user's flat is in Oslo.", day=date(2026, 3, 6))
        plain, told = await preview(world, 2), await preview(world, 2, weights=True)
        await forget(world, memories=[3])
        alone = await preview(world, 2, weights=True)
        left = await world.rows("select count(*) from memories")

    goes = {"memories": [2], "messages": 0, "kept_memories": [], "lessons": 1, "generations": [2]}
    assert (goes | {"also_told_by": [3], "files": [], "weights": None}).items() <= plain.items()
    assert "not probed" == told["weights"]["verdict"]
    assert "memory 3" in told["weights"]["says"]
    assert ([], "left") == (alone["also_told_by"], alone["weights"]["verdict"])
    assert 2 == alone["weights"]["generation"]
    assert "Oslo" not in str(alone)
    assert [(2,)] == left


async def test_the_report_says_what_the_generation_that_answers_now_shows_of_it(tmp_path):
    async with serving(tmp_path, FakeEngine("I don't know.")) as world:
        await learn_two(world)
        done = (await forget(world, memories=[2])).json()
        later = (await world.http.get("/tsubasa/forget")).json()

    assert (2, 1) == (done["was_live"], done["now_live"])
    assert ("gone", 1) == (done["weights"]["verdict"], done["weights"]["generation"])
    assert {"gone": 1, "left": 0, "told": 0}.items() <= done["weights"]["numbers"].items()
    assert {"weights": done["weights"], "waiting": 1} == later
    assert "Oslo" not in str(later)


async def test_what_no_generation_had_learned_is_not_probed(tmp_path):
    async with serving(tmp_path) as world:
        await world.remember(OSLO)
        before = await preview(world, 1, weights=True)
        nothing = (await world.http.get("/tsubasa/forget")).json()
        done = (await forget(world)).json()

    assert ("not probed", 0) == (nothing["weights"]["verdict"], nothing["waiting"])
    assert "no generation" in before["weights"]["says"] and "no generation" in done["weights"]["says"]
