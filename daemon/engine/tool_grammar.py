"""
Calls of tools as a grammar (GBNF): a reply that has to be a call can be nothing else, and its arguments fit the schema.

Schemas come from programs that nobody here can mend: one that can't be followed allows any object.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from daemon.engine.errors import SchemaRefused
from daemon.engine.json_schema import Converter, grammar_of
from daemon.engine.records import Tools
from daemon.engine.tool_calls import CallForm

MOST_CALLS = 8  # at once, of a reply that must be one
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|[A-Za-z][A-Za-z0-9-]*')
_SPACE = "gap ::= [ \\n]{0,2}"
_TEXT = 'xml-text ::= ([^<] | "<" [^/] | "</" [^p])*'


def grammar_of_calls(
    tools: Tools, form: CallForm, convert: Converter, *, schema: Mapping[str, Any] | None = None
) -> str:
    """
    The GBNF of a reply that calls one of the tools, or several where that is allowed.

    Args:
        schema: the reply may be JSON of this shape instead.

    Raises `SchemaRefused` for `schema`.
    """
    rules = [_SPACE, _TEXT]
    one = _any_of(
        [_call(tool["function"], at, form, convert, rules) for at, tool in enumerate(tools.offered)]
    )
    rules.append(f"one-call ::= {one}")
    more = f"{{0,{MOST_CALLS - 1}}}" if tools.parallel else "{0,0}"
    opening, closing = _literal(form.opening), _literal(form.closing)
    if form.listed:
        calls = f'{opening} gap "[" gap one-call (gap "," gap one-call){more} gap "]" gap {closing}'
    else:
        rules.append(f"marked-call ::= {opening} gap one-call gap {closing}")
        calls = "marked-call" if not form.opening else f"marked-call (gap marked-call){more}"
    if schema is not None:
        rules.append(_renamed(grammar_of(schema, convert), "answer-"))
        calls = f"{calls} | answer-root"
    return "\n".join([f"root ::= {calls}".replace("{0,0}", "{0}"), *rules, ""])


def grammar_behind_opening(tools: Tools, form: CallForm, convert: Converter) -> str:
    """The GBNF of what stands behind the opening of a call, up to its end."""
    rules = [_SPACE, _TEXT]
    one = _any_of(
        [_call(tool["function"], at, form, convert, rules) for at, tool in enumerate(tools.offered)]
    )
    rules.append(f"one-call ::= {one}")
    closing = _literal(form.closing)
    if form.listed:
        body = f'gap "[" gap one-call (gap "," gap one-call){{0,{MOST_CALLS - 1}}} gap "]" gap {closing}'
    else:
        body = f"gap one-call gap {closing}"
    return "\n".join([f"root ::= {body}", *rules, ""])


def _call(function: Mapping[str, Any], at: int, form: CallForm, convert: Converter, rules: list[str]) -> str:
    name, schema = str(function["name"]), function.get("parameters") or {"type": "object", "properties": {}}
    if form.style == "xml" and isinstance(schema.get("properties"), Mapping):
        return _xml(name, schema, at, convert, rules)
    rules.append(_renamed(_object(schema, convert), f"tool{at}-"))
    if form.style == "named":
        return f"{_literal(name)} {_literal(form.separator)} gap tool{at}-root"
    keys = [_literal(f'"{key}"') for key in (form.name_key, form.arguments_key)]
    quoted = _literal(f'"{name}"')
    return f'"{{" gap {keys[0]} gap ":" gap {quoted} gap "," gap {keys[1]} gap ":" gap tool{at}-root gap "}}"'


def _xml(name: str, schema: Mapping[str, Any], at: int, convert: Converter, rules: list[str]) -> str:
    shared = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    required, parts = schema.get("required") or [], list[str]()
    for number, (key, kind) in enumerate(schema["properties"].items()):
        value = "xml-text"
        if not (isinstance(kind, Mapping) and kind.get("type") == "string" and "enum" not in kind):
            rules.append(_renamed(_object({**shared, **kind}, convert), f"tool{at}v{number}-"))
            value = f"tool{at}v{number}-root"
        part = f'{_literal(f"<parameter={key}>")} gap {value} gap "</parameter>" gap'
        parts.append(part if key in required else f"({part})?")
    return f'{_literal(f"<function={name}>")} gap {" ".join(parts)} "</function>"'


def _object(schema: Mapping[str, Any], convert: Converter) -> str:
    try:
        return grammar_of(schema, convert)
    except SchemaRefused:
        return grammar_of({"type": "object"}, convert)


def _renamed(grammar: str, prefix: str) -> str:
    """The same grammar, all of whose rules begin with `prefix`."""

    def rename(match: re.Match[str]) -> str:
        return match[0] if match[0][0] in '"[' else prefix + match[0]

    return _TOKEN.sub(rename, grammar)


def _any_of(alternatives: Sequence[str]) -> str:
    return " | ".join(f"({one})" for one in alternatives)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
