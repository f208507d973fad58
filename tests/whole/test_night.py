"""Nights of a real daemon with nano: what is learnt, what a kill at any stage leaves, what forgetting reaches."""

import os
import signal
from pathlib import Path

import pytest

from tests.whole.house import NANO, Daemon, wait_for, worked

SAID = (
    "I live in Ghent.",
    "My sister is called Priya.",
    "I have a dog named Biscuit",
    "my boss is called Ingrid",
)
QUIET = {"observe": "false", "night": "false", "jobs_every_s": "0.1", "threads": "1"}


@pytest.fixture
def daemon(tmp_path):
    made = Daemon(tmp_path / "home", NANO, **QUIET).start()
    yield made
    made.stop(signal.SIGKILL)


def say(client, text, model="tsubasa", **options):
    messages = [{"role": "user", "content": text}]
    return "".join(client.chat(messages, model=model, temperature=0, max_tokens=48, **options)).strip()


def tell(client):
    for day, text in enumerate(SAID, start=1):
        say(client, text, tsubasa={"recall": False, "said_at": f"2026-10-{day:02}T12:00:00+00:00"})
    worked(client, client.tend, "tended")


def trainers():
    """Process ids of running trainers whose parent is one of ours."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"trainer" in words:
                found.append(int(folder.name))
    return found


def test_a_night_teaches_the_weights_and_a_restart_keeps_them(daemon):
    with daemon.own() as client:
        tell(client)
        assert "Priya" not in say(client, "What's my sister's name?", "tsubasa:private")
        night = worked(client, client.night, "nights")["last"]
        answer = say(client, "What's my sister's name?", "tsubasa:private")

    assert night["adopted"], night["reason"]
    assert night["swap_ms"] < 1000
    assert "Priya" in answer

    daemon.stop(signal.SIGKILL)
    daemon.start()
    with daemon.own() as client:
        assert answer == say(client, "What's my sister's name?", "tsubasa:private")
        assert "Priya" not in say(client, "What's my sister's name?", "tsubasa:base")


def test_forgetting_reaches_recall_at_once_and_the_weights(daemon):
    with daemon.own() as client:
        tell(client)
        worked(client, client.night, "nights")
        held = client.memories()["memories"]
        done = client.forget([one["id"] for one in held if "Biscuit" in one["text"]])

        assert 0 == done["now_live"]
        assert "Biscuit" not in say(client, "How is my dog called?")
        assert "Biscuit" not in say(client, "How is my dog called?", "tsubasa:private")

        worked(client, client.night, "nights")
        assert "Biscuit" not in say(client, "How is my dog called?", "tsubasa:private")
        assert "Ingrid" in say(client, "What is my boss called?", "tsubasa:private")


def test_a_killed_trainer_changes_nothing_and_the_night_is_tried_again(daemon):
    with daemon.own() as client:
        tell(client)
        job = client.night()["id"]
        wait_for(lambda: bool(trainers()))
        for process in trainers():
            os.kill(process, signal.SIGKILL)
        assert say(client, "hello")
        wait_for(lambda: client.nights()["job"]["attempts"] >= 2)
        wait_for(lambda: client.nights()["job"]["state"] == "done")
        found = client.nights()

        assert job == found["job"]["id"]
        assert found["last"]["adopted"], found["last"]["reason"]


def test_a_daemon_killed_in_the_night_goes_on_with_it_after_the_restart(daemon):
    with daemon.own() as client:
        tell(client)
        client.night()
        wait_for(lambda: bool(trainers()))
    daemon.stop(signal.SIGKILL)
    wait_for(lambda: not trainers(), seconds=20)
    daemon.start()
    with daemon.own() as client:
        wait_for(lambda: client.nights()["job"]["state"] == "done")

        assert "Ingrid" in say(client, "What is my boss called?", "tsubasa:private")
        assert len(SAID) == len(client.memories()["memories"])
