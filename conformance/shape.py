"""Reads into JSON that may have any shape: what a rule needs is found, or the rule learns that it can't begin."""

import json
from collections.abc import Iterator
from typing import Any, TypeGuard

from conformance.exchange import Unusable, clip

_REQUIRED = object()


def dig(value: Any, *path: str | int, default: Any = _REQUIRED) -> Any:
    """The member at `path`. Where it is missing: `default`, or Unusable if none is given or a parent is not there
    either.

    >>> dig({"choices": [{"index": 0}]}, "choices", 0, "index")
    0
    """
    for depth, step in enumerate(path):
        found = _REQUIRED
        if isinstance(step, str) and isinstance(value, dict):
            found = value.get(step, _REQUIRED)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            found = value[step]
        if found is _REQUIRED:
            if default is not _REQUIRED and depth == len(path) - 1 and isinstance(value, dict | list):
                return default
            raise Unusable(f"the answer has no {written(path[: depth + 1])}")
        value = found
    return value


def objects(value: Any, key: str) -> list[dict[str, Any]]:
    """The objects in the array `value[key]`. Raises Unusable if it is no array of objects."""
    found = dig(value, key)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Unusable(f"{key} is no array of objects: {show(found)}")
    return found


def choices(document: Any) -> list[dict[str, Any]]:
    return objects(document, "choices")


def messages(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where it stands, message) of every choice of a plain chat answer. Raises Unusable if one has no message."""
    for number, choice in enumerate(choices(document)):
        message = dig(choice, "message")
        if not isinstance(message, dict):
            raise Unusable(f"choices[{number}].message is no object: {show(message)}")
        yield f"choices[{number}].message", message


def is_int(value: Any) -> TypeGuard[int]:
    """An integer as JSON means it: true and false are none, nor is 1.0 written with a point."""
    return isinstance(value, int) and not isinstance(value, bool)


def written(path: tuple[str | int, ...]) -> str:
    """A path as one writes it: choices[0].message."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def show(value: Any, limit: int = 80) -> str:
    """A JSON value for a sentence, clipped."""
    try:
        return clip(json.dumps(value, ensure_ascii=False), limit)
    except RecursionError:
        return "something nested very deeply"
