"""
Read the sessions of coding agents: Claude Code's (~/.claude/projects/…/*.jsonl) and Codex's (~/.codex/sessions/…).

    {"type": "user", "uuid": ..., "parentUuid": ..., "sessionId": ..., "timestamp": ..., "isSidechain": false,
     "message": {"role": "user", "content": "hi"}}
    {"timestamp": ..., "type": "response_item", "payload": {"type": "message", "role": "user",
     "content": [{"type": "input_text", "text": "hi"}]}}

Only what the person typed and what was answered in words is read: what the program put around it, what helpers said
among themselves, thoughts, and the calls and output of tools are counted. External ids are
"claude-code:<session>:<message>".
"""

import re
from typing import Any

from daemon.inbox.errors import InboxError
from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Object, Place, Said
from store.chats import NewMessage

_PARTS = {
    "thinking": reader.THOUGHTS,
    "redacted_thinking": reader.THOUGHTS,
    "tool_use": reader.TOOLS,
    "tool_result": reader.TOOLS,
    "image": reader.MEDIA,
    "input_image": reader.MEDIA,
}
_ITEMS = {
    "reasoning": reader.THOUGHTS,
    "function_call": reader.TOOLS,
    "function_call_output": reader.TOOLS,
    "custom_tool_call": reader.TOOLS,
    "custom_tool_call_output": reader.TOOLS,
    "local_shell_call": reader.TOOLS,
    "web_search_call": reader.TOOLS,
}
_BY_PROGRAM = re.compile(  # what the program writes in the person's place
    r"\s*(?:<(?:command-\w+|local-command-\w+|system-reminder|environment_context|user_instructions|bash-\w+"
    r"|task-notification)\b|# AGENTS\.md|Caveat: The messages below|\[Request interrupted"
    r"|This session is being continued)"
)


def is_claude_code(text: str) -> bool:
    """Whether the first line that tells is one of Claude Code's."""
    first = reader.first_object(text)
    return "sessionId" in first or (first.get("type") == "summary" and "leafUuid" in first)


def is_codex(text: str) -> bool:
    """Whether the first line is one of Codex'."""
    first = reader.first_object(text)
    return isinstance(first.get("payload"), dict) and "timestamp" in first and "type" in first


def read_claude_code(place: Place, text: str) -> list[list[NewMessage]]:
    """The sessions, one per session id; of branches the last."""
    sessions: dict[str, list[Said]] = {}
    for here, line in reader.read_lines(place, text):
        if line.get("type") not in ("user", "assistant") or not isinstance(line.get("message"), dict):
            continue
        if line.get("isSidechain") or line.get("isMeta"):
            here.leave_out(reader.HIDDEN)
            continue
        said = sessions.setdefault(str(line.get("sessionId")), [])
        message = line["message"]
        try:
            spoken = _text(here, message.get("content"))
        except InboxError as error:
            here.give_up(reader.BROKEN_LINES, error)
            continue
        role = str(message.get("role"))
        if role == "user" and _BY_PROGRAM.match(spoken):
            here.leave_out(reader.HIDDEN)
        elif spoken.strip():
            said.append(
                Said(place=here, role=role, text=spoken, id=line.get("uuid"), time=line.get("timestamp"))
            )
    return [
        reader.read_said(place.at(f"session {id}"), said, name="claude-code", chat=id)
        for id, said in sessions.items()
    ]


def read_codex(place: Place, text: str) -> list[list[NewMessage]]:
    """The one session."""
    said, chat = list[Said](), ""
    for here, line in reader.read_lines(place, text):
        payload = line.get("payload")
        if not isinstance(payload, dict):
            continue
        if line.get("type") == "session_meta":
            chat = str(payload.get("id") or "")
        if line.get("type") != "response_item":
            continue
        if payload.get("type") != "message":
            here.leave_out(_ITEMS.get(str(payload.get("type")), reader.UNKNOWN))
            continue
        spoken = _spoken(here, payload)
        if spoken is not None:
            role, number = str(payload.get("role")), str(len(said) + 1)
            said.append(Said(place=here, role=role, text=spoken, id=number, time=line.get("timestamp")))
    return [reader.read_said(place, said, name="codex", chat=chat)]


def _spoken(here: Place, payload: Object) -> str | None:
    try:
        text = _text(here, payload.get("content"))
    except InboxError as error:
        here.give_up(reader.BROKEN_LINES, error)
        return None
    if payload.get("role") == "user" and not text.strip():
        here.leave_out(reader.HIDDEN)
        return None
    return text


def _text(here: Place, content: Any) -> str:
    if not isinstance(content, list):
        return here.as_text(content)
    texts = []
    for part in map(here.as_object, content):
        kind = str(part.get("type"))
        if kind in ("text", "input_text", "output_text"):
            texts.append(here.text_in(part, "text"))
        else:
            here.leave_out(_PARTS.get(kind, reader.UNKNOWN_PARTS))
    return "\n\n".join(text for text in texts if text.strip() and not _BY_PROGRAM.match(text))
