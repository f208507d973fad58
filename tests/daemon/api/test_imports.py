"""Imports through our own client: looked into, taken in, undone."""

import json
import os

from tests.daemon.api.world import GHENT, nothing, scene, serving, teach

LINES = "\n".join(json.dumps({"role": "user", "text": text}) for text in ("I live in Ghent.", "I sing."))


def exported(tmp_path):
    export = tmp_path / "chat.jsonl"
    export.write_text(LINES)
    return export


async def test_a_file_whose_name_or_text_is_no_unicode_is_previewed_and_taken_in(tmp_path):
    messages = [{"uuid": "m", "sender": "human", "text": "A \ud83d dog."}]
    export = tmp_path / os.fsdecode(b"\xffchat.json")
    export.write_text(json.dumps([{"chat_messages": messages, "name": "", "uuid": "c"}]))

    def act(client):
        return client.preview_import(export), client.import_file(export), client.imports()["imports"]

    seen, taken, (listed,) = await scene(tmp_path, nothing, act)

    assert ["\ufffdchat.json"] * 3 == [seen["name"], taken["name"], listed["name"]]
    assert ["A \ufffd dog."] == [one["text"] for one in seen["first"]]
    assert 1 == taken["turns"]


async def test_a_generation_that_learned_of_an_undone_import_answers_no_more(tmp_path):
    async with serving(tmp_path) as world:
        export = {"file": str(exported(tmp_path))}
        taken = (await world.http.post("/tsubasa/import", json=export)).json()
        await world.store_thread.run(teach, GHENT, "Where?", "Ghent.", sources=(1,))
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


async def test_an_edit_that_waits_is_void_once_an_import_is_undone(tmp_path):
    async def learned(world):
        await world.chat("I paint.")
        await world.remember("The user paints.", 1)
        await world.http.post("/tsubasa/import", json={"file": str(exported(tmp_path))})

    def act(client):
        text = "The user paints, and sings."
        asked = client.ask_to("edit", [1], asked_by="Some assistant", text=text)["confirmation"]
        client.undo_import(1)
        left = client.confirmation(asked["id"])["confirmation"]
        return client.confirmations()["confirmations"], left["state"]

    assert ([], "void") == await scene(tmp_path, learned, act)
