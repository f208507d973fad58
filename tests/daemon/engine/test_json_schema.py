"""Schemas become grammars, or are refused with a reason."""

import re

import pytest
from hypothesis import assume, example, given, strategies
from llama_cpp.llama_grammar import json_schema_to_gbnf

from daemon.engine.errors import SchemaRefused
from daemon.engine.json_schema import grammar_of, integer_rule

RECURSIVE = {
    "$ref": "#/$defs/n",
    "$defs": {"n": {"properties": {"next": {"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]}}}},
}


def grammar(schema):
    return grammar_of(schema, json_schema_to_gbnf)


def as_pattern(rule):
    """A rule of digits as a regular expression: the same but for quotes and spaces."""
    return re.compile(
        "|".join(f"(?:{part.replace(chr(34), '').replace(' ', '')})" for part in rule.split(" | "))
    )


LIMITS = strategies.none() | strategies.integers(-1100, 1100)


@example(0, 0)
@example(-5, 5)
@example(99, 1000)
@example(None, 0)
@given(LIMITS, LIMITS)
def test_the_rule_for_a_range_takes_each_number_in_it_and_no_other(low, high):
    assume(low != high or low is not None)
    assume(low is None or high is None or low <= high)
    pattern = as_pattern(integer_rule(low, high))
    expected = [n for n in range(-1200, 1201) if (low is None or n >= low) and (high is None or n <= high)]

    assert expected == [n for n in range(-1200, 1201) if pattern.fullmatch(str(n))]
    assert not any(pattern.fullmatch(text) for text in ("", "-", "-0", "00", "01", "-07", "1.5", "+1"))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {}, "additionalProperties": False},
        {"type": "object", "properties": {"a": {}, "b": True, "c": {"title": "C"}}, "required": ["a"]},
        {"type": "array", "items": {}},
        {"type": "array"},
        {"type": "object", "properties": {"a": {"type": ["integer", "null"], "minimum": 3}}},
        RECURSIVE,
        {"anyOf": [{"const": 1}, {"const": {"a": ['"']}}]},
        {"type": "string", "format": "date"},
        {"type": "string", "minLength": 3},
        {"type": "number", "minimum": 0},
        {"allOf": [{"properties": {"a": {"type": "integer", "maximum": 5}}}]},
        {"prefixItems": [{"type": "integer", "minimum": 1}, {"type": "boolean"}]},
        {"type": "array", "items": {"type": "string"}, "maxItems": 200},
        {"type": "string", "maxLength": 100_000},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 5000},
    ],
    ids=str,
)  # fmt: skip
def test_common_schemas_become_grammars(schema):
    assert "root ::= " in grammar(schema)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ([], "JSON object"),
        ({"type": "strin"}, "unknown type"),
        ({"type": "object", "properties": []}, "properties of the schema"),
        ({"type": "object", "properties": {"a": 3}}, "properties.a must be"),
        ({"enum": []}, "enum of the schema"),
        ({"enum": "ab"}, "enum of the schema"),
        ({"anyOf": []}, "anyOf"),
        ({"type": "integer", "minimum": "3"}, "minimum"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "no integer fits"),
        ({"type": "integer", "maximum": 10**16}, "10\\^15"),
        ({"type": "string", "pattern": "abc"}, "Pattern must start"),
        ({"type": "string", "minLength": 9, "maxLength": 2}, "minLength and maxLength"),
        ({"type": "array", "items": {}, "minItems": 3, "maxItems": 2}, "minItems and maxItems"),
        ({"type": "array", "items": {}, "maxItems": -1}, "minItems and maxItems"),
        ({"type": "string", "pattern": "^a{1,100000}$"}, "too large|too deeply|can't be followed"),
        ({"$ref": "https://example.org/schema.json"}, "can't be followed"),
        ({"$ref": "#/$defs/none"}, "can't be followed"),
        (
            {"type": "object", "properties": {"a": {"type": "object", "properties": False}}},
            "properties of properties.a",
        ),
    ],
    ids=str,
)
def test_schemas_that_can_not_be_followed_are_refused(schema, reason):
    with pytest.raises(SchemaRefused, match=reason):
        grammar(schema)


def test_a_schema_nested_without_end_is_refused():
    schema = {"type": "integer"}
    for _ in range(100):
        schema = {"type": "array", "items": schema}
    with pytest.raises(SchemaRefused, match="levels deep"):
        grammar(schema)


def test_strings_keep_to_a_line_and_exponents_to_what_a_program_can_hold():
    rules = dict(line.split(" ::= ") for line in grammar({"type": "object"}).splitlines() if line)

    assert r"\x00-\x1F" in rules["char"]
    assert rules["number"].rstrip(" space").endswith("([eE] [-+]? [0-9] [0-9]?)?")
