"""
JSON schema to grammar (GBNF), around the converter that comes with llama-cpp-python.

That converter knows no integer ranges, breaks on quotes in constants and crashes llama.cpp with huge
repetitions; so constants, integers and bounded strings are written here, and what can't be enforced is
refused before a token is made. Not enforced, as with other servers: bounds of fractions (but their sign) and
bounds of size beyond a thousand, multipleOf, uniqueItems, not.
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from math import ceil, floor, inf
from typing import Any

from daemon.engine.errors import GrammarRefused, SchemaRefused

TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
MOST_DIGITS = 16  # of an integer without an upper bound
MOST_REPEATS, MOST_DEPTH, MOST_RULE_TEXT, MOST_VALUES = 1000, 40, 500_000, 5000
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "definitions")
_SIZES = ("minItems", "maxItems", "minLength", "maxLength")
_SINGLES = ("items", "additionalProperties")
_STRUCTURE = {"type", "$ref", "const", "enum", "pattern", "format", *_LISTS, *_MAPS, *_SINGLES}
_CHAR = r'[^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt] | "u" [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F])'
_UNSIGNED = '([0-9] | [1-9] [0-9]{0,15}) ("." [0-9]{1,15})?'

Converter = Callable[[str], str]  # JSON text of a schema -> GBNF


def grammar_of(schema: Mapping[str, Any], convert: Converter) -> str:
    """The GBNF whose language is what the schema allows. Raises `SchemaRefused`."""
    if not isinstance(schema, Mapping):
        raise SchemaRefused(reason="a schema must be a JSON object")
    marks = _Marks()
    prepared = _prepared(schema, marks, "the schema", 0)
    try:
        grammar = convert(json.dumps(prepared))
    except RecursionError as error:
        raise SchemaRefused(reason="it is nested too deeply, or refers to itself without end") from error
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise SchemaRefused(reason=f"a part of it can't be followed ({_short(error)})") from error
    grammar = _mended(marks.put_back(grammar))
    if len(grammar) > MOST_RULE_TEXT or _nesting(grammar) > MOST_REPEATS:
        raise SchemaRefused(reason="it is too large to follow; use fewer values or smaller repetitions")
    return grammar


def checked_grammar(grammar: str) -> None:
    """Raises `GrammarRefused` for a GBNF that is too large or too deep to be given to llama.cpp."""
    if len(grammar) > MOST_RULE_TEXT or _nesting(grammar) > MOST_REPEATS:
        raise GrammarRefused(reason="it is too large to follow")


def _mended(grammar: str) -> str:
    """The converter lets strings run over lines, and gives a number an exponent that no program can hold."""
    grammar = grammar.replace("([eE] [-+]? integral-part)?", "([eE] [-+]? [0-9] [0-9]?)?")
    return grammar.replace('char ::= [^"\\\\] |', 'char ::= [^"\\\\\\x7F\\x00-\\x1F] |')


class _Marks:
    """Rules of ours, each standing behind a constant that the converter copies as it is."""

    def __init__(self) -> None:
        self._nonce = secrets.token_hex(8)
        self._rules: list[str] = []

    def put(self, rule: str) -> dict[str, Any]:
        self._rules.append(rule)
        return {"const": f"{self._nonce}-{len(self._rules) - 1}-"}

    def put_back(self, grammar: str) -> str:
        mark = rf'"\\"{self._nonce}-(\d+)-\\""'
        grammar = re.sub(mark, lambda match: f"({self._rules[int(match[1])]})", grammar)
        return f"{grammar}\nbounded-char ::= {_CHAR}\n"


def _prepared(schema: Any, marks: _Marks, where: str, depth: int) -> dict[str, Any]:
    """The schema with each leaf that the converter would get wrong replaced by a mark."""
    if schema is True:
        schema = {}
    if not isinstance(schema, Mapping):
        raise SchemaRefused(reason=f"{where} must be a JSON object, not {json.dumps(schema)[:60]}")
    if depth > MOST_DEPTH:
        raise SchemaRefused(reason=f"it is nested more than {MOST_DEPTH} levels deep")
    _check_shape(schema, where)
    schema = {key: value for key, value in schema.items() if key not in _SIZES or value <= MOST_REPEATS}
    if "$ref" in schema and len(schema) > 1:  # the converter does not look beside a $ref
        return {**_definitions(schema, marks, where, depth), "anyOf": [{"$ref": schema["$ref"]}]}
    kinds = schema.get("type")
    if not _STRUCTURE & schema.keys():
        kinds = list(TYPES)
    if isinstance(kinds, list) and not {"const", "enum", "$ref"} & schema.keys():
        every = [_prepared({**schema, "type": kind}, marks, where, depth + 1) for kind in kinds]
        return {**_definitions(schema, marks, where, depth), "anyOf": every}
    return _leaf(schema, marks, where) or _branches(schema, marks, where, depth)


def _branches(schema: Mapping[str, Any], marks: _Marks, where: str, depth: int) -> dict[str, Any]:
    prepared = dict(schema)
    for key in _MAPS:
        if key in schema:
            parts = schema[key].items()
            prepared[key] = {name: _prepared(part, marks, f"{key}.{name}", depth + 1) for name, part in parts}
    for key in _LISTS:
        if key in schema:
            prepared[key] = [_prepared(part, marks, f"{key} in {where}", depth + 1) for part in schema[key]]
    for key in _SINGLES:
        if isinstance(schema.get(key), Mapping) and schema[key]:
            prepared[key] = _prepared(schema[key], marks, f"{key} of {where}", depth + 1)
        elif key == "items" and schema.get(key) in ({}, True):
            prepared["items"] = _prepared({}, marks, where, depth + 1)
    return prepared


def _definitions(schema: Mapping[str, Any], marks: _Marks, where: str, depth: int) -> dict[str, Any]:
    defined = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    return _branches(defined, marks, where, depth) if defined else {}


def _leaf(schema: Mapping[str, Any], marks: _Marks, where: str) -> dict[str, Any] | None:
    if {"$ref", "anyOf", "oneOf"} & schema.keys():
        return None
    if "const" in schema:
        return marks.put(_literal(schema["const"]))
    if "enum" in schema:
        return marks.put(" | ".join(map(_literal, schema["enum"])))
    if schema.get("type") == "integer":
        low, high = _bounds(schema, where)
        return marks.put(integer_rule(low, high))
    if schema.get("type") == "number" and schema.get("minimum", schema.get("exclusiveMinimum", -1)) >= 0:
        return marks.put(_UNSIGNED)
    if (
        schema.get("type") == "string"
        and {"minLength", "maxLength"} & schema.keys()
        and "pattern" not in schema
    ):
        least, most = schema.get("minLength", 0), schema.get("maxLength", "")
        return marks.put(rf'"\"" bounded-char{{{least},{most}}} "\""')
    return None


def _bounds(schema: Mapping[str, Any], where: str) -> tuple[int | None, int | None]:
    lows = [ceil(schema["minimum"])] if "minimum" in schema else []
    lows += [floor(schema["exclusiveMinimum"]) + 1] if "exclusiveMinimum" in schema else []
    highs = [floor(schema["maximum"])] if "maximum" in schema else []
    highs += [ceil(schema["exclusiveMaximum"]) - 1] if "exclusiveMaximum" in schema else []
    low, high = max(lows, default=None), min(highs, default=None)
    if low is not None and high is not None and low > high:
        raise SchemaRefused(reason=f"no integer fits in {where}: the least is {low}, the most {high}")
    if any(bound is not None and abs(bound) >= 10**15 for bound in (low, high)):
        raise SchemaRefused(reason=f"the bounds in {where} must be below 10^15")
    return low, high


def _check_shape(schema: Mapping[str, Any], where: str) -> None:
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in TYPES:
            raise SchemaRefused(reason=f"{where} has the unknown type {json.dumps(kind)[:60]}")
    wrong = [key for key in _MAPS if not isinstance(schema.get(key, {}), Mapping)]
    wrong += [key for key in (*_LISTS, "enum", "required") if not isinstance(schema.get(key, []), list)]
    wrong += [key for key in (*_LISTS[:3], "enum") if schema.get(key) == []]
    wrong += [key for key in ("pattern", "format", "$ref") if not isinstance(schema.get(key, ""), str)]
    numbers = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    wrong += [key for key in numbers if not _is_number(schema.get(key, 0))]
    counts = {key: schema.get(key, 0) for key in _SIZES}
    wrong += [key for key, value in counts.items() if not _is_number(value) or value != int(value)]
    if wrong:
        raise SchemaRefused(reason=f"{wrong[0]} of {where} is {json.dumps(schema[wrong[0]])[:60]}")
    if len(schema.get("enum", [])) > MOST_VALUES:
        raise SchemaRefused(reason=f"enum of {where} has more than {MOST_VALUES} values")
    for low, high in (("minItems", "maxItems"), ("minLength", "maxLength")):
        if not 0 <= schema.get(low, 0) <= schema.get(high, inf):
            raise SchemaRefused(reason=f"{low} and {high} of {where} must be in order, from 0 up")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18


def _literal(value: Any) -> str:
    """A GBNF literal of the JSON text of `value`."""
    text = json.dumps(value, ensure_ascii=False).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.encode("utf-8", "replace").decode() + '"'


def _nesting(grammar: str) -> int:
    depth = deepest = 0
    for character in grammar:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:160]


def integer_rule(low: int | None, high: int | None) -> str:
    """
    GBNF alternatives for every integer from `low` to `high`, both included, without leading zeros; None: no bound.

    integer_rule(7, 42)  ->  [7-9] | "1" [0-9] | [2-3] [0-9] | "4" [0-2]
    """
    parts: list[str] = []
    if low is None or low < 0:
        least = 1 if high is None or high >= 0 else -high
        parts += [f'"-" {part}' for part in _natural(least, None if low is None else -low)]
    if high is None or high >= 0:
        parts += _natural(max(low or 0, 0), high)
    return " | ".join(parts)


def _natural(low: int, high: int | None) -> list[str]:
    """Alternatives for low..high, both 0 or more, one group for each number of digits."""
    parts: list[str] = []
    digits = len(str(low))
    while high is None or low <= high:
        if high is None and low > 0 and str(low) == "1" + "0" * (digits - 1):
            return [*parts, f"[1-9] [0-9]{{{digits - 1},{MOST_DIGITS - 1}}}"]
        last = 10**digits - 1 if high is None else min(high, 10**digits - 1)
        parts += _same_length(str(low), str(last))
        low, digits = last + 1, digits + 1
    return parts


def _same_length(low: str, high: str) -> list[str]:
    """Alternatives for the numbers from `low` to `high`, which have equally many digits."""
    rest = len(low) - 1
    if low == "0" * len(low) and high == "9" * len(high):
        return [_any(len(low))]
    if rest == 0:
        return [_digits(low, high)]
    if low[0] == high[0]:
        return [f'"{low[0]}" {part}' for part in _same_length(low[1:], high[1:])]
    parts = [f'"{low[0]}" {part}' for part in _same_length(low[1:], "9" * rest)]
    first, last = int(low[0]) + 1, int(high[0]) - 1
    if first <= last:
        parts.append(f"{_digits(str(first), str(last))} {_any(rest)}")
    return parts + [f'"{high[0]}" {part}' for part in _same_length("0" * rest, high[1:])]


def _digits(first: str, last: str) -> str:
    return f'"{first}"' if first == last else f"[{first}-{last}]"


def _any(count: int) -> str:
    return "[0-9]" if count == 1 else f"[0-9]{{{count}}}"
