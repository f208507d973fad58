"""
The longest steps of the schema (`schema.py`). Never edit a released one.
"""

VECTORS = """
pragma writable_schema = on;           -- the tables of an extension that is no longer loaded: can't be dropped
delete from sqlite_schema where name in ('memory_vectors', 'message_vectors');
pragma writable_schema = reset;
drop table if exists memory_vectors_info; drop table if exists memory_vectors_chunks;
drop table if exists memory_vectors_rowids; drop table if exists memory_vectors_vector_chunks00;
drop table if exists message_vectors_info; drop table if exists message_vectors_chunks;
drop table if exists message_vectors_rowids; drop table if exists message_vectors_vector_chunks00;

create table coming_embedder (
    -- Who makes the vectors of a re-index; no row: none is under way.
    only_row integer primary key check (only_row = 1),
    name text not null,
    dimension integer not null
) strict;

create table coming_vectors (
    -- What a re-index has made so far; they take the place of vectors when it is done.
    kind text not null,
    id integer not null,
    vector blob not null,
    primary key (kind, id)
) strict;

create table vector_changes (
    -- What an index in memory must look at again. Only the newest: one that is behind is built anew.
    n integer primary key,
    token integer not null default (random()),   -- tells a change from one of this number that was undone
    kind text not null,
    id integer not null
) strict;
create trigger vector_changes_are_few after insert on vector_changes begin
    delete from vector_changes where n <= new.n - 4096;
end;
create trigger vector_made after insert on vectors begin
    insert into vector_changes (kind, id) values (new.kind, new.id);
end;
create trigger vector_changed after update on vectors begin
    insert into vector_changes (kind, id) values (old.kind, old.id), (new.kind, new.id);
end;
create trigger vector_dropped after delete on vectors begin
    insert into vector_changes (kind, id) values (old.kind, old.id);
end;
create trigger coming_vector_made after insert on coming_vectors begin
    insert into vector_changes (kind, id) values (new.kind, new.id);
end;
create trigger coming_vector_dropped after delete on coming_vectors begin
    insert into vector_changes (kind, id) values (old.kind, old.id);
end;
create trigger memory_superseded after update of superseded_by on memories begin
    insert into vector_changes (kind, id) values ('memory', new.id);
end;
create trigger message_redacted after update of redacted, text, role on messages begin
    insert into vector_changes (kind, id) values ('message', new.id);
end;
"""


ANSWERS = """
create table answers (
    -- One row per answer of ours; one from before this step has none.
    message_id integer primary key references messages (id) on delete cascade,
    recall_tokens integer not null     -- of what lay beside its question
) strict;

create table beside (
    -- What lay there. Numbers only, which go with what they stand for.
    answer_id integer not null references answers (message_id) on delete cascade,
    place integer not null,            -- 0: the best of its kind
    memory_id integer references memories (id) on delete cascade,
    quoted_id integer references messages (id) on delete cascade
) strict;
create index beside_by_answer on beside (answer_id);
create index beside_by_memory on beside (memory_id) where memory_id is not null;
create index beside_by_quoted on beside (quoted_id) where quoted_id is not null;
"""
