"""What our own routes answer to requests that can't be meant: one daemon hears them all, and changes nothing."""

import json
import os

import pytest

from tests.daemon.api.world import moved_house, serving

HUGE = 2**63
LONG = "x" * 2001
ASK = {"asked_by": "a"}


@pytest.fixture(scope="module")
async def http(tmp_path_factory):
    async with serving(tmp_path_factory.mktemp("home"), max_import_mb=1) as world:
        await moved_house(world)
        yield world.http


async def answer(http, method, path, body=None):
    """Status, parameter and message of an error; `body` is sent as Python writes JSON, which has NaN."""
    content = None if body is None else json.dumps(body)
    reply = await http.request(method, path, content=content, headers={"content-type": "application/json"})
    error = reply.json()["error"]
    return reply.status_code, error["param"], error["message"]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (f"memories/{HUGE}", None, "memory_id"),
        ("memories/-1", None, "memory_id"),
        ("memories?as_of=soon", None, "as_of"),
        ("memories/audit?unused_days=-1", None, "unused_days"),
        (f"messages/{HUGE}", None, "message_id"),
        ("messages", None, None),
        ("chats?n=0", None, "n"),
        (f"generations/{HUGE}", None, "number"),
        ("generations/compare?a=1&b=-1", None, "b"),
        ("generations/compare?a=1", None, "b"),
        ("nights/0", None, "night_id"),
        ("import/0", None, "number"),
        ("memories", {"text": LONG}, "text"),
        ("memories", {"text": "?"}, "text"),
        ("memories", {"text": "x", "since": "never"}, "since"),
        (f"memories/{HUGE}", {"text": "x"}, "memory_id"),
        ("undo", {"memory": 0}, "memory"),
        ("undo", {"event": HUGE}, "event"),
        ("undo", {}, None),
        ("undo", {"memory": 1, "event": 1}, None),
        ("forget", {"memories": [HUGE]}, "memories[0]"),
        ("forget", {"messages": [0]}, "messages[0]"),
        ("forget", {"memories": []}, "memories"),
        ("tend", {"quiet_s": 1e12}, "quiet_s"),
        ("tend", {"quiet_s": float("nan")}, "quiet_s"),
        ("tend", {"quiet_s": float("inf")}, "quiet_s"),
        ("night", {"recipe": {"rank": "high"}}, "recipe.rank"),
        ("night", {"recipe": {"rang": 8}}, "recipe.rang"),
        ("night", {"seed": -1}, "seed"),
        ("generations/use", {"generation": -1}, "generation"),
        ("generations/ask", {"generation": 0, "question": ""}, "question"),
        ("import", {"file": "/etc\0"}, "file"),
        ("import", {"file": "/dev/zero"}, "file"),
        ("import", {"file": "here.jsonl"}, "file"),
        ("import", {"file": "/tmp/\udcff.jsonl"}, "file"),
        ("import/undo", {"number": 0}, "number"),
        ("import/undo", {"number": HUGE}, "number"),
        ("import/undo", {"number": "x"}, "number"),
        ("logging", {}, "on"),
        ("logging", {"on": "no"}, "on"),
        ("logging", {"on": False, "for_minutes": 0}, "for_minutes"),
        ("logging", {"on": False, "for_minutes": 2.5}, "for_minutes"),
        ("logging", {"on": False, "for_minutes": 10**9}, "for_minutes"),
        ("logging", {"on": True, "for_minutes": 5}, "for_minutes"),
        ("confirmations", {**ASK, "act": "sing", "memories": [1]}, "act"),
        ("confirmations", {**ASK, "act": "forget", "memories": []}, "memories"),
        ("confirmations", {**ASK, "act": "forget", "memories": [0]}, "memories[0]"),
        ("confirmations", {**ASK, "act": "forget", "memories": [1] * 101}, "memories"),
        ("confirmations", {**ASK, "act": "forget", "memories": [1], "text": "x"}, "text"),
        ("confirmations", {**ASK, "act": "edit", "memories": [1, 2], "text": "x"}, "memories"),
        ("confirmations", {**ASK, "act": "edit", "memories": [1]}, "text"),
        ("confirmations", {**ASK, "act": "edit", "memories": [1], "text": " "}, "text"),
        ("confirmations", {**ASK, "act": "edit", "memories": [1], "text": LONG}, "text"),
        ("confirmations", {"asked_by": "", "act": "forget", "memories": [1]}, "asked_by"),
        ("confirmations/12345678", {}, "allow"),
    ],
    ids=str,
)
async def test_a_wrong_address_or_body_is_a_400_that_names_its_key(http, path, body, param):
    status, found, _ = await answer(http, "GET" if body is None else "POST", f"/tsubasa/{path}", body)

    assert (400, param) == (status, found)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "memories/9", None, 404),
        ("POST", "memories/9", {"text": "The user has a dog."}, 404),
        ("POST", "undo", {"memory": 9}, 404),
        ("POST", "undo", {"event": 9}, 404),
        ("POST", "undo", {"memory": 1}, 409),  # memory 2 has replaced it
        ("POST", "undo", {"event": 1}, 409),
        ("POST", "memories/1", {"text": "The user has a dog."}, 409),
        ("POST", "memories", {"text": "the user lives in oslo"}, 409),  # it is there already
        ("GET", "chats/7", None, 404),
        ("GET", "messages/9", None, 404),
        ("GET", "import/7", None, 404),
        ("POST", "import/undo", {"number": 7}, 404),
        ("GET", "nights/7", None, 404),
        ("GET", "nights/latest", None, 404),
        ("GET", "generations/7", None, 404),
        ("POST", "forget", {"memories": [99]}, 404),
        ("POST", "forget/preview", {"memories": [99]}, 404),
        ("GET", "confirmations/12345678", None, 404),
        ("POST", "confirmations/12345678", {"allow": True}, 404),
        ("POST", "confirmations", {**ASK, "act": "forget", "memories": [9]}, 404),
    ],
    ids=str,
)
async def test_what_is_not_there_or_not_possible_is_no_400(http, method, path, body, status):
    found, _, message = await answer(http, method, f"/tsubasa/{path}", body)

    assert status == found
    assert 1 == len(message.splitlines())


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing", "picture", "large"])
async def test_what_is_no_export_is_not_imported(http, tmp_path, kind):
    path = tmp_path / "export.jsonl"
    make = {
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "missing": lambda: None,
        "picture": lambda: path.write_bytes(b"\x89PNG\0\xff"),
        "large": lambda: path.write_text('{"role": "user", "content": "hi"}' + " " * 2**20),
    }
    make[kind]()

    found = [
        await answer(http, "POST", f"/tsubasa/{route}", {"file": str(path)})
        for route in ("import", "import/preview")
    ]

    assert [(400, "file")] * 2 == [(status, param) for status, param, _ in found]
    assert all("export.jsonl" in message for *_, message in found)
