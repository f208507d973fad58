"""
The HTTP boundary: every exception becomes an answer in the one shape, {"error": {"message", "type", "param", "code"}},
as OpenAI's clients read it.

A mistake of the client is never a 5xx. An error that a retry can't mend says `x-should-retry: false`. A bug is logged
with its traceback and answered without it. `TABLE` is the only place that knows which of our errors is which status.
"""

import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.embedding.model import EmbedderError
from daemon.engine import errors as engine
from daemon.errors import (
    KNOWN,
    DaemonError,
    Interrupted,
    NoSuchConfirmation,
    NoSuchGeneration,
    NotWaiting,
    NoWayBack,
    ProfileUnusable,
    Stopping,
    TooManyWaiting,
)
from daemon.further_models.pool import NoRoom
from daemon.inbox.errors import InboxError
from daemon.memory.errors import ForgottenOnPurpose, HeldAlready, NothingSaid, TooManyAdded
from daemon.processes import errors
from store import errors as store

log = logging.getLogger(__name__)

NO_RETRY = {"x-should-retry": "false"}  # clients repeat each 5xx by themselves, unless it says so
SOON = {"retry-after": "1"}
TABLE: list[tuple[type[Exception], int, str, str | None, dict[str, str]]] = [
    # class, status, code, param, headers; the first that fits counts
    (engine.PromptTooLong, 400, "context_length_exceeded", "messages", {}),
    (engine.SchemaRefused, 400, "invalid_schema", "response_format", {}),
    (engine.GrammarStuck, 400, "invalid_schema", "response_format", {}),
    (engine.GrammarRefused, 400, "invalid_grammar", "grammar", {}),
    (engine.TokensUnknown, 400, "invalid_value", "tokens", {}),
    (engine.TemplateRefused, 400, "invalid_messages", "messages", {}),
    (engine.SamplingRefused, 400, "invalid_value", None, {}),
    (NoSuchGeneration, 404, "model_not_found", "model", {}),
    (NoSuchConfirmation, 404, "not_found", None, {}),
    (NotWaiting, 409, "conflict", None, NO_RETRY),
    (TooManyWaiting, 429, "too_many_waiting", None, NO_RETRY),
    (NoWayBack, 409, "conflict", None, NO_RETRY),
    (InboxError, 400, "import_failed", "file", {}),
    (NothingSaid, 400, "invalid_value", "text", {}),
    (HeldAlready, 409, "conflict", None, NO_RETRY),
    (TooManyAdded, 429, "too_many_added", None, {"retry-after": "3600", **NO_RETRY}),
    (ForgottenOnPurpose, 409, "conflict", None, NO_RETRY),
    (store.NotFound, 404, "not_found", None, {}),
    (store.Conflict, 409, "conflict", None, NO_RETRY),
    (store.GenerationUnusable, 400, "invalid_value", "generation", {}),
    (store.StoreFull, 503, "disk_full", None, NO_RETRY),
    (Interrupted, 503, "interrupted", None, SOON),
    (Stopping, 503, "stopping", None, SOON),
    (ProfileUnusable, 503, "profile_unusable", None, {"retry-after": "5"}),
    (errors.FrameTooLarge, 413, "request_too_large", None, {}),
    (errors.ChildStopped, 503, "stopping", None, SOON),
    (errors.ChildCrashed, 503, "engine_crashed", None, SOON),
    (errors.ChildTooSlow, 503, "engine_slow", None, SOON),
    (NoRoom, 503, "no_room", "model", {"retry-after": "5"}),
    (engine.EngineBusy, 429, "engine_busy", None, {}),
    (engine.EngineError, 503, "model_unusable", None, NO_RETRY),
    (EmbedderError, 503, "embedder_unusable", None, NO_RETRY),
]


ANTHROPIC = {  # status -> the type of the error
    401: "authentication_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


def dialect_of(path: str) -> str:
    """Whose clients ask for this path."""
    parts = [part for part in path.split("/") if part not in ("", "v1")]
    return {"messages": "anthropic", "api": "ollama"}.get(parts[0] if parts else "", "openai")


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

    def body(self, dialect: str = "openai") -> dict[str, Any]:
        """The JSON object that is sent, also inside a stream."""
        if dialect == "ollama":
            return {"error": str(self)}
        if dialect == "anthropic":
            kind = ANTHROPIC.get(self.status, "api_error" if self.status >= 500 else "invalid_request_error")
            return {"type": "error", "error": {"type": kind, "message": str(self)}}
        known = {"message": str(self), "type": self.type, "param": self.param, "code": self.code}
        return {"error": {**known, **self.extra}}

    def response(self) -> Response:
        """The whole reply."""
        return self.response_in("openai")

    def response_in(self, dialect: str) -> Response:
        """The same in the shape that the clients of a dialect read."""
        return Response(
            json.dumps(self.body(dialect), ensure_ascii=False),
            status_code=self.status,
            headers=self.headers,
            media_type="application/json",
        )


def to_wire_error(error: Exception) -> WireError:
    """`error` as it goes over the wire; a foreign one tells nothing of its insides."""
    if isinstance(error, WireError):
        return error
    for kind, status, code, param, headers in TABLE:
        if isinstance(error, kind):
            param = getattr(error, "field", None) or param
            if isinstance(error, engine.EngineBusy):
                headers = {"retry-after": str(error.retry_after_s)}
            return WireError(
                status, str(error), code=code, param=param, headers=headers, extra=_numbers(error)
            )
    if isinstance(error, KNOWN):
        return WireError(500, str(error), code="failed", headers=NO_RETRY)
    sorry = "Something inside Tsubasa went wrong; its log says what. Nothing that was acknowledged is lost."
    return WireError(500, sorry, code="internal_error", headers=NO_RETRY)


def log_and_convert(error: Exception) -> WireError:
    """`error` for the wire; a bug is logged with its traceback, a trouble of ours in one line."""
    answer = to_wire_error(error)
    if not isinstance(error, KNOWN):
        log.error("A bug reached the HTTP boundary", exc_info=error)
    elif answer.status >= 500:
        log.warning("%s", type(error).__name__ if getattr(error, "quotes_user", False) else error)
    return answer


class Boundary:
    """The layer around all routes: the first of two places where any exception is caught."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever happens; an answer that has begun can only be cut off."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            answer = log_and_convert(error)
            if scope["type"] != "http" or begun:
                raise
            await answer.response_in(dialect_of(scope["path"]))(scope, receive, send)


async def ending_in_error(
    events: AsyncIterator[bytes], failed: Callable[[WireError], bytes]
) -> AsyncIterator[bytes]:
    """`events` of a stream that has begun; a failure becomes the last one, for the status is long gone."""
    try:
        async for event in events:
            yield event
    except Exception as error:  # noqa: BLE001 - the same boundary; `log_and_convert` keeps the traceback
        yield failed(log_and_convert(error))


def install(app: FastAPI) -> None:
    """Have FastAPI's own errors answered in our shape too."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = error.status_code
    messages = {
        404: f"There is nothing at {request.url.path}.",
        405: f"{request.method} is not possible here.",
    }
    codes = {404: "not_found", 405: "method_not_allowed"}
    message = messages.get(status, str(error.detail))
    return WireError(status, message, code=codes.get(status), headers=error.headers).response()


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    place = [part for part in first["loc"] if part not in ("body", "query", "path")]
    is_unknown = first["type"] == "extra_forbidden"
    why = "there is no such key; docs/api.md lists those that there are" if is_unknown else reason(first)
    return invalid(place, why).response()


def reason(found: Mapping[str, Any]) -> str:
    """Why a value is not valid, in words for who sent it: pydantic names a class of ours where it wants an object."""
    return (
        "it must be a JSON object"
        if found["type"].startswith(("model_", "dataclass_"))
        else str(found["msg"])
    )


def invalid(place: Sequence[str | int], why: str) -> WireError:
    """A value of the wrong type or shape, at `place` in the request: ("messages", 0, "role")."""
    param = ""
    for part in place:
        param += f"[{part}]" if isinstance(part, int) else f".{part}" if param else part
    message = f"{param or 'The request'} is not valid: {why.removeprefix('Value error, ')}."
    return WireError(400, message.replace("..", "."), code="invalid_value", param=param or None)


def _numbers(error: Exception) -> dict[str, int]:
    if isinstance(error, engine.PromptTooLong):
        return {"n_prompt_tokens": error.n_prompt, "n_ctx": error.n_ctx}
    return {}
