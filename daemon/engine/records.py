"""
What goes into the engine and comes out of it, as plain records. Importing this loads neither llama.cpp nor numpy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from daemon.engine.errors import SamplingRefused

UNSURE_KEY = "tsubasa.unsure"  # of a GGUF file that says itself from which mean surprise on the model is lost
TAUGHT_KEY = "tsubasa.taught"  # of a file whose model was taught our own tasks: it gets their short prompts
SKILLS_KEY = "tsubasa.skills"  # of an adapter that teaches our tasks, and of its model: their version
BASE_KEY = "tsubasa.base_sha256"  # of the same: the sha256 of the model file that the adapter was trained on
SKILLS = 1  # the version of the tasks that this version of Tsubasa asks for
TINY_KEY = "tsubasa.tiny"  # of a file whose model knows no language: tables stand in for its own words
BATCH = 256  # tokens computed at once, at most
UNSURE = 2.0  # nats per token; for files that don't say: a pretrained model's right sentences go up to 1.3 (log.md)

MOST_LOGPROBS = 20

Finish = Literal["stop", "length"]
SystemTurns = Literal["anywhere", "first", "nowhere"]  # where a chat template takes them
Thinking = Literal[  # before it answers
    "never",
    "unasked",  # it may, and there is no way to tell it
    "optional",  # as it is asked to
    "always",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is chosen; temperature 0 takes the likeliest one and ignores the seed."""

    max_tokens: int | None = None  # None: up to the end of the context; 0: the prompt alone is computed
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0  # 0: all tokens
    min_p: float = 0.0
    seed: int | None = None  # None: a fresh one for each request
    stop: tuple[str, ...] = ()
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    typical_p: float = 1.0
    repeat_penalty: float = 1.0
    logit_bias: Mapping[str, float] = field(default_factory=dict)  # by the number of a token, as text
    ignore_eos: bool = False  # it goes on up to its limit
    logprobs: int | None = None  # how likely each token was, and so many others in its place; None: untold

    def __post_init__(self) -> None:
        """Raises `SamplingRefused` for a value outside its range."""
        _check("max_tokens", self.max_tokens is None or self.max_tokens >= 0, self.max_tokens, "0 or more")
        _check("temperature", 0 <= self.temperature <= 100, self.temperature, "0 to 100")
        _check("top_p", 0 < self.top_p <= 1, self.top_p, "above 0, up to 1")
        _check("top_k", self.top_k >= 0, self.top_k, "0 or more")
        _check("min_p", 0 <= self.min_p <= 1, self.min_p, "0 to 1")
        _check("typical_p", 0 < self.typical_p <= 1, self.typical_p, "above 0, up to 1")
        _check("repeat_penalty", 0 < self.repeat_penalty <= 10, self.repeat_penalty, "above 0, up to 10")
        told = self.logprobs
        _check("top_logprobs", told is None or 0 <= told <= MOST_LOGPROBS, told, f"0 to {MOST_LOGPROBS}")
        biased = next((value for value in self.logit_bias.values() if not -100 <= value <= 100), 0)
        _check("logit_bias", not biased, biased, "-100 to 100")
        _check("stop", all(self.stop), self.stop, "texts that are not empty")
        _check("presence_penalty", -2 <= self.presence_penalty <= 2, self.presence_penalty, "-2 to 2")
        _check("frequency_penalty", -2 <= self.frequency_penalty <= 2, self.frequency_penalty, "-2 to 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoning:
    """Whether, and how much, a model thinks before it answers, where that can be told it."""

    thinks: bool | None = None  # None: only when it always does
    effort: str | None = None  # in the words of its template: "low", "medium", "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a tool that a reply asks for."""

    name: str
    arguments: str  # a JSON object, as text
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The tools on offer for a reply."""

    offered: tuple[Mapping[str, Any], ...]  # as OpenAI writes them: {"type": "function", "function": {…}}
    must: bool = False  # the reply has to be a call
    parallel: bool = True  # it may be several at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """How likely one token was, before any grammar and at temperature 1."""

    bytes: tuple[int, ...]  # of its text; they may be a part of a character
    logprob: float  # nats
    others: tuple["Likely", ...] = ()  # the likeliest in its place, best first; they have none themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """
    A part of a reply as it grows. The counts are running totals, in tokens.

    The first piece of a reply has no text: it says that the request is valid and how long its prompt is. The
    last one has `finish`.
    """

    text: str
    thought: str = ""  # what it thinks before it answers; never a part of the answer
    calls: tuple[ToolCall, ...] = ()  # of tools, each whole
    finish: Finish | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0  # of thoughts and answer
    thought_tokens: int = 0
    cached_tokens: int = 0  # tokens of the prompt that were still in memory from an earlier request
    surprise: float = (
        0.0  # nats, of background work alone: -log of the answer's probability so far, no grammar
    )
    logprobs: tuple[Likely, ...] = ()  # of the answer's tokens, where they were asked for
    stopped_by: str = ""  # in the last piece: the stop text that ended it
    counted_tokens: int = 0  # in the first piece alone: of the messages that were to be counted

    @property
    def is_last(self) -> bool:
        """Whether the reply ends with it."""
        return self.finish is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How unlikely the model finds one given reply, at temperature 1."""

    tokens: int  # with the one that ends the turn
    nats: float  # -log of the probability of them all
    is_last: bool = True  # of the replies scored together

    @property
    def mean(self) -> float:
        """Nats per token."""
        return self.nats / self.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far an answer was at one moment; running totals, thoughts left out."""

    characters: int
    tokens: int
    surprise: float  # nats


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A whole reply."""

    text: str
    finish: Finish
    prompt_tokens: int
    completion_tokens: int  # of thoughts and answer
    cached_tokens: int = 0
    thought: str = ""
    marks: tuple[Mark, ...] = ()  # in the order of the text

    def surprise(self, start: int, end: int) -> float:
        """
        How unlikely the model itself found the characters from `start` to `end`: mean nats per token; 0.0 of nothing.

        It is only counted in background work: it costs a pass over the vocabulary for each token.

        Nano, where it is at home, writes its lists at well below 0.1, and guesses at 1 and more where it is lost. A
        pretrained model's right sentences are at 0.2 to 1.3, and so are those that it makes up.
        """
        before = max((mark for mark in self.marks if mark.characters <= start), key=_place, default=_START)
        behind = min((mark for mark in self.marks if mark.characters >= end), key=_place, default=before)
        tokens = behind.tokens - before.tokens
        return (behind.surprise - before.surprise) / tokens if tokens > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """The model that is being served."""

    name: str
    n_ctx: int  # tokens a prompt and its reply may have together
    sha256: str  # of the GGUF file
    architecture: str
    n_vocab: int
    unsure: float = UNSURE  # mean surprise, in nats per token, from which on the model is lost
    taught: bool = False  # it was taught our own tasks (observe, evolve, ask, answering with memories)
    tiny: bool = False  # it was made from scratch for these tasks, and can nothing else
    cannot_learn: str | None = None  # why no night can train it; None: it can learn
    quantization: str = ""  # as "Q4_K_M"; "": the file does not say
    bytes: int = 0  # of the file, in all its parts
    made_for: int = 0  # tokens of context that it was trained for; 0: the file does not say
    calls_tools: bool = False  # its template tells it of tools
    thinks: bool = False  # it can think before it answers
    cache: str = (
        ""  # how keys and values are kept, and by what: what was kept fits no other; "": it can't be kept
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """What every chat with certain system turns and tools begins with."""

    tokens: Sequence[int]
    adapter: str | None  # sha256 of what computes it; None: the base model


@dataclass(slots=True, kw_only=True)
class EngineCounts:
    """What the engine's process did since it started, and what it does now."""

    prompt_tokens: int = 0  # of all requests that began
    cached_tokens: int = 0  # those of them that were in memory
    completion_tokens: int = 0
    requests: int = 0  # that ended, however
    refused: int = 0  # because too many waited
    steps: int = 0  # batches
    step_tokens: int = 0  # in all of them
    running: int = 0  # people's requests that have a place
    waiting: int = 0  # and those that have none yet
    background: int = 0  # requests of the background
    cells: int = 0  # tokens that the context has room for, that of the background included
    cells_used: int = 0


def is_taught(values: Mapping[str, object]) -> bool:
    """Whether the model of a file with this metadata was taught our tasks, as this version asks for them."""
    return values.get(TAUGHT_KEY) is True and values.get(SKILLS_KEY, SKILLS) == SKILLS


_START = Mark(characters=0, tokens=0, surprise=0.0)


def _place(mark: Mark) -> tuple[int, int]:
    return mark.characters, mark.tokens


def _check(field: str, holds: bool, value: object, allowed: str) -> None:
    if not holds:
        raise SamplingRefused(field=field, value=repr(value), allowed=allowed)


GREEDY = Sampling()
AT_ONCE = Reasoning(thinks=False)
