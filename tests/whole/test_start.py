"""The start of a real daemon: it answers before the embedder is there, and never with another embedder's vectors."""

import json
import signal
import subprocess
import sys
import time

import pytest

from daemon.web.inbox import uploads
from tests.whole.house import NANO, ROOT, Daemon, wait_for


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    made = Daemon(tmp_path_factory.mktemp("home") / "home", NANO)
    yield made
    made.stop()


def asked(daemon, text):
    with daemon.own() as client:
        return "".join(client.chat([{"role": "user", "content": text}], temperature=0))


def test_it_answers_while_the_embedder_starts_and_then_recalls_by_meaning(daemon):
    daemon.start(by_meaning=False)

    assert asked(daemon, "Hi!")  # on a quick machine the embedder may be there first
    wait_for(lambda: daemon.status()["recall"]["by"] == "meaning")
    wait_for(lambda: daemon.status()["held"]["unindexed"] == 0)
    told = daemon.run("status").stdout
    assert "Recall" not in told


def test_what_was_told_is_recalled_by_words_after_a_restart(daemon):
    with daemon.own() as client:
        client.add("The user's dog is called Rex.")
    wait_for(lambda: daemon.status()["held"]["unindexed"] == 0)
    daemon.stop()
    daemon.start(by_meaning=False)
    body = {"model": "tsubasa", "messages": [{"role": "user", "content": "What is my dog called?"}]}
    with daemon.client() as api:
        answer = api.chat.completions.create(**body)

    assert [1] == answer.model_extra["tsubasa"]["memories"]


def test_files_that_nobody_can_decide_about_any_more_are_gone_after_a_restart(daemon):
    daemon.stop()
    file = uploads.save(daemon.home, "chat.json", b"{}")
    daemon.start(by_meaning=False)

    assert not file.parent.exists()


def test_another_embedder_is_refused_at_once_with_the_command_that_helps(daemon):
    daemon.stop()
    other = Daemon(daemon.home, NANO, embedder="some/other")
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "daemon", "up"],
        env=other.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    took_s = time.monotonic() - began

    assert 1 == done.returncode
    assert "Can't search with the embedder 'some/other': the store holds vectors" in done.stderr
    assert "tsubasa up --reindex" in done.stderr
    assert "Traceback" not in done.stderr
    assert took_s < 30, "no embedder was started for it"


def test_a_daemon_that_is_stopped_while_the_embedder_starts_leaves_nothing(daemon):
    daemon.start(by_meaning=False)
    pids = [one["pid"] for one in daemon.status()["children"] if one["pid"]]

    assert 0 == daemon.stop(signal.SIGTERM)
    assert [] == [pid for pid in pids if alive(pid)]
    assert not (daemon.home / "daemon.json").exists()


def test_an_embedder_that_is_not_there_is_told_and_chats_go_on(tmp_path):
    daemon = Daemon(tmp_path / "home", NANO, embedder="no/such-embedder").start(by_meaning=False)
    try:
        wait_for(lambda: daemon.status()["recall"]["why"] != "the embedder is starting")
        answer = asked(daemon, "Hi!")
        told = " ".join(daemon.run("status").stdout.split())
        recall = json.loads(daemon.run("status", "--json").stdout)["recall"]
    finally:
        daemon.stop()

    assert answer
    assert "Recall: by words only" in told
    assert "Can't load the embedder 'no/such-embedder'" in told
    assert "words" == recall["by"]


def alive(pid):
    try:
        return "Z" not in open(f"/proc/{pid}/stat").read().split(")")[1].split()[0]
    except FileNotFoundError:
        return False
