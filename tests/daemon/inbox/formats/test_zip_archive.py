import io
import struct
import zipfile

import pytest

from daemon.inbox.errors import InboxError, UnknownFormat
from daemon.inbox.formats.reader import OTHER_FILES
from daemon.inbox.formats.zip_archive import MOST_ENTRIES
from tests.daemon.inbox.local_samples import MARKDOWN, OLD_LOGS, database, jan, lm_studio
from tests.daemon.inbox.samples import (
    chatgpt,
    chatgpt_conversation,
    chatgpt_node,
    claude,
    read,
    texts,
    zipped,
)


def conversation(number):
    return [chatgpt_conversation(chatgpt_node("a", None, "user", f"Question {number}"), id=f"conv-{number}")]


def test_an_old_chatgpt_archive_with_one_file_is_read():
    files = {"chat.html": "<html>", "conversations.json": chatgpt(), "user.json": {"id": "somebody"}}
    found = read(zipped(files))

    assert ("ChatGPT export", 1, 2) == (found.format, len(found.sessions), found.left_out[OTHER_FILES])


def test_a_new_chatgpt_archive_with_many_files_is_read_in_order():
    found = read(
        zipped(
            {
                "export_manifest.json": {},
                "Data/conversations-001.json": conversation(1),
                "Data/conversations-000.json": conversation(0),
                "conversations-002.json": [],
                "__MACOSX/._conversations-000.json": b"\0\1",
                "uploads.zip": zipped({"a": "b"}),
            }
        )
    )

    assert [[("user", "Question 0")], [("user", "Question 1")]] == texts(found)
    assert {OTHER_FILES: 4} == found.left_out


def test_a_claude_archive_is_read_for_its_conversations_alone():
    found = read(zipped({"users.json": [], "projects.json": [{"docs": []}], "conversations.json": claude()}))

    assert ("Claude export", 1) == (found.format, len(found.sessions))


def test_of_another_archive_every_file_that_a_reader_knows_is_read():
    found = read(
        zipped(
            {
                "conversations/1.conversation.json": lm_studio(),
                "conversations/": "",
                "threads/1/thread.json": {"id": "thread-1"},
                "threads/1/messages.jsonl": jan(),
                "notes/talk.md": MARKDOWN,
                "notes/plan.md": "# Plan\nBuy milk.",
                "logs.db": database(OLD_LOGS),
                "picture.png": b"\x89PNG",
            }
        )
    )

    assert ["LM Studio conversation", "llm logs.db", "Markdown", "Jan thread"] == found.format.split(" and ")
    assert (5, 3) == (len(found.sessions), found.left_out[OTHER_FILES])


def test_names_inside_an_archive_are_never_used_as_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["../../conversations.json", "/etc/conversations-1.json", "C:\\conversations-2.json"]

    found = read(zipped({name: conversation(number) for number, name in enumerate(names)}))

    assert 2 == len(found.sessions)  # a backslash is no folder: that one is another file
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"picture.png": b"x"}, "no file in the archive is a chat"),
        ({}, "no file in the archive is a chat"),
        ({"thread.json": {}}, "no file in the archive is a chat"),
        ({"conversations.json": {"new": "shape"}}, "'export: conversations.json': its format is not known"),
    ],
)
def test_an_archive_without_chats_is_refused(files, words):
    with pytest.raises(UnknownFormat, match=words):
        read(zipped(files))


SWOLLEN = zipped({"conversations.json": "[" + " " * 500_000 + "]"})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped({"inner.zip": zipped({"a.json": "[]"})}), "it holds another archive. Unpack it"),
        (zipped({"conversations.json": zipped({"a.json": "[]"})}), "it holds another archive. Unpack it"),
        (zipped({"conversations.json": conversation(0)}, zipfile.ZIP_BZIP2), "packed in a rare way"),
        (SWOLLEN, "'conversations.json' would swell to more than 200 times its size"),
    ],
)
def test_an_archive_that_is_nested_rare_or_swelling_is_refused(data, words):
    with pytest.raises(InboxError, match=words):
        read(data)


def with_header(data, local, central, value):
    """The archive with `value` at this place of its first file's local and of its central header."""
    changed = bytearray(data)
    for mark, at in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        begin = changed.index(mark) + at
        changed[begin : begin + len(value)] = value
    return bytes(changed)


def test_an_encrypted_archive_is_refused():
    data = zipped({"conversations.json": conversation(0)})

    with pytest.raises(InboxError, match="it is encrypted"):
        read(with_header(data, 6, 8, b"\1"))


def test_an_archive_whose_chats_are_larger_than_the_limit_is_refused_with_both_numbers():
    with pytest.raises(InboxError, match="500,002 bytes, 100,000 are the most. Raise max_import_mb"):
        read(SWOLLEN, largest=100_000)


def test_an_archive_that_lies_about_its_sizes_gives_no_more_than_it_said():
    with pytest.raises(InboxError, match="the ZIP is damaged"):
        read(with_header(SWOLLEN, 22, 24, struct.pack("<I", 10)))


def test_an_archive_of_too_many_files_is_refused():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(MOST_ENTRIES + 1):
            archive.writestr(f"{number}.md", b"")

    with pytest.raises(InboxError, match="more than 10,000 files"):
        read(packed.getvalue(), largest=2**22)
