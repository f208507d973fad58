"""Memories changed by hand, audited and exported, through our own client."""

import asyncio
from datetime import date

import pytest

from daemon.client.client import Client
from daemon.errors import Refused
from daemon.memory.indexing import Indexing
from store import full_text, jobs, memories, vectors
from tests.daemon.api.test_own import moved_house, nothing, scene
from tests.daemon.api.test_own_mistakes import answer
from tests.daemon.api.world import KEY, serving

DOG, REX = "The user has a dog.", "The user has a dog called Rex."


def test_a_statement_is_added_edited_and_both_taken_back(tmp_path):
    def act(client):
        added = client.add(DOG, since="2020-01-01")["memory"]
        edited = client.edit(added["id"], REX)["memory"]
        undone = [client.undo(edited["id"]), client.undo(event=1)]
        return added, edited, undone, client.memories(), client.why(edited["id"])

    added, edited, undone, held, told = scene(tmp_path, nothing, act)

    assert ("2020-01-01", date.today().isoformat()) == (added["valid_from"], added["told_on"])
    assert ("2020-01-01", REX, "holds") == (edited["valid_from"], edited["text"], edited["state"])
    assert ["UPDATE", "ADD"] == [done["event"]["op"] for done in undone]
    assert [DOG, None] == [done["restored"] and done["restored"]["text"] for done in undone]
    assert [] == held["memories"]
    assert ["undone", "undone"] == [memory["state"] for memory in told["history"]]
    assert [3, 4] == sorted(event["undone_by"] for event in told["events"] if event["undone_by"])


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda client: client.add("?"), "there is no word in it"),
        (lambda client: client.add("the user lives in oslo"), "memory 2 says that already"),
        (lambda client: client.edit(1, DOG), "memory 2 has replaced it"),
        (lambda client: client.edit(9, DOG), "There is no memory 9"),
        (lambda client: client.undo(1), "memory 2 has replaced it. Undo that first: tsubasa memories undo 2"),
        (lambda client: client.undo(9), "There is no memory 9"),
        (lambda client: client.undo(event=9), "There is no operation 9"),
        (lambda client: client.undo(event=1), "memory 2 has replaced its memory"),
        (lambda client: client.undo(), "Say which memory"),
        (lambda client: client.undo(1, event=1), "Say which memory"),
        (lambda client: client.memories(as_of="soon"), "as_of"),
    ],
)
def test_what_can_not_be_done_is_refused_in_plain_words(tmp_path, act, why):
    with pytest.raises(Refused) as caught:
        scene(tmp_path, moved_house, act)

    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("POST", "/tsubasa/memories", {"text": "x" * 2001}, "text"),
        ("POST", "/tsubasa/memories", {"text": "x", "since": "never"}, "since"),
        ("POST", f"/tsubasa/memories/{2**63}", {"text": "x"}, "memory_id"),
        ("POST", "/tsubasa/undo", {"memory": 0}, "memory"),
        ("POST", "/tsubasa/undo", {"event": 2**63}, "event"),
        ("GET", "/tsubasa/memories/audit?unused_days=-1", None, "unused_days"),
    ],
    ids=str,
)
def test_a_mistake_is_a_400_that_names_its_key(tmp_path, method, path, body, param):
    reply = answer(tmp_path, method, path, body)

    assert (400, param) == (reply.status_code, reply.json()["error"]["param"])


async def test_a_change_by_hand_asks_for_its_vector_and_is_found_by_words_at_once(tmp_path):
    async with serving(tmp_path) as world:
        await world.http.post("/tsubasa/memories", json={"text": DOG})
        job = await world.store_thread.run(jobs.claim, "index", now=world.services.started_at, lease_s=9)
        found = await world.store_thread.run(full_text.search, "memory", "dog", 9)
        await Indexing(world.store_thread, world.services.embedder).work(job)
        result = [id for id, _ in found], await world.store_thread.run(vectors.missing, "memory")

    assert ([1], []) == result


def test_what_was_known_on_a_day_leaves_out_what_was_told_later(tmp_path):
    def act(client):
        return [
            [memory["text"] for memory in client.memories(**asked)["memories"]]
            for asked in (
                {"as_of": "2026-10-04"},
                {"as_of": "2026-10-04", "known_on": "2020-01-01"},
                {"as_of": "2026-10-04", "known_on": "9999-12-31"},
            )
        ]

    assert [["The user lives in Oslo."], [], ["The user lives in Oslo."]] == scene(tmp_path, moved_house, act)


def test_the_audit_names_a_duplicate(tmp_path):
    async def told_twice(world):
        await moved_house(world)
        told = {"told_on": date(2026, 11, 1), "sources": []}
        await world.store_thread.run(memories.add, "The user lives in Oslo!", **told)

    found = scene(tmp_path, told_twice, lambda client: client.audit())

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


async def test_an_export_needs_the_key(tmp_path):
    async with serving(tmp_path) as world:
        found = (await world.http.get("/tsubasa/export", headers={"authorization": "Bearer no"})).status_code

    assert 401 == found
