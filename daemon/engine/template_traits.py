"""
What a chat template takes and does: found by letting it write small chats, once, when the model is loaded.

Of its source only the marks of thoughts are read, and whether it knows how much to think; all else is what it writes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from daemon.engine.errors import TemplateRefused
from daemon.engine.fold_turns import TurnRules
from daemon.engine.records import SystemTurns, Thinking
from daemon.engine.tool_calls import CallForm, form_of
from daemon.engine.tool_turns import CallTurns


class Tags(NamedTuple):
    """The texts around a thought."""

    opening: str
    closing: str


TAGS = (
    Tags("<think>", "</think>"),
    Tags("<thinking>", "</thinking>"),
    Tags("<thought>", "</thought>"),
    Tags("<reasoning>", "</reasoning>"),
    Tags("<seed:think>", "</seed:think>"),
    Tags("[THINK]", "[/THINK]"),
    Tags("<|START_THINKING|>", "<|END_THINKING|>"),
)
USER, ASSISTANT, SYSTEM = "user", "assistant", "system"

Write = Callable[..., str]  # (turns, **variables) -> the prompt; raises `TemplateRefused`


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Of one template."""

    rules: TurnRules
    thinking: Thinking
    tags: Tags | None  # None: nothing is known of thoughts
    knows_effort: bool  # it takes `reasoning_effort`
    knows_tools: bool = False  # it tells the model which tools there are
    calls: CallForm | None = None  # how it writes a call of one; None: it does not, or in an unknown form


def traits_of(source: str, write: Write) -> Traits:
    """
    The traits of a template.

    Args:
        source: its text.
        write: lets it write turns up to where the reply begins, with more variables for it by name.
    """
    tags = next((tags for tags in TAGS if any(mark in source for mark in tags)), None)
    return Traits(
        rules=TurnRules(
            system=_system_turns(write),
            alternates=_alternates(write),
            tools=_keeps(write, (USER, ASSISTANT, "tool", USER)),
            calls=_call_turns(write),
        ),
        thinking=_thinking(write, tags),
        tags=tags,
        knows_effort="reasoning_effort" in source,
        knows_tools=_knows_tools(write),
        calls=form_of(lambda turns: _tried(write, turns, add_generation_prompt=False)),
    )


def own_system(write: Write) -> str:
    """The system text that the template writes where a chat has none; "" where it writes none."""
    (system,), (user,) = _texts((SYSTEM,)), _texts((USER,))
    alone = _written(write, [user])
    before, _, behind = _written(write, [system, user]).partition(system[1])
    holds = behind and alone.startswith(before) and alone.endswith(behind)
    return (
        alone[len(before) : len(alone) - len(behind)] if holds and len(alone) > len(before + behind) else ""
    )


def _system_turns(write: Write) -> SystemTurns:
    if _keeps(write, (USER, ASSISTANT, SYSTEM, USER)) and _keeps(
        write, (SYSTEM, USER, ASSISTANT, SYSTEM, USER)
    ):
        return "anywhere"
    texts = _texts((SYSTEM, USER, ASSISTANT, USER))
    written = _written(write, texts)  # a first system turn may be written into the user's last one
    return "first" if all(text in written for _, text in texts) else "nowhere"


def _alternates(write: Write) -> bool:
    loose = ((USER, USER), (USER, ASSISTANT, ASSISTANT, USER), (ASSISTANT, USER))
    return not all(_keeps(write, roles) for roles in loose)


def _call_turns(write: Write) -> CallTurns:
    asked, answered = {"role": USER, "content": "q0"}, {"role": ASSISTANT, "content": "q9"}
    calls = [
        {
            "id": f"q{n}q{n}q{n}q{n}q",
            "type": "function",
            "function": {"name": f"n{n}n", "arguments": {"k": f"v{n}v"}},
        }
        for n in (1, 2)
    ]
    results = [
        {"role": "tool", "content": f"r{n}r", "tool_call_id": call["id"], "name": f"n{n}n"}
        for n, call in enumerate(calls, start=1)
    ]
    one: list[dict[str, Any]] = [
        asked,
        {"role": ASSISTANT, "content": "", "tool_calls": calls[:1]},
        results[0],
        answered,
    ]
    both: list[dict[str, Any]] = [
        asked,
        {"role": ASSISTANT, "content": "", "tool_calls": calls},
        *results,
        answered,
    ]
    if all(part in _tried(write, both) for part in ("n1n", "v1v", "n2n", "v2v", "r1r", "r2r")):
        return "many"
    return "single" if all(part in _tried(write, one) for part in ("n1n", "v1v", "r1r")) else "none"


def _knows_tools(write: Write) -> bool:
    properties = {"q2": {"type": "string", "description": "q3"}}
    function = {
        "name": "q1xtool",
        "description": "q4",
        "parameters": {"type": "object", "properties": properties},
    }
    tools = [{"type": "function", "function": function}]
    return "q1xtool" in _written(write, _texts((USER,)), tools=tools)


def _thinking(write: Write, tags: Tags | None) -> Thinking:
    without, with_thoughts = (
        _written(write, _texts((USER,)), enable_thinking=thinks, thinking=thinks) for thinks in (False, True)
    )
    if tags is None:
        return "never"
    if without != with_thoughts:
        return "optional"
    return "always" if without.rstrip().endswith(tags.opening) else "unasked"


def _keeps(write: Write, roles: tuple[str, ...]) -> bool:
    """Whether turns of these roles are all written, and in their order."""
    texts = _texts(roles)
    written = _written(write, texts)
    places = [written.find(text) for _, text in texts]
    return min(places) >= 0 and places == sorted(places)


def _texts(roles: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each role with a text that no template has of its own."""
    return [(role, f"q{place}x{role}") for place, role in enumerate(roles)]


def _written(write: Write, texts: list[tuple[str, str]], **variables: object) -> str:
    """What the template writes; "" when it refuses."""
    return _tried(write, [{"role": role, "content": text} for role, text in texts], **variables)


def _tried(write: Write, turns: list[dict[str, Any]], **variables: object) -> str:
    try:
        return write(turns, **variables)
    except TemplateRefused:
        return ""
