"""Whatever happens to a file on its way, it is read or refused in our own words: never another error."""

import json
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.inbox.errors import InboxError
from tests.daemon.inbox.local_samples import NEW_LOGS, OLD_LOGS, database, jan, jan_line, librechat, lm_studio
from tests.daemon.inbox.samples import EVERY, LOCOMO, as_bytes, changed, chatgpt, claude, open_webui, read

names = st.sampled_from(sorted(EVERY))
few = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read_or_refused(data):
    try:
        read(data)
    except InboxError as error:
        assert "\n" not in str(error).strip()


TURN = '{"role": "user", "content": "x"}\n\n'


def gpt(*path, to):
    return changed(chatgpt() * 2, 0, *path, to=to)


def gpt_message(*path, to):
    return gpt("mapping", "q1", "message", *path, to=to)


def claude_message(*path, to):
    return changed(claude(), 0, "chat_messages", *path, to=to)


def webui(*path, to):
    return changed(open_webui(), 0, "chat", "history", *path, to=to)


def libre(*path, to):
    return changed(librechat(), "messages", *path, to=to)


def broken_locomo(change):
    """Two conversations, the second with this change."""
    return [LOCOMO, LOCOMO | {"conversation": LOCOMO["conversation"] | change}]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (gpt("current_node", to="gone"), "conversation 1: its message 'gone' is not"),
        (gpt("mapping", "root", "parent", to="a2"), "conversation 1: its messages go in a circle"),
        (gpt("mapping", "q1", "parent", to=7), "conversation 1: its message 7 is not"),
        (gpt("mapping", "q1", to="text"), "conversation 1, 'q1': it is no JSON object"),
        (changed(chatgpt() * 2, 1, "mapping", to=...), "conversation 2, 'mapping': it is no JSON object"),
        (gpt_message(to="text"), "message 'q1': it is no JSON object"),
        (gpt_message("author", to=None), "message 'q1', 'author': it is no JSON object"),
        (gpt_message("content", to=[]), "message 'q1', 'content': it is no JSON object"),
        (gpt_message("content", "parts", to="text"), "'parts': it is no list"),
        (gpt_message("create_time", to="soon"), "message 'q1': 'soon' is no time"),
        (gpt("create_time", to="x" * 500), "conversation 1: 'x{39} is no time"),
        (changed(claude(), 1, "chat_messages", to=...), "conversation 2: it has no 'chat_messages'"),
        (changed(claude(), 1, "chat_messages", to="none"), "conversation 2, 'chat_messages': it is no list"),
        (claude_message(1, to="text"), "conversation 1, message 2: it is no JSON object"),
        (claude_message(1, "content", to="text"), "message 2, 'content': it is no list"),
        (claude_message(1, "content", 3, "text", to=7), "message 2, 'content': it is no text"),
        (claude_message(2, "created_at", to="soon"), "message 3: 'soon' is no time"),
        (webui("currentId", to="gone"), "chat 1: its message 'gone' is not"),
        (webui("messages", "q1", "parentId", to="q2"), "chat 1: its messages go in a circle"),
        (webui("messages", "q1", to=3), "chat 1, message 'q1': it is no JSON object"),
        (webui("messages", "q1", "content", to={}), "'content': it is no text"),
        (webui("messages", "q1", "timestamp", to="soon"), "message 'q1': 'soon' is no time"),
        (lm_studio("text"), "message 3: it is no JSON object"),
        (lm_studio({"versions": [], "currentlySelected": 0}), "message 3: its selected version"),
        (lm_studio({"versions": [{}], "currentlySelected": -1}), "message 3: its selected version"),
        (lm_studio({"versions": ["x"]}), "message 3, version 1: it is no JSON object"),
        (lm_studio({"versions": [{"role": "assistant", "steps": {}}]}), "message 3, 'steps': it is no list"),
        (
            lm_studio({"versions": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}),
            "'content': it is no text",
        ),
        (jan() + "{broken", "line 5: it is no JSON"),
        (jan() + "[]", "line 5: it is no JSON object"),
        (jan() + jan_line(5, "user", "", content=[1]), "line 5, 'content': it is no JSON object"),
        (jan() + jan_line(5, "user", "x", created_at="soon"), "line 5: 'soon' is no time"),
        (libre(0, "parentMessageId", to="m4"), "conversation 1: its messages go in a circle"),
        (libre(1, "messageId", to="m1"), "conversation 1, message 2: it has no id of its own"),
        (libre(1, to=3), "conversation 1, message 2: it is no JSON object"),
        (database("create table notes (id);"), "no logs.db of llm"),
        (database("create view responses as select 1 as id;"), "no logs.db of llm"),
        (database("create virtual table responses using fts5 (id);"), "no logs.db of llm"),
        (
            database(OLD_LOGS + "update responses set datetime_utc = 'soon';"),
            "'datetime_utc': 'soon' is no time",
        ),
        (database(OLD_LOGS + "update responses set prompt = x'ff';"), "'prompt': it is no text"),
        (
            database(NEW_LOGS + "update messages set parent_hash = 'b2:5' where hash = 'b2:1';"),
            "go in a circle",
        ),
        (database(NEW_LOGS + "update threads set tip_message_hash = 'b2:9';"), "'b2:9' is not"),
        (
            database("create table responses (id text, prompt text as (hex(zeroblob(9))));"),
            "no logs.db of llm",
        ),
        (
            database(
                "create table real (id); create view threads as select id from real; create view turns as select 1;"
                "create view messages as select 1; create view parts as select 1;"
            ),
            "no logs.db of llm",
        ),
        ("## User\nhi\n## Assistant (2026-13-05)\nhello", "turn 2: '2026-13-05' is no time"),
        (broken_locomo({"session_2": "no list"}), "conv-1, session_2: it is no list"),
        (broken_locomo({"session_2": [1]}), "conv-1, session_2, turn 1"),
        (
            broken_locomo({"session_2": [{"speaker": "Ana", "dia_id": "D2:1"}]}),
            "turn 1: its 'text' is missing",
        ),
        (broken_locomo({"session_2_date_time": "yesterday"}), "session_2: its date is 'yesterday'"),
        (broken_locomo({"session_2_date_time": "1:56 pm on 31 June, 2023"}), "its date is"),
        (broken_locomo({"session_2_date_time": "1:56 pm on 7 Mai, 2023"}), "its date is"),
        (broken_locomo({"session_2_date_time": None}), "its date is None"),
        (TURN + "{broken", "line 3: it is no JSON"),
        (TURN + "[1]", "line 3: it is no JSON object"),
        (TURN + '{"role": "user"}', "line 3: it has no text"),
        (TURN + '{"role": "user", "content": null}', "line 3: it has no text"),
        (TURN + '{"role": "user", "content": "\\ud800"}', "half a surrogate"),
        (TURN + '{"role": "robot", "content": "x"}', "line 3: its role is 'robot'"),
        (TURN + '{"role": "user", "content": "x", "date": "soon"}', "line 3: 'soon' is no time"),
        (TURN + '{"role": "user", "content": "x", "date": true}', "is no time"),
        (TURN + '{"role": "user", "content": "x", "date": 1e300}', "is no time"),
        (TURN + '{"messages": {}}', "line 3, 'messages': it is no list"),
        (TURN + '{"messages": [1]}', "line 3, message 1: it is no JSON object"),
        (TURN + "[" * 100_000, "line 3: it is nested too deeply"),
    ],
    ids=lambda given: given if isinstance(given, str) and len(given) < 90 else "",
)
def test_a_broken_export_that_is_read_strictly_is_refused_names_the_place_and_runs_nothing(given, words):
    with pytest.raises(InboxError, match="'broken.json': ") as caught:
        read(given, "broken.json", strict=True)

    assert re.search(words, str(caught.value))


@pytest.mark.parametrize("name", EVERY)
def test_a_file_cut_short_anywhere_is_read_or_refused(name):
    data = as_bytes(EVERY[name])
    assert read(data).turns > 0

    for end in range(0, len(data), max(1, len(data) // 400)):
        read_or_refused(data[:end])


@few
@given(name=names, where=st.floats(0, 1), bit=st.integers(0, 7))
def test_a_file_with_one_bit_turned_is_read_or_refused(name, where, bit):
    data = bytearray(as_bytes(EVERY[name]))
    data[int(where * (len(data) - 1))] ^= 1 << bit

    read_or_refused(bytes(data))


@few
@given(name=names, changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_file_with_some_other_bytes_is_read_or_refused(name, changes):
    data = bytearray(as_bytes(EVERY[name]))
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
    name = data.draw(st.sampled_from([name for name in EVERY if isinstance(EVERY[name], dict | list)]))
    export = EVERY[name]
    path = data.draw(st.sampled_from([path for path in values(export) if path]))
    other = data.draw(
        st.sampled_from([None, True, 0, -1, 1e300, 10**400, "", "x", "\ud800", [], [[]], {}, {"a": 1}])
    )

    read_or_refused(as_bytes(changed(export, *path, to=other)))


DETAILS = {"role": "assistant", "content": "<details type=" * 40_000}


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
        json.dumps([{"chat": {"history": {"messages": {"a": DETAILS}}}}]),
    ],
    ids=lambda text: text[:20],
)
def test_a_text_made_to_take_long_is_soon_read_or_refused(text):
    began = time.monotonic()
    read_or_refused(text.encode())

    assert time.monotonic() - began < 5.0
