"""
The calls of tools in a history, in the shape that a model's template takes: what is history never refuses a question.

    assistant calls a, b │ tool a │ tool b   ->   calls a │ tool a │ calls b │ tool b     one call in a turn
                                             ->   assistant "(called a …)" │ user "A tool answered: …"     none at all
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from prompts.load import lines

Turn = dict[str, Any]
CallTurns = Literal["many", "single", "none"]  # how many calls a template takes in one turn


def linked(messages: Sequence[Mapping[str, Any]]) -> list[Turn]:
    """
    The turns with ids that any template takes, nine letters, and each answer of a tool with the call that it answers.

    An answer that names none is that of the next call still open; arguments that are text are read as the JSON that
    they should be.
    """
    turns, waiting = list[Turn](), dict[str, str]()
    for message in messages:
        turn = {**message, "content": message.get("content", "")}
        if turn["role"] == "assistant" and turn.get("tool_calls"):
            turn["tool_calls"] = [_call(call, len(turns), at) for at, call in enumerate(turn["tool_calls"])]
            waiting = {call["id"]: call["function"]["name"] for call in turn["tool_calls"]}
        elif turn["role"] == "tool":
            given = _short(str(turn.get("tool_call_id") or ""))
            mine = given if given in waiting or not waiting else next(iter(waiting))
            name = waiting.pop(mine, None)
            turn |= {"tool_call_id": mine, "name": name or turn.get("name") or "tool"}
        else:
            waiting = {}
        turns.append(turn)
    return turns


def called_as(turns: Sequence[Turn], takes: CallTurns) -> list[Turn]:
    """The turns with no more calls in each than the template takes."""
    if takes == "many":
        return list(turns)
    if takes == "none":
        return [_as_text(turn) if turn.get("tool_calls") else turn for turn in turns]
    single = list[Turn]()
    at = 0
    while at < len(turns):
        turn, calls = turns[at], turns[at].get("tool_calls") or ()
        at += 1
        if len(calls) < 2:
            single.append(turn)
            continue
        end = next((n for n in range(at, len(turns)) if turns[n]["role"] != "tool"), len(turns))
        answers = {one["tool_call_id"]: one for one in turns[at:end]}
        for place, call in enumerate(calls):
            single.append({**turn, "content": turn["content"] if place == 0 else "", "tool_calls": [call]})
            if call["id"] in answers:
                single.append(answers.pop(call["id"]))
        single += answers.values()
        at = end
    return single


def is_answered(turns: Sequence[Turn], at: int) -> bool:
    """Whether the turn of a tool at this place stands behind a call."""
    while at > 0 and turns[at]["role"] == "tool":
        at -= 1
    return bool(turns[at].get("tool_calls"))


def _call(call: Mapping[str, Any], turn: int, place: int) -> dict[str, Any]:
    given = call.get("function", call)
    arguments = given["arguments"]
    try:
        arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        pass
    arguments = arguments if isinstance(arguments, dict) else {"input": arguments}
    id = _short(str(call.get("id") or f"{turn}:{place}"))
    return {"id": id, "type": "function", "function": {"name": given["name"], "arguments": arguments}}


def _short(id: str) -> str:
    """Nine letters: the only ids that Mistral's templates take."""
    return hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()[:9]


def _as_text(turn: Turn) -> Turn:
    calls = [
        lines("folded")[4].format(
            name=call["function"]["name"],
            arguments=json.dumps(call["function"]["arguments"], ensure_ascii=False),
        )
        for call in turn["tool_calls"]
    ]
    plain = {key: value for key, value in turn.items() if key != "tool_calls"}
    return {**plain, "content": "\n".join(filter(None, [turn["content"], *calls]))}
