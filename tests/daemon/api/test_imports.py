"""Imports through our own client: taken in, listed, undone."""

import json
import os
from datetime import date

from store import generations, lessons, memories
from store.lessons import NewLesson
from tests.daemon.api.world import nothing, scene, serving
from tests.fakes import SHA256

LINES = "\n".join(json.dumps({"role": "user", "text": text}) for text in ("I live in Ghent.", "I sing."))


def exported(tmp_path):
    export = tmp_path / "chat.jsonl"
    export.write_text(LINES)
    return export


async def test_an_import_is_listed_by_its_number_until_it_is_undone(tmp_path):
    def act(client):
        taken = client.import_file(exported(tmp_path))
        listed = client.imports()["imports"]
        done = client.undo_import(taken["import_id"])
        return taken, listed, done, client.imports()["imports"], client.messages(text="ghent")["messages"]

    taken, listed, done, left, found = await scene(tmp_path, nothing, act)

    assert [(taken["import_id"], "chat.jsonl", 2)] == [
        (one["id"], one["name"], one["turns"]) for one in listed
    ]
    assert (2, 0, 0) == (done["report"]["messages"], done["was_live"], done["now_live"])
    assert ([], []) == (left, found)


async def test_a_file_whose_name_or_text_is_no_unicode_is_previewed_and_taken_in(tmp_path):
    chat = {
        "chat_messages": [{"uuid": "m", "sender": "human", "text": "A \ud83d dog."}],
        "name": "",
        "uuid": "c",
    }
    export = tmp_path / os.fsdecode(b"\xffchat.json")
    export.write_text(json.dumps([chat]))

    def act(client):
        return client.preview_import(export), client.import_file(export), client.imports()["imports"]

    seen, taken, (listed,) = await scene(tmp_path, nothing, act)

    assert ["\ufffdchat.json"] * 3 == [seen["name"], taken["name"], listed["name"]]
    assert ["A \ufffd dog."] == [one["text"] for one in seen["first"]]
    assert 1 == taken["turns"]


async def test_a_generation_that_learned_of_an_undone_import_answers_no_more(tmp_path):
    def learn(db):
        memory = memories.add(db, "The user lives in Ghent.", told_on=date(2026, 3, 5), sources=[1])
        new = NewLesson(
            question="Where?",
            answer="Ghent.",
            grounding=None,
            kind="fact",
            split="train",
            memory_ids=(memory.id,),
        )
        made = generations.propose(db, b"adapter", base_sha256=SHA256, lesson_ids=lessons.add(db, [new]))
        generations.adopt(db, made.id, {}, "it knows more")

    async with serving(tmp_path) as world:
        export = {"file": str(exported(tmp_path))}
        taken = (await world.http.post("/tsubasa/import", json=export)).json()
        await world.store_thread.run(learn)
        await world.services.generations.use(1)
        before = world.engine.live
        done = await world.http.post("/tsubasa/import/undo", json={"number": taken["import_id"]})
        done, live = done.json(), world.engine.live

    assert before is not None
    assert ([1], 1, 0, None) == (done["report"]["generations"], done["was_live"], done["now_live"], live)


async def test_a_file_is_looked_into_and_nothing_of_it_is_stored(tmp_path):
    def act(client):
        export = exported(tmp_path)
        before = client.preview_import(export)
        counts = client.status()["held"]["messages"]
        client.import_file(export)
        return before, counts, client.preview_import(export)

    before, counts, after = await scene(tmp_path, nothing, act)

    assert ("JSONL chat log", 1, 2, 2, 0, False) == tuple(
        before[name] for name in ("format", "sessions", "turns", "new_turns", "known", "already_imported")
    )
    assert [("user", "I live in Ghent."), ("user", "I sing.")] == [
        (one["role"], one["text"]) for one in before["first"]
    ]
    assert 0 == counts
    assert (0, 2, True) == (after["new_turns"], after["known"], after["already_imported"])


async def test_what_undoing_an_import_would_take_is_told_before(tmp_path):
    async with serving(tmp_path) as world:
        await world.http.post("/tsubasa/import", json={"file": str(exported(tmp_path))})
        text = "The user lives in Ghent."
        await world.store_thread.run(memories.add, text, told_on=date(2026, 3, 5), sources=[1])
        told = (await world.http.get("/tsubasa/import/1")).json()
        unknown = await world.http.get("/tsubasa/import/7")
        unknown, left = unknown.status_code, await world.rows("select count(*) from imports")

    assert ("chat.jsonl", 2, [1], 0, []) == (
        told["import"]["name"],
        *(told[name] for name in ("messages", "memories", "lessons", "generations")),
    )
    assert ["2026-03-05: The user lives in Ghent."] == [one["line"] for one in told["lines"]]
    assert (404, [(1,)]) == (unknown, left)


async def test_an_edit_that_waits_is_void_once_an_import_is_undone(tmp_path):
    async def learned(world):
        await world.chat("I paint.")
        await world.store_thread.run(memories.add, "The user paints.", told_on=date(2026, 3, 5), sources=[1])
        await world.http.post("/tsubasa/import", json={"file": str(exported(tmp_path))})

    def act(client):
        text = "The user paints, and sings."
        asked = client.ask_to("edit", [1], asked_by="Some assistant", text=text)["confirmation"]
        client.undo_import(1)
        left = client.confirmation(asked["id"])["confirmation"]
        return client.confirmations()["confirmations"], left["state"]

    assert ([], "void") == await scene(tmp_path, learned, act)
