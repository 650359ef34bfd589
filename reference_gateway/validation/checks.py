"""The small checks that tables of fields are made of. A check takes a value and the name of its field, and raises an
ApiError as the OpenAI API words it. True and false are never numbers, and 5.0 is not an integer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reference_gateway.errors import ApiError, clipped

Check = Callable[[Any, str], None]

INT64 = 2**63


def check_fields(body: Mapping[str, Any], checks: Mapping[str, Check], prefix: str = "") -> None:
    """Checks every field that is there and not null; a null is as good as nothing."""
    for name, check in checks.items():
        value = body.get(name)
        if value is not None:
            check(value, prefix + name)


def require(body: Mapping[str, Any], name: str, prefix: str = "") -> Any:
    """The value of a field that must be there and not be null."""
    if name not in body:
        param = prefix + name
        raise ApiError(400, f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param)
    if body[name] is None:
        raise wrong_type(prefix + name, "a value", None)
    return body[name]


def wrong_type(param: str, expected: str, value: Any) -> ApiError:
    return ApiError(
        400,
        f"Invalid type for '{param}': expected {expected}, but got {_type_word(value)} instead.",
        code="invalid_type",
        param=param,
    )


def invalid(param: str, why: str, code: str = "invalid_value") -> ApiError:
    return ApiError(400, f"Invalid value for '{param}': {why}", code=code, param=param)


def _type_word(value: Any) -> str:
    words: Mapping[type, str] = {
        type(None): "null",
        bool: "a boolean",
        int: "an integer",
        float: "a decimal number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return words[type(value)]


def _check_range(value: float, low: float, high: float, param: str, kind: str) -> None:
    if value < low:
        raise invalid(param, f"the minimum is {low}.", f"{kind}_below_min_value")
    if value > high:
        raise invalid(param, f"the maximum is {high}.", f"{kind}_above_max_value")


@dataclass(frozen=True, slots=True)
class Number:
    low: float
    high: float

    def __call__(self, value: Any, param: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_type(param, "a decimal number", value)
        _check_range(value, self.low, self.high, param, "decimal")


@dataclass(frozen=True, slots=True)
class Integer:
    low: int = -INT64
    high: int = INT64 - 1

    def __call__(self, value: Any, param: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(param, "an integer", value)
        _check_range(value, self.low, self.high, param, "integer")


@dataclass(frozen=True, slots=True)
class Text:
    pattern: str | None = None
    max_length: int | None = None

    def __call__(self, value: Any, param: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(param, "a string", value)
        if self.max_length is not None and len(value) > self.max_length:
            raise invalid(param, f"longer than the maximum of {self.max_length} characters.", "string_above_max_length")
        if self.pattern is not None and re.fullmatch(self.pattern, value) is None:
            raise invalid(param, f"it does not match the pattern '^{self.pattern}$'.")


@dataclass(frozen=True, slots=True)
class OneOf:
    words: tuple[str, ...]

    def __call__(self, value: Any, param: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(param, "a string", value)
        if value not in self.words:
            supported = ", ".join(f"'{word}'" for word in self.words)
            raise invalid(param, f"'{clipped(value, 50)}'. Supported values are: {supported}.")


@dataclass(frozen=True, slots=True)
class ArrayOf:
    item: Check
    least: int = 0
    most: int | None = None

    def __call__(self, value: Any, param: str) -> None:
        if not isinstance(value, list):
            raise wrong_type(param, "an array", value)
        if len(value) < self.least:
            raise invalid(param, f"at least {self.least} items are expected.", "empty_array")
        if self.most is not None and len(value) > self.most:
            raise invalid(param, f"at most {self.most} items are allowed.", "array_above_max_length")
        for index, item in enumerate(value):
            self.item(item, f"{param}[{index}]")


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose keys and values pass these checks."""

    key: Check
    value: Check
    most: int | None = None

    def __call__(self, value: Any, param: str) -> None:
        is_object(value, param)
        if self.most is not None and len(value) > self.most:
            raise invalid(param, f"at most {self.most} properties are allowed.", "object_above_max_properties")
        for key, item in value.items():
            self.key(key, f"{param} key")
            self.value(item, f"{param}.{clipped(key, 64)}")


def is_flag(value: Any, param: str) -> None:
    if not isinstance(value, bool):
        raise wrong_type(param, "a boolean", value)


def is_object(value: Any, param: str) -> None:
    if not isinstance(value, dict):
        raise wrong_type(param, "an object", value)


def is_array(value: Any, param: str) -> None:
    if not isinstance(value, list):
        raise wrong_type(param, "an array", value)


def is_stop(value: Any, param: str) -> None:
    if not isinstance(value, str | list):
        raise wrong_type(param, "a string or an array of strings", value)
    if isinstance(value, list):
        ArrayOf(Text(), most=4)(value, param)


def is_unsupported(value: Any, param: str) -> None:
    raise ApiError(400, f"Unsupported parameter: '{param}'.", code="unsupported_parameter", param=param)


NAME = Text(pattern="[a-zA-Z0-9_-]{1,64}")
"""Of a function, and of a schema."""
METADATA = MapOf(Text(max_length=64), Text(max_length=512), most=16)
