"""JSON as it may come in (strictly RFC 8259) and as it goes out (one line, ASCII). Knows nothing of HTTP."""

import json
import re
from collections.abc import Callable
from typing import Any

from reference_gateway.call import Json

MAX_DEPTH = 128
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class MalformedJson(Exception):
    """The bytes are not a JSON object that can be worked with; the message tells the client why."""


def read_object(raw: bytes) -> Json:
    """The JSON object in these bytes. Raises MalformedJson."""
    if not raw.strip():
        raise MalformedJson("The request body is empty; a JSON object is expected.")
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_float, parse_int=_int)
    except UnicodeDecodeError:
        raise MalformedJson("The request body is not valid UTF-8.") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"The request body is not valid JSON: {error.msg} at character {error.pos}.") from None
    except RecursionError:
        raise MalformedJson("The JSON in the request body is nested too deeply.") from None
    if not isinstance(value, dict):
        raise MalformedJson("The request body must be a JSON object.")
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and deeper_than(value, MAX_DEPTH):
        raise MalformedJson("The JSON in the request body is nested too deeply.")
    if _SURROGATE_ESCAPE.search(raw):
        _refuse_lone_surrogates(value)
    return value


_encoder = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _encode() -> Callable[[Any], str]:
    """What the encoder does anew for each value, done once: a third of the time it takes for a chunk."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return _encoder.encode
    escape = json.encoder.encode_basestring_ascii
    pieces = make(None, _encoder.default, escape, None, ":", ",", False, False, False)
    return lambda value: "".join(pieces(value, 0))


_text = _encode()


def one_line(value: Any) -> bytes:
    """The value as JSON without a line break or a non-ASCII byte in it."""
    return _text(value).encode("ascii")


def _refuse_constant(word: str) -> None:
    raise MalformedJson(f"The request body is not valid JSON: {word} is not a JSON value.")


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise MalformedJson("The request body holds a number that is out of range.")
    return value


def _int(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # Python refuses to convert thousands of digits
        raise MalformedJson("The request body holds a number that is out of range.") from None


def deeper_than(value: Any, limit: int) -> bool:
    """Whether more objects and arrays than that are nested in each other."""
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _refuse_lone_surrogates(value: Json) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedJson("The request body holds an unpaired UTF-16 surrogate.") from None
