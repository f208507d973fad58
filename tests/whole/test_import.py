"""Exports dropped into the inbox of a running daemon."""

import json
import os
import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.tiny import write_model
from tests.whole.house import Daemon, wait_for

LOCOMO = os.environ.get("LOCOMO")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    model = write_model(tmp_path_factory.mktemp("model") / "tiny.gguf")
    settings = {"observe": "false", "night": "false", "jobs_every_s": "0.2"}
    made = Daemon(tmp_path_factory.mktemp("inbox") / "home", model, **settings).start()
    yield made
    made.stop()


def drop(daemon, name, text):
    """Drop a file, wait until it is taken in or refused; the folder it ended in."""
    inbox = daemon.home / "inbox"
    (inbox / name).write_text(text, encoding="utf-8")
    wait_for(lambda: not (inbox / name).exists(), seconds=120)
    return next(p.parent.name for p in inbox.rglob(name + "*") if p.is_file())


def test_a_log_of_json_lines_is_found_by_text(daemon):
    lines = [
        {"role": "user", "content": "The heron stood in the shallow pond."},
        {"role": "assistant", "content": "Nice."},
    ]

    where = drop(daemon, "log.jsonl", "\n".join(json.dumps(line) for line in lines))

    with daemon.own() as client:
        found = client.messages(text="heron pond")["messages"]
    assert "done" == where
    assert [lines[0]["content"]] == [one["text"] for one in found]


def report_on(daemon, folder, name):
    return json.loads((daemon.home / "inbox" / folder / f"{name}.report.json").read_text())


def test_a_file_that_ends_in_a_broken_line_is_taken_in_and_its_report_names_the_line(daemon):
    where = drop(daemon, "cut.jsonl", '{"role": "user", "content": "Albatross"}\n{"role": "user", "cont')

    with daemon.own() as client:
        found = client.messages(text="albatross")["messages"]
    assert ("done", ["Albatross"]) == (where, [one["text"] for one in found])
    (unread,) = report_on(daemon, "done", "cut.jsonl")["unread"]
    assert unread.startswith("line 2")


def test_a_broken_file_is_refused_with_a_report_and_nothing_of_it_is_kept(daemon):
    where = drop(daemon, "broken.jsonl", '{"role": "user", "content": "Cormorant')

    with daemon.own() as client:
        found = client.messages(text="cormorant")["messages"]
    assert ("failed", []) == (where, found)
    assert report_on(daemon, "failed", "broken.jsonl")["error"]


def talks(name, count):
    """`count` messages in chats of 40, as JSON lines have them: no names, no times."""
    pairs = ((f"{name} {n} walks by the river", f"{name} {n} noted") for n in range(0, count, 2))
    turns = [turn for said, noted in pairs for turn in (("user", said), ("assistant", noted))]
    return json.dumps(
        [
            {
                "uuid": f"{name}-{start}",
                "name": "",
                "chat_messages": [
                    {
                        "uuid": f"{name}-{start}-{place}",
                        "sender": "human" if role == "user" else "assistant",
                        "text": text,
                        "created_at": "2026-01-01T10:00:00Z",
                    }
                    for place, (role, text) in enumerate(turns[start : start + 40])
                ],
            }
            for start in range(0, count, 40)
        ]
    )


ENDS = ("0:heron-0-0", "1560:heron-1560-39")  # of the messages of the export below


def chat(daemon, text):
    """One question, answered."""
    asked = {"model": "tsubasa", "max_tokens": 1, "messages": [{"role": "user", "content": text}]}
    key = {"authorization": f"Bearer {daemon.key}"}
    url = f"{daemon.running['url']}/v1/chat/completions"
    httpx.post(url, json=asked, headers=key, timeout=120, trust_env=False).raise_for_status()


def test_chats_go_on_while_a_long_export_goes_in(daemon, tmp_path):
    file = tmp_path / "heron.json"
    file.write_text(talks("heron", 1600))

    with daemon.own() as client, daemon.own() as other, ThreadPoolExecutor(1) as aside:
        chat(daemon, "before it")
        going_in = aside.submit(other.import_file, file)
        said = 0
        while not going_in.done():
            chat(daemon, f"Turn {(said := said + 1)}")
        taken = going_in.result()
        first, last = (
            client.messages(external_id=f"claude:heron-{place}")["messages"][0]["id"] for place in ENDS
        )
        turns = client.messages(text="turn", k=500)["messages"]

    assert 1600 == taken["turns"]
    assert said == len(turns)
    assert any(first < one["id"] < last for one in turns)  # they were answered in the midst of it


def test_an_import_that_a_kill_ended_goes_on_after_the_start_and_is_there_once(tmp_path):
    model = write_model(tmp_path / "tiny.gguf")
    daemon = Daemon(tmp_path / "home", model, observe="false", night="false").start(by_meaning=False)
    (daemon.home / "inbox" / "egret.json").write_text(talks("egret", 3000))
    with daemon.own() as client:
        wait_for(lambda: client.status()["held"]["messages"] > 100, seconds=120)
    daemon.stop(signal.SIGKILL)

    daemon.start(by_meaning=False)
    try:
        with daemon.own() as client:
            (before,) = client.imports()["imports"]
            wait_for(lambda: not (daemon.home / "inbox" / "egret.json").exists(), seconds=240)
            (after,) = client.imports()["imports"]
            held = client.status()["held"]["messages"]
    finally:
        daemon.stop(signal.SIGKILL)

    assert (False, True) == (before["is_whole"], after["is_whole"])
    assert (3000, 3000) == (after["turns"], held)


def test_an_undoing_that_a_kill_ended_is_finished_after_the_start(tmp_path):
    model = write_model(tmp_path / "tiny.gguf")
    daemon = Daemon(tmp_path / "home", model, observe="false", night="false").start(by_meaning=False)
    (tmp_path / "egret.json").write_text(talks("egret", 3000))
    with daemon.own() as client, ThreadPoolExecutor(1) as aside:
        taken = client.import_file(tmp_path / "egret.json")
        going = aside.submit(client.undo_import, taken["import_id"])
        wait_for(lambda: daemon_holds(daemon) < 2900, seconds=120)
        left = daemon_holds(daemon)
        daemon.stop(signal.SIGKILL)
        assert going.exception() is not None

    daemon.start(by_meaning=False)
    try:
        wait_for(lambda: daemon_holds(daemon) < 10, seconds=240)
        with daemon.own() as client:
            assert [] == client.imports()["imports"]
            assert not [
                one for one in client.messages(text="egret walks")["messages"] if "walks" in one["text"]
            ]
    finally:
        daemon.stop(signal.SIGKILL)
    assert 10 < left < 2900


def daemon_holds(daemon):
    """How many messages are held with their words."""
    with daemon.own() as client:
        return next(one["rows"] for one in client.storage()["store"]["parts"] if one["name"] == "chats")


@pytest.mark.skipif(
    LOCOMO is None, reason="LOCOMO does not point to locomo10.json (CC BY-NC, not part of the project)"
)
@pytest.mark.soak
def test_a_whole_conversation_is_found_by_id_text_and_meaning_and_twice_adds_nothing(daemon):
    with Path(str(LOCOMO)).open(encoding="utf-8") as file:
        talk = next(one for one in json.load(file) if one["sample_id"] == "conv-30")
    export = json.dumps([talk])
    turns = [t for name, value in talk["conversation"].items() if isinstance(value, list) for t in value]
    with daemon.own() as client:
        before = client.status()["held"]["messages"]
        assert "done" == drop(daemon, "conv-30.json", export)
        wait_for(lambda: client.status()["held"]["messages"] == before + len(turns), seconds=60)
        wait_for(lambda: client.status()["held"]["unindexed"] == 0, seconds=600)

        assert 369 == len(turns)
        for turn in turns:
            (one,) = client.messages(external_id=f"conv-30:{turn['dia_id']}")["messages"]
            assert one["text"].startswith(turn["text"].strip())
            if re.search(r"\w", one["text"]):  # one turn is ";)" and has no word
                assert one["id"] in [m["id"] for m in client.messages(text=one["text"], k=50)["messages"]]
        for turn in turns:
            (one,) = client.messages(external_id=f"conv-30:{turn['dia_id']}")["messages"]
            assert one["id"] in [
                m["id"] for m in client.messages(like=f"{one['speaker']}: {one['text']}", k=5)["messages"]
            ]

        drop(daemon, "again.json", json.dumps([talk], indent=1))  # other bytes, the same turns
        assert before + len(turns) == client.status()["held"]["messages"]
    shutil.rmtree(daemon.home / "inbox" / "done", ignore_errors=True)
