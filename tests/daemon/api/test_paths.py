"""What clients write in their own way is the same request."""

import gzip
import json
import zlib

import pytest

from tests.daemon.api.world import serving

ASKED = {"model": "tsubasa", "messages": [{"role": "user", "content": "hi"}]}
BODY = json.dumps(ASKED).encode()
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
async def http(tmp_path_factory):
    async with serving(tmp_path_factory.mktemp("home"), max_body_mb=1) as world:
        yield world.http


@pytest.mark.parametrize(
    "path",
    ["/v1//chat/completions", "/v1/chat/completions/", "/chat//completions", "/v1/v1/chat/completions"],
)
async def test_slashes_too_many_and_a_version_said_twice_change_nothing(http, path):
    assert 200 == (await http.post(path, json=ASKED)).status_code


@pytest.mark.parametrize(
    "path", ["/v1/models", "/models/", "/v1/models/tsubasa", "/v1/health", "/tsubasa/status"]
)
async def test_head_is_get_without_its_body(http, path):
    head, get = await http.head(path), await http.get(path)

    assert (200, b"") == (head.status_code, head.content)
    assert get.headers["content-type"] == head.headers["content-type"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_packed_body_is_read(http, encoding):
    packed = gzip.compress(BODY) if encoding == "gzip" else zlib.compress(BODY)
    reply = await http.post(
        "/v1/chat/completions", content=packed, headers=JSON | {"content-encoding": encoding}
    )

    assert (200, "Hello.") == (reply.status_code, reply.json()["choices"][0]["message"]["content"])


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", b"no gzip", 400),
        ("gzip", gzip.compress(BODY)[:-9], 400),
        ("gzip", gzip.compress(b" " * 2**21), 413),  # a few kilobytes that are two megabytes
        ("br", BODY, 415),
    ],
    ids=["no gzip", "cut off", "too large", "another encoding"],  # bytes packed a second later are others
)
async def test_a_body_that_cannot_be_unpacked_is_refused_in_one_line(http, encoding, body, status):
    reply = await http.post(
        "/v1/chat/completions", content=body, headers=JSON | {"content-encoding": encoding}
    )

    assert status == reply.status_code
    assert 1 == len(reply.json()["error"]["message"].splitlines())


@pytest.mark.parametrize(
    "keys", [{"stream_options": 3}, {"messages": ["hi"]}, {"tsubasa": []}, {"tools": [1]}]
)
async def test_no_error_names_a_class_of_ours(http, keys):
    message = (await http.post("/v1/chat/completions", json=ASKED | keys)).json()["error"]["message"]

    assert message.endswith("is not valid: it must be a JSON object.")
