"""
Imports: dropped exports go in whole or not at all, and once; and each can be undone.

Of each import `import_messages` has which messages it brought and which it only knew. A file that was imported adds
nothing the second time; a longer export of the same chats adds what is new.

Undoing one takes what it brought, in one transaction, as if it had never come: texts, words, vectors, the memories that
those messages alone told and what refined them, with events, lessons and generations as `forgetting.py` does. What is
known otherwise stays: messages that were there before, that another import knew (from then on that one has brought
them), that a later chat builds upon, or that were forgotten; memories that another message told. What an undone memory
had replaced holds again, and messages of chats that helped to tell it are observed again. Unlike `forget` it leaves no
mark, so the same file can be imported again; the rows of messages stay, empty, so that no id is used twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from store import chats, full_text, nights, recall_log, vectors
from store.chats import FORGOTTEN, Message, NewMessage, by_external_id, clean, insert, start_chat
from store.chats import get as get_message
from store.database import Connection, id_list, moment, rows, stamp, writing
from store.errors import not_found
from store.forgetting import (
    Concerned,
    clear_log,
    drop_events,
    drop_jobs,
    drop_memories,
    lessons_of,
    quotes_of,
)
from store.generations import drop_quotes, learned_by, taint, untainted
from store.lessons import several
from store.text import storable

_IN = "in (select value from json_each(?))"
_TOLD = """select memory_id, message_id from memory_sources
    union select memory_id, message_id from event_sources join events on events.id = event_id
        where memory_id is not null"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What one import added."""

    id: int
    sessions: int  # chats that gained a message
    turns: int  # messages stored
    skipped: int  # messages that were there already


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One file that went in: a row of `imports`."""

    id: int
    name: str
    sessions: int
    turns: int
    at: datetime  # UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoReport:
    """What one `undo_import` took away, and what it left."""

    messages: int
    kept_messages: int  # of the import, but known otherwise
    memories: int
    restored: int  # memories that hold again
    vectors: int
    events: int
    lessons: int
    generations: tuple[int, ...]  # tainted now: their adapters are deleted
    log_cleared: bool  # False: a reader held the write-ahead log; the next checkpoint clears it


def is_imported(db: Connection, digest: str) -> bool:
    """Whether a file with this digest (sha256, hexadecimal) went in."""
    return bool(rows(db, "select 1 from imports where digest = ?", (digest,)))


def record_import(
    db: Connection, digest: str, name: str, messages: Sequence[Sequence[NewMessage]], at: datetime
) -> ImportReport:
    """
    Store the chats of one export in one transaction; what an earlier one held already is skipped.

    A message is known by its external id, or else as the same words at the same time after the same
    beginning.

    Args:
        digest: sha256 of the file, hexadecimal. One that is known adds nothing.
        messages: one list per session; each new session becomes a chat.
        at: now.
    """
    with writing(db):
        for (import_id,) in rows(db, "select id from imports where digest = ?", (digest,)):
            return ImportReport(id=import_id, sessions=0, turns=0, skipped=sum(map(len, messages)))
        ((newest,),) = rows(db, "select coalesce(max(id), 0) from messages")
        added, known = [], []
        for session in messages:
            new, old = _add_session(db, session, at, newest)
            added.append(new)
            known += old
        stored = [message_id for session in added for message_id in session]
        full_text.refresh_messages(db, stored)
        skipped = sum(map(len, messages)) - len(stored)
        sessions = sum(bool(session) for session in added)
        db.execute(
            "insert into imports (digest, name, sessions, turns, skipped, at) values (?, ?, ?, ?, ?, ?)",
            (digest, storable(name), sessions, len(stored), skipped, stamp(at)),
        )
        import_id = db.last_insert_rowid()
        brought = dict.fromkeys(known, False) | dict.fromkeys(stored, True)
        db.executemany(
            "insert into import_messages (import_id, message_id, brought) values (?, ?, ?)",
            [(import_id, id, is_brought) for id, is_brought in brought.items()],
        )
    return ImportReport(id=import_id, sessions=sessions, turns=len(stored), skipped=skipped)


def listed(db: Connection) -> list[Import]:
    """All imports that were not undone, oldest first."""
    found = rows(db, "select id, name, sessions, turns, at from imports order by id")
    return [
        Import(id=id, name=name, sessions=sessions, turns=turns, at=moment(at))
        for id, name, sessions, turns, at in found
    ]


def get(db: Connection, import_id: int) -> Import:
    """The import with this number; raises `NotFound`."""
    for one in listed(db):
        if one.id == import_id:
            return one
    raise not_found("import", import_id)


def undo_import(db: Connection, import_id: int) -> UndoReport:
    """
    Take back one import.

    Raises:
        NotFound: there is none with this id; nothing was changed.
    """
    with writing(db):
        if not rows(db, "select 1 from imports where id = ?", (import_id,)):
            raise not_found("import", import_id)
        own, gone = _messages(db, import_id)
        memories, after = _memories(db, gone)
        quotes = quotes_of(db, memories)
        lessons = lessons_of(db, [*memories, *after], ())  # all are of known lineage
        generations = taint(db, memory_ids=[*memories, *after], lesson_ids=lessons)
        drop_quotes(db)
        db.execute(f"delete from lessons where id {_IN}", (id_list(lessons),))
        _read_anew(db, memories, gone)
        events = drop_events(db, memories, gone, ()) + _drop_repeats(db, gone)
        drop_jobs(db, quotes)
        restored = _restore(db, memories)
        dropped = vectors.drop(db, "memory", memories) + vectors.drop(db, "message", gone)
        drop_memories(db, memories)
        _let_go(db, gone)
        _empty(db, gone)
        _hand_over(db, import_id)
        db.execute("delete from import_messages where import_id = ?", (import_id,))
        db.execute("delete from imports where id = ?", (import_id,))
        full_text.scrub(db)
        report = UndoReport(
            messages=len(gone),
            kept_messages=own - len(gone),
            memories=len(memories),
            restored=restored,
            vectors=dropped,
            events=events,
            lessons=len(lessons),
            generations=generations,
            log_cleared=False,
        )
        nights.note_forgotten(
            db, memories=len(memories), messages=len(gone), lessons=len(lessons), generations=len(generations)
        )
    return replace(report, log_cleared=clear_log(db))


def concerned(db: Connection, import_id: int) -> Concerned:
    """What `undo_import` would take; nothing is changed. Nothing where there is no import."""
    _, gone = _messages(db, import_id)
    memories, after = _memories(db, gone)
    lessons = lessons_of(db, [*memories, *after], ())
    learned = learned_by(db, memory_ids=[*memories, *after], lesson_ids=lessons)
    return Concerned(
        memories=tuple(memories),
        lessons=tuple(several(db, lessons)),
        generations=learned,
        tainted_by_it=untainted(db, learned),
        messages=tuple(gone),
    )


def _add_session(
    db: Connection, session: Sequence[NewMessage], at: datetime, newest: int
) -> tuple[list[int], list[int]]:
    """
    Store what is new of one session, in the chat of the messages already known; the ids stored and known.

    `newest`: the last message of earlier imports; two equal sessions of one export are two.
    """
    tip: Message | None = None
    added: list[int] = []
    old: list[int] = []
    for message in map(clean, session):
        if message.external_id is not None:
            known = by_external_id(db, message.external_id)
        else:
            known = None if added else _same(db, message, tip, newest)
        if known is None:
            chat_id = tip.chat_id if tip else start_chat(db, "import", at)
            known = insert(db, message, chat_id=chat_id, parent=tip, at=at, source="import", index=False)
            added.append(known.id)
        else:
            old.append(known.id)
        tip = known
    return added, old


def _same(db: Connection, message: NewMessage, tip: Message | None, newest: int) -> Message | None:
    """The imported message with these words and this time (or like this one none) after `tip`."""
    found = rows(
        db,
        """select id from messages where hash in (?, ?) and source = 'import' and id <= ?
        and said_at = coalesce(?, stored_at) order by id desc limit 1""",
        (
            *chats.both_hashes(db, tip.hash if tip else "", message.role, message.text),
            newest,
            stamp(message.said_at) if message.said_at else None,
        ),
    )
    return get_message(db, found[0][0]) if found else None


def _messages(db: Connection, import_id: int) -> tuple[int, list[int]]:
    """How many messages of the import are not forgotten, and those of them that are not known otherwise."""
    own = """select message_id from import_messages join messages on messages.id = message_id
        where import_id = ? and not redacted"""
    ((count,),) = rows(db, f"select count(*) from ({own})", (import_id,))
    found = rows(
        db,
        f"""with recursive alone (id) as ({own}
            and brought and message_id not in (select message_id from import_messages where import_id <> ?)),
        built_upon (id) as (
            select parent_id from messages
            where not redacted and parent_id in (select id from alone) and id not in (select id from alone)
            union select parent_id from messages join built_upon using (id) where parent_id is not null)
        select id from alone where id not in (select id from built_upon) order by id""",
        (import_id, import_id),
    )
    return count, [id for (id,) in found]


def _hand_over(db: Connection, import_id: int) -> None:
    """What this import brought and another knew, that one has brought: the oldest, where many knew it."""
    db.execute(
        """update import_messages set brought = 1 where (import_id, message_id) in (
        select min(import_id), message_id from import_messages where import_id <> ?1 and message_id in
        (select message_id from import_messages where import_id = ?1 and brought) group by message_id)""",
        (import_id,),
    )


def _memories(db: Connection, gone: Sequence[int]) -> tuple[list[int], list[int]]:
    """The memories that go: told by these messages alone, and what refined them; and all that came after them."""
    after = """with recursive after (id) as (
            select memory_id from ({told}) group by memory_id
            having sum(message_id {within}) = count(*)
            union select superseded_by from memories join after using (id)
            where superseded_by is not null {refined}
            union select undone.memory_id from undone join after on replaced_id = after.id
            join events on events.id = event_id where {undone})
        select id from after order by id"""
    going = after.format(told=_TOLD, within=_IN, refined="and valid_to is null", undone="op = 'UPDATE'")
    memories = [id for (id,) in rows(db, going, (id_list(gone),))]
    every = rows(db, after.format(told=_TOLD, within=_IN, refined="", undone="true"), (id_list(gone),))
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


def _restore(db: Connection, memories: Sequence[int]) -> int:
    """Give what these memories had replaced its place back; how many memories hold again."""
    going = set(memories)
    next_of = dict(rows(db, "select id, superseded_by from memories"))
    ends = dict(rows(db, "select id, valid_to from memories"))
    texts = rows(
        db, f"select id, text from memories where superseded_by {_IN} and id not {_IN}", (id_list(going),) * 2
    )
    restored = 0
    for memory_id, text in texts:
        heir, end = next_of[memory_id], None
        while heir in going:
            heir, end = next_of[heir], ends[heir]
        db.execute("update memories set superseded_by = ?, valid_to = ? where id = ?", (heir, end, memory_id))
        if heir is None:
            vectors.drop(db, "memory", [memory_id])  # made and searched again
            full_text.put_memory(db, memory_id, text)
            restored += 1
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
        f"""update messages set text = ?, speaker = '', external_id = null, redacted = 1,
        hash = lower(hex(randomblob(32))) where id {_IN}""",
        (FORGOTTEN, id_list(gone)),
    )
    full_text.refresh_messages(db, gone)
    recall_log.drop(db, gone)
