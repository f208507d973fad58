"""
An answer in the shape that OpenAI's clients read: one object, or chunks of server-sent events.

Promises: the chunks of one answer share id, time and model; the first has the role, the last the finish
reason, usage comes only when asked for, then [DONE]; what OpenAI does not know is at the top level, under
`tsubasa`. Knows nothing of requests or of how the answer is made.
"""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from daemon.engine.client import Piece
from store.recall_log import RecallRecord

DONE = b"data: [DONE]\n\n"
STILL_HERE = b": still working\n\n"  # a comment: clients ignore it, proxies see life


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What all chunks of one answer have in common."""

    model: str
    fingerprint: str  # model file and generation
    recall: RecallRecord
    generation: int
    kept: bool = True  # False: nothing of this turn is recorded
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))  # seconds since 1970

    def whole(self, text: str, last: Piece) -> dict[str, Any]:
        """The complete answer; `last` is the piece with the finish reason and the final counts."""
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": last.finish or "stop"}
        return {**self._head("chat.completion"), "choices": [choice], "usage": usage(last), **self._ours()}

    def first(self) -> bytes:
        """The chunk that opens the stream."""
        return self._chunk({"role": "assistant", "content": ""}, None, self._ours())

    def text(self, text: str) -> bytes:
        """A chunk of text."""
        return self._chunk({"content": text}, None)

    def last(self, finish: str) -> bytes:
        """The chunk that says why the answer ends."""
        return self._chunk({}, finish)

    def usage(self, last: Piece) -> bytes:
        """The chunk with the counts; only for clients that asked, others trip over its empty choices."""
        return event({**self._head("chat.completion.chunk"), "choices": [], "usage": usage(last)})

    def _chunk(self, delta: dict[str, Any], finish: str | None, extra: dict[str, Any] | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event({**self._head("chat.completion.chunk"), "choices": [choice], **(extra or {})})

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }

    def _ours(self) -> dict[str, Any]:
        ours = {
            "memories": list(self.recall.memories),
            "messages": list(self.recall.messages),
            "recall_tokens": self.recall.recall_tokens,
            "generation": self.generation,
            "kept": self.kept,
        }
        return {"tsubasa": ours}


def event(value: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def usage(last: Piece) -> dict[str, Any]:
    """The token counts of an answer."""
    return {
        "prompt_tokens": last.prompt_tokens,
        "completion_tokens": last.completion_tokens,
        "total_tokens": last.prompt_tokens + last.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": last.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
