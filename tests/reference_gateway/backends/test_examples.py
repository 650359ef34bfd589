"""Examples for JSON Schemas: every keyword that the generator claims, and a clean refusal of the rest."""

import re
from random import Random
from typing import Any

import jsonschema
import pytest

from reference_gateway.backends.simulator.examples import NoExample, example
from reference_gateway.backends.simulator.examples.pattern import UnsupportedPattern, matching

_TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["name", "children"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/node",
}

SCHEMAS: dict[str, Any] = {
    "empty": {},
    "true": True,
    "string": {"type": "string"},
    "list of types": {"type": ["integer", "null"]},
    "closed object": {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "green"]}, "age": {"type": "integer"}},
        "required": ["colour", "age"],
        "additionalProperties": False,
    },
    "nullable members": {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"]}, "b": {"anyOf": [{"type": "null"}, {"type": "number"}]}},
        "required": ["a", "b"],
    },
    "required without properties": {"type": "object", "required": ["x", "y"]},
    "typed additional properties": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 3},
    "property bounds": {"type": "object", "minProperties": 2, "maxProperties": 2},
    "property names": {"type": "object", "propertyNames": {"pattern": "^[a-z]{3}$"}, "minProperties": 2},
    "pattern properties": {
        "type": "object",
        "patternProperties": {"^x_[a-z]+$": {"type": "boolean"}},
        "additionalProperties": False,
        "minProperties": 2,
    },
    "dependent required": {
        "type": "object",
        "properties": {"card": {"type": "string"}, "address": {"type": "string"}},
        "dependentRequired": {"card": ["address"]},
        "required": ["card"],
    },
    "mixed enum": {"enum": ["é", 1, None, True, [1], {"a": 1}]},
    "typed enum": {"type": "string", "enum": [1, "one"]},
    "const": {"const": {"deep": ["値", 1.5]}},
    "anyOf": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "integer", "minimum": 5}]},
    "oneOf": {"oneOf": [{"type": "integer", "multipleOf": 5}, {"type": "integer", "multipleOf": 3}]},
    "oneOf with const tags": {
        "oneOf": [
            {
                "type": "object",
                "properties": {"kind": {"const": "a"}, "a": {"type": "string"}},
                "required": ["kind", "a"],
            },
            {
                "type": "object",
                "properties": {"kind": {"const": "b"}, "b": {"type": "number"}},
                "required": ["kind", "b"],
            },
        ]
    },
    "allOf": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}, "required": ["a"]},
            {"type": "object", "properties": {"a": {"maximum": 4}, "b": {"type": "string"}}, "required": ["b"]},
        ]
    },
    "allOf narrowing types": {"allOf": [{"type": ["number", "string"]}, {"type": ["integer", "boolean"]}]},
    "not": {"type": "integer", "minimum": 0, "maximum": 3, "not": {"enum": [0, 1]}},
    "if then else": {
        "type": "object",
        "properties": {"kind": {"enum": ["x", "y"]}, "n": {"type": "integer"}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "x"}}},
        "then": {"required": ["n"]},
    },
    "local references": {
        "type": "object",
        "properties": {"home": {"$ref": "#/$defs/place"}, "work": {"$ref": "#/$defs/place"}},
        "required": ["home", "work"],
        "$defs": {"place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    },
    "reference with siblings": {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n", "minimum": 7, "maximum": 7},
    "anchor": {"$defs": {"n": {"$anchor": "num", "type": "number"}}, "items": {"$ref": "#num"}, "type": "array"},
    "escaped pointer": {"$defs": {"a/b": {"type": "null"}}, "$ref": "#/$defs/a~1b"},
    "recursive tree": _TREE,
    "recursion through anyOf": {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["value", "next"],
        "additionalProperties": False,
    },
    "array bounds": {"type": "array", "items": {"type": "integer"}, "minItems": 5, "maxItems": 6},
    "unique items": {"type": "array", "items": {"enum": [1, 2, 3, 4]}, "minItems": 4, "uniqueItems": True},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2},
    "open tuple": {"prefixItems": [{"const": "head"}], "items": {"type": "boolean"}, "minItems": 3},
    "contains": {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 90, "maximum": 95}},
    "empty array": {"type": "array", "maxItems": 0},
    "string bounds": {"type": "string", "minLength": 120, "maxLength": 121},
    "empty string": {"type": "string", "maxLength": 0},
    "pattern": {"type": "string", "pattern": r"^[A-Z]{2}-\d{3,5}(?:-x)?$"},
    "pattern and length": {"type": "string", "pattern": "^[a-f0-9]+$", "minLength": 32, "maxLength": 32},
    "formats": {
        "type": "object",
        "properties": {
            name: {"type": "string", "format": name}
            for name in (
                "date",
                "time",
                "date-time",
                "duration",
                "email",
                "hostname",
                "ipv4",
                "ipv6",
                "uri",
                "uuid",
                "regex",
            )
        },
    },
    "unknown format": {"type": "string", "format": "colour"},
    "integer bounds": {"type": "integer", "exclusiveMinimum": 10, "exclusiveMaximum": 12},
    "large integers": {"type": "integer", "minimum": 9007199254740993, "maximum": 9007199254740993},
    "number bounds": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "multiple": {"type": "integer", "multipleOf": 7, "minimum": 50},
    "fractional multiple": {"type": "number", "multipleOf": 0.25, "minimum": -1, "maximum": 1},
    "decimal multiple": {"type": "number", "multipleOf": 0.1, "minimum": 0, "maximum": 5},
    "only a maximum": {"type": "number", "maximum": -1000},
    "type told by its keywords": {"properties": {"a": {"minimum": 3}}, "required": ["a"]},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_example_is_valid(name: str) -> None:
    schema = SCHEMAS[name]
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    for seed in range(12):
        validator.validate(example(schema, Random(seed)))


def test_an_example_depends_on_nothing_but_the_schema_and_the_random_source() -> None:
    assert [example(_TREE, Random(5)) for _ in range(3)] == [example(_TREE, Random(5))] * 3


def test_examples_vary_with_the_random_source() -> None:
    assert len({example({"type": "integer"}, Random(seed)) for seed in range(20)}) > 5


def test_the_examples_of_a_closed_object_hold_optional_properties_too() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"]}
    assert set(example(schema, Random(0))) == {"a", "b"}


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "banana"},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "object", "required": ["a"], "properties": {"a": False}},
        {"$ref": "https://example.com/elsewhere.json"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#"},
        {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]},
        {"type": "string", "pattern": "(?=x)y"},
        {"type": "string", "pattern": "(((a{999}){999}){999}){999}"},
        {"type": "string", "minLength": 10**9},
        {"type": "array", "minItems": 10**9},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"not": {}},
        {"type": "number", "multipleOf": 0},
        {"type": "string", "pattern": "["},
    ],
)
def test_a_schema_that_no_value_was_found_for_is_refused(schema: Any) -> None:
    with pytest.raises(NoExample):
        example(schema, Random(1))


def test_a_schema_nested_beyond_all_measure_is_refused() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(3000):
        schema = {"type": "array", "items": schema, "minItems": 1}
    with pytest.raises(NoExample):
        example(schema, Random(1))


@pytest.mark.parametrize(
    "pattern",
    [
        "", "^$", "a.c", r"^\S+@\S+\.\w{2,3}$", "^(foo|bar|)+$", "^[^a-z]{2,}$", r"^(?:\+\d{1,2} )?\d{3}$",
        "[]x]", r"[\w-]+",
        r"^\u00e9\x41$", r"^(?P<y>\d{4})-(?P<m>0[1-9]|1[0-2])$", "^[a-z0-9_]{1,64}?$", r"^\$\d+\.\d{2}$", r"^[\]\-a]+$",
    ],
)  # fmt: skip
def test_a_plain_pattern_matches_its_example(pattern: str) -> None:
    for seed in range(20):
        assert re.search(pattern, matching(pattern, Random(seed)))


@pytest.mark.parametrize(
    "pattern", ["(?=a)", "(?!a)", r"(a)\1", "[a", "(a", "a)", "*", r"\p{L}", "a{,3}", "[z-a]", "a\\"]
)
def test_a_pattern_that_is_not_plain_is_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedPattern):
        matching(pattern, Random(1))
