"""Small exports of the chats on the web, made after their published shapes, and one of every format as bytes."""

import io
import json
import zipfile

from daemon.inbox.detect import read_export
from tests.daemon.inbox.local_samples import (
    BEGAN,
    MARKDOWN,
    NEW_LOGS,
    OLD_LOGS,
    database,
    jan,
    librechat,
    librechat_recursive,
    lm_studio,
)

LARGEST = 2**20  # bytes


def read(given, name="export", largest=LARGEST):
    """What is read out of bytes, a text, or something for JSON."""
    data = (
        given
        if isinstance(given, bytes)
        else (given if isinstance(given, str) else json.dumps(given)).encode()
    )
    return read_export(name, data, largest=largest)


def texts(export):
    return [[(turn.role, turn.text) for turn in session] for session in export.sessions]


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """A ZIP of these files: name -> bytes, text, or something for JSON."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, given in files.items():
            archive.writestr(name, given if isinstance(given, str | bytes) else json.dumps(given))
    return packed.getvalue()


def chatgpt_node(id, parent, role=None, *parts, kind="text", after=0, **more):
    """One node of ChatGPT's tree; without a role, an empty one."""
    message = {
        "id": id,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": BEGAN + after if after else None,
        "content": {"content_type": kind, "parts": list(parts)},
        "metadata": {},
        "recipient": "all",
        **more,
    }
    return {"id": id, "message": message if role else None, "parent": parent, "children": []}


def chatgpt_conversation(*nodes, id="conv-1", current=None):
    return {
        "id": id,
        "conversation_id": id,
        "title": "About herons",
        "create_time": BEGAN + 0.25,
        "update_time": BEGAN + 60.0,
        "current_node": current or nodes[-1]["id"],
        "mapping": {node["id"]: node for node in nodes},
    }


def chatgpt():
    """One conversation with a hidden start, an edited question, a tool call, thoughts and a picture."""
    hidden = {"metadata": {"is_visually_hidden_from_conversation": True}}
    return [
        chatgpt_conversation(
            chatgpt_node("root", None),
            chatgpt_node("sys", "root", "system", ""),
            chatgpt_node("ctx", "sys", "user", kind="user_editable_context", **hidden),
            chatgpt_node("q0", "ctx", "user", "Where do hens live?", after=1),
            chatgpt_node("a0", "q0", "assistant", "In a coop.", after=2),
            chatgpt_node("q1", "ctx", "user", "Where do herons live?", after=3),
            chatgpt_node("call", "q1", "assistant", "search()", kind="code", after=4, recipient="web"),
            chatgpt_node("found", "call", "tool", "ponds", after=5),
            chatgpt_node("think", "found", "assistant", kind="thoughts", after=6),
            chatgpt_node("a1", "think", "assistant", "By \ue200cite\ue202turn0search1\ue201ponds.", after=7),
            chatgpt_node(
                "q2",
                "a1",
                "user",
                {"content_type": "image_asset_pointer"},
                "Is this one?",
                kind="multimodal_text",
            ),
            chatgpt_node("a2", "q2", "assistant", "Yes.", after=9),
        )
    ]


def claude_message(number, sender, text, *, blocks=None, **more):
    return {
        "uuid": f"message-{number}",
        "text": text,
        "content": [{"type": "text", "text": text}] if blocks is None else blocks,
        "sender": sender,
        "created_at": f"2026-03-05T12:00:0{number}.123456Z",
        "updated_at": f"2026-03-05T12:00:0{number}.123456Z",
        "attachments": [],
        "files": [],
        **more,
    }


def claude():
    """Two conversations, one of them empty."""
    reply = [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "tool_use", "name": "search", "input": {}},
        {"type": "tool_result", "content": []},
        {"type": "text", "text": "By ponds."},
        {"type": "text", "text": "And rivers."},
    ]
    return [
        {
            "uuid": "chat-1",
            "name": "About herons",
            "created_at": "2026-03-05T12:00:00Z",
            "account": {"uuid": "somebody"},
            "chat_messages": [
                claude_message(1, "human", "Where do herons live?", files=[{"file_name": "heron.png"}]),
                claude_message(2, "assistant", "This block is not supported.", blocks=reply),
                claude_message(3, "human", "Thanks.", blocks=[]),
            ],
        },
        {"uuid": "chat-2", "name": "", "created_at": "2026-03-06T12:00:00Z", "chat_messages": []},
    ]


def open_webui():
    """One chat with a regenerated reply."""
    reply = '<details type="reasoning" done="true"><summary>Thought</summary>Hm.</details>\nBy ponds.'
    messages = {
        "q1": {
            "id": "q1",
            "parentId": None,
            "role": "user",
            "content": "Where do herons live?",
            "timestamp": BEGAN,
        },
        "a0": {
            "id": "a0",
            "parentId": "q1",
            "role": "assistant",
            "content": "No idea.",
            "timestamp": BEGAN + 1,
        },
        "a1": {"id": "a1", "parentId": "q1", "role": "assistant", "content": reply, "timestamp": BEGAN + 2},
        "q2": {
            "id": "q2",
            "parentId": "a1",
            "role": "user",
            "content": [{"type": "text", "text": "And this one?"}, {"type": "image_url"}],
            "files": [{"type": "image"}],
        },
    }
    history = {"currentId": "q2", "messages": messages}
    return [{"id": "chat-1", "title": "x", "chat": {"title": "x", "history": history}, "created_at": BEGAN}]


EVERY = {  # as bytes
    "chatgpt": json.dumps(chatgpt()).encode(),
    "claude": json.dumps(claude()).encode(),
    "open webui": json.dumps(open_webui()).encode(),
    "lm studio": json.dumps(lm_studio()).encode(),
    "jan": jan().encode(),
    "librechat": json.dumps(librechat()).encode(),
    "librechat nested": json.dumps(librechat_recursive()).encode(),
    "llm": database(OLD_LOGS + NEW_LOGS),
    "markdown": MARKDOWN.encode(),
    "zip": zipped({"conversations-000.json": chatgpt(), "user.json": {}}),
    "stored zip": zipped({"a.json": lm_studio()}, zipfile.ZIP_STORED),
}
