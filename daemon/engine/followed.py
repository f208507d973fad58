"""
What a reply has to follow: a schema, a grammar, or a call of a tool; and what reads calls out of it.

Thoughts and grammars don't go together: a reply that follows one from its first token is given at once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from daemon.engine.json_schema import MOST_RULE_TEXT, checked_grammar, grammar_of
from daemon.engine.llama import json_schema_to_gbnf
from daemon.engine.records import Tools
from daemon.engine.template_traits import Traits
from daemon.engine.tool_calls import HERMES, CallReader
from daemon.engine.tool_grammar import grammar_behind_opening, grammar_of_calls
from prompts.load import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """The grammars of one reply."""

    grammar: str | None = None  # of all of it
    looser: str | None = None  # in its place, should llama.cpp find it too large
    reader: CallReader | None = None  # of the calls in it
    call_grammar: str | None = None  # of what stands behind the opening of a call


def followed_by(
    traits: Traits, tools: Tools | None, *, schema: Mapping[str, Any] | None, grammar: str | None
) -> Followed:
    """
    Of one request: calls that may or must be, a schema of the text, or a grammar as it is.

    Raises `SchemaRefused` and `GrammarRefused` for what a client wants of its text; for tools never.
    """
    text = grammar
    if text is not None:
        checked_grammar(text)
    elif schema is not None:
        text = grammar_of(schema, json_schema_to_gbnf)
    if tools is None or not (traits.knows_tools or tools.must):
        return Followed(grammar=text)
    form = traits.calls or HERMES
    reader = CallReader(form, tools.offered)
    if tools.must or (schema is not None and grammar is None):
        wanted = None if tools.must else schema
        every = replace(tools, offered=tuple(map(_without_schema, tools.offered)))
        looser = grammar_of_calls(every, form, json_schema_to_gbnf, schema=wanted)
        full = grammar_of_calls(tools, form, json_schema_to_gbnf, schema=wanted)
        return Followed(grammar=full if len(full) < MOST_RULE_TEXT else looser, looser=looser, reader=reader)
    if text is not None:
        return Followed(grammar=text)
    behind = grammar_behind_opening(tools, form, json_schema_to_gbnf)
    return Followed(reader=reader, call_grammar=behind if len(behind) < MOST_RULE_TEXT else None)


def told_of(messages: list[dict[str, Any]], tools: Tools) -> list[dict[str, Any]]:
    """The messages, with the tools in words: for a template that has no place for them, and a call that has to be."""
    listed = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools.offered)
    text = f"{load('tools')}\n{listed}"
    first = messages[0]
    if first["role"] == "system":
        return [{**first, "content": f"{first['content']}\n\n{text}"}, *messages[1:]]
    return [{"role": "system", "content": text}, *messages]


def _without_schema(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {"function": {"name": tool["function"]["name"], "parameters": {"type": "object"}}}
