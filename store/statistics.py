"""
What the store holds, how many of each, and how much room each takes in the file.

Every page of the file belongs to exactly one part, so that the parts add up to the file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from store.database import Connection, reading, rows

PARTS: Mapping[str, Sequence[str]] = {  # a part -> its tables; whose index a page is, is whose part it is
    "chats": ("chats", "messages", "answers", "beside", "chat_labels", "chat_changes", "users", "feedback"),
    "memories": (
        "memories",
        "memory_sources",
        "recalls",
        "program_memories",
        "proposals",
        "proposal_messages",
    ),
    "history": ("events", "event_sources", "undone", "commits", "notices"),
    "lessons": ("lessons", "lesson_memories"),
    "generations": ("generations", "generation_lessons", "generation_memories", "pin"),
    "nights": ("nights", "forgettings", "jobs"),
    "imports": ("imports", "import_messages"),
    "words": ("message_words", "memory_words"),
    "vectors": ("vectors", "coming_vectors", "embedder", "coming_embedder"),
    "forgotten": ("tombstones", "tombstone_secret", "forgotten_facts"),
    "private": ("off_record", "logging_paused"),
}
OTHER, FREE = "other", "free"
_COUNTED = {  # what one of each part is
    "chats": "select count(*) from messages where not redacted",
    "memories": "select count(*) from memories",
    "history": "select count(*) from events",
    "lessons": "select count(*) from lessons",
    "generations": "select count(*) from generations",
    "nights": "select count(*) from nights",
    "imports": "select count(*) from imports",
    "vectors": "select count(*) from vectors",
    "forgotten": "select count(*) from messages where redacted",
    "private": "select count(*) from off_record",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One kind of what is kept."""

    name: str  # a key of PARTS, "other" (SQLite's own tables) or "free" (pages to be used again)
    rows: int | None  # how many; None: it has no rows of its own
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The whole file."""

    parts: tuple[Part, ...]  # the largest first
    bytes: int  # of the file, without its log
    cipher: str  # of the pages: "chacha20"
    oldest: str | None  # when the first message was said, ISO 8601 in UTC; None: there is none


def sizes(db: Connection) -> Sizes:
    """Measure every page of the file; some 0.1 s for each 100 MB."""
    with reading(db):
        page = int(db.pragma("page_size"))
        room = dict.fromkeys((*PARTS, OTHER), 0)
        owner = {table: part for part, tables in PARTS.items() for table in tables}
        for table, used in rows(
            db,
            """select coalesce(tbl_name, dbstat.name), sum(pgsize) from dbstat
            left join sqlite_schema on sqlite_schema.name = dbstat.name
            where aggregate = true group by 1""",
        ):
            room[owner.get(_whole(table), OTHER)] += used
        room[FREE] = page * int(db.pragma("freelist_count"))
        counts = {part: int(rows(db, sql)[0][0]) for part, sql in _COUNTED.items()}
        parts = [Part(name=name, rows=counts.get(name), bytes=used) for name, used in room.items()]
        return Sizes(
            parts=tuple(sorted(parts, key=lambda one: -one.bytes)),
            bytes=page * int(db.pragma("page_count")),
            cipher=str(db.pragma("cipher")),
            oldest=rows(db, "select min(said_at) from messages where not redacted")[0][0],
        )


def counts(db: Connection) -> dict[str, int]:
    """How many there are of each kind that this schema has: chats, memories, lessons, generations and the rest."""
    tables = {name for (name,) in rows(db, "select name from sqlite_schema where type = 'table'")}
    return {part: int(rows(db, sql)[0][0]) for part, sql in _COUNTED.items() if sql.split()[3] in tables}


def _whole(table: str) -> str:
    """The full-text index that a table is a part of ("message_words_data"), else the table itself."""
    return next((one for one in PARTS["words"] if table.startswith(one + "_")), table)
