"""`tsubasa memories tend`, and what is shown while one waits."""

import json
from datetime import UTC, datetime

import pytest

from daemon.memory.observe import DOUBTED, PARTLY, TWICE
from store import chats
from store.chats import NewMessage
from tests.daemon.cli.test_memories import nothing, typed


async def tends_at_once(world):
    """Look for work as soon as some is ordered, as a daemon does."""
    await world.chat("My dog is called Rex.")
    await world.services.runner.start()


def test_a_round_of_memory_work_is_waited_for_and_told(tmp_path):
    told, as_json = typed(tmp_path, tends_at_once, ["memories", "tend"], ["memories", "tend", "--json"])

    assert "chats read, " in told
    assert "lessons made for the next night" in told
    assert "done" == json.loads(as_json)["job"]["state"]
    assert {"chats", "observations", "ops", "lessons"} <= json.loads(as_json)["last"].keys()


@pytest.mark.parametrize(
    "words", [["export", "all.jsonl", "--json"], ["import", "--list", "--json"], ["status", "--json"]]
)
def test_what_was_done_can_be_had_as_json(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (told,) = typed(tmp_path / "home", nothing, [*words, "--json"])

    assert json.loads(told)


async def one_part_unread(world):
    """A chat that was not read, one that was tried again in vain, one of which something was left out."""
    for mark, text in ((PARTLY, "I'm allergic to peanuts."), (TWICE, "I sing."), (DOUBTED, "I dance.")):
        said = [NewMessage(role="user", text=text)]
        (message,) = await world.services.store_thread.run(chats.record, said, at=datetime.now(UTC))
        await world.services.store_thread.run(chats.mark_observed, [message.id], mark)


def test_what_could_not_be_read_is_told_with_a_way_out(tmp_path):
    told, as_json = typed(tmp_path, one_part_unread, ["status"], ["status", "--json"])

    words = " ".join(told.split())
    assert "2 parts of chats could not be read, or not all of it (1 also when tried again)" in words
    assert "try again: tsubasa memories tend" in words
    assert "In 1 part of a chat the model was not sure of something and left it out" in words
    assert {"parts": 2, "in_vain": 1, "doubted": 1} == json.loads(as_json)["unread"]


async def unread_and_working(world):
    await one_part_unread(world)
    await world.services.runner.start()


def test_tending_tries_again_what_could_not_be_read(tmp_path):
    told, as_json = typed(
        tmp_path, unread_and_working, ["memories", "tend", "--json"], ["memories", "tend", "--json"]
    )

    first, second = json.loads(told), json.loads(as_json)
    assert (1, 0) == (first["last"]["again"], second["last"]["again"])
    assert {"parts": 2, "in_vain": 2, "doubted": 1} == first["unread"] == second["unread"]


def test_the_status_names_the_model_that_answers_where_none_is_set(tmp_path):
    (told,) = typed(tmp_path, nothing, ["status"])
    row = next(line.split() for line in told.splitlines() if line.split()[1:2] == ["model"])

    assert "fake" in row
