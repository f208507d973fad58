import codecs
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.inbox.errors import InboxError
from daemon.inbox.formats import tsubasa
from daemon.inbox.importer import take_in
from store import memories
from store.export import Archive, KeptChat, KeptEvent, KeptMemory, KeptMessage, take_out
from tests.daemon.memory.fakes import open_store_thread
from tests.store.sample import DAY, say

AT = "2026-03-05T12:00:00.000000+00:00"
CHAT = KeptChat(source="api", started_at=AT, last_stored_at=AT)
MESSAGE = KeptMessage(
    chat=1,
    parent=None,
    role="user",
    speaker="",
    text="I live in Ghent",
    said_at=AT,
    stored_at=AT,
    source="api",
    external_id=None,
    observed_by="observe-1",
    model=None,
)
MEMORY = KeptMemory(
    text="The user lives in Ghent.",
    told_on="2026-03-05",
    valid_from="2026-03-05",
    valid_to=None,
    superseded_by=None,
    trust="user",
    sources=(1,),
    recalled=2,
    recalled_at=AT,
)
EVENT = KeptEvent(
    op="ADD",
    memory=1,
    at=AT,
    told_on="2026-03-05",
    text="x",
    sources=(1,),
    undoes=None,
    replaced=None,
    beside=None,
)
UNDO = replace(EVENT, op="UNDO", undoes=1)
LIFE = Archive(chats=(CHAT,), messages=(MESSAGE,), memories=(MEMORY,), events=(EVENT,))


def written(found):
    return "".join(tsubasa.write(found)).encode()


def test_an_archive_is_read_as_it_was_written_also_behind_a_mark():
    for data in (written(LIFE), codecs.BOM_UTF8 + written(LIFE)):
        assert tsubasa.looks_like(data)
        assert LIFE == tsubasa.read("x.jsonl", data)
    assert Archive() == tsubasa.read("x.jsonl", written(Archive()))


def test_a_memory_has_its_kind_and_one_of_an_older_archive_is_a_fact():
    standing = replace(LIFE, memories=(replace(MEMORY, memory_kind="standing"),))
    older = written(LIFE).replace(b', "memory_kind": "fact"', b"")

    assert standing == tsubasa.read("x.jsonl", written(standing))
    assert b"memory_kind" not in older
    assert LIFE == tsubasa.read("x.jsonl", older)


@given(text=st.text(st.characters(exclude_categories=["Cs"])), name=st.text(st.characters(codec="utf-8")))
def test_any_text_is_read_as_it_was_written(text, name):
    found = Archive(chats=(CHAT,), messages=(replace(MESSAGE, text=text, external_id=name),))

    assert found == tsubasa.read("x.jsonl", written(found))


@pytest.mark.parametrize(
    ("line", "change", "why"),
    [
        (0, {"version": 2}, "line 1: its format has version 2"),
        (0, {"events": 2}, "it has 1 events instead of 2"),
        (1, {"kind": "dream"}, "line 2: its kind is 'dream'"),
        (1, {"started_at": "yesterday"}, "line 2: its 'started_at' can't be 'yesterday'"),
        (1, {"started_at": "2026-03-05T12:00:00"}, "line 2: its 'started_at' can't be"),
        (2, {"text": 7}, "line 3: its 'text' can't be 7"),
        (2, {"chat": True}, "line 3: its 'chat' can't be True"),
        (2, {"chat": 0}, "line 3: its 'chat' can't be 0"),
        (2, {"chat": 2}, "line 3: its 'chat' is 2, and there are 1"),
        (2, {"parent": 1}, "line 3: its parent, message 1, comes after it"),
        (3, {"sources": [9]}, "line 4: its 'sources' is 9"),
        (3, {"sources": "1"}, "line 4: its 'sources' can't be '1'"),
        (3, {"memory_kind": "law"}, "line 4: its 'memory_kind' can't be 'law'"),
        (3, {"trust": "god"}, "line 4: its 'trust' can't be 'god'"),
        (3, {"valid_to": "2026-02-30"}, "line 4: its 'valid_to' can't be"),
        (3, {"recalled_at": None}, "line 4: its 'recalled' and 'recalled_at' do not fit"),
        (3, {"superseded_by": 2}, "line 4: its 'superseded_by' is 2, and there are 1"),
        (4, {"memory": None}, "line 5: it is an ADD of no memory"),
        (4, {"op": "EAT"}, "line 5: its 'op' can't be 'EAT'"),
        (4, {"undoes": 1}, "line 5: it can't undo event 1"),
    ],
    ids=str,
)
def test_a_wrong_line_is_named(line, change, why):
    lines = written(LIFE).decode().splitlines()
    lines[line] = json.dumps(json.loads(lines[line]) | change)
    with pytest.raises(InboxError) as caught:
        tsubasa.read("x.jsonl", "\n".join(lines).encode())

    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("successors", "why"),
    [
        ((3, 3, None), "line 5: memory 3, which superseded it, superseded another one too"),
        ((2, 2, None), "line 4: memory 2, which superseded it, was taken back"),
        ((None, 1, None), "line 5: memory 1, which superseded it, is older"),
    ],
)
def test_memories_that_no_store_could_hold_are_refused(successors, why):
    made = tuple(replace(MEMORY, superseded_by=successor) for successor in successors)
    with pytest.raises(InboxError) as caught:
        tsubasa.read("x.jsonl", written(replace(LIFE, memories=made)))

    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (written(LIFE)[:-20], "line 5: it is no JSON"),
        (written(LIFE).replace(b"Ghent", b"\xff"), "it is no UTF-8"),
        (written(LIFE).decode().encode("utf-16-le"), "line 1: it is no JSON"),
        (written(LIFE).replace(b'"role": "user", ', b""), "line 3: its 'role' is missing"),
        (written(replace(LIFE, events=(EVENT, UNDO, UNDO))), "line 7: it can't undo event 1"),
    ],
)
def test_a_broken_file_is_refused_by_name(data, why):
    with pytest.raises(InboxError, match="Can't take in 'x.jsonl'") as caught:
        tsubasa.read("x.jsonl", data)

    assert why in str(caught.value)


async def test_an_export_that_is_dropped_is_taken_in_whole_and_once(tmp_path):
    file = tmp_path / "mine.jsonl"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with open_store_thread(tmp_path / "one") as store_thread:
        told = await store_thread.run(say, "I live in Ghent \U0001f600\u2028\n", "Noted.")
        await store_thread.run(memories.add, "The user lives in Ghent.", told_on=DAY, sources=[told.id])
        found = await store_thread.run(take_out)
    file.write_bytes(written(found))
    async with open_store_thread(tmp_path / "two") as store_thread:
        taken = [await take_in(store_thread, file, largest=10**6) for _ in range(2)]
        (first, second), again = taken, await store_thread.run(take_out)

    assert found == again
    assert (2, 0, 1, False) == (first.turns, first.skipped, first.memories, first.already_imported)
    assert (0, 2, 0, True) == (second.turns, second.skipped, second.memories, second.already_imported)
