"""
What can go wrong in the engine, worded for the person who has to act.

Each class has a `code`; the child sends code and fields, the client builds the same class again (`rebuilt`).
Knows nothing of llama.cpp and nothing of processes.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from daemon.processes.errors import ChildError


class EngineError(ChildError):
    """The engine could not do what was asked; its message is one line for a person."""

    code: ClassVar[str] = "engine_error"

    def __init__(self, message: str, **fields: Any) -> None:
        self.fields = fields
        super().__init__(message)


class ModelMissing(EngineError):
    """There is no file at the model's path."""

    code = "model_missing"

    def __init__(self, *, path: str) -> None:
        super().__init__(
            f"Can't load the model {path!r}: there is no such file. Check the path in the configuration, "
            f"or download a model with `tsubasa pull`.",
            path=path,
        )


class ModelUnreadable(EngineError):
    """The model's file exists but may not or can't be read."""

    code = "model_unreadable"

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            f"Can't read the model {path!r}: {reason}. Check the file and its permissions.",
            path=path,
            reason=reason,
        )


class ModelNotGguf(EngineError):
    """The file is no GGUF file, or its header makes no sense."""

    code = "model_not_gguf"

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            f"Can't load the model {path!r}: it is not a GGUF file ({reason}). Give a file that ends in "
            f".gguf, or download it again.",
            path=path,
            reason=reason,
        )


class ModelTruncated(EngineError):
    """The file ends before its last tensor."""

    code = "model_truncated"

    def __init__(self, *, path: str, found_bytes: int, needed_bytes: int) -> None:
        super().__init__(
            f"Can't load the model {path!r}: the file has {found_bytes} bytes and needs at least "
            f"{needed_bytes}, so its download was cut short. Download it again.",
            path=path,
            found_bytes=found_bytes,
            needed_bytes=needed_bytes,
        )


class ArchitectureUnsupported(EngineError):
    """A model of another family than the ones the whole loop works with."""

    code = "architecture_unsupported"

    def __init__(self, *, path: str, found: str, known: str) -> None:
        super().__init__(
            f"Can't use the model {path!r}: its architecture is {found!r}, and Tsubasa runs {known}. "
            f"Choose a Qwen3 model in GGUF format.",
            path=path,
            found=found,
            known=known,
        )


class TemplateMissing(EngineError):
    """The model's file says nothing of how a chat is written."""

    code = "template_missing"

    def __init__(self, *, path: str) -> None:
        super().__init__(
            f"Can't chat with the model {path!r}: it holds no chat template (tokenizer.chat_template). "
            f"Choose an instruct or chat version of the model.",
            path=path,
        )


class TemplateRefused(EngineError):
    """The model's chat template is broken, or does not take these messages."""

    code = "template_refused"

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"The model's chat template can't write these messages: {reason}.", reason=reason)


class ModelRefused(EngineError):
    """llama.cpp could not load the file for another reason."""

    code = "model_refused"

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            f"Can't load the model {path!r}: {reason}. The file may be damaged or need more memory than "
            f"there is; download it again, or choose a smaller model or context.",
            path=path,
            reason=reason,
        )


class PromptTooLong(EngineError):
    """The messages have more tokens than the context holds; nothing was generated."""

    code = "prompt_too_long"

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

    code = "sampling_refused"

    def __init__(self, *, field: str, value: str, allowed: str) -> None:
        self.field = field
        super().__init__(
            f"{field} can't be {value}: it must be {allowed}.", field=field, value=value, allowed=allowed
        )


class SchemaRefused(EngineError):
    """A JSON schema that can't be turned into a grammar; nothing was generated."""

    code = "schema_refused"

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"Invalid schema for response_format: {reason}", reason=reason)


class GrammarStuck(EngineError):
    """No token of the model continues the text as the schema asks."""

    code = "grammar_stuck"

    def __init__(self) -> None:
        super().__init__(
            "The model has no token that continues the answer as its JSON schema asks. Loosen the schema."
        )


class AdapterRefused(EngineError):
    """The bytes are no LoRA adapter for the loaded model; what was live stays live."""

    code = "adapter_refused"

    def __init__(self, *, sha256: str, reason: str) -> None:
        self.sha256, self.reason = sha256, reason
        super().__init__(
            f"Can't use the adapter {sha256[:12]}: {reason}. The engine goes on as before.",
            sha256=sha256,
            reason=reason,
        )


class AdapterUnknown(EngineError):
    """A request names an adapter that is not loaded."""

    code = "adapter_unknown"

    def __init__(self, *, sha256: str) -> None:
        super().__init__(
            f"The adapter {sha256[:12]!r} is not loaded. Load it first, or ask for 'live' or 'base'.",
            sha256=sha256,
        )


class DecodeFailed(EngineError):
    """llama.cpp could not compute the next token."""

    code = "decode_failed"

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"The model could not compute the next token: {reason}.", reason=reason)


class OperationUnknown(EngineError):
    """The daemon asked for something this engine does not know: two versions are mixed."""

    code = "operation_unknown"

    def __init__(self, *, op: str) -> None:
        super().__init__(
            f"The engine does not know the command {op!r}. Restart the daemon: two versions may be mixed.",
            op=op,
        )


class RequestBroken(EngineError):
    """A command reached the engine with a field missing or of the wrong type."""

    code = "request_broken"

    def __init__(self, *, op: str, reason: str) -> None:
        super().__init__(f"The engine can't understand the command {op!r}: {reason}.", op=op, reason=reason)


def rebuilt(code: str, fields: Mapping[str, Any]) -> EngineError | None:
    """The error that the child raised, or None when `code` is none of the engine's."""
    for kind in EngineError.__subclasses__():
        if kind.code == code:
            return kind(**fields)
    return None
