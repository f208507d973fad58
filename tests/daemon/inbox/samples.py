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
LOCOMO = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ana",
        "speaker_b": "Ben",
        "session_10_date_time": "12:05 am on 8 May, 2023",
        "session_10": [{"speaker": "Ben", "dia_id": "D10:1", "text": "Look!", "blip_caption": "a red kite"}],
        "session_2_date_time": "1:56 pm on 7 May, 2023",
        "session_2": [
            {"speaker": "Ana", "dia_id": "D2:1", "text": "Hi Ben!"},
            {"speaker": "Ben", "dia_id": "D2:2", "text": "Hi Ana!"},
        ],
        "session_11_date_time": "1:00 pm on 9 May, 2023",
    },
    "qa": [],
}


def as_bytes(given):
    """A file's bytes: given as they are, as a text, or as something for JSON."""
    if isinstance(given, bytes):
        return given
    return (given if isinstance(given, str) else json.dumps(given)).encode()


def read(given, name="export", largest=LARGEST, **more):
    """What is read out of bytes, a text, or something for JSON."""
    return read_export(name, as_bytes(given), largest=largest, **more)


def lines(*objects):
    """JSON lines."""
    return "\n".join(json.dumps(one) for one in objects)


def texts(export):
    return [[(turn.role, turn.text) for turn in session] for session in export.sessions]


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """A ZIP of these files: name -> bytes, text, or something for JSON."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, given in files.items():
            archive.writestr(name, as_bytes(given))
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
    picture = {"content_type": "image_asset_pointer"}
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
            chatgpt_node("q2", "a1", "user", picture, "Is this one?", kind="multimodal_text"),
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


def open_webui_message(id, parent, role, content, **more):
    return {"id": id, "parentId": parent, "role": role, "content": content, **more}


def open_webui():
    """One chat with a regenerated reply."""
    reply = '<details type="reasoning" done="true"><summary>Thought</summary>Hm.</details>\nBy ponds.'
    asked = [{"type": "text", "text": "And this one?"}, {"type": "image_url"}]
    messages = [
        open_webui_message("q1", None, "user", "Where do herons live?", timestamp=BEGAN),
        open_webui_message("a0", "q1", "assistant", "No idea.", timestamp=BEGAN + 1),
        open_webui_message("a1", "q1", "assistant", reply, timestamp=BEGAN + 2),
        open_webui_message("q2", "a1", "user", asked, files=[{"type": "image"}]),
    ]
    history = {"currentId": "q2", "messages": {one["id"]: one for one in messages}}
    return [{"id": "chat-1", "title": "x", "chat": {"title": "x", "history": history}, "created_at": BEGAN}]


EVERY = {
    "chatgpt": chatgpt(),
    "claude": claude(),
    "open webui": open_webui(),
    "lm studio": lm_studio(),
    "jan": jan(),
    "librechat": librechat(),
    "librechat nested": librechat_recursive(),
    "llm": database(OLD_LOGS + NEW_LOGS),
    "markdown": MARKDOWN,
    "zip": zipped({"conversations-000.json": chatgpt(), "user.json": {}}),
    "stored zip": zipped({"a.json": lm_studio()}, zipfile.ZIP_STORED),
}


def changed(export, *path, to):
    """A copy of `export` with another value at `path`; `to` ... takes the key away."""
    if not path:
        return to
    key, *rest = path
    copy = list(export) if isinstance(export, list) else dict(export)
    if to is ... and not rest:
        del copy[key]
    else:
        copy[key] = changed(copy[key] if rest else None, *rest, to=to)
    return copy
