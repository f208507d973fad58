"""
Whatever comes in, it is read or refused in our own words, soon: no other error, at any door that reads bytes or lines.

`make soak` tries many more; `TSUBASA_FUZZ=100000 pytest -m soak tests/test_fuzz.py` the number that is named.
"""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.client.transport import chunk_in
from daemon.config.settings import load
from daemon.engine.gguf_file import Broken, read_header
from daemon.engine.tool_calls import HERMES, CallForm, CallReader
from daemon.errors import ConfigError, DaemonError
from daemon.home import Home, running
from daemon.inbox.errors import InboxError
from tests.daemon.inbox.samples import EVERY, as_bytes, read
from tests.tiny import write_model

SOON_S = 5.0
MANY = int(os.environ.get("TSUBASA_FUZZ", "2000"))
few = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
many = settings(few, max_examples=MANY)
FORMS = (
    HERMES,
    CallForm(opening="", closing="", arguments_key="parameters"),
    CallForm(opening="[TOOL_CALLS]", closing="", listed=True),
    CallForm(opening="[TOOL_CALLS]", closing="", style="named", separator="[ARGS]"),
    CallForm(opening="<tool_call>", closing="</tool_call>", style="xml"),
)
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
MARKS = st.sampled_from(
    ["<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", '{"name": "look", "arguments": {', "}}", "look", "<",
     "<function=look>", "<parameter=x>", "</parameter>", "</function>", '"', "\\", "[", "{", "null", "1e999", "é"]
)  # fmt: skip
objects = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=12,
)
lines = st.text(max_size=200) | objects.map(json.dumps) | MARKS


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The beginning of a model's file, with all of its header."""
    return write_model(tmp_path_factory.mktemp("model") / "tiny.gguf").read_bytes()[:200_000]


@st.composite
def changed(draw, samples):
    """One of these samples with bytes turned, taken out, doubled or put in, or any bytes at all."""
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["turn", "cut", "double", "put", "end"])):
            case "turn" if data:
                data[at] ^= draw(st.integers(1, 255))
            case "cut":
                del data[at : at + draw(st.integers(1, 64))]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 64))]
            case "put":
                data[at:at] = draw(st.binary(max_size=16))
            case "end":
                del data[at:]
    return bytes(data)


def an_export(data):
    try:
        read(data)
    except InboxError as error:
        assert "\n" not in str(error).strip()


def a_model(data):
    try:
        read_header(data)
    except Broken as error:
        assert str(error)


def a_line_of_a_stream(line):
    try:
        chunk_in(line)
    except DaemonError as error:
        assert "\n" not in str(error)


def an_answer(form, pieces):
    reader = CallReader(form, TOOLS)
    found = [reader.push(piece) for piece in pieces] + [reader.rest()]
    shown, calls = "".join(text for text, _ in found), [call for _, made in found for call in made]
    if not calls:
        assert "".join(pieces).split() == shown.split() or form.opening in "".join(pieces)


def settings_of(home, text):
    home.config.write_bytes(text)
    try:
        load(home.config, environment={})
    except ConfigError as error:
        assert str(home.config) in str(error) or home.config.name in str(error)


def an_announcement(home, data):
    home.ready.write_bytes(data)
    found = running(home)
    assert found is None or (isinstance(found.pid, int) and isinstance(found.port, int))


def soon(check, *inputs):
    began = time.monotonic()
    check(*inputs)
    assert time.monotonic() - began < SOON_S


def try_one(wanted, check, inputs):
    @wanted
    @given(inputs)
    def one(data):
        soon(check, data)

    one()


def try_all(wanted, home, model):
    """Each door, with as many inputs as `wanted` says."""
    exports = [as_bytes(one) for one in EVERY.values()]
    config = [b'port = 4141\nmodel = "x.gguf"\n[night]\n', b'recall_k = 3\nnight_when = "03:00"\n']
    ready = [json.dumps({"pid": 1, "port": 2, "url": "http://127.0.0.1:2"}).encode()]
    streams = st.text(max_size=200) | lines.map("data: {}".format)
    doors = {
        "exports": (an_export, changed(exports) | st.binary(max_size=400)),
        "models": (a_model, changed([model]) | st.binary(max_size=400).map(b"GGUF".__add__)),
        "streams": (a_line_of_a_stream, streams),
        "settings": (lambda data: settings_of(home, data), changed(config) | st.binary(max_size=200)),
        "announcements": (
            lambda data: an_announcement(home, data),
            changed(ready) | objects.map(lambda one: json.dumps(one).encode()),
        ),
    }
    for check, inputs in doors.values():
        try_one(wanted, check, inputs)

    @wanted
    @given(st.sampled_from(FORMS), st.lists(lines, max_size=12))
    def answers(form, pieces):
        soon(an_answer, form, pieces)

    answers()


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_whatever_comes_in_is_read_or_refused(home, model):
    try_all(few, home, model)


@pytest.mark.soak
def test_of_many_inputs_each_is_read_or_refused(home, model):
    try_all(many, home, model)


def test_the_samples_themselves_are_read(home, model):
    for name, export in EVERY.items():
        assert read(as_bytes(export)), name
    assert read_header(model).values
    assert Path(home.path).is_dir()
