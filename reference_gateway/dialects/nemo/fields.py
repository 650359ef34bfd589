"""Reads the bodies and queries of the platform's services. Every mistake in one is told at once, as a list of
{"type", "loc", "msg", "input"}."""

import json
import re
from collections.abc import Collection
from typing import Any

from starlette.requests import Request

from reference_gateway.call import Json
from reference_gateway.config import HEADER_NAME
from reference_gateway.dialects.nemo.names import Names
from reference_gateway.errors import MAX_ECHO, ApiError, clipped
from reference_gateway.layers.limits import read_body
from reference_gateway.wire_json import MalformedJson, read_object

_KINDS: dict[type, tuple[str, str]] = {
    str: ("string_type", "Input should be a valid string"),
    bool: ("bool_type", "Input should be a valid boolean"),
    dict: ("dict_type", "Input should be a valid dictionary"),
    list: ("list_type", "Input should be a valid list"),
}


def unprocessable(*mistakes: Json) -> ApiError:
    return ApiError(422, "The request is not valid.", code="invalid_request", detail=list(mistakes))


def mistake(type: str, loc: Collection[str | int], msg: str, input: Any, **more: Any) -> Json:
    return {"type": type, "loc": list(loc), "msg": msg, "input": _shown(input), **more}


class Fields:
    """An object that a client sent. A field is read by the method of its type; `check` tells what was wrong."""

    def __init__(self, values: Json, *loc: str | int) -> None:
        self._values, self._loc = values, loc or ("body",)
        self._mistakes: list[Json] = []

    @classmethod
    async def of(cls, request: Request, max_bytes: int) -> "Fields":
        raw = await read_body(request, max_bytes)
        try:
            return cls(read_object(raw))
        except MalformedJson as error:
            raise unprocessable(_malformed(raw, str(error))) from None

    def given(self, *names: str) -> Json:
        """Those of the fields that were sent."""
        return {name: self._values[name] for name in names if name in self._values}

    def wrong(self, type: str, name: str, msg: str, **more: Any) -> None:
        self._mistakes.append(mistake(type, (*self._loc, name), msg, self._values.get(name), **more))

    def text(self, name: str, default: str | None = None) -> str | None:
        found = self._typed(name, str)
        return default if found is None else str(found)

    def flag(self, name: str) -> bool | None:
        found = self._typed(name, bool)
        return None if found is None else bool(found)

    def object(self, name: str) -> Json | None:
        found: Json | None = self._typed(name, dict)
        return found

    def word(self, name: str, words: Collection[str]) -> str | None:
        found = self.text(name)
        if found is not None and found not in words:
            expected = _one_of(words)
            self.wrong("enum", name, f"Input should be {expected}", ctx={"expected": expected})
        return found

    def texts(self, name: str) -> list[str] | None:
        return self._items(name, str)

    def headers(self, name: str) -> dict[str, str] | None:
        """An object whose names and values can be sent as headers."""
        found = self.object(name)
        for key, value in (found or {}).items():
            if re.fullmatch(HEADER_NAME, key) is None or not isinstance(value, str) or not _can_be_sent(value):
                self.wrong("value_error", name, f"Value error, {key!r} and its value can't be sent as a header")
        return found

    def tables(self, name: str) -> "list[Fields] | None":
        found = self._items(name, dict)
        return found and [Fields(each, *self._loc, name, number) for number, each in enumerate(found)]

    def required(self, name: str) -> str:
        if self._values.get(name) is None:
            self._mistakes.append(mistake("missing", (*self._loc, name), "Field required", self._values))
        return self.text(name) or ""

    def name(self, name: str, names: Names) -> str:
        """A required name of an entity or a provider."""
        found = self.required(name)
        if isinstance(self._values.get(name), str) and not names.is_name(found):
            msg = f"String should match pattern '{names.pattern}'"
            self.wrong("string_pattern_mismatch", name, msg, ctx={"pattern": names.pattern})
        return found

    def check(self, *others: "Fields") -> None:
        mistakes = [each for fields in (self, *others) for each in fields._mistakes]
        if mistakes:
            raise unprocessable(*mistakes)

    def _items(self, name: str, kind: type) -> list[Any] | None:
        found: list[Any] | None = self._typed(name, list)
        for number, each in enumerate(found or []):
            if not isinstance(each, kind):
                type_, msg = _KINDS[kind]
                self._mistakes.append(mistake(type_, (*self._loc, name, number), msg, each))
        return found and [each for each in found if isinstance(each, kind)]

    def _typed(self, name: str, kind: type) -> Any:
        found = self._values.get(name)
        if found is not None and not isinstance(found, kind):
            self.wrong(_KINDS[kind][0], name, _KINDS[kind][1])
            return None
        return found


def _one_of(words: Collection[str]) -> str:
    quoted = [f"'{word}'" for word in words]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _malformed(raw: bytes, why: str) -> Json:
    try:
        value = json.loads(raw)
    except json.JSONDecodeError as error:
        return mistake("json_invalid", ("body", error.pos), "JSON decode error", {}, ctx={"error": error.msg})
    except (ValueError, RecursionError):
        return mistake("json_invalid", ("body", 0), "JSON decode error", {}, ctx={"error": why})
    if isinstance(value, dict):
        return mistake("json_invalid", ("body", 0), "JSON decode error", {}, ctx={"error": why})
    msg = "Input should be a valid dictionary or object to extract fields from"
    return mistake("model_attributes_type", ("body",), msg, None)


def _shown(input: Any) -> Any:
    """What may be repeated of what was sent: nothing long, and no secret's value."""
    if isinstance(input, dict):
        input = {name: value for name, value in input.items() if name != "value"}
    text = input if isinstance(input, str) else json.dumps(input)
    return input if len(text) <= MAX_ECHO else clipped(text)


def _can_be_sent(text: str) -> bool:
    return text.isascii() and text.isprintable()
