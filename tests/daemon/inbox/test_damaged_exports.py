"""Whatever happens to a file on its way, it is read or refused in our own words: never another error."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.inbox.detect import read_export
from daemon.inbox.errors import InboxError
from tests.daemon.inbox.samples import EVERY, LARGEST

names = st.sampled_from(sorted(EVERY))
few = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read_or_refused(data):
    try:
        read_export("export", data, largest=LARGEST)
    except InboxError as error:
        assert "\n" not in str(error).strip()


@pytest.mark.parametrize("name", EVERY)
def test_every_sample_is_read(name):
    assert read_export("export", EVERY[name], largest=LARGEST).turns > 0


@pytest.mark.parametrize("name", EVERY)
def test_a_file_cut_short_anywhere_is_read_or_refused(name):
    data = EVERY[name]

    for end in range(0, len(data), max(1, len(data) // 400)):
        read_or_refused(data[:end])


@few
@given(name=names, where=st.floats(0, 1), bit=st.integers(0, 7))
def test_a_file_with_one_bit_turned_is_read_or_refused(name, where, bit):
    data = bytearray(EVERY[name])
    data[int(where * (len(data) - 1))] ^= 1 << bit

    read_or_refused(bytes(data))


@few
@given(name=names, changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_file_with_some_other_bytes_is_read_or_refused(name, changes):
    data = bytearray(EVERY[name])
    for where, byte in changes:
        data[int(where * (len(data) - 1))] = byte

    read_or_refused(bytes(data))


def values(given, path=()):
    """The places of all values in something of JSON."""
    yield path
    if isinstance(given, dict | list):
        for key, value in given.items() if isinstance(given, dict) else enumerate(given):
            yield from values(value, (*path, key))


@few
@given(data=st.data())
def test_a_value_of_another_kind_anywhere_is_read_or_refused(data):
    name = data.draw(
        st.sampled_from(["chatgpt", "claude", "open webui", "lm studio", "librechat", "librechat nested"])
    )
    export = json.loads(EVERY[name])
    path = data.draw(st.sampled_from([path for path in values(export) if path]))
    other = data.draw(
        st.sampled_from([None, True, 0, -1, 1e300, 10**400, "", "x", "\ud800", [], [[]], {}, {"a": 1}])
    )
    at = export
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = other

    read_or_refused(json.dumps(export).encode())


@pytest.mark.parametrize(
    "text",
    [
        "## User" + " " * 200_000 + "x",
        "**User" + " " * 200_000 + "x",
        "**User**" + " " * 200_000 + "x",
        "User (" + " " * 200_000 + "x",
        "User (2026-03-05" + " " * 200_000 + "x",
        "## " + "*" * 200_000,
        "## User" + "*" * 200_000 + "x",
        "User: hi\nAssistant: " + "`" * 200_000,
        "Date:" + " " * 200_000 + "x",
        json.dumps({"mapping": {"a": {"message": None}}, "x": "\ue200cite" * 40_000}),
        json.dumps(
            [
                {
                    "chat": {
                        "history": {
                            "messages": {"a": {"role": "assistant", "content": "<details type=" * 40_000}}
                        }
                    }
                }
            ]
        ),
    ],
    ids=lambda text: text[:20],
)
def test_a_text_made_to_take_long_is_soon_read_or_refused(text):
    began = time.monotonic()
    read_or_refused(text.encode())

    assert time.monotonic() - began < 5.0
