"""
The one door to llama.cpp: a model, a context of several sequences, a sampler; numbers in, numbers out.

Never passes NULL where llama.cpp would abort; a failed load is an error with llama.cpp's own
reason. Only one thread may use a `Context`.
"""

import ctypes
import json
import string
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import llama_cpp as c
import numpy as np
import numpy.typing as npt
from llama_cpp.llama_grammar import json_schema_to_gbnf as json_schema_to_gbnf

from daemon.engine.errors import DecodeFailed, GrammarRefused, GrammarStuck, PromptTooLong
from daemon.engine.records import BATCH, Likely, Sampling
from daemon.engine.template import Segment, any_of
from daemon.engine.threads import Threads

Logits = npt.NDArray[np.float32]
_TOKEN_DATA = np.dtype([("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])
PORTION = 50_000  # characters that are cut into tokens in some hundredths of a second
_KV_CACHE = {"f16": c.GGML_TYPE_F16, "q8_0": c.GGML_TYPE_Q8_0, "q4_0": c.GGML_TYPE_Q4_0}
_FLASH_ATTENTION = {
    "auto": c.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": c.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": c.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}
_LOG_ERROR = 4
VERSION = f"llama-cpp-python {c.__version__}"
_complaints: list[str] = []  # llama.cpp's error lines since the last call; the first one has the reason


class Part(NamedTuple):
    """Tokens for one sequence, in a batch of several."""

    sequence: int
    start: int  # position of the first one
    tokens: Sequence[int]
    rows: int  # logits are wanted after each of so many of the last ones


class LlamaRefused(Exception):
    """llama.cpp did not take a file; the text is its own last error line."""


class NoRoom(Exception):
    """The context has no free cells for these tokens."""


@c.llama_log_callback  # type: ignore[untyped-decorator]
def _on_log(level: int, text: bytes, _data: Any) -> None:
    if level == _LOG_ERROR and (line := text.decode("utf-8", "replace").strip()):
        _complaints.append(line)


class Model:
    """A GGUF file in memory. Raises `LlamaRefused`."""

    def __init__(self, path: str, *, gpu_layers: int) -> None:
        c.llama_log_set(_on_log, ctypes.c_void_p(0))
        c.llama_backend_init()
        params = c.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        _complaints.clear()
        self.handle = _loaded(c.llama_model_load_from_file(path.encode(), params))
        self.on_gpu = gpu_layers != 0 and bool(c.llama_supports_gpu_offload())
        self.vocab = c.llama_model_get_vocab(self.handle)
        self.n_vocab = int(c.llama_vocab_n_tokens(self.vocab))
        self.n_ctx_train = int(c.llama_model_n_ctx_train(self.handle))
        self.is_recurrent = bool(
            c.llama_model_is_recurrent(self.handle) or c.llama_model_is_hybrid(self.handle)
        )
        tokens = range(self.n_vocab)  # a reply is over with these
        self.ends = frozenset(n for n in tokens if c.llama_vocab_is_eog(self.vocab, n))
        special = c.LLAMA_TOKEN_ATTR_CONTROL | c.LLAMA_TOKEN_ATTR_UNKNOWN
        controls = [n for n in tokens if c.llama_vocab_get_attr(self.vocab, n) & special]
        self._controls = {self.token_text(n): n for n in reversed(controls)}  # the first of a text wins
        self._control = any_of(self._controls)
        self._pieces: dict[int, bytes] = {}
        self._numbers = np.arange(self.n_vocab, dtype=np.int32)
        self._candidates = np.zeros(self.n_vocab, dtype=_TOKEN_DATA)
        self.adds_space = b"".join(map(self.piece, self.tokens("a"))).startswith(b" ")

    def show(self, text: str) -> None:
        """From now on control tokens in `text` have its letters for their pieces."""
        for match in self._control.finditer(text):
            self._pieces[self._controls[match.group()]] = match.group().encode()

    def token_text(self, token: int) -> str:
        """The text of one token as in the vocabulary; "" when there is no such token."""
        text = c.llama_vocab_get_text(self.vocab, token) if token >= 0 else b""
        return text.decode("utf-8", "replace") if text else ""

    def bos_and_eos(self) -> tuple[str, str]:
        """Texts of the tokens that begin and end a text."""
        return self.token_text(c.llama_vocab_bos(self.vocab)), self.token_text(c.llama_vocab_eos(self.vocab))

    def control_texts(self) -> list[str]:
        """Texts that become a control token where the template writes them."""
        return list(self._controls)

    def end_of_turn(self, written: str) -> int | None:
        """
        The token that ends a reply; None when the vocabulary has none.

        Args:
            written: what the template writes behind a reply. Gemma's has <end_of_turn>, while its <eos> ends a text.
        """
        usual = (c.llama_vocab_eot(self.vocab), c.llama_vocab_eos(self.vocab), *sorted(self.ends))
        return next((token for token in (*self._ends_in(written), *usual) if token >= 0), None)

    def ends_turn(self, written: str) -> bool:
        """Whether what the template writes behind a reply has a token that ends it."""
        return bool(self._ends_in(written))

    def prompt(self, segments: Sequence[Segment], *, within: int | None = None) -> list[int]:
        """
        The tokens of a prompt, with the token that begins a text where the vocabulary wants it.

        Raises `PromptTooLong` for more than twice `within` tokens, and has then looked at the beginning alone: to cut
        ten million characters takes seconds, in which nobody else is answered.

        Control tokens come from segments that are not plain. What stands between two of them is cut into tokens as
        one text, whatever its segments: a SentencePiece vocabulary would put a space before each.
        """
        if within is not None:
            self._check_length("".join(segment.text for segment in segments), within)
        tokens: list[int] = []
        run = ""
        for segment in segments:
            start = 0
            for match in () if segment.plain else self._control.finditer(segment.text):
                self._append(tokens, run + segment.text[start : match.start()])
                tokens.append(self._controls[match.group()])
                run, start = "", match.end()
            run += segment.text[start:]
        self._append(tokens, run)
        bos = int(c.llama_vocab_bos(self.vocab))
        begins = bos < 0 or tokens[:1] == [bos] or not c.llama_vocab_get_add_bos(self.vocab)
        return tokens if begins else [bos, *tokens]

    def _check_length(self, text: str, within: int) -> None:
        count = 0
        for start in range(0, len(text) if len(text) > 2 * within else 0, PORTION):
            rest, marks = self._control.subn("", text[start : start + PORTION])
            count += marks + len(self.tokens(rest))
            if count > 2 * within:
                raise PromptTooLong(count * len(text) // min(start + PORTION, len(text)), within)

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text in which nothing is a control token. Raises `DecodeFailed`."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        found = (c.llama_token * room)()
        count = c.llama_tokenize(self.vocab, data, len(data), found, room, False, False)
        if count < 0:
            raise DecodeFailed(reason=f"a text of {len(data)} bytes can't be cut into tokens")
        return list(found[:count])

    def _ends_in(self, text: str) -> list[int]:
        there = (self._controls[match.group()] for match in self._control.finditer(text))
        return [token for token in there if token in self.ends]

    def _append(self, tokens: list[int], run: str) -> None:
        """Add what stands behind a control token; some of these, such as Phi's, swallow white space."""
        if tokens and c.llama_vocab_get_attr(self.vocab, tokens[-1]) & c.LLAMA_TOKEN_ATTR_RSTRIP:
            run = run.lstrip(string.whitespace)
        tokens += self.tokens(run) if run else []

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for; none for a control token."""
        if token not in self._pieces:
            room = ctypes.create_string_buffer(512)
            count = c.llama_token_to_piece(self.vocab, token, room, len(room), 0, False)
            self._pieces[token] = room.raw[: max(count, 0)]
        return self._pieces[token]

    def candidates(self, logits: Logits) -> npt.NDArray[Any]:
        """Every token with its logit, for a sampler; valid until the next call."""
        self._candidates["id"], self._candidates["logit"] = self._numbers, logits
        return self._candidates

    def load_adapter(self, path: str) -> Any:
        """A LoRA adapter for this model, as an opaque handle. Raises `LlamaRefused`."""
        _complaints.clear()
        return _loaded(c.llama_adapter_lora_init(self.handle, path.encode()))

    def free_adapter(self, adapter: Any) -> None:
        """Give an adapter's memory back; it must not be in use by a context."""
        c.llama_adapter_lora_free(adapter)


class Context:
    """The memory of several sequences, all computed by one model, with at most one adapter at a time."""

    def __init__(
        self,
        model: Model,
        *,
        n_ctx: int,
        sequences: int,
        threads: int,
        kv_cache: str = "f16",
        flash_attention: str = "auto",
    ) -> None:
        """
        Args:
            threads: at most; small steps have fewer where these are quicker just now (`threads.py`).
            kv_cache: "f16", or with flash attention "q8_0", "q4_0".
            flash_attention: "auto", "on", "off": what else is in memory changes no digit of the logits; costs memory.
        """
        params = c.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = n_ctx, BATCH, BATCH
        params.n_seq_max, params.kv_unified = sequences, True
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = _FLASH_ATTENTION[flash_attention]
        params.type_k = params.type_v = _KV_CACHE[kv_cache]
        self._model = model
        self._handle = _loaded(c.llama_init_from_model(model.handle, params))
        self._memory = c.llama_get_memory(self._handle)
        self._batch = c.llama_batch_init(BATCH, 0, 1)
        self._threads = Threads(1 if model.on_gpu else threads)
        self._adapter: Any = None

    def use(self, adapter: Any) -> None:
        """Compute with this adapter from now on; None: with the model alone. What is in memory stays."""
        if adapter is not None:
            one = (c.llama_adapter_lora_p_ctypes * 1)(adapter)
            c.llama_set_adapters_lora(self._handle, one, 1, (ctypes.c_float * 1)(1.0))
        elif self._adapter is not None:
            c.llama_set_adapters_lora(self._handle, None, 0, None)
        self._adapter = adapter

    def decode(self, parts: Sequence[Part]) -> list[list[Logits]]:
        """
        Add tokens to sequences, at most `BATCH` in all and to each sequence once.

        Returns for each part (n_vocab,) logits after each of its last `rows` tokens; valid until the next call.
        Raises `NoRoom` (nothing was added) and `DecodeFailed`.
        """
        batch, places, filled = self._batch, list[range](), 0
        for part in parts:
            end = filled + len(part.tokens)
            places.append(range(end - part.rows, end))
            for at, token in enumerate(part.tokens, filled):
                batch.token[at], batch.pos[at] = token, part.start + at - filled
                batch.n_seq_id[at], batch.seq_id[at][0] = 1, part.sequence
                batch.logits[at] = at in places[-1]
            filled = end
        batch.n_tokens = filled
        result = self._computed(batch, filled)
        if result == 1:
            raise NoRoom
        if result != 0:
            raise DecodeFailed(reason=f"llama_decode returned {result}, {_complaint()}")
        return [[self._logits(place) for place in wanted] for wanted in places]

    def _computed(self, batch: Any, tokens: int) -> int:
        """llama.cpp's own verdict."""
        _complaints.clear()
        count = self._threads.count(tokens)
        if not self._model.on_gpu:
            c.llama_set_n_threads(self._handle, count, count)
        began = time.perf_counter()
        result = int(c.llama_decode(self._handle, batch))
        c.llama_synchronize(self._handle)  # a graphics card goes on by itself; time is measured here
        if result == 0:
            self._threads.note(tokens, time.perf_counter() - began)
        return result

    def cut(self, sequence: int, length: int) -> bool:
        """Keep the first `length` tokens of a sequence; False when only all can be removed (and were)."""
        if c.llama_memory_seq_rm(self._memory, sequence, length, -1):
            return True
        c.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return False

    def copy(self, source: int, target: int, length: int) -> None:
        """Let `target`, which is empty, share the first `length` tokens of `source`."""
        c.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def save(self, sequence: int) -> bytearray:
        """All that a sequence holds, to be put back by `load`."""
        saved = bytearray(c.llama_state_seq_get_size(self._handle, sequence))
        room = (ctypes.c_uint8 * len(saved)).from_buffer(saved)
        c.llama_state_seq_get_data(self._handle, room, len(saved), sequence)
        return saved

    def load(self, sequence: int, saved: bytearray) -> bool:
        """Put into a sequence, which is empty, what was saved; False where the context has no room for it."""
        room = (ctypes.c_uint8 * len(saved)).from_buffer(saved)
        return bool(c.llama_state_seq_set_data(self._handle, room, len(saved), sequence))

    def _logits(self, place: int) -> Logits:
        """Those after the token at this place of the batch; they were asked for."""
        pointer = c.llama_get_logits_ith(self._handle, place)
        logits: Logits = np.ctypeslib.as_array(pointer, shape=(self._model.n_vocab,))
        return logits


def about() -> dict[str, Any]:
    """
    The installed library: its version, and whether it was built for a graphics card.

    `python -m daemon.engine.llama` says it as a line of JSON: a library that does not load may end its process.
    """
    return {"version": c.__version__, "gpu_offload": bool(c.llama_supports_gpu_offload())}


def check_finite(rows: Sequence[Logits]) -> None:
    """Raises `DecodeFailed` where no token can be chosen by one of these."""
    if not all(np.isfinite(logits.max()) for logits in rows):
        raise DecodeFailed(reason="its output is not a number; the model or the adapter is damaged")


def surprise(logits: Logits, token: int) -> float:
    """-log of the probability of `token`, in nats, at temperature 1 and before any grammar."""
    top = logits.max()
    return float(top + np.log(np.exp(logits - top).sum()) - logits[token])


def likely(model: Model, logits: Logits, token: int, others: int) -> Likely:
    """How likely `token` was, and the `others` likeliest in its place."""
    top = logits.max()
    known = logits - (top + np.log(np.exp(logits - top).sum()))
    best: list[int] = np.argpartition(-known, others)[:others].tolist() if others else []
    ranked = sorted(best, key=lambda one: -known[one])

    def told(one: int, beside: tuple[Likely, ...] = ()) -> Likely:
        return Likely(bytes=tuple(model.piece(one)), logprob=float(known[one]), others=beside)

    return told(token, tuple(map(told, ranked)))


class Sampler:
    """Chooses the tokens of one reply. Close it at the end. Raises `GrammarRefused`."""

    def __init__(self, model: Model, sampling: Sampling, *, seed: int, grammar: str | None) -> None:
        """`grammar`: GBNF that the whole reply follows."""
        self._model = model
        self._grammar = None if grammar is None else _grammar(model, grammar)
        self._chain = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
        self._top_p = 1.0  # where it is done here: over a whole vocabulary llama.cpp sorts every token
        self._behind: Any = None  # what comes after it
        self._add_biases(sampling)
        repeat, frequency, presence = (
            sampling.repeat_penalty,
            sampling.frequency_penalty,
            sampling.presence_penalty,
        )
        penalises = bool(presence or frequency or repeat != 1)
        biases = sampling.logit_bias or sampling.ignore_eos
        self._takes_likeliest = sampling.temperature == 0 and not penalises and not biases
        if penalises:
            self._add(c.llama_sampler_init_penalties(model.n_vocab, 2**15, repeat, frequency, presence))
        if sampling.temperature == 0:
            self._add(c.llama_sampler_init_greedy())
            return
        if sampling.top_k <= 0 and sampling.typical_p == 1:
            self._top_p = sampling.top_p
            self._behind = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
        else:
            self._add(c.llama_sampler_init_top_k(sampling.top_k))
            self._add(c.llama_sampler_init_typical(sampling.typical_p, 1))
            self._add(c.llama_sampler_init_top_p(sampling.top_p, 1))
        self._add(c.llama_sampler_init_min_p(sampling.min_p, 1))
        self._add(c.llama_sampler_init_temp(sampling.temperature))
        self._add(c.llama_sampler_init_dist(seed))

    def choose(self, logits: Logits) -> int:
        """
        The next token. Raises `GrammarStuck`.

        The grammar looks at the winner first and at the whole vocabulary only when it must: that is much
        faster.
        """
        token = (
            int(logits.argmax()) if self._takes_likeliest else self._winner(self._model.candidates(logits))
        )
        if self._grammar is not None and not self._allowed(token):
            candidates = self._model.candidates(logits)
            _apply(self._grammar, candidates)
            if not np.isfinite(candidates["logit"].max()):
                raise GrammarStuck
            token = self._winner(candidates)
        c.llama_sampler_accept(self._chain, token)
        if self._grammar is not None and token not in self._model.ends:
            c.llama_sampler_accept(self._grammar, token)
        return token

    def follow(self, grammar: str, begun: str) -> None:
        """Follow a grammar from here on, of which `begun` was chosen already; not where that does not fit it."""
        self.let_go()
        self._grammar = _grammar(self._model, grammar)
        for token in self._model.tokens(begun) if begun else ():
            if not self._allowed(token):  # llama.cpp would end the process
                self.let_go()
                return
            c.llama_sampler_accept(self._grammar, token)

    def let_go(self) -> None:
        """Follow no grammar any more."""
        if self._grammar is not None:
            c.llama_sampler_free(self._grammar)
        self._grammar = None

    def may_end(self) -> bool:
        """Whether the grammar, if there is one, is fulfilled by what was chosen so far."""
        return self._grammar is not None and any(map(self._allowed, self._model.ends))

    def close(self) -> None:
        """Give its memory back."""
        c.llama_sampler_free(self._chain)
        if self._behind is not None:
            c.llama_sampler_free(self._behind)
        self.let_go()

    def _add_biases(self, sampling: Sampling) -> None:
        """-100 forbids a token, as with OpenAI."""
        biases = {int(token): bias for token, bias in sampling.logit_bias.items()}
        biases |= dict.fromkeys(self._model.ends, -100.0) if sampling.ignore_eos else {}
        known = {token: bias for token, bias in biases.items() if token < self._model.n_vocab}
        if known:
            every = (c.llama_logit_bias * len(known))()
            for one, (token, bias) in zip(every, known.items(), strict=True):
                one.token, one.bias = token, float("-inf") if bias <= -100 else bias
            self._add(c.llama_sampler_init_logit_bias(self._model.n_vocab, len(known), every))

    def _add(self, part: Any) -> None:
        c.llama_sampler_chain_add(self._chain if self._behind is None else self._behind, part)

    def _winner(self, candidates: npt.NDArray[Any]) -> int:
        array = _apply(self._chain, candidates)
        if self._behind is not None:
            likeliest = self._top_p < 1
            chosen = nucleus(candidates, self._top_p) if likeliest else candidates
            array = _apply(self._behind, chosen, is_sorted=likeliest)
        return int(array.data[array.selected].id)

    def _allowed(self, token: int) -> bool:
        one = np.array([(token, 0.0, 0.0)], dtype=_TOKEN_DATA)
        _apply(self._grammar, one)
        return bool(np.isfinite(one["logit"][0]))


def nucleus(candidates: npt.NDArray[Any], top_p: float) -> npt.NDArray[Any]:
    """
    The likeliest candidates that together have `top_p` of the probability, likeliest first.

    Those below an even part of the rest can't be among them, all together: only what is left is sorted.
    Source: Holtzman et al. 2020, https://arxiv.org/abs/1904.09751
    """
    logits = candidates["logit"]
    weights = np.exp(logits - logits.max())
    total = weights.sum()
    inside = np.flatnonzero(weights >= total * (1 - top_p) / len(weights))
    order = inside[np.argsort(-weights[inside])]
    count = 1 + int(np.searchsorted(np.cumsum(weights[order]), top_p * total))
    return candidates[order[:count]]


def _apply(sampler: Any, candidates: npt.NDArray[Any], *, is_sorted: bool = False) -> Any:
    data = candidates.ctypes.data_as(ctypes.POINTER(c.llama_token_data))
    array = c.llama_token_data_array(data, len(candidates), -1, is_sorted)
    c.llama_sampler_apply(sampler, ctypes.byref(array))
    return array


def _grammar(model: Model, grammar: str) -> Any:
    _complaints.clear()
    sampler = c.llama_sampler_init_grammar(model.vocab, grammar.encode("utf-8", "replace"), b"root")
    if not sampler:
        raise GrammarRefused(reason=f"llama.cpp can't follow it ({_complaint()})")
    return sampler


def _loaded(handle: Any) -> Any:
    """`handle`, unless it is the NULL that llama.cpp returns for a failure."""
    if not handle:
        raise LlamaRefused(_complaint())
    return handle


def _complaint() -> str:
    """llama.cpp's own reason for what just failed, without the name of its function."""
    first = _complaints[0] if _complaints else "llama.cpp gave no reason"
    return first.split(": ", 1)[-1].splitlines()[0][:200]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(about()) + "\n")
