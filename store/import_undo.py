"""
Undo an import: take what it brought, as if it had never come.

    the newest messages ── and the memories that they alone told, and what refined those ──> gone, four at a time

Texts, words, vectors, events, lessons and generations go as in `forgetting.py`. After each slice all is as if the
import had brought only the rest, so what ended on the way goes on later (`go_on`). What is known otherwise stays:
messages that were there before, that another import knew (from then on that one has brought them), that a later chat
builds upon, or that were forgotten; memories that another message told. What an undone memory had replaced holds again,
and messages of chats that helped to tell it are observed again. Unlike `forget` it leaves no mark, so the same file can
be imported again; the rows of messages stay, empty, so that no id is used twice.
"""

import json
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from store import chat_labels, full_text, nights, recall_log, vectors
from store.chats import FORGOTTEN
from store.database import Connection, id_list, rows, whole, writing
from store.errors import not_found
from store.forgetting import (
    Concerned,
    clear_log,
    concerned_by,
    drop_events,
    drop_jobs,
    drop_memories,
    lessons_of,
    quotes_of,
)
from store.generations import drop_quotes, taint
from store.imports import newest_message

LOOKED_AT = 500  # rows at once that are counted, or named by numbers alone
SLICE = 4  # messages; a word that is taken out of an index costs more than one that comes in
_IN = "in (select value from json_each(?))"
_OWN = """select message_id from import_messages join messages on messages.id = message_id
    where import_id = ?1 and not redacted"""
_ALONE = f"""{_OWN} and brought and not exists (select 1 from import_messages other
    where other.message_id = import_messages.message_id and import_id <> ?1)"""
_TOLD = """select memory_id, message_id from memory_sources
    union select memory_id, message_id from event_sources join events on events.id = event_id
        where memory_id is not null"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoReport:
    """What undoing one import took away, and what it left."""

    messages: int
    kept_messages: int  # of the import, but known otherwise
    memories: int
    restored: int  # memories that hold again
    vectors: int
    events: int
    lessons: int
    generations: tuple[int, ...]  # tainted now: their adapters are deleted
    log_cleared: bool  # False: a reader held the write-ahead log; the next checkpoint clears it


def undo_in_slices(
    db: Connection, import_id: int, seen: list[Concerned] | None = None
) -> Generator[None, None, UndoReport]:
    """
    Take back one import, slice by slice; what ended on the way goes on here, when it is called again.

    Args:
        seen: what each slice takes is added to it, before it is taken.

    Raises:
        NotFound: there is none with this id; nothing was changed.
    """
    with writing(db):
        taken = _begin_undoing(db, import_id)
    yield
    if taken.own is None:
        own = yield from _count_own(db, import_id)
        taken = replace(taken, own=own)
    while piece := _newest_alone(db, import_id, taken.down_to):
        with writing(db):
            part = _part(db, _not_built_upon(db, piece))
            if seen is not None:
                seen.append(part.concerned(db))
            taken = _take_back(db, part, replace(taken, down_to=piece[0]))
            _note(db, import_id, asdict(taken))
        yield
    while piece := _left(db, import_id):
        with writing(db):
            _hand_over(db, import_id, piece)
        yield
    with writing(db):
        if not rows(db, "select 1 from imports where id = ?", (import_id,)):
            raise not_found("import", import_id)
        db.execute("delete from imports where id = ?", (import_id,))
        nights.note_forgotten(
            db,
            memories=taken.memories,
            messages=taken.messages,
            lessons=taken.lessons,
            generations=len(taken.generations),
        )
        report = _report(db, taken)
    return replace(report, log_cleared=clear_log(db))


def undo_import(db: Connection, import_id: int) -> UndoReport:
    """As `undo_in_slices`, in one go: where nobody else works on the store."""
    return whole(undo_in_slices(db, import_id))


def go_on(db: Connection) -> Generator[None, None, int]:
    """Finish the undoing of imports that ended on the way; how many there were."""
    sql = "select id from imports where json_extract(unfinished, '$.down_to') is not null"
    half = rows(db, sql)
    for (import_id,) in half:
        yield from undo_in_slices(db, import_id)
    return len(half)


def concerned(db: Connection, import_id: int) -> Concerned:
    """What `undo_import` would take; nothing is changed. Nothing where there is no import."""
    return _part(db, _messages(db, import_id)).concerned(db)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Messages that go, and what of theirs goes with them."""

    messages: Sequence[int]
    memories: Sequence[int]
    chain: Sequence[int]  # the memories, and all that came after them
    lessons: Sequence[int]

    def concerned(self, db: Connection) -> Concerned:
        return concerned_by(
            db, memories=self.memories, chain=self.chain, lessons=self.lessons, messages=self.messages
        )


def _part(db: Connection, gone: Sequence[int]) -> _Part:
    memories, after = _memories(db, gone)
    chain = [*memories, *after]
    return _Part(messages=gone, memories=memories, chain=chain, lessons=lessons_of(db, chain))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """What the undoing of an import has taken so far: `imports.unfinished`."""

    down_to: int  # messages with this number and above were seen to
    own: int | None = (
        None  # messages of the import that were not forgotten when it began; None: not counted yet
    )
    messages: int = 0
    memories: int = 0
    restored: tuple[int, ...] = ()  # memories that held again after their slice
    vectors: int = 0
    events: int = 0
    lessons: int = 0
    generations: tuple[int, ...] = ()


def _begin_undoing(db: Connection, import_id: int) -> _Taken:
    found = rows(db, "select unfinished from imports where id = ?", (import_id,))
    if not found:
        raise not_found("import", import_id)
    if found[0][0] is not None and "down_to" in (stands := json.loads(found[0][0])):
        return _Taken(**stands)
    taken = _Taken(down_to=newest_message(db) + 1)
    _note(db, import_id, asdict(taken))
    return taken


def _count_own(db: Connection, import_id: int) -> Generator[None, None, int]:
    """How many messages of the import are not forgotten."""
    count = last = 0
    sql = f"""select count(*), max(message_id), sum(not redacted) from (select message_id, redacted
        from import_messages join messages on messages.id = message_id
        where import_id = ? and message_id > ? order by message_id limit {LOOKED_AT})"""
    while (found := rows(db, sql, (import_id, last))[0])[0]:
        _, last, own = found
        count += own
        yield
    return count


def _note(db: Connection, import_id: int, unfinished: dict[str, Any]) -> None:
    db.execute("update imports set unfinished = ? where id = ?", (json.dumps(unfinished), import_id))


def _newest_alone(db: Connection, import_id: int, below: int) -> list[int]:
    """The next messages of the import, the newest below a number, that it brought and no other import knew."""
    sql = f"{_ALONE} and message_id < ?2 order by message_id desc limit {SLICE}"
    return sorted(id for (id,) in rows(db, sql, (import_id, below)))


def _not_built_upon(db: Connection, messages: Sequence[int]) -> list[int]:
    """Those of these messages behind which nothing stands that stays; what is newer was seen to before."""
    staying: set[int] = set()
    children = rows(
        db,
        f"select parent_id, id from messages where not redacted and parent_id {_IN} order by id desc",
        (id_list(messages),),
    )
    for parent, child in children:
        if child not in messages or child in staying:
            staying.add(parent)
    return [id for id in messages if id not in staying]


def _take_back(db: Connection, part: _Part, taken: _Taken) -> _Taken:
    """Take messages that an import brought, and all that came of them alone; inside a transaction."""
    gone, memories, lessons = part.messages, part.memories, part.lessons
    generations = taint(db, memory_ids=part.chain, lesson_ids=lessons)
    if memories or lessons:
        drop_jobs(db, quotes_of(db, memories))
        drop_quotes(db)
        db.execute(f"delete from lessons where id {_IN}", (id_list(lessons),))
    _read_anew(db, memories, gone)
    events = drop_events(db, memories, gone) + _drop_repeats(db, gone)
    restored = _restore(db, memories)
    dropped = vectors.drop(db, "memory", memories) + vectors.drop(db, "message", gone)
    drop_memories(db, memories)
    _let_go(db, gone)
    _empty(db, gone)
    return replace(
        taken,
        messages=taken.messages + len(gone),
        memories=taken.memories + len(memories),
        restored=(*taken.restored, *restored),
        vectors=taken.vectors + dropped,
        events=taken.events + events,
        lessons=taken.lessons + len(lessons),
        generations=(*taken.generations, *generations),
    )


def _report(db: Connection, taken: _Taken) -> UndoReport:
    held = f"select count(*) from memories where superseded_by is null and id {_IN}"
    return UndoReport(
        messages=taken.messages,
        kept_messages=(taken.own or 0) - taken.messages,
        memories=taken.memories,
        restored=int(rows(db, held, (id_list(taken.restored),))[0][0]),
        vectors=taken.vectors,
        events=taken.events,
        lessons=taken.lessons,
        generations=tuple(sorted(taken.generations)),
        log_cleared=False,
    )


def _messages(db: Connection, import_id: int) -> list[int]:
    """The messages of the import that are not forgotten, nor known otherwise."""
    found = rows(
        db,
        f"""with recursive alone (id) as ({_ALONE}),
        built_upon (id) as (
            select parent_id from messages
            where not redacted and parent_id in (select id from alone) and id not in (select id from alone)
            union select parent_id from messages join built_upon using (id) where parent_id is not null)
        select id from alone where id not in (select id from built_upon) order by id""",
        (import_id,),
    )
    return [id for (id,) in found]


def _left(db: Connection, import_id: int) -> list[int]:
    """Some of the messages that an import knew, and that stay."""
    sql = f"select message_id from import_messages where import_id = ? order by message_id limit {LOOKED_AT}"
    return [id for (id,) in rows(db, sql, (import_id,))]


def _hand_over(db: Connection, import_id: int, messages: Sequence[int]) -> None:
    """Of these, what this import brought and another knew, that one has brought: the oldest, where many knew it."""
    db.execute(
        """update import_messages set brought = 1 where (import_id, message_id) in (
        select min(import_id), message_id from import_messages where import_id <> ?1 and message_id in
        (select message_id from import_messages where import_id = ?1 and brought
            and message_id in (select value from json_each(?2))) group by message_id)""",
        (import_id, id_list(messages)),
    )
    db.execute(
        f"delete from import_messages where import_id = ? and message_id {_IN}",
        (import_id, id_list(messages)),
    )


def _memories(db: Connection, gone: Sequence[int]) -> tuple[list[int], list[int]]:
    """The memories that go: told by these messages alone, and what refined them; and all that came after them."""
    after = """with recursive after (id) as (
            select memory_id from ({told}) where memory_id in
                (select memory_id from ({told}) where message_id {within})
            group by memory_id having sum(message_id {within}) = count(*)
            union select superseded_by from memories join after using (id)
            where superseded_by is not null {refined}
            union select undone.memory_id from undone join after on replaced_id = after.id
            join events on events.id = event_id where {undone})
        select id from after order by id"""
    within = "in (select value from json_each(?1))"
    taken = after.format(told=_TOLD, within=within, refined="and valid_to is null", undone="op = 'UPDATE'")
    memories = [id for (id,) in rows(db, taken, (id_list(gone),))]
    every = rows(db, after.format(told=_TOLD, within=within, refined="", undone="true"), (id_list(gone),))
    going_too = set(memories)
    return memories, [id for (id,) in every if id not in going_too]


def _drop_repeats(db: Connection, gone: Sequence[int]) -> int:
    """Drop the events in which these messages alone said again what is stored, and their undoing; how many."""
    ids = (id_list(gone),)
    found = rows(
        db,
        f"""select id from events where op = 'IGNORE'
        and id in (select event_id from event_sources where message_id {_IN})""",
        ids,
    )
    db.execute(f"delete from event_sources where message_id {_IN}", ids)
    alone = rows(
        db,
        f"select id from events where id {_IN} and id not in (select event_id from event_sources)",
        (id_list([id for (id,) in found]),),
    )
    dropped = (id_list([id for (id,) in alone]),)
    undos = rows(db, f"select undo_id from undone where event_id {_IN}", dropped)
    every = (id_list([id for (id,) in [*alone, *undos]]),)
    db.execute(f"delete from event_sources where event_id {_IN}", every)
    db.execute(f"delete from events where id {_IN}", every)
    return len(alone) + len(undos)


def _restore(db: Connection, memories: Sequence[int]) -> list[int]:
    """Give what these memories had replaced its place back; the memories that hold again."""
    going = (id_list(memories),)
    line = {
        id: (heir, end)
        for id, heir, end in rows(
            db, f"select id, superseded_by, valid_to from memories where id {_IN}", going
        )
    }
    replaced = rows(
        db,
        f"select id, text, superseded_by from memories where superseded_by {_IN} and id not {_IN}",
        going * 2,
    )
    restored = []
    for memory_id, text, newer in replaced:
        heir, end = line[newer]
        while heir in line:
            heir, end = line[heir]
        db.execute("update memories set superseded_by = ?, valid_to = ? where id = ?", (heir, end, memory_id))
        if heir is None:
            vectors.drop(db, "memory", [memory_id])  # made and searched again
            full_text.put_memory(db, memory_id, text)
            restored.append(memory_id)
    return restored


def _read_anew(db: Connection, memories: Sequence[int], gone: Sequence[int]) -> None:
    """Have the other messages that told these memories observed once more."""
    db.execute(
        f"""update messages set observed_by = null where not redacted and id not {_IN}
        and id in (select message_id from ({_TOLD}) where memory_id {_IN})""",
        (id_list(gone), id_list(memories)),
    )


def _let_go(db: Connection, gone: Sequence[int]) -> None:
    """Take these messages from the memories that stay; one left without a source has those that said it again."""
    ids = (id_list(gone),)
    touched = rows(db, f"select distinct memory_id from memory_sources where message_id {_IN}", ids)
    db.execute(f"delete from memory_sources where message_id {_IN}", ids)
    db.execute(
        f"""insert or ignore into memory_sources
        select memory_id, message_id from event_sources join events on events.id = event_id
        where memory_id {_IN} and memory_id not in (select memory_id from memory_sources)""",
        (id_list([id for (id,) in touched]),),
    )


def _empty(db: Connection, gone: Sequence[int]) -> None:
    """Leave of these messages a row without words, by which nobody finds it again."""
    db.execute(
        f"""update messages set text = ?, speaker = '', external_id = null, redacted = 1, mark = null,
        hash = lower(hex(randomblob(32))) where id {_IN}""",
        (FORGOTTEN, id_list(gone)),
    )
    full_text.refresh_messages(db, gone)
    chat_labels.drop(db, gone)
    recall_log.drop(db, gone)
