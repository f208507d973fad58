"""
An answer in the shape that OpenAI's clients read: one object, or chunks of server-sent events.

The chunks of one answer share id, time and model. The first has the role, the last the finish reason; usage comes only
when asked for, then [DONE]. What OpenAI does not know is at the top level, under `tsubasa`.
"""

import json
import time
import uuid
from dataclasses import dataclass, field

from daemon.client.schemas.chats import AnswerOrigin, Chunk, Completion, Usage
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

    def whole(self, text: str, last: Piece) -> Completion:
        """The complete answer; `last` is the piece with the finish reason and the final counts."""
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "logprobs": None,
                    "finish_reason": last.finish or "stop",
                }
            ],
            "usage": usage(last),
            "tsubasa": self._origin(),
        }

    def first(self) -> bytes:
        """The chunk that opens the stream."""
        chunk = self._chunk({"role": "assistant", "content": ""}, None)
        return event({**chunk, "tsubasa": self._origin()})

    def text(self, text: str) -> bytes:
        """A chunk of text."""
        return event(self._chunk({"content": text}, None))

    def last(self, finish: str) -> bytes:
        """The chunk that says why the answer ends."""
        return event(self._chunk({}, finish))

    def usage(self, last: Piece) -> bytes:
        """The chunk with the counts; only for clients that asked, others trip over its empty choices."""
        return event({**self._chunk({}, None), "choices": [], "usage": usage(last)})

    def _chunk(self, delta: dict[str, str], finish: str | None) -> Chunk:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        }

    def _origin(self) -> AnswerOrigin:
        return {
            "memories": list(self.recall.memories),
            "messages": list(self.recall.messages),
            "recall_tokens": self.recall.recall_tokens,
            "generation": self.generation,
            "kept": self.kept,
        }


def event(chunk: Chunk) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def usage(last: Piece) -> Usage:
    """The token counts of an answer."""
    return {
        "prompt_tokens": last.prompt_tokens,
        "completion_tokens": last.completion_tokens,
        "total_tokens": last.prompt_tokens + last.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": last.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
