"""Nights of a real daemon that are disturbed: chats, kills in every stage, a full disk, something forgotten."""

import os
import shutil
import signal
import time

import psutil
import pytest

from daemon.cli.status import night
from daemon.night import ram_folders
from tests.whole.house import NANO, Daemon, small_disk, wait_for, worked
from tests.whole.nights import QUIET, SAID, SHORT, say, trainers
from tests.whole.test_full_disk import fill

ALWAYS = {**QUIET, "night": "true", "night_when": "00:00-00:00"}
DISK = "32m"


@pytest.fixture
def home(told, tmp_path):
    """Starts a daemon on a copy of the home that was told; no process or checkpoint of it afterwards."""
    made = []

    def start(folder=tmp_path, **settings):
        if not (folder / "home").exists():
            shutil.copytree(told, folder / "home")
        made.append(Daemon(folder / "home", NANO, **settings).start())
        return made[-1]

    yield start
    for daemon in made:
        daemon.stop(signal.SIGKILL)
    for daemon in made:
        if (kept := ram_folders.checkpoint_folder(daemon.home)) is not None:
            ram_folders.delete_checkpoints(kept)


def stage(client, note):
    """Wait until the night that runs says `note`."""
    wait_for(lambda: note in ((client.nights()["progress"] or {}).get("note") or ""))


def is_stopped(process):
    return process.status() == psutil.STATUS_STOPPED


def is_gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_night_yields_to_chats_and_outlives_kills_in_every_stage(home):
    daemon = home(**QUIET)
    with daemon.own() as client:
        client.night(recipe=SHORT)
        wait_for(lambda: bool(trainers(daemon)))
        (trainer,) = trainers(daemon)
        stage(client, "learning")
        chat = client.chat([{"role": "user", "content": "What is my boss called?"}], model="tsubasa")
        next(chat)
        told = client.status()["work"]["night"]
        assert "Night: paused: a chat is being answered" in (night(told) or "")
        wait_for(lambda: is_stopped(trainer), seconds=8)  # on a busy machine its turn to stop comes late
        assert "".join(chat)
        assert is_stopped(trainer)  # while the answer is read
    daemon.stop(signal.SIGKILL)  # which a stopped trainer must not outlive

    wait_for(lambda: is_gone(trainer), seconds=20)

    daemon = home(**QUIET)
    with daemon.own() as client:
        stage(client, "exam")
        assert 0 == client.generations()["live"]
        daemon.stop(signal.SIGKILL)

    daemon = home(**ALWAYS)
    with daemon.own() as client:
        wait_for(lambda: client.nights()["job"]["state"] == "done")
        time.sleep(1.0)  # looks for another night many times
        job, made, held = client.nights()["job"], client.generations(), client.memories()["memories"]
        answer = say(client, "What is my boss called?", "tsubasa:private")

    assert "Ingrid" in answer
    assert len(SAID) == len(held)
    assert ("done", 1) == (job["state"], job["id"] and len(_adopted(made)))
    assert made["live"] == _adopted(made)[0]["id"]
    assert not ram_folders.checkpoint_folder(daemon.home).exists()


def _adopted(made):
    return [one for one in made["generations"] if one["state"] == "adopted"]


@pytest.mark.soak
def test_forgetting_in_the_night_reaches_the_trainer_and_its_checkpoint(home):
    daemon = home(**QUIET)
    kept = ram_folders.checkpoint_folder(daemon.home)
    with daemon.own() as client:
        job = client.night(recipe=SHORT)["id"]
        stage(client, "learning")
        (trainer,) = trainers(daemon)
        wait_for(lambda: any(kept.iterdir()))
        before = set(kept.iterdir())
        held = client.memories()["memories"]
        client.forget([one["id"] for one in held if "Biscuit" in one["text"]])

        assert is_gone(trainer)
        assert not before & set(kept.iterdir() if kept.exists() else ())
        wait_for(lambda: client.nights()["job"]["state"] == "done")
        assert (job, 1) == (client.nights()["job"]["id"], client.nights()["job"]["attempts"])
        assert "Biscuit" not in say(client, "What is my dog called?", "tsubasa:private")
        assert "Ingrid" in say(client, "What is my boss called?", "tsubasa:private")


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", DISK) as place:
        yield place


@pytest.mark.soak
def test_a_full_disk_fails_the_night_and_the_next_attempt_learns_all(disk, home):
    daemon = home(disk, **QUIET)
    with daemon.own() as client:
        client.night(recipe=SHORT)
        stage(client, "learning")
        (trainer,) = trainers(daemon)
        os.kill(trainer.pid, signal.SIGSTOP)  # by another hand than ours: it is woken again
        ballast = fill(disk)
        wait_for(lambda: "disk is full" in (client.status()["work"]["failure"] or ""))
        assert (0, None) == (client.generations()["live"], client.nights()["last"])
    daemon.stop(signal.SIGKILL)
    ballast.unlink()

    daemon = home(disk, **QUIET)
    with daemon.own() as client:
        wait_for(lambda: client.nights()["job"]["state"] == "done")
        assert "Ingrid" in say(client, "What is my boss called?", "tsubasa:private")
        assert 1 == len(_adopted(client.generations()))


def test_it_is_told_why_no_night_begins_and_an_order_begins_one(home):
    daemon = home(**{**ALWAYS, "night_when": "00:00-00:00, idle", "quiet_s": "100000"})
    with daemon.own() as client:
        client.add("My cat is called Momo.")
        wait_for(lambda: "must be quiet" in (client.nights()["waiting"] or ""))
        assert "Night: waiting: the last chat was" in (night(client.status()["work"]["night"]) or "")
        ordered = worked(client, lambda: client.night(recipe={"steps": 20}), "nights")
        assert ordered["last"]["lessons"] > 0
