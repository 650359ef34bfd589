"""Makes one value for a flattened schema, by its type. What it makes is a proposal: `examples` validates it."""

import json
import math
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

from reference_gateway.backends.simulator import vocabulary as words
from reference_gateway.backends.simulator.examples.merge import Flattener, Impossible, Plain, Schema, types_of
from reference_gateway.backends.simulator.examples.pattern import UnsupportedPattern, matching

_DEEPEST = 40
_MOST_VALUES = 2000
_LONGEST_TEXT = 20_000
_SHALLOW = 3
"""Below this depth only what is required is made, so that recursive schemas come to an end."""

_KEYWORDS_OF = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "minProperties"),
    "array": ("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"),
    "string": ("pattern", "format", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
"""The keywords that tell a type where none is named."""

_FORMATS: dict[str, Callable[[Random], str]] = {
    "date": lambda rng: f"{rng.randint(1990, 2029)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
    "time": lambda rng: f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}Z",
    "date-time": lambda rng: f"{_FORMATS['date'](rng)}T{_FORMATS['time'](rng)}",
    "duration": lambda rng: f"P{rng.randint(1, 30)}DT{rng.randint(1, 23)}H",
    "email": lambda rng: f"{rng.choice(('ana', 'li', 'noor', 'zoe'))}{rng.randint(1, 99)}@example.com",
    "idn-email": lambda rng: f"zoë{rng.randint(1, 99)}@example.com",
    "hostname": lambda rng: f"host{rng.randint(1, 99)}.example.com",
    "idn-hostname": lambda rng: f"host{rng.randint(1, 99)}.example.com",
    "ipv4": lambda rng: f"192.0.2.{rng.randint(1, 254)}",
    "ipv6": lambda rng: f"2001:db8::{rng.randint(1, 0xFFFF):x}",
    "uri": lambda rng: f"https://example.com/{rng.randint(1, 999)}",
    "iri": lambda rng: f"https://example.com/é{rng.randint(1, 999)}",
    "uri-reference": lambda rng: f"/items/{rng.randint(1, 999)}",
    "iri-reference": lambda rng: f"/items/{rng.randint(1, 999)}",
    "uri-template": lambda rng: f"/items/{{id}}/{rng.randint(1, 999)}",
    "uuid": lambda rng: (
        f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4{rng.getrandbits(12):03x}"
        f"-a{rng.getrandbits(12):03x}-{rng.getrandbits(48):012x}"
    ),
    "json-pointer": lambda rng: f"/items/{rng.randint(0, 9)}",
    "relative-json-pointer": lambda rng: f"{rng.randint(0, 3)}/items",
    "regex": lambda rng: rng.choice(("^a+$", "[0-9]{3}", "x|y")),
}


class ValueMaker:
    """Makes the values of one example; `whole` asks for optional properties too, as far as they are near the top."""

    def __init__(self, root: Schema, rng: Random, *, whole: bool) -> None:
        self._rng, self._whole = rng, whole
        self._flattener = Flattener(root, rng)
        self.made = 0
        """How many values were begun, a measure of the work."""

    def make(self, schema: Schema, depth: int = 0) -> Any:
        """A value that `schema` is likely to allow. Raises Impossible."""
        self.made += 1
        if depth > _DEEPEST or self.made > _MOST_VALUES:
            raise Impossible("the example grows too large")
        plain = self._flattener.flatten(schema, depth)
        if "const" in plain:
            return plain["const"]
        if "enum" in plain:
            return self._rng.choice(self._of_type(plain["enum"], plain))
        match self._type(plain, depth):
            case "object":
                return self._object(plain, depth)
            case "array":
                return self._array(plain, depth)
            case "string":
                return self._string(plain)
            case "integer":
                return self._number(plain, whole=True)
            case "number":
                return self._number(plain, whole=False)
            case "boolean":
                return self._rng.random() < 0.5
            case _:
                return None

    def _type(self, plain: Plain, depth: int) -> str:
        if "type" in plain:
            types = types_of(plain["type"])
            simple = [name for name in types if name not in ("object", "array")]
            return self._rng.choice(simple if simple and depth > _SHALLOW else types)
        return next((name for name, keywords in _KEYWORDS_OF.items() if any(k in plain for k in keywords)), "string")

    @staticmethod
    def _of_type(values: list[Any], plain: Plain) -> list[Any]:
        if "type" not in plain:
            return values
        wanted = types_of(plain["type"])
        fitting = [value for value in values if not wanted or _is_any_of(value, wanted)]
        if not fitting:
            raise Impossible("no value of the enumeration has the type")
        return fitting

    def _object(self, plain: Plain, depth: int) -> dict[str, Any]:
        properties: Plain = plain.get("properties", {})
        names = list(dict.fromkeys(plain.get("required", ())))
        least, most = plain.get("minProperties", 0), plain.get("maxProperties", math.inf)
        optional = [name for name in properties if name not in names and properties[name] is not False]
        wanted = optional if self._whole and depth < _SHALLOW else []
        names += [name for name in optional if name in wanted or len(names) < least][: _room(most, names)]
        for name in names[:]:
            names += [other for other in plain.get("dependentRequired", {}).get(name, ()) if other not in names]
        if len(names) > most:
            raise Impossible("more properties are required than allowed")
        made = {name: self.make(self._property(plain, name), depth + 1) for name in _in_order(names, properties)}
        least = max(least, 1) if self._whole and not properties and depth < _SHALLOW and most >= 1 else least
        while len(made) < least:
            name = self._new_name(plain, made)
            made[name] = self.make(self._property(plain, name), depth + 1)
        return made

    @staticmethod
    def _property(plain: Plain, name: str) -> Schema:
        if name in plain.get("properties", {}):
            return plain["properties"][name]
        patterned = next(iter(plain.get("patternProperties", {}).values()), None)
        return plain.get("additionalProperties", True) if patterned is None else patterned

    def _new_name(self, plain: Plain, taken: Plain) -> str:
        pattern = next(iter(plain.get("patternProperties", {})), None)
        for attempt in range(50):
            if pattern is not None:
                name = self._matching(pattern, 0, None)
            elif "propertyNames" in plain:
                name = str(self.make({"allOf": [{"type": "string"}, plain["propertyNames"]]}, _SHALLOW))
            else:
                name = self._rng.choice(words.JSON_KEYS) + (f"_{attempt}" if attempt > 5 else "")
            if name not in taken:
                return name
        raise Impossible("no further property name was found")

    def _array(self, plain: Plain, depth: int) -> list[Any]:
        prefix: list[Schema] = plain.get("prefixItems", [])
        items = plain.get("items", True)
        contained = plain.get("minContains", 1) if "contains" in plain else 0
        least = max(plain.get("minItems", 0), len(prefix) if depth <= _SHALLOW else 0, contained)
        most = plain.get("maxItems", math.inf)
        if depth <= _SHALLOW and items is not False:
            least = max(least, self._rng.randint(1, 3))
        if items is False:
            least = min(least, max(len(prefix), plain.get("minItems", 0)))
        made: list[Any] = []
        seen: set[str] = set()
        length = int(min(least, most))
        while len(made) < length:
            index = len(made)
            schema = prefix[index] if index < len(prefix) else items
            if length - index <= contained:
                schema = {"allOf": [schema, plain["contains"]]}
            value = (
                self._new_item(schema, depth + 1, seen) if plain.get("uniqueItems") else self.make(schema, depth + 1)
            )
            if value is _NONE_LEFT:
                break
            made.append(value)
        return made

    def _new_item(self, schema: Schema, depth: int, seen: set[str]) -> Any:
        for _ in range(60):
            value = self.make(schema, depth)
            key = json.dumps(value, sort_keys=True)
            if key not in seen:
                seen.add(key)
                return value
        return _NONE_LEFT

    def _string(self, plain: Plain) -> str:
        least, most = plain.get("minLength", 0), plain.get("maxLength")
        if least > _LONGEST_TEXT:
            raise Impossible("the text would be too long")
        if "pattern" in plain:
            return self._matching(plain["pattern"], int(least), None if most is None else int(most))
        if plain.get("format") in _FORMATS:
            return _FORMATS[plain["format"]](self._rng)
        text = self._rng.choice(words.OBJECTS if self._rng.random() < 0.6 else words.TAILS)
        while len(text) < least:
            text += " " + self._rng.choice(words.OBJECTS)
        return text if most is None else text[: int(most)]

    def _matching(self, pattern: str, least: int, most: int | None) -> str:
        try:
            return matching(pattern, self._rng, min_length=least, max_length=most)
        except UnsupportedPattern as problem:
            raise Impossible(str(problem)) from None

    def _number(self, plain: Plain, *, whole: bool) -> int | float:
        low, high = _bounds(plain)
        step = Fraction(str(plain["multipleOf"])) if "multipleOf" in plain else None
        if whole:
            step = (
                Fraction(1) if step is None else Fraction(math.lcm(step.numerator, step.denominator), step.denominator)
            )
        if step is None:
            return self._between(plain, low, high)
        first, last = math.ceil(low / step), math.floor(high / step)
        first += plain.get("exclusiveMinimum") is not None and first * step <= Fraction(str(plain["exclusiveMinimum"]))
        last -= plain.get("exclusiveMaximum") is not None and last * step >= Fraction(str(plain["exclusiveMaximum"]))
        if first > last:
            raise Impossible("no number lies in the bounds")
        number = step * self._rng.randint(first, last)
        return int(number) if number.denominator == 1 else float(number)

    def _between(self, plain: Plain, low: Fraction, high: Fraction) -> int | float:
        if low > high:
            raise Impossible("no number lies in the bounds")
        exact = low + (high - low) * Fraction(self._rng.randint(1, 999), 1000)
        rounded = round(float(exact), 2)
        return rounded if low < Fraction(str(rounded)) < high else float(exact)


class _NoneLeft:
    pass


_NONE_LEFT = _NoneLeft()


def _bounds(plain: Plain) -> tuple[Fraction, Fraction]:
    lows = [Fraction(str(plain[name])) for name in ("minimum", "exclusiveMinimum") if name in plain]
    highs = [Fraction(str(plain[name])) for name in ("maximum", "exclusiveMaximum") if name in plain]
    span = Fraction(str(plain.get("multipleOf", 1))) * 100
    if lows:
        return max(lows), min(highs, default=max(lows) + span)
    return (min(highs) - span, min(highs)) if highs else (Fraction(0), span)


def _is_any_of(value: Any, types: list[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in types
    if isinstance(value, int | float):
        return "number" in types or ("integer" in types and value == int(value))
    name = {str: "string", list: "array", dict: "object", type(None): "null"}[type(value)]
    return name in types


def _room(most: float, names: list[str]) -> int | None:
    return None if most == math.inf else max(int(most) - len(names), 0)


def _in_order(names: list[str], properties: Plain) -> list[str]:
    return [name for name in properties if name in names] + [name for name in names if name not in properties]
