"""
Which user a request names, where its client has several: in a header, or in a field of OpenAI's or Anthropic's.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from daemon.chat.conversation import User

HEADERS = ("x-openwebui-user-id", "x-openwebui-user-email", "x-librechat-user-id", "x-user-id")
_FIELDS = re.compile(rb'"(?:user|safety_identifier|user_id)"\s*:')  # and not every turn of the role "user"
_SESSION = re.compile(r"_session_.*\Z", re.DOTALL)  # an agent's name of its session is no user


def user_of(headers: Mapping[str, str], body: bytes) -> User | None:
    """The user that the request names; None where it names none, or can't be read."""
    named = next((headers[name] for name in HEADERS if headers.get(name, "").strip()), None)
    if named is not None:
        return User("header", named.strip())
    if not _FIELDS.search(body):
        return None
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return _in_body(sent) if isinstance(sent, dict) else None


def _in_body(sent: Mapping[str, Any]) -> User | None:
    for field in ("user", "safety_identifier"):
        if isinstance(sent.get(field), str) and sent[field].strip():
            return User("user", sent[field].strip())
    metadata = sent.get("metadata")
    named = metadata.get("user_id") if isinstance(metadata, dict) else None
    if not isinstance(named, str):
        return None
    try:  # Claude Code writes an object in it
        told = json.loads(named)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict):
        named = str(told.get("account_uuid") or told.get("device_id") or "")
    name = _SESSION.sub("", named).strip()
    return User("metadata", name) if name else None
