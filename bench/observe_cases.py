"""
Measure what observing makes of what is no fact: `python -m bench.observe_cases [--model FILE] [--sealed] [--rules]`.

    320 messages by hand in eight languages ──> observe(), with its checks ──> what must come out, and what must not

Fiction, texts to translate, mend, sum up or answer, letters for others, quotations, examples, code, plans, hypotheses,
doubt, hearsay, questions, jokes, thanks; and relatives, negations, corrections, plain facts between all else. What must
not come out is what is held as the person's own word and would be taught; what is held as reported is no fault, unless
the person says it for certain (`own` counts these). `--rules` asks no model: each sentence is taken as it is, the worst
that a model can do, which shows what the rules alone hold back. `--sealed` prints the shares of the half that nobody
looks at, and no case.
"""

import argparse
import asyncio
import json
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from daemon.memory.attribution import attribute
from daemon.memory.observe import observe
from daemon.memory.secret_values import holds_secret
from daemon.memory.strip_quotes import strip_quotes
from models.skills.evaluate import smollm2
from models.skills.evaluation.setting import Setting
from store.chats import Message

DAY = date(2026, 3, 5)
AT_ONCE = 8
MAY_BE_REPORTED = frozenset(
    ["hearsay", "hedged", "plan"]
)  # kinds of which what is wanted is not said for certain
_SENTENCE = re.compile(r"(?<=[.!?])[\"”“»]?\s+|(?<=[。！？])[”」]?|\n+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One message, and what must and must not come out of it."""

    language: str
    kind: str
    say: str
    wants: tuple[str, ...] = ()  # "a+b": both in one sentence; "a/b": either; "!a": not this one
    never: tuple[str, ...] = ()  # the same; a secret without any: nothing at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One sentence that came out."""

    text: str
    trust: str

    @property
    def is_own(self) -> bool:
        """Whether it is held as the person's own word."""
        return self.trust in ("user", "import")

    @property
    def is_taught(self) -> bool:
        """Whether a lesson may be made of it."""
        return self.is_own and not holds_secret(self.text)


def cases(*, sealed: bool) -> list[Case]:
    """One half of the cases."""
    table = tomllib.loads(files("bench").joinpath("observe_cases.toml").read_text(encoding="utf-8"))
    half = "sealed" if sealed else "open"
    return [
        Case(language=language, kind=one["kind"], say=one["say"], wants=tuple(one.get("wants", ())),
             never=tuple(one.get("never", ())))
        for language, halves in table.items() for one in halves[half]
    ]  # fmt: skip


def is_right(case: Case, held: Sequence[Held]) -> tuple[int, bool]:
    """How many of the wanted sentences came out, and whether nothing that must not is held as a fact."""
    found = sum(any(_has(want, one.text) for one in held) for want in case.wants)
    taught = [one.text for one in held if one.is_taught]
    if case.kind == "secret" and not case.never:
        return found, not taught
    return found, not any(_has(wrong, text) for wrong in case.never for text in taught)


def own_wants(case: Case, held: Sequence[Held]) -> list[bool]:
    """Of each wanted sentence that the person says for certain, whether it is held as their own word."""
    if case.kind in MAY_BE_REPORTED:
        return []
    return [any(one.is_own and _has(want, one.text) for one in held) for want in case.wants]


def scores(every: Sequence[tuple[Case, Sequence[Held]]]) -> dict[str, Any]:
    """
    Shares: wanted sentences found; of what is said for certain, those held as the person's own; messages out of which
    nothing wrong came, also by kind and language.
    """
    judged = [(case, *is_right(case, held)) for case, held in every]
    wanted = sum(len(case.wants) for case, _, _ in judged)
    own = [one for case, held in every for one in own_wants(case, held)]
    by: dict[str, dict[str, list[bool]]] = {"kinds": defaultdict(list), "languages": defaultdict(list)}
    for case, _, fine in judged:
        by["kinds"][case.kind].append(fine)
        by["languages"][case.language].append(fine)
    return {
        "messages": len(judged),
        "wanted": wanted,
        "found": sum(found for _, found, _ in judged) / max(1, wanted),
        "own": sum(own) / max(1, len(own)),
        "nothing_wrong": sum(fine for *_, fine in judged) / max(1, len(judged)),
        **{name: {key: sum(fine) / len(fine) for key, fine in parts.items()} for name, parts in by.items()},
    }


def by_rules(case: Case) -> list[Held]:
    """What is held of a message of which a model would copy each sentence."""
    turn = _message(strip_quotes(case.say))
    said = [one for one in _SENTENCE.split(turn.text) if one.strip()]
    found = [attribute(one, [turn], named=[0]) for one in said]
    return [Held(text=one.text, trust=one.trust) for one in found if one]


async def by_model(setting: Setting, every: Sequence[Case]) -> list[list[Held]]:
    """What the daemon's own reading holds of each message, with this model."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with setting.engine() as engine:

        async def one(case: Case) -> list[Held]:
            async with gate:
                observed = await observe(engine, [_message(case.say)], day=DAY)
            return [Held(text=found.text, trust=found.trust) for found in observed.found]

        return list(await asyncio.gather(*map(one, every)))


def _has(want: str, text: str) -> bool:
    lower = text.lower()
    return all(
        any(one in lower for one in part.removeprefix("!").split("/")) != part.startswith("!")
        for part in want.lower().split("+")
    )


def _message(text: str) -> Message:
    return Message(
        id=1, chat_id=1, parent_id=None, role="user", speaker="", text=text,
        said_at=datetime(2026, 3, 5, 12, tzinfo=UTC), source="api", external_id=None, observed_by=None, hash="",
    )  # fmt: skip


def _show(found: Mapping[str, Any], wrong: Sequence[str]) -> None:
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a GGUF file of a chat model; without it SmolLM2-135M")
    parser.add_argument("--sealed", action="store_true", help="the half that nobody looks at; shows no case")
    parser.add_argument("--items", type=int, help="at most so many cases, spread over all")
    parser.add_argument("--rules", action="store_true", help="ask no model")
    parser.add_argument("--wrong", action="store_true", help="show what was wrong on stderr")
    given = parser.parse_args()
    setting = Setting(model=given.model or smollm2(), items=given.items) if not given.rules else None
    chosen = cases(sealed=given.sealed)
    chosen = setting.some(chosen) if setting else chosen
    held = (
        asyncio.run(by_model(setting, chosen)) if setting is not None else [by_rules(case) for case in chosen]
    )
    every = list(zip(chosen, held, strict=True))
    shown = given.wrong and not given.sealed
    wrong = [f"{case.kind} {case.say}\n   {told}" for case, told in every if not is_right(case, told)[1]]
    _show(scores(every), wrong if shown else ())


if __name__ == "__main__":
    main()
