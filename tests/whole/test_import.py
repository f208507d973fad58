"""Exports dropped into the inbox of a running daemon."""

import json
import os
import re
import shutil
from pathlib import Path

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


def test_a_broken_file_is_refused_with_a_report_and_nothing_of_it_is_kept(daemon):
    where = drop(daemon, "broken.jsonl", '{"role": "user", "content": "Albatross"}\n{"role": "user", "cont')

    with daemon.own() as client:
        found = client.messages(text="albatross")["messages"]
    assert "failed" == where
    assert [] == found


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
