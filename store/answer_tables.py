"""
The tables of what lay beside the question of each answer (`recall_log.py`), as a step of the schema.
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
