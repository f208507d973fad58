"""Files of LoCoMo and of JSON lines: what is read out of them, and what is said of broken ones."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from daemon.inbox.errors import InboxError, UnknownFormat
from tests.daemon.inbox.samples import LOCOMO, lines, read


@pytest.mark.parametrize("given", [[LOCOMO], LOCOMO], ids=["list", "one conversation"])
def test_locomo_is_read_session_by_session_with_names_times_and_captions(given):
    found = read(given)
    (first, second), (third,) = found.sessions

    began, last = datetime(2023, 5, 7, 13, 56, tzinfo=UTC), datetime(2023, 5, 8, 0, 5, tzinfo=UTC)
    assert "LoCoMo JSON" == found.format
    assert ("user", "Ana", "Hi Ben!") == (first.role, first.speaker, first.text)
    assert ("conv-1:D2:1", began) == (first.external_id, first.said_at)
    assert ("Ben", began + timedelta(seconds=1)) == (second.speaker, second.said_at)
    assert ("Look! [image: a red kite]", last) == (third.text, third.said_at)


def test_json_lines_are_read_with_every_wording_of_a_message():
    parts = [{"type": "text", "text": "Hello."}]
    found = read(
        lines(
            {"role": "user", "content": "hi", "date": "2026-03-05", "chat": "a"},
            {"role": "human", "text": "you?", "timestamp": 1772712000, "session": "b", "name": "Ana"},
            {"role": "assistant", "content": parts, "date": "2026-03-05", "chat": "a"},
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
    "data",
    [
        b"",
        b"  \n ",
        b"\xff\xfe\x00",
        b"hello",
        b"{}",
        b"[]",
        b"3",
        b"null",
        b'{"a": 1}\n{"b": 2}',
        b'[{"a": 1}]',
    ]
    + [b"[" * 100_000, b"A letter.", b'[\n{"a": 1},\n{'],
    ids=lambda data: repr(data[:20]),
)
def test_what_no_reader_knows_is_refused_with_the_known_formats(data):
    with pytest.raises(UnknownFormat, match="'thing': its format is not known .*Known are: JSONL") as caught:
        read(data, "thing")

    assert "Expecting" not in str(caught.value)  # no words of the JSON parser


def test_a_known_format_without_a_message_is_refused():
    with pytest.raises(InboxError, match="no message"):
        read('{"messages": []}')


def test_marks_windows_line_ends_and_line_separators_inside_a_text_break_nothing():
    odd = json.dumps({"role": "user", "content": "a\u2028b\x85c"}, ensure_ascii=False)
    found = read('\ufeff{"role": "user", "content": "a"}\r\n' + odd + "\r\n")

    assert ["a", "a\u2028b\x85c"] == [turn.text for turn in found.sessions[0]]


def test_a_file_larger_than_the_limit_is_refused_with_both_numbers():
    with pytest.raises(InboxError, match="11 bytes. Split it below 10"):
        read(b"x" * 11, largest=10)
