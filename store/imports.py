"""
Imports: dropped exports go in once, in slices, so that nobody waits for a long one; and each can be undone.

    begin ──> a few messages, where it stands (`unfinished`) ──> ... ──> whole       each arrow is one transaction

What ended between two slices goes on there when the same file comes again. Of each import `import_messages` has which
messages it brought and which it only knew. A file that was imported adds nothing the second time; a longer export of
the same chats adds what is new.

Undoing one takes what it brought, in one transaction, as if it had never come: texts, words, vectors, the memories that
those messages alone told and what refined them, with events, lessons and generations as `forgetting.py` does. What is
known otherwise stays: messages that were there before, that another import knew (from then on that one has brought
them), that a later chat builds upon, or that were forgotten; memories that another message told. What an undone memory
had replaced holds again, and messages of chats that helped to tell it are observed again. Unlike `forget` it leaves no
mark, so the same file can be imported again; the rows of messages stay, empty, so that no id is used twice.
"""

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice

from store import chat_labels, chats, full_text, nights, recall_log, vectors
from store.chats import FORGOTTEN, Message, NewMessage, by_external_id, clean, insert, start_chat
from store.chats import get as get_message
from store.database import Connection, id_list, moment, rows, stamp, whole, writing
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

SLICE = 16  # messages
SLICE_CHARACTERS = 4_000  # or the one message that has more; 20 ms, most of it for the words
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
    is_whole: bool  # False: it ended on the way; the same file, taken in again, goes on there


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
    """Whether a file with this digest (sha256, hexadecimal) went in, all of it."""
    return bool(rows(db, "select 1 from imports where digest = ? and unfinished is null", (digest,)))


def take_in(
    db: Connection, digest: str, name: str, messages: Sequence[Sequence[NewMessage]], at: datetime
) -> Generator[None, None, ImportReport]:
    """
    Store the chats of one export slice by slice, each on the disk; what an earlier one held already is skipped.

    A message is known by its external id, or else as the same words at the same time after the same beginning.

    Args:
        digest: sha256 of the file, hexadecimal. One that is known adds nothing; one that ended on the way goes on.
        messages: one list per session; each new session becomes a chat.
        at: now.

    Raises:
        NotFound: it was undone meanwhile.
    """
    with writing(db):
        import_id, stands = _begin(db, digest, name, at)
    count = sum(map(len, messages))
    if stands is None:
        return ImportReport(id=import_id, sessions=0, turns=0, skipped=count)
    for piece in _pieces(messages, stands.done):
        with writing(db):
            _check_going_on(db, import_id)
            stands = _add(db, import_id, stands, piece, at)
        yield
    skipped = count - stands.turns
    with writing(db):
        db.execute(
            "update imports set sessions = ?, turns = ?, skipped = ?, unfinished = null where id = ?",
            (stands.sessions, stands.turns, skipped, import_id),
        )
    return ImportReport(id=import_id, sessions=stands.sessions, turns=stands.turns, skipped=skipped)


def count_new(
    db: Connection, messages: Sequence[Sequence[NewMessage]]
) -> Generator[None, None, tuple[int, int]]:
    """How many sessions would gain a message, and how many messages would be stored; nothing is changed."""
    sessions = turns = 0
    tip: Message | None = None
    names: set[str | None] = set()
    gained = False
    newest = _newest(db)
    for piece in _pieces(messages, 0):
        for begins, message in piece:
            tip, gained = (None, False) if begins else (tip, gained)
            known = message.external_id in names or _known(db, message, tip, newest, gained)
            if isinstance(known, Message):
                tip = known
            elif not known:
                names |= {message.external_id} - {None}
                sessions += not gained
                turns, gained = turns + 1, True
        yield
    return sessions, turns


def record_import(
    db: Connection, digest: str, name: str, messages: Sequence[Sequence[NewMessage]], at: datetime
) -> ImportReport:
    """As `take_in`, in one transaction: where nobody else works on the store."""
    with writing(db):
        return whole(take_in(db, digest, name, messages, at))


def listed(db: Connection) -> list[Import]:
    """All imports that were not undone, oldest first."""
    found = rows(db, "select id, name, sessions, turns, at, unfinished from imports order by id")
    every = []
    for id, name, sessions, turns, at, unfinished in found:
        if unfinished is not None:
            stands = _Stands(**json.loads(unfinished))
            sessions, turns = stands.sessions, stands.turns
        one = Import(
            id=id, name=name, sessions=sessions, turns=turns, at=moment(at), is_whole=unfinished is None
        )
        every.append(one)
    return every


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stands:
    """How far a file went in: `imports.unfinished`."""

    done: int = 0  # messages of the file, counted through all sessions
    newest: int  # the last message of earlier imports; two equal sessions of one export are two
    tip: int | None = None  # the last message of the session that is under way
    gained: bool = False  # whether that session has a new message
    sessions: int = 0  # that gained a message
    turns: int = 0  # stored


def _begin(db: Connection, digest: str, name: str, at: datetime) -> tuple[int, _Stands | None]:
    """The import's number, and how far it is; None: it is whole."""
    for import_id, unfinished in rows(db, "select id, unfinished from imports where digest = ?", (digest,)):
        return import_id, None if unfinished is None else _Stands(**json.loads(unfinished))
    stands = _Stands(newest=_newest(db))
    db.execute(
        """insert into imports (digest, name, sessions, turns, skipped, at, unfinished)
        values (?, ?, 0, 0, 0, ?, ?)""",
        (digest, storable(name), stamp(at), json.dumps(asdict(stands))),
    )
    return db.last_insert_rowid(), stands


def _newest(db: Connection) -> int:
    return int(rows(db, "select coalesce(max(id), 0) from messages")[0][0])


def _check_going_on(db: Connection, import_id: int) -> None:
    if not rows(db, "select 1 from imports where id = ? and unfinished is not null", (import_id,)):
        raise not_found("import", import_id)


def _pieces(messages: Sequence[Sequence[NewMessage]], done: int) -> Iterator[list[tuple[bool, NewMessage]]]:
    """What is left of a file in slices, each message with whether it begins a session."""
    piece: list[tuple[bool, NewMessage]] = []
    size = 0
    every = ((not place, one) for session in messages for place, one in enumerate(session))
    for begins, one in islice(every, done, None):
        if piece and (len(piece) == SLICE or size + len(one.text) > SLICE_CHARACTERS):
            yield piece
            piece, size = [], 0
        piece.append((begins, clean(one)))
        size += len(one.text)
    if piece:
        yield piece


def _add(
    db: Connection, import_id: int, stands: _Stands, piece: Sequence[tuple[bool, NewMessage]], at: datetime
) -> _Stands:
    """Store what is new of these messages, each in the chat of the one before it; where the import stands then."""
    tip = get_message(db, stands.tip) if stands.tip is not None else None
    gained, sessions = stands.gained, stands.sessions
    stored, old = [], []
    for begins, message in piece:
        tip, gained = (None, False) if begins else (tip, gained)
        known = _known(db, message, tip, stands.newest, gained)
        if known is None:
            chat_id = tip.chat_id if tip else _start_chat(db, message, at)
            known = insert(db, message, chat_id=chat_id, parent=tip, at=at, source="import", index=False)
            stored.append(known.id)
            sessions, gained = sessions + (not gained), True
        else:
            old.append(known.id)
        tip = known
    full_text.refresh_messages(db, stored)
    brought = [(import_id, id, False) for id in old] + [(import_id, id, True) for id in stored]
    sql = """insert into import_messages (import_id, message_id, brought) values (?, ?, ?)
        on conflict do update set brought = max(brought, excluded.brought)"""
    db.executemany(sql, brought)
    now = replace(
        stands,
        done=stands.done + len(piece),
        tip=tip.id if tip else None,
        gained=gained,
        sessions=sessions,
        turns=stands.turns + len(stored),
    )
    db.execute("update imports set unfinished = ? where id = ?", (json.dumps(asdict(now)), import_id))
    return now


def _start_chat(db: Connection, first: NewMessage, at: datetime) -> int:
    """A new chat, by the title that its export gives it."""
    chat_id = start_chat(db, "import", at)
    if first.chat_title.strip():
        chat_labels.rename(db, chat_id, first.chat_title, by=chat_labels.IMPORT)
    return chat_id


def _known(
    db: Connection, message: NewMessage, tip: Message | None, newest: int, gained: bool
) -> Message | None:
    """The stored message that this one of an export is; `gained`: its session had a new one already."""
    if message.external_id is not None:
        return by_external_id(db, message.external_id)
    return None if gained else _same(db, message, tip, newest)


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
        f"""update messages set text = ?, speaker = '', external_id = null, redacted = 1, mark = null,
        hash = lower(hex(randomblob(32))) where id {_IN}""",
        (FORGOTTEN, id_list(gone)),
    )
    full_text.refresh_messages(db, gone)
    chat_labels.drop(db, gone)
    recall_log.drop(db, gone)
