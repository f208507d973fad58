"""
General questions, alone and with memories beside that don't bear on them: does the model stay what it is?

    general.toml ──> asked alone ──> what it gets right is 100 %
                `──> with three memories, laid as recall lays them ──> the share of it that is kept

Promises: an answer is judged by the words it must have, or, where a question is open, by being speech of the right
kind; with memories beside, none of their words may be in it. Greedy answers of a small quantised model waver with the
requests that share a batch: `again` is the same model asked once more in another order, and what "kept" has to be
compared with.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from bench.real_setting import Messages, Setting, replies
from daemon.chat.prompt_context import Turn, parse_history
from daemon.engine.client import Engine
from daemon.memory.recall import system_text

MAX_TOKENS = 64
DISTINCT = 0.3  # share of the words of an answer that are new, from which on it is no babble
MAINLY = 0.5  # share of letters that makes a text one of a script


@dataclass(frozen=True, slots=True, kw_only=True)
class General:
    """One question, and how a right answer is known; see `general.toml`."""

    kind: str
    ask: str
    language: str = "en"
    has: Sequence[Sequence[str]] = ()
    lacks: Sequence[str] = ()
    words: int = 1
    items: int = 0
    script: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is remembered of somebody."""

    language: str
    lines: Sequence[str]
    names: Sequence[str]  # words that tell an answer is about them


def questions() -> tuple[list[General], list[Person]]:
    """All questions, and the persons whose memories lie beside them."""
    told = tomllib.loads((files("bench") / "general.toml").read_text(encoding="utf-8"))
    persons = [Person(**one) for one in told.pop("persons")]
    return [General(kind=kind, **one) for kind, every in told.items() for one in every], persons


async def measure(setting: Setting) -> dict[str, Any]:
    """What is right alone, and how much of that is kept with memories beside."""
    every, persons = questions()
    asked = setting.some(every)
    beside = [beside_of(one, at, persons) for at, one in enumerate(asked)]
    async with setting.engine() as engine:
        tiny = (await engine.info()).tiny
        told = [system_text(person.lines, tiny=tiny) for person in beside]
        alone = await answers(engine, asked)
        again = await answers(engine, asked[::-1])
        with_memories = await answers(engine, asked, told)
    right = [is_right(one, said) for one, said in zip(asked, alone, strict=True)]
    steady = [is_right(one, said) for one, said in zip(asked, again[::-1], strict=True)]
    kept = [
        is_right(one, said, person.names)
        for one, said, person in zip(asked, with_memories, beside, strict=True)
    ]
    for one, was, now, before, said in zip(asked, right, kept, alone, with_memories, strict=True):
        if was and not now:
            setting.wrong.append(f"{one.kind}: {one.ask}\n   alone  {before!r}\n   beside {said!r}")
    return {
        "questions": len(asked),
        "alone": sum(right) / len(asked),
        "beside": sum(kept) / len(asked),
        "again": sum(steady) / len(asked),
        "kept": _share(kept, right),
        "kept_again": _share(steady, right),
        "kept_of": {
            kind: _share_of(kind, asked, kept, right) for kind in dict.fromkeys(o.kind for o in asked)
        },
    }


async def answers(
    engine: Engine,
    asked: Sequence[General],
    memories: Sequence[str | None] = (),
    *,
    adapter: str | None = "base",
) -> list[str]:
    """What the model says to each; `memories`: the turn that lies beside each, as in a chat."""
    prompts: list[Messages] = [
        parse_history([Turn(role="user", text=one.ask)]).messages(memories[at] if memories else None)
        for at, one in enumerate(asked)
    ]
    return [
        one.text.strip() for one in await replies(engine, prompts, max_tokens=MAX_TOKENS, adapter=adapter)
    ]


def beside_of(asked: General, at: int, persons: Sequence[Person]) -> Person:
    """Whose memories lie beside the question at place `at`: of somebody who speaks its language."""
    same = [one for one in persons if one.language == asked.language]
    return same[at % len(same)]


def is_right(asked: General, answer: str, names: Sequence[str] = ()) -> bool:
    """Whether `answer` is right, and says none of `names`."""
    said = all(any(_says(answer, word) for word in group) for group in asked.has)
    wrong = any(_says(answer, word) for word in (*asked.lacks, *names))
    return (
        said
        and not wrong
        and is_speech(answer, asked.words)
        and _is_list(answer, asked)
        and (not asked.script or _share_in(answer, asked.script) >= MAINLY)
    )


def _says(answer: str, word: str) -> bool:
    """Whether a word of `answer` begins with `word`; anywhere, in a script that writes no spaces."""
    begins = r"(?<!\w)" if _share_in(word, "CJK") == 0 else ""
    return re.search(begins + re.escape(word), answer, re.IGNORECASE) is not None


def is_speech(answer: str, words: int) -> bool:
    """Whether it has at least `words` words (characters without spaces between), and does not repeat itself only."""
    parts = re.findall(r"\w", answer) if _share_in(answer, "CJK") > MAINLY else re.findall(r"\w+", answer)
    lines = Counter(line.strip() for line in answer.splitlines() if line.strip())
    is_stuck = max(lines.values(), default=0) > 3
    return len(parts) >= words and len(set(parts)) >= DISTINCT * len(parts) and not is_stuck


def _is_list(answer: str, asked: General) -> bool:
    lines = [line for line in answer.splitlines() if line.strip()]
    between = re.split(r",|、| and | und | or ", answer)
    return max(len(lines), len(between)) >= asked.items


def _share_in(text: str, script: str) -> float:
    """The share of the letters of `text` that are of `script`, as their Unicode names begin."""
    letters = [one for one in text if one.isalpha()]
    return sum(unicodedata.name(one, "").startswith(script) for one in letters) / max(1, len(letters))


def _share(kept: Sequence[bool], right: Sequence[bool]) -> float:
    both = sum(one and other for one, other in zip(kept, right, strict=True))
    return both / sum(right) if any(right) else 0.0


def _share_of(kind: str, asked: Sequence[General], kept: Sequence[bool], right: Sequence[bool]) -> float:
    places = [at for at, one in enumerate(asked) if one.kind == kind]
    return _share([kept[at] for at in places], [right[at] for at in places])
