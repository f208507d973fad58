"""POST /tsubasa/confirmations and what comes of it, through our own client."""

import pytest

from daemon.errors import Refused
from tests.daemon.api.test_own import moved_house, scene
from tests.daemon.api.test_own_mistakes import answer

OSLO = "The user lives in Oslo."


def asked(client, act="forget", memories=(2,), **more):
    return client.ask_to(act, memories, asked_by="Some assistant", **more)["confirmation"]


def texts(client):
    return [memory["text"] for memory in client.memories()["memories"]]


def test_nothing_is_forgotten_before_a_person_allows_it(tmp_path):
    def act(client):
        one = asked(client)
        waiting, before = client.confirmations()["confirmations"], texts(client)
        counted = client.status()["confirmations"]
        done = client.confirm(one["id"], True)["confirmation"]
        return one, waiting, before, counted, done, texts(client), client.confirmations()["confirmations"]

    one, waiting, before, counted, done, after, left = scene(tmp_path, moved_house, act)

    assert ([one], 1, [OSLO]) == (waiting, counted, before)
    assert "Some assistant wants to forget memory 2 for good." == one["says"]
    assert [OSLO] == [memory["text"] for memory in one["memories"]]
    assert {"memories": [1, 2], "lessons": 0} == one["takes"]
    assert ("done", 2) == (done["state"], done["outcome"]["report"]["memories"])
    assert OSLO not in after
    assert [] == left


def test_what_is_refused_is_not_done_and_can_not_be_allowed_later(tmp_path):
    def act(client):
        one = asked(client)
        client.confirm(one["id"], False)
        with pytest.raises(Refused, match="it was refused"):
            client.confirm(one["id"], True)
        return client.confirmation(one["id"])["confirmation"]["state"], texts(client)

    assert ("refused", [OSLO]) == scene(tmp_path, moved_house, act)


def test_an_edit_shows_both_wordings_and_is_made_when_allowed(tmp_path):
    def act(client):
        one = asked(client, "edit", text="The user lives in Oslo, Norway.")
        done = client.confirm(one["id"], True)["confirmation"]
        return one, done, texts(client)

    one, done, held = scene(tmp_path, moved_house, act)

    assert (OSLO, "The user lives in Oslo, Norway.") == (one["memories"][0]["text"], one["text"])
    assert ("done", {"memory": 3}, None) == (done["state"], done["outcome"], done["text"])
    assert ["The user lives in Oslo, Norway."] == held


def test_what_can_not_be_done_any_more_is_said_to_the_one_who_allowed_and_to_the_one_who_asked(tmp_path):
    def act(client):
        one = asked(client, "edit", text="The user lives in Oslo, Norway.")
        client.edit(2, "The user lives in Bergen.")
        with pytest.raises(Refused, match="memory 3 has replaced it"):
            client.confirm(one["id"], True)
        return client.confirmation(one["id"])["confirmation"]

    one = scene(tmp_path, moved_house, act)

    assert "failed" == one["state"]
    assert "memory 3 has replaced it" in one["failure"]


def test_what_was_forgotten_meanwhile_is_neither_shown_nor_asked(tmp_path):
    def act(client):
        forget, edit = asked(client), asked(client, "edit", text="The user lives in Oslo, Norway.")
        client.forget([2])
        ends = [client.confirmation(one["id"])["confirmation"] for one in (forget, edit)]
        return ends, client.confirmations()["confirmations"]

    ends, left = scene(tmp_path, moved_house, act)

    assert ["void", "void"] == [one["state"] for one in ends]
    assert "Oslo" not in str(ends)
    assert [] == left


def test_a_program_can_not_dress_up_its_name(tmp_path):
    def act(client):
        return client.ask_to("forget", [2], asked_by="\x1b[2J\n\u202eTsubasa  \n")["confirmation"]["asked_by"]

    assert "[2J Tsubasa" == scene(tmp_path, moved_house, act)


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"act": "sing", "memories": [1]}, 400, "act"),
        ({"act": "forget", "memories": []}, 400, "memories"),
        ({"act": "forget", "memories": [0]}, 400, "memories[0]"),
        ({"act": "forget", "memories": [1] * 101}, 400, "memories"),
        ({"act": "forget", "memories": [1], "text": "x"}, 400, "text"),
        ({"act": "edit", "memories": [1, 2], "text": "x"}, 400, "memories"),
        ({"act": "edit", "memories": [1]}, 400, "text"),
        ({"act": "edit", "memories": [1], "text": " "}, 400, "text"),
        ({"act": "edit", "memories": [1], "text": "x" * 2001}, 400, "text"),
        ({"act": "forget", "memories": [1], "asked_by": ""}, 400, "asked_by"),
        ({"act": "forget", "memories": [1]}, 404, None),
    ],
    ids=str,
)
def test_a_mistake_is_answered_with_its_key(tmp_path, body, status, param):
    reply = answer(tmp_path, "POST", "/tsubasa/confirmations", {"asked_by": "a", **body})

    assert (status, param) == (reply.status_code, reply.json()["error"]["param"])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/tsubasa/confirmations/12345678", None, 404),
        ("POST", "/tsubasa/confirmations/12345678", {"allow": True}, 404),
        ("POST", "/tsubasa/confirmations/12345678", {}, 400),
    ],
    ids=str,
)
def test_a_confirmation_that_is_not_there_is_said(tmp_path, method, path, body, status):
    assert status == answer(tmp_path, method, path, body).status_code
