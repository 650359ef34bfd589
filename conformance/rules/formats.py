"""What a text that is to be JSON holds, and whether it is valid for the schema that was asked for."""

import html
import json
import re
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from conformance.rules import Json
from conformance.shape import show


def parsed(text: str) -> Any:
    """The JSON value (RFC 8259: no NaN) that this text is. Raises ValueError."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def misfit(value: Any, schema: Json) -> str:
    """What the schema does not allow in this value, "" where it is valid."""
    try:
        error = best_match(Draft202012Validator(schema).iter_errors(value))
    except RecursionError:
        return "it is nested too deeply"
    if error is None:
        return ""
    place = error.json_path.removeprefix("$").removeprefix(".") or "the value"
    return f"{place} is {show(error.instance)}, which breaks {error.validator} {show(error.validator_value)}"


def json_misfit(text: str, schema: Json) -> str:
    """What the schema does not allow in the JSON value that this text is, or that it is none; "" where it is valid."""
    try:
        return misfit(parsed(text), schema)
    except ValueError:
        return "it is no JSON"


def is_garbled(text: str, original: str) -> bool:
    """Whether this is that text, its odd characters escaped, folded or lost: it begins and ends with the same word of
    plain letters, and is about as long."""
    said, meant = html.unescape(text), re.findall("[A-Za-z]{3,}", original)
    words = re.findall("[A-Za-z]{3,}", said)
    is_as_long = len(original) / 2 <= len(said) <= 2 * len(original)
    return text != original and words[:1] == meant[:1] and words[-1:] == meant[-1:] and is_as_long


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
