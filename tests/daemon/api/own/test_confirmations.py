"""POST /tsubasa/confirmations and what comes of it, through our own client."""

import pytest

from daemon.errors import Refused
from tests.daemon.api.world import OSLO, moved_house, scene


def asked(client, act="forget", by="Some assistant", **more):
    return client.ask_to(act, [2], asked_by=by, **more)["confirmation"]


def texts(client):
    return [memory["text"] for memory in client.memories()["memories"]]


async def test_nothing_is_forgotten_before_a_person_allows_it(tmp_path):
    def act(client):
        one = asked(client)
        waiting, before = client.confirmations()["confirmations"], texts(client)
        counted = client.status()["confirmations"]
        done = client.confirm(one["id"], True)["confirmation"]
        return one, waiting, before, counted, done, texts(client), client.confirmations()["confirmations"]

    one, waiting, before, counted, done, after, left = await scene(tmp_path, moved_house, act)

    assert ([one], 1, [OSLO]) == (waiting, counted, before)
    assert "Some assistant wants to forget memory 2 for good." == one["says"]
    assert [OSLO] == [memory["text"] for memory in one["memories"]]
    assert {"memories": [1, 2], "lessons": 0} == one["takes"]
    assert ("done", 2) == (done["state"], done["outcome"]["report"]["memories"])
    assert OSLO not in after
    assert [] == left


async def test_what_can_not_be_done_any_more_is_said_to_who_allowed_and_to_who_asked(tmp_path):
    def act(client):
        one = asked(client, "edit", text="The user lives in Oslo, Norway.")
        client.edit(2, "The user lives in Bergen.")
        with pytest.raises(Refused, match="memory 3 has replaced it"):
            client.confirm(one["id"], True)
        return client.confirmation(one["id"])["confirmation"]

    one = await scene(tmp_path, moved_house, act)

    assert "failed" == one["state"]
    assert "memory 3 has replaced it" in one["failure"]


async def test_what_was_forgotten_meanwhile_is_neither_shown_nor_asked(tmp_path):
    def act(client):
        forget, edit = asked(client), asked(client, "edit", text="The user lives in Oslo, Norway.")
        client.forget([2])
        ends = [client.confirmation(one["id"])["confirmation"] for one in (forget, edit)]
        return ends, client.confirmations()["confirmations"]

    ends, left = await scene(tmp_path, moved_house, act)

    assert ["void", "void"] == [one["state"] for one in ends]
    assert "Oslo" not in str(ends)
    assert [] == left


async def test_a_program_can_not_dress_up_its_name(tmp_path):
    def act(client):
        return asked(client, by="\x1b[2J\n\u202eTsubasa  \n")["asked_by"]

    assert "[2J Tsubasa" == await scene(tmp_path, moved_house, act)
