"""
An error on the wire: always {"error": {"message", "type", "param", "code"}}, as OpenAI's clients read it.

Knows nothing of our other errors: `errors.py` turns them into this one.
"""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from daemon.errors import DaemonError

NO_RETRY = {"x-should-retry": "false"}  # clients repeat each 5xx by themselves, unless told


class WireError(DaemonError):
    """An error with everything that the wire wants to know; routes raise it for mistakes in a request."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type or ("invalid_request_error" if status < 500 else "server_error")
        self.code = code
        self.param = param
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The JSON object that is sent, also inside a stream."""
        known = {"message": str(self), "type": self.type, "param": self.param, "code": self.code}
        return {"error": {**known, **self.extra}}

    def response(self) -> Response:
        """The whole reply."""
        return Response(
            json.dumps(self.body(), ensure_ascii=False),
            status_code=self.status,
            headers=self.headers,
            media_type="application/json",
        )
