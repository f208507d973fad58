"""
Canaries that are told, imported, remembered and forgotten: no byte of them lies in any file, name or environment.

Sought as UTF-8, UTF-16, base64 at each offset and as JSON escapes them, in the home, the folders for temporary files
and for sockets, the log, and what the processes show of themselves.
"""

import base64
import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.whole.house import NANO, Daemon, wait_for
from tests.whole.nights import QUIET

KINDS = ("told", "private", "imported", "added", "forgotten", "undone")
CANARIES = {kind: f"Zwölfenküsten{number}Qx{kind}" for number, kind in enumerate(KINDS, start=71)}


def spellings(word):
    """Each way in which a word may lie in a file."""
    plain = word.encode()
    found = {
        plain,
        plain.lower(),
        word.encode("utf-16-le"),
        word.encode("utf-16-be"),
        json.dumps(word)[1:-1].encode(),
    }
    for offset in range(3):  # in base64 three bytes are four letters: the word begins at one of three places
        coded = base64.b64encode(b"x" * offset + plain)
        found.add(coded[4 if offset else 0 : len(coded) // 4 * 4 - 4])
    return found


def leaks(places, words):
    """Where which word was found: in the name or the content of a file below these folders."""
    found = []
    sought = {word: spellings(word) for word in words}
    for place in places:
        for file in [place, *place.rglob("*")] if place.is_dir() else [place]:
            with suppress(OSError):
                data = file.name.encode() + (file.read_bytes() if file.is_file() else b"")
                found += [
                    (str(file), word) for word, every in sought.items() if any(one in data for one in every)
                ]
    return found


@pytest.mark.parametrize("how", ["utf-8", "utf-16-le", "base64", "json", "name"])
def test_what_lies_in_a_file_is_found_in_each_spelling(tmp_path, how):
    word = CANARIES["told"]
    written = {
        "base64": base64.b64encode(f"it was {word} then".encode()),
        "json": json.dumps({"text": word}).encode(),
        "name": b"",
    }.get(how)
    (tmp_path / (word if how == "name" else "file")).write_bytes(
        word.encode(how) if written is None else written
    )

    assert [word] == [found for _, found in leaks([tmp_path], CANARIES.values())]


def test_no_word_of_anybody_lies_unencrypted_anywhere(tmp_path, monkeypatch):
    for name in ("tmp", "runtime", "cache", "exports"):
        (tmp_path / name).mkdir(mode=0o700)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    daemon = Daemon(tmp_path / "home", NANO, **QUIET).start()
    with daemon.own() as client:
        for kind in ("told", "private"):
            model = "tsubasa:private" if kind == "private" else "tsubasa"
            list(
                client.chat(
                    [{"role": "user", "content": f"I live in {CANARIES[kind]}."}], model=model, max_tokens=8
                )
            )
        for kind in ("imported", "undone"):
            file = tmp_path / "exports" / f"{kind}.jsonl"
            file.write_text(json.dumps({"role": "user", "content": f"My boss is {CANARIES[kind]}."}) + "\n")
            taken = client.import_file(file)
        client.undo_import(taken["import_id"])
        client.add(f"The user's dog is called {CANARIES['added']}.")
        made = client.add(f"The user's cat is called {CANARIES['forgotten']}.")
        client.forget(memory_ids=[made["memory"]["id"]])
        client.memories()
        assert 1 == len(client.messages(text=CANARIES["told"])["messages"])
        wait_for(lambda: client.status()["held"]["unindexed"] == 0)
    assert 0 == daemon.run("backup").returncode
    assert daemon.process is not None
    family = [
        psutil.Process(daemon.process.pid),
        *psutil.Process(daemon.process.pid).children(recursive=True),
    ]
    shown = [Path(f"/proc/{one.pid}") / name for one in family for name in ("cmdline", "environ")]
    for process in shown:
        assert [] == leaks([process], CANARIES.values())
    places = [tmp_path / name for name in ("home", "tmp", "runtime", "cache")]
    while_it_runs = leaks(places, CANARIES.values())
    daemon.stop(signal.SIGKILL)

    assert [] == while_it_runs
    assert [] == leaks(places, CANARIES.values())
    assert [] == [
        file
        for file in tmp_path.rglob("core*")
        if file.is_file() and os.access(file, os.R_OK) and file.read_bytes()[:4] == b"\x7fELF"
    ]
