"""
Look at a model before it is used: its header, its tokenizer, its chat template, and a first answer.

    header ──> tokenizer ──> engine starts ──> template takes our kind of chat ──> it says something that is speech

It uses the very engine that will serve it, and says nothing of whether the model is clever.
Degenerate text (loops, noise, control tokens) is no speech.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from daemon.engine.client import Engine
from daemon.engine.errors import ModelUnfit
from daemon.engine.gguf_file import Header, checked_header
from daemon.engine.model_facts import ModelFacts, facts_of
from daemon.engine.records import Completion, Sampling
from store.text import UNSPACED

NEEDED = ("tokenizer.ggml.model", "tokenizer.ggml.tokens")
CANARY = (  # as a chat with memories will look: a system turn directly before the last question
    {"role": "user", "content": "Hello!"},
    {"role": "assistant", "content": "Hello! How can I help you?"},
    {"role": "system", "content": "The user's name is Mira."},
    {"role": "user", "content": "What is my name?"},
)
LONGEST = 48  # tokens of the answer
CONTEXT = 1024  # tokens, for the check alone
MOST_SURPRISE = 2.0  # mean nats per token that it chose itself; fluent text is below 1, noise at 4 and more
CIRCLES = 4  # the same words so often, one time directly after the other, are a loop
LONGEST_CIRCLE = 8  # words
SHORTEST_LOOP = 12  # letters in all, where no space parts the words: people laugh in fewer
_LOOP = re.compile(rf"(?=((\w{{1,24}}?)\2{{{CIRCLES - 1},}}))")
_UNSPACED = re.compile(f"[{UNSPACED}]")
MARKS = ("<|", "|>", "\ufffd")  # of control tokens, and of bytes that are no text


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A model that can be used."""

    facts: ModelFacts
    said: str  # to the canary question
    tokens_per_s: float  # while it said it


async def check(path: Path, *, threads: int = 0, gpu_layers: int = -1, chat_template: str = "") -> Checked:
    """
    See whether `path` can be served; takes as long as the model needs to load and to say a sentence.

    Args:
        chat_template: "chatml" in place of the file's own, "".

    Raises:
        ModelUnfit: it is no whole GGUF of a chat model, or it loads and is of no use.
        EngineError: there is no such file, or the engine can't load it.
        ChildCrashed, ChildTooSlow: the engine did not survive it.
    """
    header = checked_header(path, chat_template)
    _check_tokenizer(path, header)
    engine = Engine.for_model(
        path,
        n_ctx=CONTEXT,
        threads=threads,
        gpu_layers=gpu_layers,
        idle_s=3600,
        chat_template=chat_template,
    )
    try:
        await engine.info()
        await _check_template(path, engine)
        begun = time.monotonic()
        answer = await engine.complete(CANARY, sampling=Sampling(max_tokens=LONGEST))
        speaking_s = time.monotonic() - begun
    finally:
        await engine.stop()
    answer = replace(answer, text=answer.text or answer.thought)  # of a model that thinks unasked
    if not is_speech(answer):
        said = " ".join(answer.text.split())[:60]
        reason = f"asked for a name it said {said!r}, which is no speech"
        raise ModelUnfit(path=str(path), reason=reason, advice="The file is damaged, or no instruct model")
    return Checked(
        facts=facts_of(path, header),
        said=" ".join(answer.text.split()),
        tokens_per_s=answer.completion_tokens / max(speaking_s, 1e-3),
    )


def _check_tokenizer(path: Path, header: Header) -> None:
    if missing := [key for key in NEEDED if key not in header.values]:
        reason = f"it lacks {', '.join(missing)}"
        raise ModelUnfit(path=str(path), reason=reason, advice="Take a complete GGUF file of the model")


async def _check_template(path: Path, engine: Engine) -> None:
    """Raise `ModelUnfit` when what is said does not reach the prompt; the engine raises `TemplateRefused`."""
    whole = await engine.count(CANARY)
    for place, message in enumerate(CANARY):
        without: list[Mapping[str, str]] = [*CANARY]
        without[place] = {**message, "content": ""}
        if await engine.count(without) >= whole:
            role = message["role"]
            reason = f"its chat template leaves out messages of the role {role!r}, so it would not hear them"
            raise ModelUnfit(path=str(path), reason=reason, advice="Take another conversion of the model")


def is_sane(answer: Completion) -> bool:
    """Whether a model that is well could have said this: speech that comes to its end."""
    return answer.finish == "stop" and is_speech(answer)


def is_speech(answer: Completion) -> bool:
    """Whether a model that is whole could have said this; it need not be at its end, nor right."""
    text = answer.text.strip()
    return (
        bool(text)
        and not is_circling(text)
        and not any(mark in text for mark in MARKS)
        and answer.surprise(0, len(answer.text)) <= MOST_SURPRISE
    )


def is_circling(text: str) -> bool:
    """Whether some words, or one letter, come again and again without anything between them."""
    if any(letter * 12 in text for letter in set(text) if letter.isalpha()):
        return True
    letters = re.sub(r"\W+", "", text.casefold())
    loops = [found[1] for found in _LOOP.finditer(letters) if len(found[1]) >= SHORTEST_LOOP]
    if any(map(_UNSPACED.search, loops)):
        return True
    words = text.casefold().split()
    for length in range(1, LONGEST_CIRCLE + 1):
        same = 0  # words in a row that equal the one `length` words before
        for place in range(length, len(words)):
            same = same + 1 if words[place] == words[place - length] else 0
            if same >= length * (CIRCLES - 1):
                return True
    return False
