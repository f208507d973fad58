"""
Decode one reply: compute what the context does not hold yet, choose a token, say its text, again.

It can be put off between any two steps and gone on with later, even when its slot was emptied meanwhile. A draft, a
guess of the reply, is computed along with what is decided; as far as the tokens chosen are those of the draft, they
cost one batch together. It changes no choice but between tokens that are as good as equally likely: quantised weights
round otherwise in another batch. Source: Leviathan, Kalman, Matias 2023, https://arxiv.org/abs/2211.17192
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from daemon.engine.errors import GrammarRefused
from daemon.engine.llama import Logits, Model, Sampler, likely, surprise
from daemon.engine.prefix_cache import PrefixCache, Slot
from daemon.engine.records import Finish, Likely, Piece, Sampling, ToolCall
from daemon.engine.reply_stream import ReplyStream, Said
from daemon.engine.template_traits import Tags
from daemon.engine.tool_calls import CallReader
from daemon.engine.work import Ahead, Room, Work, part_of

NOTHING = Said()
FIRST_GUESS = 4  # tokens: so many are lost where a draft is wrong from the start


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A valid request, ready to be computed."""

    number: int
    prompt: list[int]
    sampling: Sampling
    sampler: Sampler
    adapter: str | None
    background: bool
    draft: list[int] = field(default_factory=list)
    tags: Tags | None = None  # around thoughts, where the reply may have some
    thinks: bool = False  # it begins inside a thought
    goes_on: bool = False  # the prompt has its beginning
    calls: CallReader | None = None  # tells calls of tools in the answer apart
    call_grammar: str | None = (
        None  # of what stands behind the opening of a call; None: it is free, or follows one
    )


class Decoding(Work):
    """The work on one request."""

    def __init__(self, request: Request, model: Model, cache: PrefixCache, *, n_ctx: int) -> None:
        super().__init__(
            number=request.number,
            adapter=request.adapter,
            background=request.background,
            tokens=list(request.prompt),
            cache=cache,
        )
        self.request = request
        self._model, self._n_ctx = model, n_ctx
        most = request.sampling.max_tokens
        room = n_ctx - len(request.prompt)
        self._draft = request.draft[: room if most is None else min(most, room)]  # of what follows the tokens
        drop_space = model.adds_space and not request.goes_on
        self._text = ReplyStream(
            request.sampling.stop, tags=request.tags, thinks=request.thinks, drop_space=drop_space
        )
        self._trust = FIRST_GUESS  # tokens of the draft to compute before they are proved
        self._thought_tokens = 0
        self._surprise = 0.0
        self._call_grammar = request.call_grammar
        self._in_call = False
        self._likely: list[Likely] = []  # of the tokens of the next piece

    @property
    def growth(self) -> int:
        """Tokens that may still be chosen."""
        most, room = self.request.sampling.max_tokens, self._n_ctx - len(self.tokens)
        return room if most is None else max(0, min(room, most - self.said_tokens))

    @property
    def said_tokens(self) -> int:
        """Tokens that were chosen so far, without the one that ends the reply."""
        return len(self.tokens) - len(self.request.prompt)

    def reusable(self) -> Sequence[int]:
        """All that is known."""
        return self.tokens

    def ahead(self, slot: Slot, room: Room) -> Ahead:
        """Our tokens that the context does not hold yet, and some of the draft."""
        tokens = self.tokens[len(slot.tokens) :]
        if len(tokens) > room.tokens:
            return Ahead(slot=slot, tokens=part_of(tokens, room.tokens), rows=0)
        guess = self._draft[: min(self._trust, room.tokens - len(tokens), room.rows - 1)]
        return Ahead(slot=slot, tokens=[*tokens, *guess], rows=len(guess) + 1)

    def take(self, rows: Sequence[Logits]) -> Piece | None:
        """What there is to say, now that the context holds what was `ahead`. Raises `EngineError`s."""
        if not rows:
            return None
        if self.request.sampling.max_tokens == 0:
            return self._end("length")
        pieces, before = list[Piece](), len(self.tokens)
        for logits in rows:
            piece = self._choose(logits)
            pieces.append(piece)
            if piece.is_last or self.tokens[-1:] != self._draft[:1]:
                self._draft = []
                break
            self._draft = self._draft[1:]
        self._trust *= 2
        if before + len(rows) - 1 >= len(self.tokens) > before:  # some guesses were wrong
            self.shorten(len(self.tokens) - 1)  # the last choice is still to be computed
        return _joined(pieces)

    def leave(self) -> None:
        """The end, for whatever reason: give the slot and the sampler back."""
        self.request.sampler.close()
        self.put_off()

    def _choose(self, logits: Logits) -> Piece:
        token = self.request.sampler.choose(logits)
        was_thought = self._text.thinking
        counts = self.background and not was_thought
        nats = surprise(logits, token) if counts else 0.0
        if token in self._model.ends:
            self._surprise += nats
            return self._end("stop")
        self.tokens.append(token)
        self._note(logits, token)
        said = self._text.push(self._model.piece(token))
        if was_thought or self._text.thinking:
            self._thought_tokens += 1
        else:
            self._surprise += nats
        if self._text.stopped:
            return self._end("stop", said)
        if self._is_full():  # JSON that is just complete is not cut off
            return self._end("stop" if self.request.sampler.may_end() else "length", said)
        return self._piece(said, None)

    def _note(self, logits: Logits, token: int) -> None:
        others = self.request.sampling.logprobs
        if others is not None and not self._text.thinking:
            self._likely.append(likely(self._model, logits, token, others))

    def _is_full(self) -> bool:
        most = self.request.sampling.max_tokens
        return len(self.tokens) >= self._n_ctx or (most is not None and self.said_tokens >= most)

    def _end(self, finish: Finish, said: Said = NOTHING) -> Piece:
        rest = self._text.rest()
        return self._piece(Said(said.answer + rest.answer, said.thought + rest.thought), finish)

    def _piece(self, said: Said, finish: Finish | None) -> Piece:
        text, calls = self._without_calls(said.answer, ends=finish is not None)
        logprobs, self._likely = tuple(self._likely), []
        return Piece(
            text=text,
            thought=said.thought,
            calls=tuple(calls),
            finish=finish,
            prompt_tokens=len(self.request.prompt),
            completion_tokens=self.said_tokens,
            thought_tokens=self._thought_tokens,
            cached_tokens=self.cached or 0,
            surprise=self._surprise,
            logprobs=logprobs,
            stopped_by=self._text.stopped_by,
        )

    def _without_calls(self, answer: str, *, ends: bool) -> tuple[str, list[ToolCall]]:
        """The text of the answer and its calls; inside of a call the next tokens follow its grammar."""
        reader = self.request.calls
        if reader is None:
            return answer, []
        text, calls = reader.push(answer) if answer else ("", [])
        if ends:
            more, last = reader.rest()
            return text + more, calls + last
        if self._call_grammar is not None and (reader.begun is None) is self._in_call:
            self._in_call = not self._in_call
            self._follow(self._call_grammar if self._in_call else None, reader.begun or "")
        return text, calls

    def _follow(self, grammar: str | None, begun: str) -> None:
        try:
            if grammar is None:
                self.request.sampler.let_go()
            else:
                self.request.sampler.follow(grammar, begun)
        except GrammarRefused:  # too much for llama.cpp: the call stays free
            self._call_grammar = None


def _joined(pieces: Sequence[Piece]) -> Piece | None:
    """All of them as one; None when there is nothing to say."""
    text, thought = "".join(piece.text for piece in pieces), "".join(piece.thought for piece in pieces)
    calls = tuple(call for piece in pieces for call in piece.calls)
    logprobs = tuple(one for piece in pieces for one in piece.logprobs)
    last = pieces[-1]
    is_said = text or thought or calls or logprobs or last.is_last
    return replace(last, text=text, thought=thought, calls=calls, logprobs=logprobs) if is_said else None
