"""
Which user a request names, where its client has several: in a header, or in a field of OpenAI's or Anthropic's.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from daemon.chat.conversation import User

HEADERS = ("x-openwebui-user-id", "x-openwebui-user-email", "x-librechat-user-id", "x-user-id")
PROFILE = "tsubasa.profile"  # in a request's scope: whose key was shown; "": the main person's
_FIELDS = re.compile(rb'"(?:user|safety_identifier|user_id)"\s*:')  # and not every turn of the role "user"
_SESSION = re.compile(r"_session_.*\Z", re.DOTALL)  # an agent's name of its session is no user


def user_of(headers: Mapping[str, str], body: bytes) -> User | None:
    """The user that the request names; None where it names none, or can't be read."""
    return next(iter(users_of(headers, body)), None)


def users_of(headers: Mapping[str, str], body: bytes) -> list[User]:
    """The same under each name that the request has for them, the one that counts first; headers go before the body."""
    named = [User("header", headers[name].strip()) for name in HEADERS if headers.get(name, "").strip()]
    if named or not _FIELDS.search(body):
        return named
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return _in_body(sent) if isinstance(sent, dict) else []


def _in_body(sent: Mapping[str, Any]) -> list[User]:
    values = (sent.get(field) for field in ("user", "safety_identifier"))
    found = [User("user", value.strip()) for value in values if isinstance(value, str) and value.strip()]
    metadata = sent.get("metadata")
    named = metadata.get("user_id") if isinstance(metadata, dict) else None
    if not isinstance(named, str):
        return found
    try:  # Claude Code writes an object in it
        told = json.loads(named)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict):
        named = str(told.get("account_uuid") or told.get("device_id") or "")
    name = _SESSION.sub("", named).strip()
    return [*found, User("metadata", name)] if name else found
