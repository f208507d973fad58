"""
Restore: put an archive (`export.py`) into this store.

Messages go in by slices, so that nobody waits for many; memories with their history in one transaction, the last. What
is put in twice adds nothing, and what ended between two slices is put in again; what was forgotten here does not come
back from an archive. Memories go only into a store that never had any: whether two sets contradict each other only a
reader could tell.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from store import chat_labels, forgotten_facts, full_text, tombstones
from store.chats import NewMessage, clean, get, insert, start_chat
from store.database import Connection, id_list, moment, rows, whole, writing
from store.export import Archive, KeptMessage
from store.forgotten_facts import NewFact
from store.imports import SLICE
from store.memory_events import MAKING
from store.text import one_line, storable

LOOKED_AT = 500  # messages at once
Key = tuple[int | None, str, str, str, str]  # parent, role, text or mark, said at, source


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What became of an archive."""

    chats: int  # that gained a message
    messages: int  # stored
    known: int  # messages that were there already
    memories: int  # stored
    refused: str | None  # why memories were not stored; None: they were, or were there already


def put_in_slices(
    db: Connection, archive: Archive, statements: Iterable[NewFact] = ()
) -> Generator[None, None, Restored]:
    """
    Store the messages that are missing, and the memories, if this store has none.

    Messages whose memories were refused are left to be observed here.

    Args:
        statements: the memories, as they are compared with what was forgotten here.
    """
    put = _Putting(db)
    yield from put.look()
    for start in range(0, len(archive.messages), SLICE):
        with writing(db):
            before = len(put.added)
            for message in archive.messages[start : start + SLICE]:
                put.message(archive, message)
            full_text.refresh_messages(db, [put.ids[place] for place in put.added[before:]])
        yield
    with writing(db):
        knows_memories = _knows_memories(db, archive)
        refused = None if knows_memories else _refusal(db, archive, put, statements)
        for chat_id, place in put.new_chats.items():
            kept = archive.chats[place - 1]
            db.execute("update chats set last_stored_at = ? where id = ?", (kept.last_stored_at, chat_id))
            chat_labels.put(db, chat_id, kept.title, by=kept.title_by, pinned=bool(kept.pinned))
        if refused is None:
            observed = zip(put.ids, (one.observed_by for one in archive.messages), strict=True)
            db.executemany(
                "update messages set observed_by = ? where id = ? and observed_by is null",
                [(version, id) for id, version in observed if version is not None],
            )
        if refused is None and not knows_memories:
            _put_events(db, archive, put.ids, _put_memories(db, archive, put.ids))
    return _restored(archive, put, refused, knows_memories=knows_memories)


def count_in_slices(
    db: Connection, archive: Archive, statements: Iterable[NewFact] = ()
) -> Generator[None, None, Restored]:
    """What `put_in_slices` would do; nothing is changed."""
    put = _Putting(db, is_dry=True)
    yield from put.look()
    for start in range(0, len(archive.messages), SLICE):
        for message in archive.messages[start : start + SLICE]:
            put.message(archive, message)
        yield
    knows_memories = _knows_memories(db, archive)
    refused = None if knows_memories else _refusal(db, archive, put, statements)
    return _restored(archive, put, refused, knows_memories=knows_memories)


def put_in(db: Connection, archive: Archive, statements: Iterable[NewFact] = ()) -> Restored:
    """As `put_in_slices`, in one transaction: where nobody else works on the store."""
    with writing(db):
        return whole(put_in_slices(db, archive, statements))


def _restored(archive: Archive, put: "_Putting", refused: str | None, *, knows_memories: bool) -> Restored:
    return Restored(
        chats=len(put.grown),
        messages=len(put.added),
        known=len(archive.messages) - len(put.added),
        memories=0 if refused or knows_memories else len(archive.memories),
        refused=refused,
    )


def _knows_memories(db: Connection, archive: Archive) -> bool:
    """Whether this store has every statement and operation of the archive."""
    stored = _one_lined(rows(db, "select text, told_on, valid_from, trust from memories"))
    done = _one_lined(rows(db, "select text, op, at from events"))
    given = _one_lined((one.text, one.told_on, one.valid_from, one.trust) for one in archive.memories)
    return given <= stored and _one_lined((one.text, one.op, one.at) for one in archive.events) <= done


def _one_lined(found: Iterable[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """Rows that begin with a text, which an older version may have stored with line breaks."""
    return {(one_line(text), *rest) for text, *rest in found}


def _refusal(db: Connection, archive: Archive, put: "_Putting", statements: Iterable[NewFact]) -> str | None:
    """Why the memories of the archive can't be stored here."""
    if rows(db, "select 1 from memories union all select 1 from events limit 1"):
        return "this store has memories of its own, and two sets are never mixed"
    sources = [one.sources for one in archive.memories] + [one.sources for one in archive.events]
    needed = {put.ids[place - 1] for given in sources for place in given}
    forgotten = "select 1 from messages where redacted and id in (select value from json_each(?)) limit 1"
    told = (one for statement in statements for one in forgotten_facts.compare(db, statement))
    if needed & put.forgotten or rows(db, forgotten, (id_list(needed),)) or any(one.by_words for one in told):
        return "some tell what was forgotten here"
    return None


@dataclass
class _Putting:
    """The messages on their way into the store."""

    db: Connection
    is_dry: bool = False  # nothing is stored; what would be has numbers below zero
    ids: list[int] = field(default_factory=list)  # per message of the archive, its row
    added: list[int] = field(default_factory=list)  # indices of those that were stored
    grown: set[int] = field(default_factory=set)  # chats that gained a message
    new_chats: dict[int, int] = field(default_factory=dict)  # their places in the archive
    forgotten: set[int] = field(default_factory=set)  # of those that would be stored, without their words
    _chat_ids: dict[int, int] = field(default_factory=dict)  # per place of a chat, its row
    _chat_of: dict[int, int] = field(default_factory=dict)  # per message that would be stored
    _taken: set[int] = field(default_factory=set)  # rows that stand for a message of the archive
    _by_key: dict[Key, list[int]] = field(default_factory=dict)
    _by_name: dict[str, int] = field(default_factory=dict)

    def look(self) -> Generator[None, None, None]:
        """Learn what is stored, in slices."""
        nearest: dict[int | None, int | None] = {
            None: None
        }  # per message, itself, or if forgotten its nearest
        sql = f"""select id, parent_id, role, coalesce(tombstones.mark, text), said_at, source, external_id, redacted
            from messages left join tombstones on message_id = id where id > ? order by id limit {LOOKED_AT}"""
        last = 0
        while found := rows(self.db, sql, (last,)):
            for id, parent_id, role, text_or_mark, said_at, source, name, redacted in found:
                for parent in {parent_id, nearest[parent_id]}:  # forgotten since an older archive was made
                    self._by_key.setdefault((parent, role, text_or_mark, said_at, source), []).append(id)
                nearest[id] = nearest[parent_id] if redacted else id
                if name is not None:
                    self._by_name[name] = id
            last = found[-1][0]
            yield

    def message(self, archive: Archive, message: KeptMessage) -> None:
        """Find or store one message; those before it were seen to already."""
        parent_id = self.ids[message.parent - 1] if message.parent else None
        new = clean(NewMessage(**{name: getattr(message, name) for name in ("role", "text", "speaker")}))
        name = None if message.external_id is None else storable(message.external_id)
        id = self._known(message, new, parent_id, name)
        if id is None:
            chat_id = self._chat(archive, message.chat, parent_id)
            put = self._suppose if self.is_dry else self._store
            id = put(message, replace(new, external_id=name), parent_id, chat_id)
            self.added.append(len(self.ids))
            self.grown.add(chat_id)
            if name is not None:
                self._by_name[name] = id
        else:
            self._chat_ids.setdefault(message.chat, self._chat_with(id))
        self._taken.add(id)
        self.ids.append(id)

    def _store(self, message: KeptMessage, new: NewMessage, parent_id: int | None, chat_id: int) -> int:
        stored = insert(
            self.db,
            replace(new, said_at=moment(message.said_at)),
            chat_id=chat_id,
            parent=get(self.db, parent_id) if parent_id else None,
            at=moment(message.stored_at),
            source=message.source,
            model=message.model,
            index=False,
        )
        return stored.id

    def _suppose(self, message: KeptMessage, new: NewMessage, parent_id: int | None, chat_id: int) -> int:
        id = -1 - len(self.ids)
        self._chat_of[id] = chat_id
        if tombstones.would_be_kept_back(self.db, new.role, new.text, parent_id) or (
            parent_id in self.forgotten and new.role == "assistant"
        ):
            self.forgotten.add(id)
        return id

    def _known(
        self, message: KeptMessage, new: NewMessage, parent_id: int | None, name: str | None
    ) -> int | None:
        if name is not None and name in self._by_name:
            return self._by_name[name]
        if not self._by_key:
            return None
        for text in (new.text, tombstones.mark(self.db, new.role, new.text)):
            key = (parent_id, new.role, text, message.said_at, message.source)
            for id in self._by_key.get(key, []):
                if id not in self._taken:
                    return id
        return None

    def _chat(self, archive: Archive, place: int, parent_id: int | None) -> int:
        if parent_id is not None:
            return self._chat_with(parent_id)
        if place not in self._chat_ids:
            kept = archive.chats[place - 1]
            fresh = -place if self.is_dry else start_chat(self.db, kept.source, moment(kept.started_at))
            self._chat_ids[place] = fresh
            self.new_chats[fresh] = place
        return self._chat_ids[place]

    def _chat_with(self, message_id: int) -> int:
        return self._chat_of[message_id] if message_id < 0 else get(self.db, message_id).chat_id


def _put_memories(db: Connection, archive: Archive, messages: Sequence[int]) -> list[int]:
    ids = []
    for kept in archive.memories:
        db.execute(
            "insert into memories (text, told_on, valid_from, valid_to, trust, kind) values (?, ?, ?, ?, ?, ?)",
            (one_line(kept.text), kept.told_on, kept.valid_from, kept.valid_to, kept.trust, kept.memory_kind),
        )
        id = db.last_insert_rowid()
        ids.append(id)
        if kept.superseded_by is None:
            full_text.put_memory(db, id, one_line(kept.text))
        if kept.recalled:
            db.execute("insert into recalls values (?, ?, ?)", (id, kept.recalled, kept.recalled_at))
        sources = [(id, messages[place - 1]) for place in kept.sources]
        db.executemany("insert or ignore into memory_sources values (?, ?)", sources)
    for id, kept in zip(ids, archive.memories, strict=True):
        if kept.superseded_by is not None:
            newer = ids[kept.superseded_by - 1]
            db.execute("update memories set superseded_by = ? where id = ?", (newer, id))
    return ids


def _put_events(db: Connection, archive: Archive, messages: Sequence[int], memories: Sequence[int]) -> None:
    ids: list[int] = []
    for kept in archive.events:
        memory_id = memories[kept.memory - 1] if kept.memory else None
        beside = memories[kept.beside - 1] if kept.beside else None
        db.execute(
            "insert into events (op, memory_id, at, told_on, text, beside) values (?, ?, ?, ?, ?, ?)",
            (kept.op, memory_id, kept.at, kept.told_on, one_line(kept.text), beside),
        )
        ids.append(db.last_insert_rowid())
        sources = [(ids[-1], messages[place - 1]) for place in kept.sources]
        db.executemany("insert or ignore into event_sources values (?, ?)", sources)
        if kept.undoes is not None:
            made = memory_id if archive.events[kept.undoes - 1].op in MAKING else None
            replaced = memories[kept.replaced - 1] if kept.replaced else None
            db.execute(
                "insert into undone (event_id, undo_id, memory_id, replaced_id) values (?, ?, ?, ?)",
                (ids[kept.undoes - 1], ids[-1], made, replaced),
            )
