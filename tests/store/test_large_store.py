"""A store of half a million messages and a hundred thousand memories opens, lists and finds at once."""

import time
from contextlib import closing

import pytest

from store import full_text, message_queries
from store.database import open_store, rows, writing
from tests.store.sample import KEY

AT = "2026-03-05T12:00:00.000000+00:00"
WORDS = "heron river walk evening bread letter garden winter train cousin music window harbour".split()


def fill(file, messages, held):
    """A store with so many of each, in chats of 50, written as quickly as SQLite takes them."""
    with closing(open_store(file, KEY)) as db:

        def text(n):
            return f"{WORDS[n % 13]} {WORDS[n // 13 % 13]} {WORDS[n // 169 % 13]} number {n}"

        with writing(db):
            said = ((n // 50 + 1, AT, AT) for n in range(0, messages, 50))
            db.executemany("insert into chats values (?, 'api', ?, ?)", said)
            turns = (
                (
                    n + 1,
                    n // 50 + 1,
                    n if n % 50 else None,
                    "assistant" if n % 2 else "user",
                    text(n),
                    AT,
                    AT,
                    f"h{n}",
                )
                for n in range(messages)
            )
            db.executemany(
                """insert into messages (id, chat_id, parent_id, role, speaker, text, said_at, stored_at, source, hash)
                values (?, ?, ?, ?, '', ?, ?, ?, 'api', ?)""",
                turns,
            )
            db.execute("insert into message_words (rowid, text) select id, text from messages")
            db.executemany(
                """insert into memories (text, told_on, valid_from, trust)
                values (?, '2026-03-05', '2026-03-05', 'user')""",
                ((f"The user knows {text(n)}.",) for n in range(held)),
            )
            db.execute("insert into memory_words (rowid, text) select id, text from memories")


@pytest.mark.parametrize(
    ("messages", "held"),
    [(20_000, 4_000), pytest.param(500_000, 100_000, marks=pytest.mark.soak)],
)
def test_a_large_store_opens_lists_and_finds_within_two_seconds(file, messages, held):
    fill(file, messages, held)
    began = time.perf_counter()
    with closing(open_store(file, KEY)) as db:
        listed = message_queries.latest_chats(db, 50)
        found = full_text.search(db, "message", f"heron number {messages - 1}", 5)
        took_s = time.perf_counter() - began

        assert (messages, held) == (
            rows(db, "select count(*) from messages")[0][0],
            len(rows(db, "select id from memories")),
        )

    assert listed and found[0][0] == messages
    assert took_s < 2, f"it took {took_s:.2f} s"
