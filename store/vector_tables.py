"""
The tables beside the vectors, as step 6 of the schema makes them (`schema.py`). Never edit a released step.

Promises: whatever changes which vectors may be found notes it in `vector_changes`, for it is a trigger that does.
Knows nothing of who reads that.
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
