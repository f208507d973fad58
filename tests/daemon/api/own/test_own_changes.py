"""Memories changed by hand, and what was known on a day, through our own client."""

from datetime import date

import pytest

from daemon.memory.indexing import Indexing
from store import full_text, jobs, vectors
from tests.daemon.api.world import OSLO, moved_house, nothing, scene, serving

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


@pytest.mark.parametrize(
    ("known_on", "texts"), [(None, [OSLO]), ("2020-01-01", []), ("9999-12-31", [OSLO])], ids=str
)
async def test_what_was_known_on_a_day_leaves_out_what_was_told_later(tmp_path, known_on, texts):
    held = await scene(
        tmp_path, moved_house, lambda client: client.memories(as_of="2026-10-04", known_on=known_on)
    )

    assert texts == [memory["text"] for memory in held["memories"]]


async def test_a_person_says_how_they_want_things_done_and_it_lies_beside_each_question(tmp_path):
    def act(client):
        added = client.add("The user wants short answers.", kind="always")["memory"]
        fact = client.add(DOG)["memory"]
        edited = client.edit(fact["id"], kind="standing")["memory"]
        (first, *_) = client.chunks([{"role": "user", "content": "hi"}])
        return added, edited, first["tsubasa"]["memories"], client.why(edited["id"])["history"]

    added, edited, beside, line = await scene(tmp_path, nothing, act)

    assert ("always", "standing", DOG) == (added["kind"], edited["kind"], edited["text"])
    assert [added["id"]] == beside
    assert ["fact", "standing"] == [one["kind"] for one in line]


@pytest.mark.parametrize(
    "body", [{}, {"kind": "law"}, {"text": "x" * 2001}, {"text": None, "kind": None}], ids=str
)
async def test_an_edit_that_says_nothing_or_no_kind_is_refused(tmp_path, body):
    async with serving(tmp_path) as world:
        await world.remember(DOG)
        answer = await world.http.post("/tsubasa/memories/1", json=body)

    assert 400 == answer.status_code
    assert answer.json()["error"]["param"] in ("text", "kind")
