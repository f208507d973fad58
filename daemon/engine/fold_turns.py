"""
Fold the turns of any chat into those that a model's chat template takes.

    system "Be brief." │ user "Hi" │ assistant "Hello!" │ system MEMORIES │ user "Where do I live?"
 -> system "Be brief." │ user "Hi" │ assistant "Hello!" │ user "For the assistant …: MEMORIES … Where do I live?"

What is folded depends on the turns before it and on the one directly behind it alone: what stands before the last turn
of the user is written the same from request to request, so that the prefix cache holds. Nothing that was said is lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.engine.records import SystemTurns
from daemon.engine.tool_turns import CallTurns, Turn, called_as, is_answered, linked
from prompts.load import lines


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRules:
    """Which turns a template takes."""

    system: SystemTurns = "anywhere"
    alternates: bool = False  # the user begins, then assistant and user in turn
    tools: bool = True  # turns of tools, also without a call before them
    calls: CallTurns = "many"  # of tools, in one turn of the assistant


STRICTEST = TurnRules(system="nowhere", alternates=True, tools=False, calls="none")


def fold(messages: Sequence[Mapping[str, Any]], rules: TurnRules) -> list[Turn]:
    """
    The turns that take their place; the same where the template takes them as they are.

    Args:
        messages: each with "role" and, as text, "content"; `tool_calls` with id, name and arguments.
    """
    turns = called_as(linked(messages), rules.calls)
    leads = rules.system == "first" and turns[:1] != [] and turns[0]["role"] == "system"
    ahead, turns = (turns[:1], turns[1:]) if leads else ([], turns)
    if rules.system != "anywhere":
        turns = list(_without_system(turns))
    if not rules.tools:
        kept = [rules.calls != "none" and is_answered(turns, at) for at in range(len(turns))]
        turns = [
            turn if keep or turn["role"] != "tool" else _of_tool(turn)
            for turn, keep in zip(turns, kept, strict=True)
        ]
    if rules.alternates:
        turns = _merged(turns)
    starts = rules.alternates and bool(turns) and turns[0]["role"] == "assistant"
    asks = rules.system == "anywhere" or any(turn["role"] == "user" for turn in turns)
    begin = [_turn("user", lines("folded")[3])] if starts or not asks else []
    return [*ahead, *begin, *turns]


def _without_system(turns: Sequence[Turn]) -> Iterator[Turn]:
    """System turns go into the turn of the user directly behind them, else they are one of their own."""
    told: list[str] = []
    for turn in turns:
        if turn["role"] == "system":
            told.append(turn["content"])
            continue
        if told and turn["role"] == "user":
            yield {**turn, "content": _told(told, turn["content"])}
        elif told:
            yield from (_turn("user", _told(told)), turn)
        else:
            yield turn
        told = []
    if told:
        yield _turn("user", _told(told))


def _told(told: Sequence[str], said: str | None = None) -> str:
    ours, theirs = lines("folded")[:2]
    text = "\n".join([ours, *told])
    return text if said is None else f"{text}\n\n{theirs}\n{said}"


def _of_tool(turn: Turn) -> Turn:
    return _turn("user", f"{lines('folded')[2]}\n{turn['content']}")


def _merged(turns: Sequence[Turn]) -> list[Turn]:
    """Turns in a row of one role are one turn; an empty one of the assistant, as of a call of a tool, is none."""
    merged: list[Turn] = []
    for turn in turns:
        if turn["role"] == "assistant" and not turn["content"] and not turn.get("tool_calls"):
            continue
        calls = turn.get("tool_calls") or (merged and merged[-1].get("tool_calls"))
        if merged and merged[-1]["role"] == turn["role"] != "tool" and not calls:
            turn = _turn(turn["role"], f"{merged[-1]['content']}\n\n{turn['content']}")
            merged.pop()
        merged.append(turn)
    return merged


def _turn(role: str, content: str) -> Turn:
    return {"role": role, "content": content}
