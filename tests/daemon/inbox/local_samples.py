"""Small exports of the programs that run at home, made after each one's published shape; no data of anybody."""

import json
import sqlite3

BEGAN = 1772712000  # 2026-03-05 12:00 UTC


def lm_studio(*more):
    """One conversation with a regenerated reply; `more`: further messages."""
    asked = [{"type": "text", "text": "Where do herons live?"}]
    user = {"type": "singleStep", "role": "user", "content": asked}
    steps = [
        {"type": "contentBlock", "style": {"type": "thinking"}, "content": [{"type": "text", "text": "Hm."}]},
        {"type": "toolStatus"},
        {"type": "contentBlock", "content": [{"type": "text", "text": "By ponds."}], "genInfo": {}},
        {"type": "debugInfoBlock", "debugInfo": "fast"},
    ]
    reply = {"type": "multiStep", "role": "assistant", "steps": steps}
    return {
        "name": "About herons",
        "createdAt": BEGAN * 1000,
        "messages": [
            {"versions": [user], "currentlySelected": 0},
            {"versions": [{**reply, "steps": steps[2:]}, reply], "currentlySelected": 1},
            *more,
        ],
    }


def jan_line(number, role, text, **more):
    content = [{"type": "text", "text": {"value": text, "annotations": []}}]
    given = {
        "object": "thread.message",
        "id": f"message-{number}",
        "thread_id": "thread-1",
        "role": role,
        "content": content,
        "created_at": (BEGAN + number) * 1000,
    }
    return json.dumps({**given, **more})


def jan():
    """A thread whose lines are not in order, the older of them in seconds."""
    lines = (
        jan_line(3, "assistant", "<think>Hm.</think>\n\nBy ponds."),
        jan_line(2, "user", "Where do herons live?", created_at=None, created=BEGAN + 2),
        jan_line(4, "user", "", content=[{"type": "image_url"}]),
        jan_line(1, "system", "Be brief."),
    )
    return "".join(f"{line}\n" for line in lines)


def librechat_message(number, by_user, text, parent, **more):
    return {
        "messageId": f"m{number}",
        "parentMessageId": parent,
        "isCreatedByUser": by_user,
        "sender": "User" if by_user else "GPT",
        "text": text,
        "createdAt": f"2026-03-05T12:00:0{number}.230Z",
        "error": False,
        **more,
    }


def librechat():
    """A flat export with a branch, an agent's reply and an error."""
    parts = [
        {"type": "think", "think": "Hm."},
        {"type": "text", "text": {"value": "By ponds."}},
        {"type": "tool_call", "tool_call": {}},
    ]
    messages = [
        librechat_message(1, True, "Where do herons live?", "00000000-0000-0000-0000-000000000000"),
        librechat_message(2, False, "No idea.", "m1"),
        librechat_message(3, False, "", "m1", content=parts),
        librechat_message(4, True, "Thanks.", "m3"),
        librechat_message(5, False, "Out of credit.", "m4", error=True),
    ]
    return {"conversationId": "chat-1", "branches": True, "recursive": False, "messages": messages}


def librechat_recursive():
    """The same conversation, nested."""
    export = librechat()
    one, two, three, four, five = export.pop("messages")
    nested = {**one, "children": [two, {**three, "children": [{**four, "children": [five]}]}]}
    return {**export, "recursive": True, "messagesTree": [nested]}


OLD_LOGS = """
create table conversations (id text primary key, name text, model text);
create table responses (id text primary key, model text, prompt text, system text, prompt_json text,
    options_json text, response text, response_json text, conversation_id text references conversations(id),
    duration_ms integer, datetime_utc text, reasoning text);
create table prompt_attachments (response_id text, attachment_id text, "order" integer);
insert into conversations values ('01conv', 'x', 'm');
insert into responses values ('01b', 'm', 'And hens?', null, null, null, 'In a coop.', null, '01conv', 1,
    '2026-03-05T12:01:00+00:00', null);
insert into responses values ('01a', 'm', 'Where do herons live?', 'Be brief.', null, null, 'By ponds.', null,
    '01conv', 1, '2026-03-05T12:00:00', 'Hm.');
insert into responses values ('01c', 'm', 'Alone', null, null, null, '', null, null, 1, null, null);
insert into prompt_attachments values ('01b', 'picture', 0);
"""
NEW_LOGS = """
create table messages (hash text primary key, parent_hash text, role text, provider_metadata text);
create table parts (id integer primary key, message_hash text, position integer, type text, tool_name text,
    text text, payload text);
create table threads (id text primary key, name text, tip_message_hash text, forked_from text, datetime_utc text);
create table turns (id text primary key, thread_id text, parent_message_hash text, tip_message_hash text,
    model text, datetime_utc text);
insert into messages values ('b2:1', null, 'system', null), ('b2:2', 'b2:1', 'user', null),
    ('b2:3', 'b2:2', 'assistant', null), ('b2:4', 'b2:3', 'user', null), ('b2:5', 'b2:4', 'assistant', null);
insert into parts (message_hash, position, type, text, payload) values
    ('b2:1', 0, 'text', 'Be brief.', null), ('b2:2', 0, 'text', 'Where do herons live?', null),
    ('b2:3', 1, 'text', 'By ponds.', null), ('b2:3', 0, 'reasoning', 'Hm.', null),
    ('b2:4', 0, 'text', null, '{"text_ref": [{"fragment": 1}, {"literal": "And hens?"}]}'),
    ('b2:5', 0, 'text', 'In a coop.', null);
insert into threads values ('01conv', 'x', 'b2:5', null, '2026-03-05T12:00:00');
insert into turns values ('01t', '01conv', 'b2:2', 'b2:3', 'm', '2026-03-05T12:00:00'),
    ('01u', '01conv', 'b2:4', 'b2:5', 'm', '2026-03-06T12:00:00');
"""


def database(script):
    """The bytes of a SQLite file that this script makes."""
    db = sqlite3.connect(":memory:")
    try:
        db.executescript(script)
        return db.serialize()
    finally:
        db.close()


MARKDOWN = """# About herons
Date: 2026-03-05

## User
Where do herons live?

```
## Assistant
no turn: it stands in a code block
```

## Assistant (2026-03-06 08:00)

By ponds.

**User:** this is text, for turns begin with headings here

---

## User:
Thanks.
"""
