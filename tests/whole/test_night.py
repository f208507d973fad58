"""Nights of a real daemon with nano: what is learnt, what a kill at any stage leaves, what forgetting reaches."""

import signal

import pytest

from tests.whole.house import wait_for, worked
from tests.whole.nights import SHORT, night, say, trainers


def test_a_night_teaches_the_weights_and_a_restart_keeps_them(learned):
    with learned.own() as client:
        assert "Priya" not in say(client, "What's my sister's name?", "tsubasa:base")
        report = client.report()
        answer = say(client, "What's my sister's name?", "tsubasa:private")

    assert "adopted" == report["outcome"], report["reason"]
    assert report["cost"]["swap_ms"] < 1000
    assert "Priya" in answer

    learned.stop(signal.SIGKILL)
    learned.start()
    with learned.own() as client:
        assert answer == say(client, "What's my sister's name?", "tsubasa:private")
        assert "Priya" not in say(client, "What's my sister's name?", "tsubasa:base")


def test_forgetting_reaches_recall_at_once_and_the_weights(learned):
    with learned.own() as client:
        assert "Biscuit" in say(client, "What is my dog called?")
        assert "Biscuit" in say(client, "What is my dog called?", "tsubasa:private")
        held = client.memories()["memories"]
        done = client.forget([one["id"] for one in held if "Biscuit" in one["text"]])

        assert (1, 0) == (done["was_live"], done["now_live"])
        assert "Biscuit" not in say(client, "What is my dog called?")
        assert "Biscuit" not in say(client, "What is my dog called?", "tsubasa:private")


@pytest.mark.soak
def test_the_night_after_forgetting_knows_the_rest(learned):
    with learned.own() as client:
        held = client.memories()["memories"]
        client.forget([one["id"] for one in held if "Biscuit" in one["text"]])
        assert night(client, recipe=SHORT)["adopted"]
        assert "Biscuit" not in say(client, "What is my dog called?", "tsubasa:private")
        assert "Ingrid" in say(client, "What is my boss called?", "tsubasa:private")


@pytest.mark.soak
def test_a_killed_trainer_leaves_the_live_generation_and_the_night_is_tried_again(learned):
    with learned.own() as client:
        say(client, "my best friend is called Tobias", tsubasa={"recall": False})
        worked(client, client.tend, "tended")
        job = client.night(recipe=SHORT)["id"]
        wait_for(lambda: bool(trainers(learned)))
        for process in trainers(learned):
            process.kill()
        assert "Ingrid" in say(client, "What is my boss called?", "tsubasa:private")
        wait_for(lambda: client.nights()["job"]["attempts"] >= 2)
        assert "Ingrid" in say(client, "What is my boss called?", "tsubasa:private")
        wait_for(lambda: client.nights()["job"]["state"] == "done")

        assert job == client.nights()["job"]["id"]
        assert "Tobias" in say(client, "What is my best friend called?", "tsubasa:private")
