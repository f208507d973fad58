"""Stores of every released schema open unchanged, and search, recall and forgetting work in them."""

import apsw
import pytest

from store import chats, full_text, generations, lessons, memories, nights, recall_log, vectors
from store.database import give_key, migrate, open_store, rows, vector_bits
from store.schema import APPLICATION_ID, MIGRATIONS
from store.text import base_forms_for_sql, turn_mark
from tests.store.sample import DIMENSION, KEY, assert_gone, by_meaning, by_words, ids, texts, vector

VERSIONS = range(1, len(MIGRATIONS))
LIFE = """
insert into chats values (1, 'api', '2026-03-05T12:00:00.000000+00:00', '2026-03-05T12:00:00.000000+00:00');
insert into messages (id, chat_id, parent_id, role, speaker, text, said_at, stored_at, source, hash, redacted)
    select value ->> 0, 1, value ->> 1, value ->> 2, value ->> 3, value ->> 4, '2026-03-05T12:00:00.000000+00:00',
        '2026-03-05T12:00:00.000000+00:00', 'api', 'hash ' || (value ->> 0), value ->> 5
    from json_each('[[1, null, "user", "", "We went to the Mekong.", 0], [2, 1, "assistant", "", "How nice!", 0],
        [3, 2, "user", "", "[forgotten]", 1]]');
insert into imports (id, digest, name, sessions, turns, skipped, at)
    values (1, 'digest', 'export.json', 1, 2, 0, '2026-03-05T12:00:00.000000+00:00');
insert into import_messages (import_id, message_id) values (1, 1);
insert into memories (id, text, told_on, valid_from, valid_to, superseded_by, trust) values
    (1, 'The user has seen the Nile.', '2026-03-05', '2026-03-05', null, null, 'user'),
    (2, 'The user has seen the Mekong.', '2026-03-05', '2026-03-05', null, null, 'user');
update memories set superseded_by = 2 where id = 1;
insert into memory_sources values (2, 1);
insert into events (id, op, memory_id, at, told_on, text)
    values (1, 'ADD', 2, '2026-03-05T12:00:00.000000+00:00', '2026-03-05', 'The user has seen the Mekong.');
insert into event_sources values (1, 1);
insert into embedder values (1, 'test-embedder', 8);
insert into lessons (id, question, answer, kind, split, made_at)
    values (1, 'Which river?', 'The Mekong.', 'fact', 'train', '2026-03-05T12:00:00.000000+00:00');
insert into lesson_memories values (1, 2);
insert into generations (id, made_at, state, reason, base_sha256, adapter_sha256, adapter, exam, lesson_count)
    values (1, '2026-03-05T12:00:00.000000+00:00', 'adopted', 'good', 'base',
        'b83633aa785344791618f2fddf131b010ea04912a60430760b070bad293f65bd',
        x'47475546', '{}', 1);
insert into generation_lessons values (1, 1);
insert into generation_memories values (1, 2);
"""


def old_store(file, version):
    """A connection to a store as the release with this schema left it."""
    db = apsw.Connection(str(file))
    give_key(db, KEY)
    db.pragma("application_id", APPLICATION_ID)
    db.create_scalar_function("base_forms", base_forms_for_sql, 1, deterministic=True)
    db.create_scalar_function("vector_bits", vector_bits, 1, deterministic=True)
    db.create_scalar_function("turn_mark", turn_mark, 3, deterministic=True)
    migrate(db, MIGRATIONS[:version])
    db.execute(LIFE)
    embedded = [("memory", 1, vector(1)), ("memory", 2, vector(1, 1)), ("message", 1, vector(0, 1))]
    db.executemany(
        "insert into vectors (kind, id, vector) values (?, ?, ?)",
        [(kind, id, v.tobytes()) for kind, id, v in embedded],
    )
    if version > 10:
        db.execute("update vectors set bits = vector_bits(vector)")
    if version < 7:  # until then a forgotten message kept its speaker
        db.execute("update messages set speaker = 'Ann' where redacted")
    if version > 2:  # before, the words are indexed again anyhow
        full_text.refresh_messages(db, [1, 2])
        full_text.put_memory(db, 2, "The user has seen the Mekong.")
    return db


@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_of_every_release_opens_with_all_that_was_in_it_and_forgets_without_a_trace(file, version):
    old_store(file, version).close()
    db = open_store(file, KEY)

    assert len(MIGRATIONS) == db.pragma("user_version")
    assert ["We went to the Mekong.", "How nice!", "[forgotten]"] == texts(chats.path(db, 3))
    assert [("", 1)] == rows(db, "select speaker, brought from messages, import_messages where id = 3")
    assert [2] == ids(memories.holding(db))
    assert [1] == by_words(db, "message", "who goes")
    assert [2] == by_words(db, "memory", "mekong")
    assert [2] == by_meaning(db, "memory", vector(1))
    assert [1] == by_meaning(db, "message", vector(1))
    assert ([2], []) == (vectors.missing(db, "message"), vectors.missing(db, "memory"))
    assert ("adopted", b"GGUF") == (generations.get(db, 1).state, generations.adapter(db, 1))
    assert ([], {}) == (nights.newest(db, 9), recall_log.of_answers(db, [2]))
    assert "ok" == db.pragma("integrity_check")
    report = memories.forget(db, [2])

    assert (2, 2, 3) == (report.memories, report.messages, report.vectors)
    assert (1, (1,)) == (report.lessons, report.generations)
    assert_gone(db, "Mekong")
    db.close()


def test_what_an_old_store_holds_in_a_script_without_spaces_is_found_by_a_part_of_it(file):
    db = old_store(file, 11)
    db.execute(
        """update messages set text = '我妹妹住在柏林' where id = 1;
        update message_words set text = '我妹妹住在柏林' where rowid = 1;
        update message_words set before = '我妹妹住在柏林' where rowid = 2;
        update memory_words set text = '用户的妹妹住在柏林' where rowid = 2"""
    )
    db.close()
    db = open_store(file, KEY)

    assert ([1], [2]) == (by_words(db, "message", "柏林"), by_words(db, "memory", "妹妹在哪里？"))
    assert [1] == by_words(db, "message", "住在")
    db.close()


def test_lessons_that_abstain_are_known_as_such_whatever_their_release_called_them(file):
    db = old_store(file, 11)
    for id, kind, answer in (
        (2, "abstain", "No."),
        (3, "reading", "I don't know that yet."),
        (4, "reading", "Yes."),
    ):
        db.execute(
            "insert into lessons values (?, 'q', ?, null, ?, 'train', '2026-03-05')", (id, answer, kind)
        )
    db.close()
    db = open_store(file, KEY)

    assert [2, 3] == [one.id for one in lessons.holding(db) if one.abstains]


@pytest.mark.parametrize("version", [one for one in VERSIONS if one >= 6])
def test_a_reindex_that_was_under_way_goes_on(file, version):
    db = old_store(file, version)
    db.execute("insert into coming_embedder values (1, 'other', 4)")
    new = vector(1)[:4]
    db.execute("insert into coming_vectors (kind, id, vector) values ('memory', 2, ?)", (new.tobytes(),))
    if version > 10:
        db.execute("update coming_vectors set bits = vector_bits(vector)")
    db.close()
    db = open_store(file, KEY)

    assert ("other", 1, 3) == ((far := vectors.reindexing(db)).new, far.done, far.total)
    assert [2] == by_meaning(db, "memory", new)
    vectors.put(db, "message", [1, 2], new[None].repeat(2, axis=0))
    assert vectors.switch(db)
    assert {1, 2} == set(by_meaning(db, "message", new))
    db.close()


def test_tables_of_an_extension_that_a_store_once_used_are_cleared_away(file):
    """Up to step 5 virtual tables kept the vectors; without their extension they can't be read or dropped."""
    db = old_store(file, 5)
    db.execute("create table memory_vectors_chunks (x); create table message_vectors_info (x);")
    db.execute(
        f"""pragma writable_schema = on;
        insert into sqlite_schema values ('table', 'memory_vectors', 'memory_vectors', 0,
            'create virtual table memory_vectors using vec0 (vector float[{DIMENSION}])');
        pragma writable_schema = reset;"""
    )
    db.close()
    db = open_store(file, KEY)

    assert [] == rows(db, "select name from sqlite_schema where name like 'm%vectors%'")
    assert 1 == len(vectors.nearest(db, "memory", vector(1), 9))
    assert "ok" == db.pragma("integrity_check")
    db.close()
