"""
Forget: take a fact out of everything that is stored, for good (what was superseded is a soft delete; this is none).

    memory ──> what it replaced, what refined it ──> messages that said it, replies: text, words, vectors
        `────> events, lessons, jobs ──> generations that learned them: tainted, their adapters deleted

Tables of its own: `forgettings`, a count, and the marks of `forgotten_facts.py`. One transaction, a short one where
`scan` has looked through all that is stored before, in slices; afterwards the words are in no row, no index and no free
page of the file, nor in its log. Hashes of the chats concerned are made again from marks (`tombstones.py`): nobody
finds the words by hashing guesses, and a client that sends its whole history again brings none of them back. Backups
and running engines are the daemon's part.
"""

import json
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from store import (
    chat_labels,
    feedback,
    forgotten_facts,
    full_text,
    nights,
    proposals,
    recall_log,
    tombstones,
    vectors,
)
from store.chats import FORGOTTEN, chain_hash
from store.database import Connection, id_list, rows, whole, writing
from store.errors import NoSuchMemory, StoreError, not_found
from store.forgotten_facts import NewFact
from store.generations import drop_quotes, learned_by, taint, untainted
from store.lessons import Lesson, several

SHORTEST_QUOTE = 16  # characters; a shorter text ("yes") may stand elsewhere for something else
SCANNED = 200  # rows that are looked through at once; some milliseconds
_TEXTS = {  # what is looked through for quotes
    "messages": "select id, text from messages where not redacted",
    "lessons": "select id, question || char(10) || answer || char(10) || coalesce(grounding, '') from lessons where 1",
    "events": "select id, text from events where 1",
}
_IN = "in (select value from json_each(?))"
_SAID = f"""select message_id from memory_sources where memory_id {_IN}
    union select message_id from event_sources
        where event_id in (select id from events where memory_id {_IN})"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetReport:
    """What one `forget` took away."""

    memories: int  # statements, with those they replaced
    messages: int  # their texts are "[forgotten]" now
    vectors: int
    events: int
    lessons: int
    generations: tuple[int, ...]  # tainted now: their adapters are deleted
    jobs: int
    kept_memories: tuple[
        int, ...
    ]  # others drawn from the same messages: they stay, their source text is gone
    exports: tuple[str, ...]  # sha256 of the imported files that told it
    log_cleared: bool  # False: a reader held the write-ahead log; the next checkpoint clears it


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """What is to go, as long as it is there."""

    memories: tuple[int, ...]
    lessons: tuple[Lesson, ...]
    generations: tuple[int, ...]  # that have learned it, those tainted before too
    tainted_by_it: tuple[int, ...] = ()  # of them, those that are not tainted yet
    messages: tuple[int, ...]  # whose text goes
    kept_memories: tuple[int, ...] = ()  # others drawn from these messages, which stay
    exports: tuple[str, ...] = ()  # sha256 of the imported files that told it


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What quotes a fact word for word, of all that was stored when it was looked through."""

    quotes: frozenset[str]
    found: dict[str, set[int]] = field(default_factory=lambda: {name: set() for name in _TEXTS})
    newest: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_TEXTS, 0))  # that was looked at


def scan(
    db: Connection, memory_ids: Sequence[int] = (), *, messages: Sequence[int] = ()
) -> Generator[None, None, Scan]:
    """Look, in slices, for all that quotes these memories and messages. Raises as `forget`."""
    _, gone = _with_history(db, memory_ids)
    _check_there(db, messages, ())
    scanned = Scan(quotes=frozenset(quotes_of(db, gone, messages)))
    yield
    yield from _go_through(db, scanned)
    return scanned


def forget(
    db: Connection,
    memory_ids: Sequence[int] = (),
    *,
    messages: Sequence[int] = (),
    keep: Collection[int] = (),
    chats: Sequence[int] = (),
    facts: Sequence[NewFact] = (),
    scanned: Scan | None = None,
) -> ForgetReport:
    """
    Forget these memories, or only these messages, and every trace of them.

    With each goes what it replaced, what refined it (UPDATE, also one that was taken back), and what is held in
    the same words; what contradicted it later (RECONCILE) stays. Redacted are all messages that said it (those
    of IGNORE events too), `messages`, every message that quotes one of them (of the user's), the memory or the
    answer of its lessons word for word, and the replies to all these. Memories that were drawn from `messages` stay.

    Args:
        keep: messages that stay, whatever they tell.
        chats: every message of these is redacted; what another chat has in the same words stays.
        facts: what is marked, so that it is known again in other words.
        scanned: of `scan`, with the same memories and messages; what came since is looked through here.

    Raises:
        NotFound: one of the ids is not there; nothing was forgotten.
    """
    with writing(db):
        chain, gone = _with_history(db, memory_ids)
        _check_there(db, messages, chats)
        quotes = quotes_of(db, gone, messages)
        quoting = _quoting(db, quotes, scanned)
        telling = (_said(db, gone) | quoting["messages"] | set(messages)) - set(keep)
        redacted = _with_replies(db, telling, keep, chats)
        kept = _kept(db, redacted, gone)
        lessons = lessons_of(db, chain, quoting["lessons"])
        report = ForgetReport(
            memories=len(gone),
            messages=len(redacted),
            vectors=vectors.drop(db, "memory", gone) + vectors.drop(db, "message", redacted),
            events=drop_events(db, gone, redacted, quoting["events"]),
            lessons=len(lessons),
            generations=taint(db, memory_ids=chain, lesson_ids=lessons),
            jobs=drop_jobs(db, quotes),
            kept_memories=tuple(kept),
            exports=_exports(db, redacted),
            log_cleared=False,
        )
        drop_quotes(db)
        proposals.drop_quoting(db, quotes)
        feedback.drop_quoting(db, quotes)
        db.execute(f"delete from lessons where id {_IN}", (id_list(lessons),))
        drop_memories(db, gone)
        _redact(db, redacted, telling)
        chat_labels.drop(db, redacted, quotes)
        forgotten_facts.put(db, facts, at=datetime.now(UTC))
        _count(db, report)
    return replace(report, log_cleared=clear_log(db))


def _count(db: Connection, report: ForgetReport) -> None:
    nights.note_forgotten(
        db,
        memories=report.memories,
        messages=report.messages,
        lessons=report.lessons,
        generations=len(report.generations),
    )


def concerned(
    db: Connection,
    memory_ids: Sequence[int] = (),
    *,
    messages: Sequence[int] = (),
    keep: Collection[int] = (),
    chats: Sequence[int] = (),
    scanned: Scan | None = None,
) -> Concerned:
    """What `forget` would take; nothing is changed. Arguments and errors as of `forget`."""
    chain, gone = _with_history(db, memory_ids)
    _check_there(db, messages, chats)
    quoting = _quoting(db, quotes_of(db, gone, messages), scanned)
    telling = _said(db, gone) | quoting["messages"] | set(messages)
    redacted = _with_replies(db, telling - set(keep), keep, chats)
    lessons = lessons_of(db, chain, quoting["lessons"])
    return replace(
        concerned_by(db, memories=gone, chain=chain, lessons=lessons, messages=redacted),
        kept_memories=tuple(_kept(db, redacted, gone)),
        exports=_exports(db, redacted),
    )


def concerned_by(
    db: Connection,
    *,
    memories: Sequence[int],
    chain: Sequence[int],
    lessons: Sequence[int],
    messages: Sequence[int],
) -> Concerned:
    """What these memories, lessons and messages take along; `chain`: all that ever held in the memories' place."""
    learned = learned_by(db, memory_ids=chain, lesson_ids=lessons)
    return Concerned(
        memories=tuple(memories),
        lessons=tuple(several(db, lessons)),
        generations=learned,
        tainted_by_it=untainted(db, learned),
        messages=tuple(messages),
    )


def _with_history(db: Connection, memory_ids: Sequence[int]) -> tuple[list[int], list[int]]:
    """Everything that ever held in the place of these memories; and what of that goes with them."""
    for memory_id in memory_ids:
        if db.execute("select 1 from memories where id = ?", (memory_id,)).get is None:
            raise NoSuchMemory(memory_id)
    line = """with recursive line (id) as (select value from json_each(?)
        union select superseded_by from memories join line using (id)
            where superseded_by is not null {refined}
        union select memories.id from memories join line on superseded_by = line.id
        union select undone.memory_id from undone join line on replaced_id = line.id
            join events on events.id = event_id where {undone})
        select id from line order by id"""
    same = f"select id from memories where lower(text) in (select lower(text) from memories where id {_IN})"
    chosen = (id_list([id for (id,) in rows(db, same, (id_list(memory_ids),))]),)
    every = line.format(refined="", undone="true")
    only = line.format(refined="and valid_to is null", undone="op = 'UPDATE'")
    chain = [id for (id,) in rows(db, every, chosen)]
    gone = [id for (id,) in rows(db, only, chosen)]
    return chain, gone


def _check_there(db: Connection, messages: Sequence[int], chats: Sequence[int]) -> None:
    for kind, ids in (("message", messages), ("chat", chats)):
        for id in ids:
            if db.execute(f"select 1 from {kind}s where id = ?", (id,)).get is None:
                raise not_found(kind, id)


def quotes_of(db: Connection, gone: Sequence[int], messages: Sequence[int] = ()) -> list[str]:
    """Texts that tell it word for word: the memories, their sources, the answers of their lessons, `messages`."""
    found = db.execute(
        f"""select text from memories where id {_IN}
        union select text from messages where not redacted and role = 'user'
            and (id in ({_SAID}) or id {_IN})
        union select answer from lessons where kind in ('fact', 'before', 'as_of')
            and id in (select lesson_id from lesson_memories where memory_id {_IN})""",
        (*[id_list(gone)] * 3, id_list(messages), id_list(gone)),
    )
    return [text.lower() for (text,) in found if len(text) >= SHORTEST_QUOTE]


def _said(db: Connection, gone: Sequence[int]) -> set[int]:
    """The messages that told these memories."""
    return {id for (id,) in rows(db, _SAID, (id_list(gone),) * 2)}


def _quoting(db: Connection, quotes: Sequence[str], scanned: Scan | None) -> dict[str, set[int]]:
    """The messages, lessons and events that quote: as scanned, and what came since."""
    if scanned is None or scanned.quotes != set(quotes):
        scanned = Scan(quotes=frozenset(quotes))
    whole(_go_through(db, scanned))
    return scanned.found


def _go_through(db: Connection, scanned: Scan) -> Generator[None, None, None]:
    """Look through what is newer than what was, `SCANNED` rows at a time; what is found and how far goes into it."""
    for name, sql in _TEXTS.items() if scanned.quotes else ():
        while found := rows(db, f"{sql} and id > ? order by id limit {SCANNED}", (scanned.newest[name],)):
            scanned.found[name] |= {id for id, text in found if _quoted(text, scanned.quotes)}
            scanned.newest[name] = found[-1][0]
            yield


def _with_replies(
    db: Connection, telling: set[int], keep: Collection[int], chats: Sequence[int]
) -> list[int]:
    """The messages to redact: those that tell it, the replies to them but those to `keep`, and all of `chats`."""
    replies = db.execute(
        f"select id from messages where role = 'assistant' and parent_id {_IN}", (id_list(telling),)
    )
    every = (telling | {id for (id,) in replies}) - set(keep)
    sql = f"select id from messages where not redacted and (id {_IN} or chat_id {_IN}) order by id"
    return [id for (id,) in rows(db, sql, (id_list(every), id_list(chats)))]


def _kept(db: Connection, redacted: Sequence[int], gone: Sequence[int]) -> list[int]:
    sql = f"""select distinct memory_id from memory_sources
        where message_id {_IN} and memory_id not {_IN} order by memory_id"""
    return [id for (id,) in rows(db, sql, (id_list(redacted), id_list(gone)))]


def _exports(db: Connection, redacted: Sequence[int]) -> tuple[str, ...]:
    sql = f"""select distinct digest from imports join import_messages on import_id = imports.id
        where message_id {_IN} order by digest"""
    return tuple(digest for (digest,) in rows(db, sql, (id_list(redacted),)))


def lessons_of(db: Connection, chain: Sequence[int], quoting: Collection[int] = ()) -> list[int]:
    """Lessons of the memories or of what replaced them ("Before that: ..."), and those that quote them."""
    linked = rows(db, f"select lesson_id from lesson_memories where memory_id {_IN}", (id_list(chain),))
    return sorted({id for (id,) in linked} | set(quoting))


def _quoted(text: str, quotes: Collection[str]) -> bool:
    lower = text.lower()
    return any(quote in lower for quote in quotes)


def drop_events(
    db: Connection, gone: Sequence[int], redacted: Sequence[int], quoting: Collection[int] = ()
) -> int:
    """Drop the events of the memories, and trivial ones from redacted messages; redact others that quote."""
    found = db.execute(
        f"""select id from events where memory_id {_IN} or (memory_id is null
        and id in (select event_id from event_sources where message_id {_IN}))""",
        (id_list(gone), id_list(redacted)),
    )
    ids = id_list([id for (id,) in found])
    db.execute(f"delete from event_sources where event_id {_IN}", (ids,))
    db.execute(f"delete from events where id {_IN}", (ids,))
    dropped = db.changes()
    db.execute(f"update events set text = ? where id {_IN}", (FORGOTTEN, id_list(quoting)))
    return dropped + db.changes()


def drop_jobs(db: Connection, quotes: Sequence[str]) -> int:
    """Drop jobs whose payload quotes the fact, and take it out of the errors of others."""
    found = [
        (id, json.dumps(json.loads(payload), ensure_ascii=False), error)
        for id, payload, error in rows(db, "select id, payload, coalesce(error, '') from jobs")
    ]
    said = "\n".join(text.lower() for _, *texts in found for text in texts)
    quotes = [quote for quote in quotes if quote in said]  # of many quotes, few stand in any job
    quoting = [id for id, payload, _ in found if _quoted(payload, quotes)]
    failed = [id for id, _, error in found if _quoted(error, quotes)]
    db.execute(f"update jobs set error = ? where id {_IN}", (FORGOTTEN, id_list(failed)))
    db.execute(f"delete from jobs where id {_IN}", (id_list(quoting),))
    return len({*quoting, *failed})


def drop_memories(db: Connection, gone: Sequence[int]) -> None:
    ids = (id_list(gone),)
    full_text.drop_memories(db, gone)
    db.execute(f"delete from memory_sources where memory_id {_IN}", ids)
    db.execute(f"delete from memories where id {_IN}", ids)


def _redact(db: Connection, redacted: Sequence[int], telling: set[int]) -> None:
    """Replace texts by marks and "[forgotten]", and make new hashes of all messages behind them."""
    ids = id_list(redacted)
    for id, role, text in rows(db, f"select id, role, text from messages where id {_IN}", (ids,)):
        says_something = id in telling and len(text.split()) > 1  # a "yes" is no fact elsewhere
        tombstones.put(db, id, tombstones.mark(db, role, text), telling=says_something)
    db.execute(f"update messages set text = ?, speaker = '', redacted = 1 where id {_IN}", (FORGOTTEN, ids))
    full_text.refresh_messages(db, redacted)
    recall_log.drop(db, redacted)
    db.execute(
        f"""update imports set name = ?
        where id in (select import_id from import_messages where message_id {_IN})""",
        (FORGOTTEN, ids),
    )
    fresh: dict[int, str] = {}
    behind = db.execute(
        """with recursive behind (id) as (select value from json_each(?)
            union select messages.id from messages join behind on parent_id = behind.id)
        select m.id, m.parent_id, m.role, coalesce(tombstones.mark, m.text), parent.hash from messages m
        left join messages parent on parent.id = m.parent_id
        left join tombstones on message_id = m.id
        where m.id in (select id from behind) order by m.id""",
        (ids,),
    )
    for id, parent_id, role, text_or_mark, parent_hash in behind:
        fresh[id] = chain_hash(fresh.get(parent_id, parent_hash or ""), role, text_or_mark)
    db.executemany("update messages set hash = ? where id = ?", [(hash, id) for id, hash in fresh.items()])


def clear_log(db: Connection) -> bool:
    """Write the log into the file and cut it to nothing, for old pages lie in it; whether that worked."""
    if db.in_transaction:
        return False
    try:
        return bool(rows(db, "pragma wal_checkpoint(truncate)")[0][0] == 0)
    except StoreError:  # the facts are forgotten all the same; the report says that the log is not cleared
        return False
