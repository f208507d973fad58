"""What Tsubasa's own routes answer to requests that can't be meant."""

import asyncio
import json
import os

import pytest

from tests.daemon.api.world import serving

HUGE = 2**63


def answer(tmp_path, method, path, body=None, **config):
    """The reply to one request; `body` is sent as Python writes JSON, which has NaN."""

    async def scene():
        async with serving(tmp_path, **config) as world:
            content = None if body is None else json.dumps(body)
            headers = {"content-type": "application/json"}
            return await world.http.request(method, path, content=content, headers=headers)

    return asyncio.run(scene())


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("GET", f"/tsubasa/memories/{HUGE}", None, "memory_id"),
        ("GET", "/tsubasa/memories/-1", None, "memory_id"),
        ("POST", "/tsubasa/forget", {"memories": [HUGE]}, "memories[0]"),
        ("POST", "/tsubasa/forget", {"messages": [0]}, "messages[0]"),
        ("POST", "/tsubasa/forget", {"memories": []}, "memories"),
        ("GET", f"/tsubasa/messages/{HUGE}", None, "message_id"),
        ("POST", "/tsubasa/tend", {"quiet_s": 1e12}, "quiet_s"),
        ("POST", "/tsubasa/tend", {"quiet_s": float("nan")}, "quiet_s"),
        ("POST", "/tsubasa/tend", {"quiet_s": float("inf")}, "quiet_s"),
        ("POST", "/tsubasa/night", {"recipe": {"rank": "high"}}, "recipe.rank"),
        ("POST", "/tsubasa/night", {"recipe": {"rang": 8}}, "recipe.rang"),
        ("POST", "/tsubasa/night", {"seed": -1}, "seed"),
        ("POST", "/tsubasa/generations/use", {"generation": -1}, "generation"),
        ("POST", "/tsubasa/generations/ask", {"generation": 0, "question": ""}, "question"),
        ("GET", f"/tsubasa/generations/{HUGE}", None, "number"),
        ("GET", "/tsubasa/generations/compare?a=1&b=-1", None, "b"),
        ("GET", "/tsubasa/generations/compare?a=1", None, "b"),
        ("GET", "/tsubasa/nights/0", None, "night_id"),
        ("POST", "/tsubasa/import", {"file": "/etc\0"}, "file"),
        ("POST", "/tsubasa/import", {"file": "/dev/zero"}, "file"),
        ("POST", "/tsubasa/import", {"file": "/tmp/\udcff.jsonl"}, "file"),
    ],
    ids=str,
)
def test_a_mistake_is_a_400_that_names_its_key(tmp_path, method, path, body, param):
    reply = answer(tmp_path, method, path, body)

    assert (400, param) == (reply.status_code, reply.json()["error"]["param"])


def test_a_moment_before_the_first_one_in_utc_is_a_400(tmp_path):
    asked = {
        "messages": [{"role": "user", "content": "hi"}],
        "tsubasa": {"said_at": "0001-01-01T00:00:00+14:00"},
    }

    reply = answer(tmp_path, "POST", "/v1/chat/completions", asked)

    assert (400, "tsubasa.said_at") == (reply.status_code, reply.json()["error"]["param"])


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_not_imported(tmp_path, kind):
    path = tmp_path / "export"
    path.mkdir() if kind == "folder" else os.mkfifo(path)

    reply = answer(tmp_path, "POST", "/tsubasa/import", {"file": str(path)})

    assert 400 == reply.status_code
    assert "'export': it is no ordinary file" in reply.json()["error"]["message"]


def test_the_largest_file_to_import_is_the_largest_body(tmp_path):
    export = tmp_path / "log.jsonl"
    export.write_text('{"role": "user", "content": "hi"}' + " " * 2**20)

    reply = answer(tmp_path, "POST", "/tsubasa/import", {"file": str(export)}, max_import_mb=1)

    assert 400 == reply.status_code
    assert "Split it below 1,048,576" in reply.json()["error"]["message"]
