"""Files of LoCoMo and of JSON lines: what is read out of them, and what is said of broken ones."""

import json
from datetime import UTC, datetime

import pytest

from daemon.inbox.detect import read_export
from daemon.inbox.errors import InboxError, UnknownFormat

LARGEST = 2**20  # bytes
LOCOMO = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ana",
        "speaker_b": "Ben",
        "session_10_date_time": "12:05 am on 8 May, 2023",
        "session_10": [{"speaker": "Ben", "dia_id": "D10:1", "text": "Look!", "blip_caption": "a red kite"}],
        "session_2_date_time": "1:56 pm on 7 May, 2023",
        "session_2": [
            {"speaker": "Ana", "dia_id": "D2:1", "text": "Hi Ben!"},
            {"speaker": "Ben", "dia_id": "D2:2", "text": "Hi Ana!"},
        ],
        "session_11_date_time": "1:00 pm on 9 May, 2023",
    },
    "qa": [],
}


def read(given, name="export.json"):
    text = given if isinstance(given, str) else json.dumps(given)
    return read_export(name, text.encode(), largest=LARGEST)


def lines(*objects):
    return "\n".join(json.dumps(one) for one in objects)


@pytest.mark.parametrize("given", [[LOCOMO], LOCOMO], ids=["list", "one conversation"])
def test_locomo_is_read_session_by_session_with_names_times_and_captions(given):
    found = read(given)
    (first, second), (third,) = found.sessions

    assert "LoCoMo JSON" == found.format
    assert ("user", "Ana", "Hi Ben!", "conv-1:D2:1", datetime(2023, 5, 7, 13, 56, tzinfo=UTC)) == (
        *(first.role, first.speaker, first.text, first.external_id),
        first.said_at,
    )
    assert ("Ben", datetime(2023, 5, 7, 13, 56, 1, tzinfo=UTC)) == (second.speaker, second.said_at)
    assert ("Look! [image: a red kite]", datetime(2023, 5, 8, 0, 5, tzinfo=UTC)) == (
        third.text,
        third.said_at,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"session_2": "no list"}, "conv-1, session_2: it is no list"),
        ({"session_2": [1]}, "conv-1, session_2, turn 1"),
        ({"session_2": [{"speaker": "Ana", "dia_id": "D2:1"}]}, "turn 1: its 'text' is missing"),
        ({"session_2_date_time": "yesterday"}, "session_2: its date is 'yesterday'"),
        ({"session_2_date_time": "1:56 pm on 31 June, 2023"}, "its date is"),
        ({"session_2_date_time": "1:56 pm on 7 Mai, 2023"}, "its date is"),
        ({"session_2_date_time": None}, "its date is None"),
    ],
)
def test_a_broken_locomo_file_is_named_with_the_place(change, words):
    broken = LOCOMO | {"conversation": LOCOMO["conversation"] | change}

    with pytest.raises(InboxError, match=f"'broken.json': .*{words}"):
        read([LOCOMO, broken], "broken.json")


def test_json_lines_are_read_with_every_wording_of_a_message():
    found = read(
        lines(
            {"role": "user", "content": "hi", "date": "2026-03-05", "chat": "a"},
            {"role": "human", "text": "you?", "timestamp": 1772712000, "session": "b", "name": "Ana"},
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "Hello."}],
                "date": "2026-03-05",
                "chat": "a",
            },
            {"role": "user", "content": "again", "created_at": "2026-03-06T10:00:00+02:00", "chat": "a"},
            {"messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]},
            {"date": "2026-03-05", "messages": [{"role": "user", "content": "dated by its line"}]},
        )
    )

    assert "JSONL chat log" == found.format
    assert [["hi", "Hello."], ["you?"], ["again"], ["one", "two"], ["dated by its line"]] == [
        [turn.text for turn in session] for session in found.sessions
    ]
    assert datetime(2026, 3, 5, 12, tzinfo=UTC) == found.sessions[1][0].said_at
    assert datetime(2026, 3, 6, 8, tzinfo=UTC) == found.sessions[2][0].said_at
    assert ("user", "Ana") == (found.sessions[1][0].role, found.sessions[1][0].speaker)
    assert [None, datetime(2026, 3, 5, tzinfo=UTC)] == [found.sessions[n][0].said_at for n in (3, 4)]


def test_only_ids_that_are_unique_beyond_the_file_are_kept():
    found = read(
        lines(
            {"role": "user", "content": "a", "id": "7"},
            {"role": "user", "content": "b", "id": 8},
            {"role": "user", "content": "c", "id": "msg_0123456789"},
        )
    )

    assert [None, None, "msg_0123456789"] == [turn.external_id for turn in found.sessions[0]]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ("{broken", "line 3: it is no JSON"),
        ("[1]", "line 3: it is no JSON object"),
        ('{"role": "user"}', "line 3: it has no text"),
        ('{"role": "user", "content": null}', "line 3: it has no text"),
        ('{"role": "user", "content": "\\ud800"}', "half a surrogate"),
        ('{"role": "robot", "content": "x"}', "line 3: its role is 'robot'"),
        ('{"role": "user", "content": "x", "date": "soon"}', "line 3: 'soon' is no time"),
        ('{"role": "user", "content": "x", "date": true}', "is no time"),
        ('{"role": "user", "content": "x", "date": 1e300}', "is no time"),
        ('{"messages": {}}', "line 3, 'messages': it is no list"),
        ('{"messages": [1]}', "line 3, message 1: it is no JSON object"),
        ("[" * 100_000, "line 3: it is nested too deeply"),
    ],
)
def test_a_broken_line_is_named_by_file_and_number(second, words):
    with pytest.raises(InboxError, match=f"'log.jsonl': {words}|{words}"):
        read('{"role": "user", "content": "x"}\n\n' + second, "log.jsonl")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"  \n ",
        b"\xff\xfe\x00",
        b"hello",
        b"{}",
        b"[]",
        b"3",
        b'{"a": 1}\n{"b": 2}',
    ]
    + [b'[{"a": 1}]', b"[" * 100_000, b"null"],
)
def test_what_no_reader_knows_is_refused_with_the_known_formats(data):
    with pytest.raises(UnknownFormat, match="'thing': its format is not known .*Known are: JSONL"):
        read_export("thing", data, largest=LARGEST)


def test_a_known_format_without_a_message_is_refused():
    with pytest.raises(InboxError, match="no message"):
        read('{"messages": []}')


def test_marks_windows_line_ends_and_line_separators_inside_a_text_break_nothing():
    odd = json.dumps({"role": "user", "content": "a\u2028b\x85c"}, ensure_ascii=False)
    found = read('\ufeff{"role": "user", "content": "a"}\r\n' + odd + "\r\n")

    assert ["a", "a\u2028b\x85c"] == [turn.text for turn in found.sessions[0]]


def test_a_file_larger_than_the_limit_is_refused_with_both_numbers():
    with pytest.raises(InboxError, match="11 bytes. Split it below 10"):
        read_export("x", b"x" * 11, largest=10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A letter.", "neither JSON nor JSON lines nor a chat"),
        ('[\n{"a": 1},\n{', "line 3 is damaged or cut short"),
        ('{"a": 1}\n{"b": 2}', "begins as JSON, but has none of the known shapes"),
    ],
)
def test_what_is_no_export_is_said_in_words_of_ours(text, words):
    with pytest.raises(UnknownFormat, match=words) as found:
        read_export("notes.txt", text.encode(), largest=LARGEST)

    assert "Expecting" not in str(found.value)
