"""
What can go wrong in the engine, worded for the person who has to act.

The child sends the name of the class and its fields; the client builds the same error again (`rebuilt`). A class stands
here when somebody catches it or it has a status of its own; all else is an `EngineError` with its message.
"""

from collections.abc import Mapping
from typing import Any

from daemon.processes.errors import ChildError, ChildRefused


class EngineError(ChildError):
    """The engine could not do what was asked; its message is one line for a person."""

    def __init__(self, message: str, **fields: Any) -> None:
        self.fields: Mapping[str, Any] = fields
        super().__init__(message)


class ModelUnfit(EngineError):
    """The file is no model that Tsubasa can work with, and no other setting will change that."""

    def __init__(self, *, path: str, reason: str, advice: str) -> None:
        message = f"Can't use the model {path!r}: {reason}. {advice}."
        super().__init__(message, path=path, reason=reason, advice=advice)


class TemplateRefused(EngineError):
    """The model's chat template is broken, or does not take these messages."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"The model's chat template can't write these messages: {reason}.", reason=reason)


class PromptTooLong(EngineError):
    """The messages have more tokens than the context holds; nothing was generated."""

    def __init__(self, n_prompt: int, n_ctx: int) -> None:
        self.n_prompt, self.n_ctx = n_prompt, n_ctx
        super().__init__(
            f"This model's maximum context length is {n_ctx} tokens. However, your messages resulted "
            f"in {n_prompt} tokens. (context_length_exceeded)",
            n_prompt=n_prompt,
            n_ctx=n_ctx,
        )


class SamplingRefused(EngineError):
    """A sampling parameter is outside its range."""

    def __init__(self, *, field: str, value: str, allowed: str) -> None:
        self.field = field
        message = f"{field} can't be {value}: it must be {allowed}."
        super().__init__(message, field=field, value=value, allowed=allowed)


class SchemaRefused(EngineError):
    """A JSON schema that can't be turned into a grammar; nothing was generated."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"Invalid schema for response_format: {reason}", reason=reason)


class GrammarRefused(EngineError):
    """A grammar that llama.cpp does not take; nothing was generated."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"Invalid grammar: {reason}. Write it in GBNF, with a rule named root.", reason=reason
        )


class TokensUnknown(EngineError):
    """A token is named that the vocabulary does not have."""

    def __init__(self, *, token: int, n_vocab: int) -> None:
        message = f"There is no token {token}: the model's vocabulary has those from 0 to {n_vocab - 1}."
        super().__init__(message, token=token, n_vocab=n_vocab)


class GrammarStuck(EngineError):
    """No token of the model continues the text as the schema asks."""

    def __init__(self) -> None:
        super().__init__(
            "The model has no token that continues the answer as its schema or grammar asks. Loosen it."
        )


class AdapterRefused(EngineError):
    """The bytes are no LoRA adapter for the loaded model; what was live stays live."""

    def __init__(self, *, sha256: str, reason: str) -> None:
        self.sha256, self.reason = sha256, reason
        message = f"Can't use the adapter {sha256[:12]}: {reason}. The engine goes on as before."
        super().__init__(message, sha256=sha256, reason=reason)


class AdapterUnknown(EngineError):
    """A request names an adapter that is not loaded."""

    def __init__(self, *, sha256: str) -> None:
        message = f"The adapter {sha256[:12]!r} is not loaded. Load it first, or ask for 'live' or 'base'."
        super().__init__(message, sha256=sha256)


class EngineBusy(EngineError):
    """So many questions wait already that one more would not be answered soon."""

    def __init__(self, *, waiting: int, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(
            f"{waiting} questions wait for the model already. Ask again in {retry_after_s} s, or fewer at once.",
            waiting=waiting,
            retry_after_s=retry_after_s,
        )


class DecodeFailed(EngineError):
    """llama.cpp could not compute the next token."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"The model could not compute the next token: {reason}.", reason=reason)


def broken_command(op: str, reason: str) -> EngineError:
    """For a command that the engine does not know, or one with a field missing or of the wrong type."""
    return EngineError(
        f"The engine can't understand the command {op!r}: {reason}. Restart the daemon: two versions may be mixed."
    )


def rebuilt(error: ChildRefused) -> EngineError:
    """The error that the child raised."""
    kinds = {kind.__name__: kind for kind in EngineError.__subclasses__()}
    kind = kinds.get(error.code)
    return EngineError(error.message) if kind is None else kind(**error.fields)
