"""Memories changed by hand, audited and exported, through our own client."""

import asyncio
from datetime import date

from daemon.client.client import Client
from daemon.memory.indexing import Indexing
from store import full_text, jobs, memories, vectors
from tests.daemon.api.world import KEY, moved_house, nothing, scene, serving

DOG, REX = "The user has a dog.", "The user has a dog called Rex."


async def test_a_statement_is_added_edited_and_both_taken_back(tmp_path):
    def act(client):
        added = client.add(DOG, since="2020-01-01")["memory"]
        edited = client.edit(added["id"], REX)["memory"]
        undone = [client.undo(edited["id"]), client.undo(event=1)]
        return added, edited, undone, client.memories(), client.why(edited["id"])

    added, edited, undone, held, told = await scene(tmp_path, nothing, act)

    assert ("2020-01-01", date.today().isoformat()) == (added["valid_from"], added["told_on"])
    assert ("2020-01-01", REX, "holds") == (edited["valid_from"], edited["text"], edited["state"])
    assert ["UPDATE", "ADD"] == [done["event"]["op"] for done in undone]
    assert [DOG, None] == [done["restored"] and done["restored"]["text"] for done in undone]
    assert [] == held["memories"]
    assert ["undone", "undone"] == [memory["state"] for memory in told["history"]]
    assert [3, 4] == sorted(event["undone_by"] for event in told["events"] if event["undone_by"])


async def test_a_change_by_hand_asks_for_its_vector_and_is_found_by_words_at_once(tmp_path):
    async with serving(tmp_path) as world:
        await world.http.post("/tsubasa/memories", json={"text": DOG})
        job = await world.store_thread.run(jobs.claim, "index", now=world.services.started_at, lease_s=9)
        found = await world.store_thread.run(full_text.search, "memory", "dog", 9)
        await Indexing(world.store_thread, world.services.embedder).work(job)
        result = [id for id, _ in found], await world.store_thread.run(vectors.missing, "memory")

    assert ([1], []) == result


async def test_what_was_known_on_a_day_leaves_out_what_was_told_later(tmp_path):
    def act(client):
        return [
            [memory["text"] for memory in client.memories(**asked)["memories"]]
            for asked in (
                {"as_of": "2026-10-04"},
                {"as_of": "2026-10-04", "known_on": "2020-01-01"},
                {"as_of": "2026-10-04", "known_on": "9999-12-31"},
            )
        ]

    assert [["The user lives in Oslo."], [], ["The user lives in Oslo."]] == await scene(
        tmp_path, moved_house, act
    )


async def test_the_audit_names_a_duplicate(tmp_path):
    async def told_twice(world):
        await moved_house(world)
        told = {"told_on": date(2026, 11, 1), "sources": []}
        await world.store_thread.run(memories.add, "The user lives in Oslo!", **told)

    found = await scene(tmp_path, told_twice, lambda client: client.audit())

    assert (2, 1) == (found["held"], found["junk"])
    assert [(3, "duplicate", 2)] == [(s["memory_id"], s["kind"], s["like"]) for s in found["suspects"]]


async def test_an_export_goes_into_a_new_daemon_and_comes_out_equal(tmp_path):
    file = tmp_path / "export.jsonl"
    (tmp_path / "two").mkdir()
    async with serving(tmp_path) as world:
        await moved_house(world)
        with Client(world.url, KEY, home=tmp_path) as client:
            file.write_bytes(await asyncio.to_thread(lambda: b"".join(client.export())))
    async with serving(tmp_path / "two") as world:
        with Client(world.url, KEY, home=tmp_path) as client:
            taken = await asyncio.to_thread(client.import_file, file)
            again = await asyncio.to_thread(lambda: b"".join(client.export()))
    first, second = file.read_bytes(), again

    assert (2, 2, None) == (taken["turns"], taken["memories"], taken["refused"])
    assert first == second
