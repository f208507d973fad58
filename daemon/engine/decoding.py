"""
Decode one reply: compute what the context does not hold yet, choose a token, say its text, again.

It can be left between any two steps and gone on with later, even when its slot was emptied meanwhile.
"""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.engine.errors import DecodeFailed
from daemon.engine.llama import BATCH, Context, Logits, Model, NoRoom, Sampler, surprise
from daemon.engine.prefix_cache import PrefixCache, Slot
from daemon.engine.records import Finish, Piece, Sampling

BACKGROUND_BATCH = BATCH // 4  # a foreground request waits for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A valid request, ready to be computed."""

    number: int
    prompt: list[int]
    sampling: Sampling
    sampler: Sampler
    adapter: str | None
    background: bool


class Decoding:
    """The work on one request."""

    def __init__(
        self, request: Request, model: Model, context: Context, cache: PrefixCache, *, n_ctx: int
    ) -> None:
        self.request = request
        self._model, self._context, self._cache, self._n_ctx = model, context, cache, n_ctx
        self._tokens = list(request.prompt)  # the prompt and what was chosen so far
        self._text = TextStream(request.sampling.stop)
        self._slot: Slot | None = None
        self._cached = 0
        self._surprise = 0.0

    def step(self) -> Piece | None:
        """One batch of the prompt or one new token; returns what there is to say. Raises `EngineError`s."""
        if self._slot is None:
            self._slot = self._cache.take(self._tokens, self.request.adapter)
            self._cached = len(self._slot.tokens)
        logits = self._compute(self._slot)
        return None if logits is None else self._choose(logits)

    def leave(self) -> None:
        """The end, for whatever reason: give the slot and the sampler back."""
        self.request.sampler.close()
        if self._slot is not None:
            self._cache.give_back(self._slot)

    def _compute(self, slot: Slot) -> Logits | None:
        """Let the context hold one batch more of our tokens; logits once it holds them all."""
        start = len(slot.tokens)
        batch = self._tokens[start : start + (BACKGROUND_BATCH if self.request.background else BATCH)]
        last = start + len(batch) == len(self._tokens)
        rows = compute(self._context, self._cache, slot, batch, logits=1 if last else 0)
        return rows[0] if last else None

    def _choose(self, logits: Logits) -> Piece | None:
        token = self.request.sampler.choose(logits)
        self._surprise += surprise(logits, token)
        if token in self._model.ends:
            return self._piece(self._text.rest(), "stop")
        self._tokens.append(token)
        text = self._text.push(self._model.piece(token))
        if self._text.stopped:
            return self._piece(text, "stop")
        if self._is_full():  # JSON that is just complete is not cut off
            finish: Finish = "stop" if self.request.sampler.may_end() else "length"
            return self._piece(text + self._text.rest(), finish)
        return self._piece(text, None) if text else None

    def _is_full(self) -> bool:
        most = self.request.sampling.max_tokens
        return len(self._tokens) >= self._n_ctx or (most is not None and self._completion_tokens() >= most)

    def _completion_tokens(self) -> int:
        return len(self._tokens) - len(self.request.prompt)

    def _piece(self, text: str, finish: Finish | None) -> Piece:
        return Piece(
            text=text,
            finish=finish,
            prompt_tokens=len(self.request.prompt),
            completion_tokens=self._completion_tokens(),
            cached_tokens=self._cached,
            surprise=self._surprise,
        )


def compute(
    context: Context, cache: PrefixCache, slot: Slot, batch: list[int], *, logits: int
) -> list[Logits]:
    """
    Let the context hold these tokens behind those of a slot, emptying others' slots where room is short.

    Returns the logits after each of the last `logits` tokens, valid until the next call. Raises `DecodeFailed`.
    """
    while True:
        try:
            rows = context.decode(slot.sequence, batch, len(slot.tokens), logits=logits)
        except NoRoom:
            if not cache.make_room(slot):
                raise DecodeFailed(reason="the context has no room left") from None
            continue
        slot.tokens += batch
        return rows


class TextStream:
    """
    The text of one reply as its tokens come in; `stopped` once a stop string was found.

    No character is ever cut in two; no part of a stop string is ever shown, also when it comes in pieces.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self.stopped = False
        self._stop = tuple(stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._kept_back = ""  # may be the start of a stop string

    def push(self, data: bytes) -> str:
        """The text that may be shown after these bytes: all but what may be the start of a stop string."""
        text = self._kept_back + self._decoder.decode(data)
        found = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._kept_back = True, ""
            return text[: min(found)]
        keep = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._kept_back = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What was kept back for a stop string that did not come; half a character at the end is dropped."""
        rest, self._kept_back = self._kept_back, ""
        return rest


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a proper beginning of `stop`."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
