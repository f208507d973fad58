"""
The tables, step by step. Never edit a released step: append one.

The comments stay in the file, for whoever opens it. Ids of memories, lessons and generations are never used twice, so
that nothing made from a forgotten one can be mistaken for something made from a later one.
"""

from store.schema_parts import ANSWERS, VECTORS

APPLICATION_ID = 0x54535542  # "TSUB", in the header of every store

MIGRATIONS = [
    # 1: the first release
    """
create table chats (
    -- A chat is a tree of messages: an edited message is a fork.
    id integer primary key,
    source text not null,              -- 'api' or 'import'
    started_at text not null,          -- ISO 8601, UTC, microseconds (all times here are written so)
    last_stored_at text not null       -- when its newest message was stored; long ago: the chat is quiet
) strict;

create table messages (
    -- Every message once. The hash is that of the whole history up to and with this message.
    id integer primary key,
    chat_id integer not null references chats (id),
    parent_id integer references messages (id),   -- null: the first of its chat
    role text not null,                -- 'user', 'assistant', 'system', ...
    speaker text not null,             -- the name in an import; '' otherwise
    text text not null,                -- '[forgotten]' once redacted
    said_at text not null,             -- when it was said: by the client's or the export's word
    stored_at text not null,           -- when it was stored: by our clock
    source text not null,              -- 'api' or 'import'
    external_id text,                  -- the name of this message in the export it came from
    observed_by text,                  -- version of the observer that has read it; null: none yet
    hash text not null,                -- sha256 (parent's hash, role, text); random once redacted
    model text,                        -- what wrote a reply; null: not written by us
    redacted integer not null default 0
) strict;
create index messages_by_hash on messages (hash);
create index messages_by_parent on messages (parent_id);
create index messages_by_chat on messages (chat_id);
create unique index messages_by_external_id on messages (external_id) where external_id is not null;

create virtual table message_words using fts5 (text, tokenize = 'porter unicode61');
create virtual table memory_words using fts5 (text, tokenize = 'porter unicode61');

create table imports (
    -- One row per export file that went in.
    id integer primary key,
    digest text not null unique,       -- sha256 of the file
    name text not null,
    sessions integer not null,
    turns integer not null,
    skipped integer not null,          -- messages already known by their external id
    at text not null
) strict;

create table import_messages (
    import_id integer not null references imports (id),
    message_id integer not null references messages (id),
    primary key (import_id, message_id)
) strict, without rowid;

create table memories (
    -- One row per statement. Superseded, never deleted but by 'forget'.
    id integer primary key autoincrement,
    text text not null,
    told_on text not null,             -- the day it was told (ISO 8601)
    valid_from text not null,          -- the first day on which it was true
    valid_to text,                     -- the first day on which it was true no more; null: it still is
    superseded_by integer references memories (id),   -- the row that replaced it; null: it holds
    trust text not null                -- 'user', 'assistant', 'import' or 'untrusted': who said it
) strict;
create index memories_by_successor on memories (superseded_by);

create table memory_sources (
    memory_id integer not null references memories (id),
    message_id integer not null references messages (id),
    primary key (memory_id, message_id)
) strict, without rowid;

create table events (
    -- Every operation on the memories, in order.
    id integer primary key,
    op text not null,                  -- 'ADD', 'UPDATE', 'RECONCILE' or 'IGNORE'
    memory_id integer references memories (id),   -- the one made, or said again; null: trivial
    at text not null,
    told_on text not null,
    text text not null                 -- the statement observed
) strict;
create index events_by_memory on events (memory_id);

create table event_sources (
    event_id integer not null references events (id),
    message_id integer not null references messages (id),
    primary key (event_id, message_id)
) strict, without rowid;

create table embedder (
    -- Who made all vectors below.
    only_row integer primary key check (only_row = 1),
    name text not null,
    dimension integer not null
) strict;

create table vectors (
    -- The truth; the vec0 tables are an index of it and can be made again.
    kind text not null,                -- 'memory' or 'message'
    id integer not null,               -- of that memory or message
    vector blob not null,              -- little-endian float32
    primary key (kind, id)
) strict;

create table lessons (
    -- What a night learns from.
    id integer primary key autoincrement,
    question text not null,
    answer text not null,
    grounding text,                    -- the system text that the teacher sees; null: none
    kind text not null,                -- 'fact', 'before', 'abstain' or 'general'
    split text not null,               -- 'train' or 'exam'
    made_at text not null
) strict;

create table lesson_memories (
    lesson_id integer not null references lessons (id) on delete cascade,
    memory_id integer not null references memories (id),
    primary key (lesson_id, memory_id)
) strict, without rowid;
create index lessons_by_memory on lesson_memories (memory_id);

create table generations (
    -- What each night made. Generation 0 is the base model and has no row.
    id integer primary key autoincrement,
    made_at text not null,
    state text not null,               -- 'candidate', 'adopted', 'refused' or 'tainted' by 'forget'
    reason text not null,
    base_sha256 text not null,         -- of the model file it belongs to
    adapter_sha256 text not null,
    adapter blob,                      -- GGUF; null once tainted
    exam text not null,                -- JSON
    lesson_count integer not null
) strict;

create table generation_lessons (
    generation_id integer not null references generations (id),
    lesson_id integer not null references lessons (id) on delete cascade,
    primary key (generation_id, lesson_id)
) strict, without rowid;
create index generations_by_lesson on generation_lessons (lesson_id);

create table generation_memories (
    -- The memories behind its lessons, as they were when it was made.
    generation_id integer not null references generations (id),
    memory_id integer not null references memories (id) on delete cascade,
    primary key (generation_id, memory_id)
) strict, without rowid;
create index generations_by_memory on generation_memories (memory_id);

create table pin (
    -- The generation that the user chose; no row: the newest adopted one answers.
    only_row integer primary key check (only_row = 1),
    generation_id integer not null     -- 0: the base model
) strict;

create table jobs (
    id integer primary key autoincrement,
    kind text not null,                -- 'observe', 'night', ...
    payload text not null,             -- JSON
    unique_name text,                  -- at most one waiting or running job of a kind has this name
    state text not null,               -- 'waiting', 'running', 'done' or 'failed'
    attempts integer not null default 0,
    run_at text,                       -- not before; null: as soon as possible
    lease_until text,                  -- a running job is claimable again after this
    error text                         -- of the last attempt that failed
) strict;
create index jobs_by_state on jobs (kind, state);
create unique index jobs_by_unique_name on jobs (kind, unique_name) where state in ('waiting', 'running');
""",
    # 2: forgotten messages are known again when they are sent again
    """
create table tombstone_secret (
    -- Random, of this store alone: without it nobody can find forgotten words by trying.
    only_row integer primary key check (only_row = 1),
    secret blob not null
) strict;
insert into tombstone_secret values (1, randomblob(32));

create table tombstones (
    -- One row per redacted message. Its hash in messages is made with the mark instead of the text.
    message_id integer primary key references messages (id),
    mark text not null,                -- HMAC-SHA256 (secret, role and text)
    telling integer not null           -- 1: it told what was forgotten; 0: a reply, redacted where it stands
) strict;
create index tombstones_by_mark on tombstones (mark);
-- A generation may also be 'retired': adopted once, superseded, its adapter deleted to save room.
""",
    # 3: a message is found by its neighbours' words too, and "went" by "go" (`full_text.py`)
    """
drop table message_words;
create virtual table message_words using fts5 (
    text, before, after, around,       -- its own words; the previous message's; the next ones'; two steps away
    tokenize = 'porter unicode61'
);
insert into message_words (rowid, text, before, after, around)
    select id, base_forms(text),
        base_forms((select text from messages where id = m.parent_id
            and role in ('user', 'assistant') and not redacted)),
        base_forms((select group_concat(text, ' ') from messages where parent_id = m.id
            and role in ('user', 'assistant') and not redacted)),
        base_forms((select group_concat(text, ' ') from messages where
            role in ('user', 'assistant') and not redacted and (
            id = (select parent_id from messages where id = m.parent_id)
            or parent_id in (select id from messages where parent_id = m.id))))
    from messages m where role in ('user', 'assistant') and not redacted;
delete from memory_words;
insert into memory_words (rowid, text)
    select id, base_forms(text) from memories where superseded_by is null;
""",
    # 4: operations can be taken back, and recalls are counted
    """
create table undone (
    -- One row per operation that was taken back, by an event whose op is 'UNDO'. The memory it made is
    -- superseded by itself.
    event_id integer primary key references events (id) on delete cascade,   -- the operation
    undo_id integer not null references events (id) on delete cascade,       -- the UNDO
    memory_id integer references memories (id) on delete cascade,   -- the memory it made; null: none (IGNORE)
    replaced_id integer references memories (id) on delete set null -- what that one had replaced; null: nothing
) strict;
create index undone_by_undo on undone (undo_id);
create index undone_by_memory on undone (memory_id);
create index undone_by_replaced on undone (replaced_id);

create table recalls (
    -- How often a memory was laid beside a question; no row: never.
    memory_id integer primary key references memories (id) on delete cascade,
    n integer not null,
    last_at text not null
) strict;
""",
    # 5: an ADD tells which memory the model wanted to change, where a check refused that; names are found at once
    """
alter table events add column beside integer references memories (id) on delete set null;
create index memories_past on memories (id) where superseded_by is not null;
create index messages_by_speaker on messages (speaker) where speaker <> '';
""",
    # 6: vectors are searched by an index in memory (until step 11), and made again beside the old ones (`vectors.py`)
    VECTORS,
    # 7: an import is undone without what it only knew; what points at a message or a memory is found at once
    """
alter table import_messages add column brought integer not null default 1;   -- 0: known before this import
create index events_by_beside on events (beside) where beside is not null;
create index memory_sources_by_message on memory_sources (message_id);
create index event_sources_by_message on event_sources (message_id);
update messages set speaker = '' where redacted and speaker <> '';
""",
    # 8: every night is recorded, and how much was forgotten
    """
create table nights (
    -- One row per attempt at a night. Ids and numbers only: what they stand for is looked up when it is shown, so
    -- that 'forget' reaches it.
    id integer primary key autoincrement,
    job_id integer,                    -- the job that ordered it; null: none
    began_at text not null,
    ended_at text,                     -- null: it runs, or nobody knows
    outcome text not null,             -- 'running', 'adopted', 'refused', 'nothing', 'failed' or 'interrupted'
    was_live integer not null,         -- the generation that answered when it began; 0: the base model
    generation_id integer references generations (id),   -- what it made; null: nothing
    backend text not null default '',  -- what trained it: 'torch, cpu, float32'
    numbers text not null default '{}' -- JSON
) strict;
create index nights_by_outcome on nights (outcome);

create table forgettings (
    -- How much each 'forget' took, for the next morning's report.
    at text not null,
    memories integer not null,
    messages integer not null,
    lessons integer not null,
    generations integer not null       -- tainted by it
) strict;
create index forgettings_by_day on forgettings (at);
""",
    # 9: chats that are not kept
    """
create table logging_paused (
    -- One row while no chat is kept.
    id integer primary key check (id = 1),
    until text                         -- null: until somebody ends the pause
) strict;

create table off_record (mark text primary key) strict, without rowid;   -- turns of chats that are never kept
""",
    # 10: what lay beside the question of each answer
    ANSWERS,
    # 11: vectors are searched by sqlite-vec's functions over their bits; no index in memory has to be told of changes
    """
drop trigger vector_changes_are_few; drop trigger vector_made; drop trigger vector_changed;
drop trigger vector_dropped; drop trigger coming_vector_made; drop trigger coming_vector_dropped;
drop trigger memory_superseded; drop trigger message_redacted;
drop table vector_changes;
alter table vectors add column bits blob;          -- two for each number, for the coarse pass of a search
alter table coming_vectors add column bits blob;
update vectors set bits = vector_bits(vector);
update coming_vectors set bits = vector_bits(vector);
create index vectors_by_bits on vectors (kind, id, bits);
create index coming_vectors_by_bits on coming_vectors (kind, id, bits);
""",
    # 12: words of every script are found: those without spaces by pairs of characters (`text.py`)
    """
update memory_words set text = base_forms(text) where text glob '*[^' || char(1) || '-~]*';
update message_words
    set text = base_forms(text), before = base_forms(before), after = base_forms(after), around = base_forms(around)
    where text || before || after || around glob '*[^' || char(1) || '-~]*';
""",
    # 13: a lesson tells whether its answer is that nothing is known, and which model worded it
    """
alter table lessons add column abstains integer not null default 0;
alter table lessons add column made_by text not null default '';   -- sha256 of the model file; '': not known
update lessons set abstains = 1
    where kind = 'abstain' or (kind = 'reading' and answer = 'I don''t know that yet.');
""",
    # 14: a lesson that a generation has learned can be out of use
    """
alter table lessons add column retired integer not null default 0;   -- 1: taught no more, kept for its lineage
""",
    # 15: what was forgotten is known again when it is told in other words
    """
create table forgotten_facts (
    -- One row per statement that was forgotten, until it is added by hand again. No word of it can be read here:
    -- signs of its vector under a secret projection, and hashes of its words so short that many words share each.
    id integer primary key autoincrement,
    at text not null,
    embedder text not null,            -- that made the vector; '': none was made
    signs blob not null,               -- 512 bits
    names text not null,               -- JSON: of its names and numbers
    words text not null                -- JSON: of all its content words
) strict;
""",
    # 16: commits are counted (`commit_count.py`), and what must be told waits until it was seen
    """
create table commits (
    -- How many transactions that changed something there were since this step.
    only_row integer primary key check (only_row = 1),
    n integer not null
) strict;
insert into commits values (1, 0);

create table notices (
    id integer primary key,
    kind text not null,
    at text not null,
    about text not null,               -- JSON
    seen integer not null default 0
) strict;
""",
    # 17: which program added a memory
    """
create table program_memories (
    -- One row per memory that another program added, and not the user.
    memory_id integer primary key references memories (id) on delete cascade,
    program text not null,             -- as it calls itself
    at text not null
) strict;
create index program_memories_by_time on program_memories (at);
insert into program_memories
    select id, 'An assistant', coalesce((select min(at) from events where memory_id = memories.id), told_on)
    from memories where trust = 'assistant' and id not in (select memory_id from memory_sources);
""",
    # 18: an import goes in by slices
    """
alter table imports add column unfinished text;    -- JSON: how far it is; null: all of it is in
""",
    # 19: a message is indexed by its own words alone; those around it are looked up (`message_queries.surroundings`)
    """
drop table message_words;
create virtual table message_words using fts5 (text, tokenize = 'porter unicode61');
insert into message_words (rowid, text)
    select id, base_forms(text) from messages where role in ('user', 'assistant') and not redacted;
""",
    # 20: chats have titles of their own, and stay on top of the list
    """
create table chat_labels (
    -- One row per chat that somebody named or pinned.
    chat_id integer primary key references chats (id) on delete cascade,
    title text,                        -- null: the beginning of what was said first
    title_by text,                     -- 'user', 'import', 'model' (also where it found none); null: nobody yet
    pinned integer not null default 0
) strict;

create table chat_changes (
    -- Moves on when a label changes or a message is forgotten: whoever shows chats looks again.
    only_row integer primary key check (only_row = 1),
    n integer not null
) strict;
insert into chat_changes values (1, 0);
create trigger label_made after insert on chat_labels begin update chat_changes set n = n + 1; end;
create trigger label_changed after update on chat_labels begin update chat_changes set n = n + 1; end;
create trigger label_dropped after delete on chat_labels begin update chat_changes set n = n + 1; end;
create trigger message_forgotten after update of redacted on messages begin
    update chat_changes set n = n + 1;
end;
""",
    # 21: a turn is known by its words alone, wherever it stands (`known_chats.py`)
    """
alter table messages add column mark text;         -- of role and words (`tombstones.py`); null: it was taken back
update messages set mark = case when redacted
    then (select t.mark from tombstones t where t.message_id = messages.id)
    else turn_mark((select secret from tombstone_secret), role, text) end;
create index messages_by_mark on messages (mark) where mark is not null;
""",
    # 22: a word that is taken out of an index is gone from its pages at once, and the index need not be made anew
    """
insert into message_words (message_words) values ('rebuild');
insert into memory_words (memory_words) values ('rebuild');
insert into message_words (message_words, rank) values ('secure-delete', 1);
insert into memory_words (memory_words, rank) values ('secure-delete', 1);
""",
    # 23: a home is one person: other users of a client are answered, and not learned from
    """
create table users (
    -- One row per user that a client named.
    kind text not null,                -- where: 'header', 'user' or 'metadata'
    name text not null,
    is_home integer not null,          -- 1: the person of this home
    first_at text not null,
    primary key (kind, name)
) strict;
""",
    # 24: what the user wants done, and when, is told from what is true of them
    """
alter table memories add column kind text not null default 'fact';   -- 'fact', 'standing' or 'always'
create index memories_standing on memories (id) where kind <> 'fact' and superseded_by is null;
""",
    # 25: what may become a memory waits for the user's word
    """
create table proposals (
    -- One row per statement that waits or was refused; none of what was accepted.
    id integer primary key,
    text text not null,
    day text not null,                 -- when it came to hold
    told_on text not null,
    trust text not null,
    kind text not null,
    origin text not null,              -- '': a chat; else the program or the assistant that it comes from
    at text not null,
    refused integer not null default 0
) strict;

create table proposal_messages (
    -- The messages that told it; with one of them it goes.
    proposal_id integer not null references proposals (id) on delete cascade,
    message_id integer not null references messages (id) on delete cascade,
    primary key (proposal_id, message_id)
) strict;
create index proposal_messages_by_message on proposal_messages (message_id);
create trigger proposal_forgotten after update of redacted on messages when new.redacted begin
    delete from proposals where id in (select proposal_id from proposal_messages where message_id = new.id);
end;
create trigger proposal_undone after delete on proposal_messages begin
    delete from proposals where id = old.proposal_id;
end;
""",
    # 26: what the user thinks of an answer
    """
create table feedback (
    -- One row per answer; recalled for nothing and taught to nothing.
    message_id integer primary key references messages (id) on delete cascade,
    thumb integer not null,            -- 1: up, -1: down, 0: none
    correction text not null,          -- how it should have been; '': not said
    at text not null
) strict;
create trigger feedback_forgotten after update of redacted on messages when new.redacted begin
    delete from feedback where message_id = new.id;
end;
""",
    # 27: what an import offers goes with it
    """
alter table proposals add column import_id integer references imports (id) on delete cascade;
create index proposals_by_import on proposals (import_id) where import_id is not null;
""",
    # 28: which imports knew a message is found without a look at all that was ever imported
    """
create index import_messages_by_message on import_messages (message_id);
""",
]
