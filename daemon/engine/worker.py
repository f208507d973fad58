"""
The engine's process: take commands from the daemon, let the scheduler work between them.

A command that can't be understood is answered with an error, and the engine lives on. A bug ends
the process with its traceback in the log; the daemon starts it again.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from daemon.engine.adapters import Adapters
from daemon.engine.decoding import Request
from daemon.engine.errors import (
    EngineError,
    GrammarRefused,
    PromptTooLong,
    SchemaRefused,
    TokensUnknown,
    broken_command,
)
from daemon.engine.followed import Followed, followed_by, told_of
from daemon.engine.gguf_file import TEMPLATE_KEY, checked_header, fitting_threads, identity
from daemon.engine.llama import VERSION, Context, LlamaRefused, Model, Sampler
from daemon.engine.model_facts import LONGEST_EXACT, background_cells, facts_of
from daemon.engine.prefix_cache import common
from daemon.engine.records import (
    AT_ONCE,
    TINY_KEY,
    UNSURE,
    UNSURE_KEY,
    Piece,
    Reasoning,
    Sampling,
    Score,
    Tools,
    is_taught,
)
from daemon.engine.scheduler import Scheduler, sequences
from daemon.engine.scoring import MOST_REPLIES, ScoreRequest
from daemon.engine.template import CHATML, ChatTemplate, Prompt, Segment
from daemon.engine.tool_calls import marks
from daemon.processes.framing import Frame
from daemon.processes.worker_link import ParentLink
from trainer.model_parts import parts

T = TypeVar("T")


class Worker:
    """A loaded model that answers commands. Made from the handshake's fields; raises `EngineError`s."""

    def __init__(self, link: ParentLink, hello: dict[str, Any]) -> None:
        path = Path(hello["path"])
        wanted = str(hello.get("chat_template", ""))
        header = checked_header(path, wanted)
        hashing = ThreadPoolExecutor(1).submit(identity, path, hello.get("known"))
        self._link = link
        try:
            self._model = Model(str(parts(path)[0]), gpu_layers=hello["gpu_layers"])
            self._n_ctx = min(hello["n_ctx"] or self._model.n_ctx_train, self._model.n_ctx_train)
            context = self._context(hello)
        except LlamaRefused as error:
            raise EngineError(
                f"Can't load the model {str(path)!r}: {error}. The file may be damaged or need more memory than "
                f"there is; download it again, or choose a smaller model or context."
            ) from error
        self._adapters = Adapters(self._model, header)
        self._scheduler = Scheduler(
            self._model, context, self._adapters, n_ctx=self._n_ctx, say=self._say, refuse=link.refuse
        )
        bos, eos = self._model.bos_and_eos()
        source, control = CHATML if wanted else header.text(TEMPLATE_KEY), self._model.control_texts()
        self._template = ChatTemplate(source, control=control, bos=bos, eos=eos)
        behind, self._traits = self._template.behind_reply, self._template.traits
        self._model.show("".join(self._traits.tags or ()) + marks(self._traits.calls))
        self._end = self._model.end_of_turn(behind)
        self._stops = () if self._model.ends_turn(behind) else tuple(filter(None, [behind.strip()]))
        known, facts = hashing.result(), facts_of(path, header)
        self.ready = {
            "name": facts.name,
            "n_ctx": self._n_ctx,
            "sha256": known["sha256"],
            "architecture": facts.architecture,
            "n_vocab": self._model.n_vocab,
            "on_gpu": self._model.on_gpu,
            "unsure": header.limit(UNSURE_KEY, UNSURE),
            "taught": is_taught(header.values),
            "tiny": header.values.get(TINY_KEY) is True,
            "cannot_learn": facts.cannot_learn,
            "quantization": facts.quantization,
            "bytes": facts.bytes,
            "made_for": facts.n_ctx,
            "calls_tools": self._traits.knows_tools,
            "thinks": self._traits.thinking in ("optional", "always"),
            "cache": self._cache,
            "known": known,
        }

    def run(self) -> None:
        """Work until the process ends."""
        while True:
            frame = self._link.next(wait=not self._scheduler.busy)
            if frame is None:
                self._scheduler.step()
            else:
                self._obey(frame)

    def _context(self, hello: dict[str, Any]) -> Context:
        kv_cache, flash = str(hello.get("kv_cache", "f16")), str(hello.get("flash_attention", "auto"))
        # On a processor flash attention takes twice as long for a token behind some thousand others, and is not exact.
        if flash == "auto" and not self._model.on_gpu and self._n_ctx <= LONGEST_EXACT and kv_cache == "f16":
            flash = "off"
        threads = hello["threads"] or fitting_threads(Path(hello["path"]))
        n_ctx = self._n_ctx + background_cells(self._n_ctx)
        kind = f"{kv_cache}, flash attention {flash}, {n_ctx} cells, {VERSION}"
        self._cache = "" if self._model.is_recurrent else kind  # the state of a recurrent one can't be cut
        return Context(
            self._model,
            n_ctx=n_ctx,
            sequences=sequences(self._model),
            threads=threads,
            kv_cache=kv_cache,
            flash_attention=flash,
        )

    def _obey(self, frame: Frame) -> None:
        number, op = frame.header.get("id", -1), str(frame.header.get("op"))
        commands: dict[str, Callable[[int, Frame], None]] = {
            "chat": self._chat,
            "cancel": self._cancel,
            "count": self._count,
            "counts": self._counts,
            "cut": self._cut,
            "join": self._join,
            "kept": self._kept,
            "prefix": self._prefix,
            "remember": self._remember,
            "score": self._score,
            "tokenise": self._tokenise,
            "load": self._load,
            "adopt": self._adopt,
            "unload": self._unload,
        }
        try:
            if op not in commands:
                raise broken_command(op, "it does not know it")
            commands[op](number, frame)
        except EngineError as error:
            self._link.refuse(number, error)

    def _chat(self, number: int, frame: Frame) -> None:
        adapter, background = _maybe(frame, "adapter", str), _field(frame, "background", bool)
        self._adapters.handle(adapter)
        if not background:
            self._scheduler.check_queue()
        messages = [] if frame.header.get("raw") is not None else self._messages(frame)
        tools = _tools(frame)
        schema, grammar = _maybe(frame, "schema", dict), _maybe(frame, "grammar", str)
        followed = followed_by(self._traits, tools, schema=schema, grammar=grammar)
        free = followed.grammar is None
        goes_on = free and messages[-1:] != [] and is_begun(messages[-1])
        reasoning = _reasoning(frame)
        if (raw := frame.header.get("raw")) is None:
            messages, offered = self._offering(messages, tools)
            written = self._template.write(
                messages, reasoning if free else AT_ONCE, go_on=goes_on, tools=offered
            )
            prompt = self._model.prompt(written.segments, within=self._n_ctx)
        else:
            written, goes_on, prompt = Prompt([]), True, self._raw(raw)
        if len(prompt) >= self._n_ctx:
            raise PromptTooLong(len(prompt), self._n_ctx)
        sampling = _sampling(frame)
        sampling = replace(sampling, stop=(*sampling.stop, *self._stops))
        seed = secrets.randbits(31) if sampling.seed is None else sampling.seed & 0xFFFFFFFF
        counted = len(self._prompt(frame, "counted")) if frame.header.get("counted") else 0
        sampler = self._sampler(sampling, seed, followed, schema)
        self._say(number, Piece(text="", prompt_tokens=len(prompt), counted_tokens=counted))
        request = Request(
            number=number,
            prompt=prompt,
            sampling=sampling,
            sampler=sampler,
            adapter=adapter,
            background=background,
            draft=self._reply(draft) if (draft := _maybe(frame, "draft", str)) else [],
            tags=self._traits.tags if free and not goes_on else None,
            thinks=written.thinks,
            goes_on=goes_on,
            calls=followed.reader,
            call_grammar=followed.call_grammar,
        )
        self._scheduler.add(request)

    def _raw(self, raw: object) -> list[int]:
        """The tokens of a text that is gone on with."""
        if isinstance(raw, list):
            cut = [self._model.tokens(part) if isinstance(part, str) else [part] for part in raw]
            tokens = self._known([token for part in cut for token in part])
        else:
            tokens = self._model.prompt([Segment(str(raw), False)], within=self._n_ctx)
        bos = max(0, int(self._end or 0))  # something has to stand before the first token
        return tokens or [bos]

    def _known(self, tokens: list[Any]) -> list[int]:
        for token in tokens:
            if not isinstance(token, int) or not 0 <= token < self._model.n_vocab:
                raise TokensUnknown(token=token, n_vocab=self._model.n_vocab)
        return tokens

    def _sampler(
        self, sampling: Sampling, seed: int, followed: Followed, schema: dict[str, Any] | None
    ) -> Sampler:
        try:
            return Sampler(self._model, sampling, seed=seed, grammar=followed.grammar)
        except GrammarRefused as error:
            if followed.looser is None and schema is not None:
                raise SchemaRefused(reason=error.reason) from error
            if followed.looser is None:
                raise
            return Sampler(self._model, sampling, seed=seed, grammar=followed.looser)

    def _offering(
        self, messages: list[dict[str, Any]], tools: Tools | None
    ) -> tuple[list[dict[str, Any]], Sequence[Mapping[str, Any]]]:
        """The messages, and the tools for the template; where it knows none, a call that must be is told in words."""
        if tools is None or self._traits.knows_tools:
            return messages, () if tools is None else tools.offered
        return (told_of(messages, tools), ()) if tools.must else (messages, ())

    def _cancel(self, number: int, frame: Frame) -> None:
        self._scheduler.cancel(number)

    def _count(self, number: int, frame: Frame) -> None:
        messages, offered = self._offering(self._messages(frame), _tools(frame))
        try:
            count = len(self._written(messages, offered))
        except PromptTooLong as error:
            count = error.n_prompt
        self._link.reply(number, count=count)

    def _counts(self, number: int, frame: Frame) -> None:
        self._link.reply(number, **asdict(self._scheduler.counts()))

    def _cut(self, number: int, frame: Frame) -> None:
        self._link.reply(number, tokens=self._model.tokens(_field(frame, "text", str)))

    def _join(self, number: int, frame: Frame) -> None:
        tokens = self._known(_field(frame, "tokens", list))
        pieces = list(map(self._model.piece, tokens))
        if frame.header.get("each"):
            self._link.reply(number, texts=[piece.decode("utf-8", "replace") for piece in pieces])
        else:
            self._link.reply(number, text=b"".join(pieces).decode("utf-8", "replace"))

    def _prefix(self, number: int, frame: Frame) -> None:
        """The tokens with which every chat begins that has these system turns and tools."""
        system, tools, reasoning = _field(frame, "messages", list), _tools(frame), _reasoning(frame)

        def begun(text: str) -> list[int]:
            messages, offered = self._offering([*system, {"role": "user", "content": text}], tools)
            written = self._template.write(messages, reasoning, tools=offered)
            return self._model.prompt(written.segments, within=self._n_ctx)

        one, other = map(begun, "ab")
        self._link.reply(number, tokens=one[: common(one, other)])

    def _kept(self, number: int, frame: Frame) -> None:
        tokens = _field(frame, "tokens", list)
        self._link.reply(number, blob=self._scheduler.kept(tokens, _maybe(frame, "adapter", str)))

    def _remember(self, number: int, frame: Frame) -> None:
        tokens = _field(frame, "tokens", list)
        self._scheduler.remember(tokens, _maybe(frame, "adapter", str), frame.blob)
        self._link.reply(number)

    def _score(self, number: int, frame: Frame) -> None:
        adapter = _maybe(frame, "adapter", str)
        self._adapters.handle(adapter)
        prompt, texts = self._prompt(frame), _field(frame, "replies", list)
        if not 0 < len(texts) <= MOST_REPLIES or not all(isinstance(text, str) for text in texts):
            raise broken_command("score", f"replies must be 1 to {MOST_REPLIES} texts")
        replies = [self._reply(text) for text in texts]
        if not prompt or not all(replies):
            raise broken_command("score", "without a token there is nothing to score")
        longest = max(len(prompt) + len(reply) for reply in replies)
        if longest > self._n_ctx:
            raise PromptTooLong(longest, self._n_ctx)
        self._scheduler.add(ScoreRequest(number=number, prompt=prompt, replies=replies, adapter=adapter))

    def _tokenise(self, number: int, frame: Frame) -> None:
        chats = _field(frame, "chats", list)
        if not all(isinstance(chat, dict) and chat.keys() == {"messages", "reply"} for chat in chats):
            raise broken_command("tokenise", "chats must be a list of objects with messages and reply")
        written = [self._template.write(_turns(chat["messages"], "tokenise")) for chat in chats]
        prompts = [self._model.prompt(one.segments) for one in written]
        replies = [[] if chat["reply"] is None else self._reply(chat["reply"]) for chat in chats]
        self._link.reply(number, tokens=list(zip(prompts, replies, strict=True)))

    def _load(self, number: int, frame: Frame) -> None:
        adapter = _field(frame, "adapter", str)
        self._adapters.load(adapter, frame.blob)
        self._scheduler.keep(adapter)
        self._link.reply(number)

    def _adopt(self, number: int, frame: Frame) -> None:
        self._link.reply(number, swap_ms=self._scheduler.swap(_maybe(frame, "adapter", str)))

    def _unload(self, number: int, frame: Frame) -> None:
        self._scheduler.unload(_field(frame, "adapter", str))
        self._link.reply(number)

    def _prompt(self, frame: Frame, name: str = "messages") -> list[int]:
        return self._written(self._messages(frame, name))

    def _messages(self, frame: Frame, name: str = "messages") -> list[dict[str, Any]]:
        return _turns(_field(frame, name, list), str(frame.header["op"]))

    def _written(self, messages: list[dict[str, Any]], tools: Sequence[Mapping[str, Any]] = ()) -> list[int]:
        """The tokens of a chat up to where the reply begins, without thoughts."""
        return self._model.prompt(self._template.write(messages, tools=tools).segments, within=self._n_ctx)

    def _reply(self, text: str) -> list[int]:
        """The tokens of a reply, with the one that ends its turn."""
        return [*self._model.tokens(text), *([] if self._end is None else [self._end])]

    def _say(self, number: int, piece: Piece | Score) -> None:
        self._link.reply(number, kind="piece", **asdict(piece))
        if piece.is_last:
            self._link.reply(number, kind="end")


def _turns(messages: object, op: str) -> list[dict[str, Any]]:
    known = isinstance(messages, list) and all(isinstance(one, dict) and "role" in one for one in messages)
    if not isinstance(messages, list) or not messages or not known:
        raise broken_command(op, "messages must be a list of objects with a role")
    return messages


def is_begun(message: Mapping[str, Any]) -> bool:
    """Whether this last turn of a chat is the beginning of the reply."""
    return message["role"] == "assistant" and not message.get("tool_calls")


def _tools(frame: Frame) -> Tools | None:
    fields = _maybe(frame, "tools", dict)
    try:
        return None if fields is None else Tools(**{**fields, "offered": tuple(fields["offered"])})
    except (TypeError, KeyError) as error:
        raise broken_command("chat", str(error)) from error


def _reasoning(frame: Frame) -> Reasoning:
    return Reasoning(thinks=_maybe(frame, "thinks", bool), effort=_maybe(frame, "effort", str))


def _sampling(frame: Frame) -> Sampling:
    fields = _field(frame, "sampling", dict)
    try:
        return Sampling(**{**fields, "stop": tuple(fields.get("stop", ()))})
    except TypeError as error:
        raise broken_command("chat", str(error)) from error


def _maybe(frame: Frame, name: str, kind: type[T]) -> T | None:
    return None if frame.header.get(name) is None else _field(frame, name, kind)


def _field(frame: Frame, name: str, kind: type[T]) -> T:
    """A field of the command, of the right type. Raises `EngineError`."""
    value = frame.header.get(name)
    if isinstance(value, kind):
        return value
    reason = f"{name} is missing or not of the type {kind.__name__}"
    raise broken_command(str(frame.header.get("op")), reason)
