"""Tsubasa's own routes, through our own client."""

import pytest

from daemon.downloads.traffic_log import TrafficLog
from daemon.errors import Refused
from daemon.memory.indexing import index_missing
from store import vectors
from tests.daemon.api.world import moved_house, nothing, scene, serving, teach, two_generations


async def test_why_tells_history_events_messages_lessons_and_who_learned_them(tmp_path):
    async def learned(world):
        await moved_house(world)
        await world.store_thread.run(teach, "The user sings.", "Do I sing?", "You sing.")

    told, taught = await scene(tmp_path, learned, lambda client: (client.why(2), client.why(3)))

    assert [1, 2] == [memory["id"] for memory in told["history"]]
    assert ["ADD", "RECONCILE"] == [event["op"] for event in told["events"]]
    assert ["I moved from Ghent to Oslo."] == [message["text"] for message in told["messages"]]
    assert ([], [], [1]) == (told["lessons"], told["learned_by"], taught["learned_by"])
    assert [("Do I sing?", "You sing.", "train")] == [
        (one["question"], one["answer"], one["split"]) for one in taught["lessons"]
    ]


async def test_messages_are_found_by_words_and_by_likeness(tmp_path):
    def act(client):
        return client.messages(text="Oslo"), client.messages(like="I moved from Ghent to Oslo.", k=1)

    for found in await scene(tmp_path, moved_house, act):
        assert [1] == [message["id"] for message in found["messages"]]


async def test_work_is_ordered_and_followed(tmp_path):
    def act(client):
        return client.night(seed=3), client.nights(), client.tend(), client.tended()

    night, nights, tend, tended = await scene(tmp_path, nothing, act)

    assert ("night", {"recipe": {}, "seed": 3}) == (night["kind"], night["payload"])
    assert (night["id"], None, None) == (nights["job"]["id"], nights["progress"], nights["last"])
    assert {"train": [], "exam": [], "total": 0} == nights["curve"]
    assert tend["id"] == tended["job"]["id"]


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


async def test_the_status_names_every_setting_and_part(tmp_path):
    found = await scene(tmp_path, moved_house, lambda client: client.status())

    assert {"messages": 2, "memories": 1, "lessons": 0, "unindexed": 0} == found["held"]
    assert {"key": "port", "value": 4141, "from": "default"} in found["settings"]
    assert ["engine", "embedder"] == [child["name"] for child in found["children"]]


async def test_the_status_tells_how_far_a_reindex_is(tmp_path):
    async with serving(tmp_path) as world:
        await world.chat("I live in Ghent.")
        await index_missing(world.store_thread, world.services.embedder)
        before = (await world.http.get("/tsubasa/status")).json()["reindex"]
        await world.store_thread.run(vectors.reindex, "new", 4)
        meanwhile = (await world.http.get("/tsubasa/status")).json()["reindex"]

    assert None is before
    assert {"old": "fake", "new": "new", "done": 0, "total": 2} == meanwhile


async def test_what_is_kept_is_counted_and_encrypted(tmp_path):
    found = await scene(tmp_path, moved_house, lambda client: client.storage())
    counts = {part["name"]: part["rows"] for part in found["store"]["parts"]}

    assert (2, 2, 2) == (counts["chats"], counts["memories"], counts["history"])
    assert (True, "chacha20") == (found["encrypted"], found["store"]["cipher"])
    assert str(tmp_path) == found["home"]


async def test_an_empty_home_is_measured_and_what_went_over_the_network_is_told_by_host(tmp_path):
    before = await scene(tmp_path, nothing, lambda client: client.storage())
    TrafficLog(tmp_path).add("hub.example", "a model", sent=120, received=4_000_000)
    after = await scene(tmp_path, nothing, lambda client: client.storage())

    assert {0} == {part["rows"] for part in before["store"]["parts"]} - {None}
    assert before["store"]["oldest"] is None
    assert (0, 0) == (before["traffic"]["sent"], before["traffic"]["received"])
    assert {"hub.example": [120, 4_000_000]} == after["traffic"]["hosts"]


async def test_a_traffic_log_that_can_not_be_read_is_an_error(tmp_path):
    (tmp_path / "network.jsonl").mkdir()

    with pytest.raises(Refused, match=r"network\.jsonl"):
        await scene(tmp_path, nothing, lambda client: client.storage())
