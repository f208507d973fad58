"""
General questions, alone and with memories beside that don't bear on them: does the model stay what it is?

    general.toml ──> asked alone ──> what it gets right is 100 %
                `──> with three memories, laid as recall lays them ──> the share of it that is kept

Promises: an answer is judged by the words it must have, or, where a question is open, by being speech of the right
kind; with memories beside, none of their words may be in it. Greedy answers of a small quantised model waver with the
requests that share a batch: `again` is the same model asked once more in another order, and what "kept" has to be
compared with.
The questions, and how their answers are judged, are those of `models.skills.evaluation`.
"""

from collections.abc import Sequence
from typing import Any

from bench.real_setting import Setting
from daemon.chat.prompt_context import Turn, parse_history
from daemon.engine.client import Engine
from daemon.memory.recall import system_text
from models.skills.evaluation.general import General, beside_of, is_right, questions
from models.skills.evaluation.setting import Messages, replies

MAX_TOKENS = 64


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


def _share(kept: Sequence[bool], right: Sequence[bool]) -> float:
    both = sum(one and other for one, other in zip(kept, right, strict=True))
    return both / sum(right) if any(right) else 0.0


def _share_of(kind: str, asked: Sequence[General], kept: Sequence[bool], right: Sequence[bool]) -> float:
    places = [at for at, one in enumerate(asked) if one.kind == kind]
    return _share([kept[at] for at in places], [right[at] for at in places])
