"""Tsubasa's own routes, through our own client."""

from datetime import date

import pytest

from daemon.client.client import Client
from daemon.errors import NotRunning, Refused
from store import generations, lessons, memories
from store.lessons import NewLesson
from tests.daemon.api.world import KEY, moved_house, nothing, scene, serving, two_generations
from tests.fakes import SHA256


async def test_memories_are_listed_searched_and_dated(tmp_path):
    def act(client):
        return (
            client.memories(),
            client.memories(search="Where does the user live?"),
            client.memories(as_of="2026-05-01"),
        )

    held, found, dated = await scene(tmp_path, moved_house, act)

    assert ["The user lives in Oslo."] == [memory["text"] for memory in held["memories"]]
    assert "Before that: The user lives in Ghent." in held["memories"][0]["narrative"]
    assert (1, 1) == (held["ops"]["ADD"], held["ops"]["RECONCILE"])
    assert [2] == [memory["id"] for memory in found["memories"]]
    assert ["The user lives in Ghent."] == [memory["text"] for memory in dated["memories"]]


async def test_why_tells_history_events_and_messages(tmp_path):
    told = await scene(tmp_path, moved_house, lambda client: client.why(2))

    assert [1, 2] == [memory["id"] for memory in told["history"]]
    assert ["ADD", "RECONCILE"] == [event["op"] for event in told["events"]]
    assert ["I moved from Ghent to Oslo."] == [message["text"] for message in told["messages"]]
    assert ([], []) == (told["lessons"], told["learned_by"])


async def test_why_tells_what_is_taught_of_it_and_which_generation_learned_it(tmp_path):
    def learn(db):
        held = memories.add(db, "The user sings.", told_on=date(2026, 3, 5), sources=())
        asked = {"question": "Do I sing?", "answer": "You sing.", "kind": "fact", "split": "train"}
        new = NewLesson(**asked, grounding=None, memory_ids=(held.id,))
        generations.propose(db, b"adapter", base_sha256=SHA256, lesson_ids=lessons.add(db, [new]))

    async def learned(world):
        await world.store_thread.run(learn)

    told = await scene(tmp_path, learned, lambda client: client.why(1))

    assert ([1], [("Do I sing?", "You sing.", "train")]) == (
        told["learned_by"],
        [(one["question"], one["answer"], one["split"]) for one in told["lessons"]],
    )


async def test_messages_are_found_by_words_and_by_likeness(tmp_path):
    def act(client):
        return client.messages(text="Oslo"), client.messages(like="I moved from Ghent to Oslo.", k=1)

    for found in await scene(tmp_path, moved_house, act):
        assert [1] == [message["id"] for message in found["messages"]]


async def test_forgetting_reports_what_it_did(tmp_path):
    def act(client):
        return client.forget([2]), client.memories(), client.messages(text="Oslo")

    done, held, found = await scene(tmp_path, moved_house, act)

    assert (2, 2) == (done["report"]["memories"], done["report"]["messages"])
    assert ([], []) == (held["memories"], found["messages"])


async def test_a_refusal_comes_in_the_daemons_words(tmp_path):
    with pytest.raises(Refused, match="memory 9: There is no memory 9"):
        await scene(tmp_path, nothing, lambda client: client.why(9))


async def test_work_is_ordered_and_followed(tmp_path):
    def act(client):
        return client.night(seed=3), client.nights(), client.tend(), client.tended()

    night, nights, tend, tended = await scene(tmp_path, nothing, act)

    assert ("night", {"recipe": {}, "seed": 3}) == (night["kind"], night["payload"])
    assert (night["id"], None, None) == (nights["job"]["id"], nights["progress"], nights["last"])
    assert {"train": [], "exam": [], "total": 0} == nights["curve"]
    assert tend["id"] == tended["job"]["id"]


async def test_generations_are_listed_and_chosen(tmp_path):
    def act(client):
        return client.generations(), client.use(0), client.use(1)

    listed, base, first = await scene(tmp_path, two_generations, act)

    assert (1, ["adopted", "refused"]) == (listed["live"], [one["state"] for one in listed["generations"]])
    assert ({"live": 0}, {"live": 1}) == (base, first)


@pytest.mark.parametrize(("number", "why"), [(2, "refused, not adopted"), (7, "none of that number")])
async def test_a_generation_that_must_not_answer_is_refused(tmp_path, number, why):
    with pytest.raises(Refused, match=why):
        await scene(tmp_path, two_generations, lambda client: client.use(number))


async def test_a_numbered_generation_answers_by_its_adapter(tmp_path):
    async with serving(tmp_path) as world:
        await two_generations(world)
        await world.services.generations.use(0)
        replies = [await world.chat(model=name) for name in ("tsubasa", "tsubasa@1", "tsubasa@0")]
        answered = [reply.json()["tsubasa"]["generation"] for reply in replies]
        found = answered, [request["adapter"] for request in world.engine.requests]

    assert ([0, 1, 0], ["live", "loaded:9", "base"]) == found


async def test_an_export_is_taken_in(tmp_path):
    export = tmp_path / "chat.jsonl"
    export.write_text('{"role": "user", "text": "hi", "at": "2026-03-05T10:00:00Z"}\n')

    taken = await scene(tmp_path, nothing, lambda client: client.import_file(export))

    assert (True, 1) == (taken["ok"], taken["turns"])


async def test_the_status_names_every_setting_and_part(tmp_path):
    found = await scene(tmp_path, moved_house, lambda client: client.status())

    assert {"messages": 2, "memories": 1, "lessons": 0, "unindexed": 0} == found["held"]
    assert {"key": "port", "value": 4141, "from": "default"} in found["settings"]
    assert ["engine", "embedder"] == [child["name"] for child in found["children"]]


async def test_our_client_hears_an_answer_piece_by_piece(tmp_path):
    pieces = await scene(
        tmp_path, nothing, lambda client: list(client.chat([{"role": "user", "content": "hi"}]))
    )

    assert ["", "Hel", "lo", ".", ""] == pieces


def test_a_daemon_that_is_gone_is_said_to_be_gone(tmp_path):
    with (
        Client("http://127.0.0.1:9", KEY, home=tmp_path) as client,
        pytest.raises(NotRunning, match="Start it with: tsubasa up"),
    ):
        client.status()
