"""Tsubasa's own routes, through our own client."""

import asyncio
import os
from datetime import date

import pytest

from daemon.client.client import Client
from daemon.errors import NotRunning, Refused
from daemon.memory.indexing import index_missing
from store import generations, lessons, memories
from store.lessons import NewLesson
from tests.daemon.api.world import KEY, serving
from tests.fakes import SHA256


def scene(tmp_path, prepare, act, **config):
    """Serve, let `prepare(world)` fill the store, then run `act(client)` in a thread of its own."""

    async def run():
        async with serving(tmp_path, **config) as world:
            await prepare(world)
            with Client(world.url, KEY, home=tmp_path) as client:
                return await asyncio.to_thread(act, client)

    return asyncio.run(run())


async def moved_house(world):
    """A message, a memory of it, and the memory that replaced it."""
    await world.chat("I moved from Ghent to Oslo.")

    def fill(db):
        old = memories.add(db, "The user lives in Ghent.", told_on=date(2026, 3, 5), sources=[1])
        memories.reconcile(db, old, "The user lives in Oslo.", told_on=date(2026, 10, 3), sources=[1])

    await world.store_thread.run(fill)
    await index_missing(world.store_thread, world.services.embedder)


async def nothing(world):
    pass


def test_memories_are_listed_searched_and_dated(tmp_path):
    def act(client):
        return (
            client.memories(),
            client.memories(search="Where does the user live?"),
            client.memories(as_of="2026-05-01"),
        )

    held, found, dated = scene(tmp_path, moved_house, act)

    assert ["The user lives in Oslo."] == [memory["text"] for memory in held["memories"]]
    assert "Before that: The user lives in Ghent." in held["memories"][0]["narrative"]
    assert (1, 1) == (held["ops"]["ADD"], held["ops"]["RECONCILE"])
    assert [2] == [memory["id"] for memory in found["memories"]]
    assert ["The user lives in Ghent."] == [memory["text"] for memory in dated["memories"]]


def test_why_tells_history_events_and_messages(tmp_path):
    told = scene(tmp_path, moved_house, lambda client: client.why(2))

    assert [1, 2] == [memory["id"] for memory in told["history"]]
    assert ["ADD", "RECONCILE"] == [event["op"] for event in told["events"]]
    assert ["I moved from Ghent to Oslo."] == [message["text"] for message in told["messages"]]
    assert ([], []) == (told["lessons"], told["learned_by"])


def test_why_tells_what_is_taught_of_it_and_which_generation_learned_it(tmp_path):
    def learn(db):
        held = memories.add(db, "The user sings.", told_on=date(2026, 3, 5), sources=())
        asked = {"question": "Do I sing?", "answer": "You sing.", "kind": "fact", "split": "train"}
        new = NewLesson(**asked, grounding=None, memory_ids=(held.id,))
        generations.propose(db, b"adapter", base_sha256=SHA256, lesson_ids=lessons.add(db, [new]))

    async def learned(world):
        await world.store_thread.run(learn)

    told = scene(tmp_path, learned, lambda client: client.why(1))

    assert ([1], [("Do I sing?", "You sing.", "train")]) == (
        told["learned_by"],
        [(one["question"], one["answer"], one["split"]) for one in told["lessons"]],
    )


def test_messages_are_found_by_words_and_by_likeness(tmp_path):
    def act(client):
        return client.messages(text="Oslo"), client.messages(like="I moved from Ghent to Oslo.", k=1)

    for found in scene(tmp_path, moved_house, act):
        assert [1] == [message["id"] for message in found["messages"]]


def test_forgetting_reports_what_it_did(tmp_path):
    def act(client):
        return client.forget([2]), client.memories(), client.messages(text="Oslo")

    done, held, found = scene(tmp_path, moved_house, act)

    assert (2, 2) == (done["report"]["memories"], done["report"]["messages"])
    assert ([], []) == (held["memories"], found["messages"])


def test_a_refusal_comes_in_the_daemons_words(tmp_path):
    with pytest.raises(Refused, match="memory 9: There is no memory 9"):
        scene(tmp_path, nothing, lambda client: client.why(9))


def test_work_is_ordered_and_followed(tmp_path):
    def act(client):
        return client.night(seed=3), client.nights(), client.tend(), client.tended()

    night, nights, tend, tended = scene(tmp_path, nothing, act)

    assert ("night", {"recipe": {}, "seed": 3}) == (night["kind"], night["payload"])
    assert (night["id"], None, None) == (nights["job"]["id"], nights["progress"], nights["last"])
    assert {"train": [], "exam": [], "total": 0} == nights["curve"]
    assert tend["id"] == tended["job"]["id"]


async def two_generations(world):
    """Generation 1 was adopted, 2 refused."""

    def fill(db):
        for number in (1, 2):
            generations.propose(db, b"adapter %d" % number, base_sha256=SHA256, lesson_ids=[])
        generations.adopt(db, 1, {}, "it knows more")
        generations.refuse(db, 2, {}, "it knows less")

    await world.store_thread.run(fill)


def test_generations_are_listed_and_chosen(tmp_path):
    def act(client):
        return client.generations(), client.use(0), client.use(1)

    listed, base, first = scene(tmp_path, two_generations, act)

    assert (1, ["adopted", "refused"]) == (listed["live"], [one["state"] for one in listed["generations"]])
    assert ({"live": 0}, {"live": 1}) == (base, first)


@pytest.mark.parametrize(("number", "why"), [(2, "refused, not adopted"), (7, "none of that number")])
def test_a_generation_that_must_not_answer_is_refused(tmp_path, number, why):
    with pytest.raises(Refused, match=why):
        scene(tmp_path, two_generations, lambda client: client.use(number))


async def test_a_numbered_generation_answers_by_its_adapter(tmp_path):
    async with serving(tmp_path) as world:
        await two_generations(world)
        await world.services.generations.use(0)
        replies = [await world.chat(model=name) for name in ("tsubasa", "tsubasa@1", "tsubasa@0")]
        answered = [reply.json()["tsubasa"]["generation"] for reply in replies]
        found = answered, [request["adapter"] for request in world.engine.requests]

    assert ([0, 1, 0], ["live", "loaded:9", "base"]) == found


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(Refused, match=r"nowhere\.jsonl"):
        scene(tmp_path, nothing, lambda client: client.import_file(tmp_path / "nowhere.jsonl"))


def test_a_file_whose_name_is_no_text_is_refused(tmp_path):
    with pytest.raises(Refused, match="file"):
        scene(tmp_path, nothing, lambda client: client.import_file(tmp_path / os.fsdecode(b"\xff.jsonl")))


def test_an_export_is_taken_in(tmp_path):
    export = tmp_path / "chat.jsonl"
    export.write_text('{"role": "user", "text": "hi", "at": "2026-03-05T10:00:00Z"}\n')

    taken = scene(tmp_path, nothing, lambda client: client.import_file(export))

    assert (True, 1) == (taken["ok"], taken["turns"])


def test_the_status_names_every_setting_and_part(tmp_path):
    found = scene(tmp_path, moved_house, lambda client: client.status())

    assert {"messages": 2, "memories": 1, "lessons": 0, "unindexed": 0} == found["held"]
    assert {"key": "port", "value": 4141, "from": "default"} in found["settings"]
    assert ["engine", "embedder"] == [child["name"] for child in found["children"]]


def test_our_client_hears_an_answer_piece_by_piece(tmp_path):
    pieces = scene(tmp_path, nothing, lambda client: list(client.chat([{"role": "user", "content": "hi"}])))

    assert ["", "Hel", "lo", ".", ""] == pieces


def test_a_daemon_that_is_gone_is_said_to_be_gone(tmp_path):
    with (
        Client("http://127.0.0.1:9", KEY, home=tmp_path) as client,
        pytest.raises(NotRunning, match="Start it with: tsubasa up"),
    ):
        client.status()
