"""Flattens a JSON Schema: references resolved, branches chosen, all that holds at once merged into one plain schema.

What the chosen branches forbid elsewhere (`not`, the other arms of `oneOf`) is left to the final validation.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

Schema = Any
"""A JSON Schema: an object or a boolean."""
Plain = dict[str, Any]
"""An object schema without references and combinators at its top."""

_DEEP = 4
"""From this depth on the simplest branch is taken, so that recursive schemas come to an end."""


class Impossible(ValueError):
    """No example was found on this way; another way may lead to one."""


class Flattener:
    """Makes plain schemas out of the parts of one root schema, with `rng` choosing among the branches."""

    def __init__(self, root: Schema, rng: Random) -> None:
        self._rng = rng
        resource = DRAFT202012.create_resource(root)
        self._resolver = Registry().resolver_with_root(resource)

    def flatten(self, schema: Schema, depth: int, seen: frozenset[str] = frozenset()) -> Plain:
        """`schema` as one plain schema. Raises Impossible where it contradicts itself."""
        if schema is False:
            raise Impossible("nothing is allowed here")
        if schema is True:
            return {}
        plain = {name: value for name, value in schema.items() if name not in _COMBINATORS}
        for reference in (schema[name] for name in ("$ref", "$dynamicRef") if name in schema):
            if reference in seen:
                raise Impossible(f"{reference} refers to itself")
            try:
                target = self._resolver.lookup(reference).contents
            except Unresolvable:
                raise Impossible(f"{reference} can't be resolved") from None
            plain = merge(plain, self.flatten(target, depth, seen | {reference}))
        for part in schema.get("allOf", ()):
            plain = merge(plain, self.flatten(part, depth, seen))
        for name in ("anyOf", "oneOf"):
            if name in schema:
                plain = self._with_a_branch(plain, schema[name], depth, seen)
        if "if" in schema:
            plain = self._with_a_branch(plain, self._cases(schema), depth, seen)
        return plain

    def _with_a_branch(self, plain: Plain, branches: list[Schema], depth: int, seen: frozenset[str]) -> Plain:
        order = self._rng.sample(branches, len(branches))
        if depth >= _DEEP:
            order.sort(key=_complexity)
        for branch in order:
            try:
                return merge(plain, self.flatten(branch, depth, seen))
            except Impossible:
                continue
        raise Impossible("no branch is possible")

    @staticmethod
    def _cases(schema: Plain) -> list[Schema]:
        return [{"allOf": [schema["if"], schema.get("then", True)]}, schema.get("else", True)]


_COMBINATORS = frozenset(("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "then", "else"))


def merge(one: Plain, other: Plain) -> Plain:
    """The plain schema of what both allow. Raises Impossible where nothing can be both."""
    merged = dict(one)
    for name, value in other.items():
        if name not in merged or merged[name] == value:
            merged[name] = value
        elif name in _MERGERS:
            merged[name] = _MERGERS[name](merged[name], value)
    return merged


def types_of(value: Any) -> list[str]:
    """The `type` keyword as a list."""
    return [value] if isinstance(value, str) else list(value)


def _complexity(schema: Schema) -> int:
    if isinstance(schema, bool) or "const" in schema or "enum" in schema:
        return 0
    if "$ref" in schema or "$dynamicRef" in schema:
        return 3
    return 2 if {"properties", "items", "allOf", "anyOf", "oneOf"} & schema.keys() else 1


def _common_types(one: Any, other: Any) -> list[str]:
    first, second = set(types_of(one)), set(types_of(other))
    common = first & second
    if ("integer" in first and "number" in second) or ("number" in first and "integer" in second):
        common.add("integer")
    if not common:
        raise Impossible("no type is allowed by all parts")
    return sorted(common)


def _common_values(one: list[Any], other: list[Any]) -> list[Any]:
    common = [value for value in one if value in other]
    if not common:
        raise Impossible("no value is allowed by all parts")
    return common


def _same(_one: Any, _other: Any) -> Any:
    raise Impossible("two constants differ")


def _both(one: Schema, other: Schema) -> Schema:
    if one is False or other is False:
        return False
    return {"allOf": [one, other]}


def _both_by_name(one: Plain, other: Plain) -> Plain:
    return one | other | {name: _both(one[name], other[name]) for name in one.keys() & other.keys()}


def _common_multiple(one: Any, other: Any) -> Any:
    a, b = Fraction(str(one)), Fraction(str(other))
    denominator = math.lcm(a.denominator, b.denominator)
    multiple = Fraction(math.lcm(int(a * denominator), int(b * denominator)), denominator)
    return int(multiple) if multiple.denominator == 1 else float(multiple)


_MERGERS: dict[str, Callable[[Any, Any], Any]] = {
    "type": _common_types,
    "enum": _common_values,
    "const": _same,
    "properties": _both_by_name,
    "patternProperties": _both_by_name,
    "required": lambda one, other: list(dict.fromkeys([*one, *other])),
    "items": _both,
    "contains": _both,
    "additionalProperties": _both,
    "propertyNames": _both,
    "multipleOf": _common_multiple,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"), min),
}
"""How two values of one keyword become one; of other keywords the first is kept, and the validation decides."""
