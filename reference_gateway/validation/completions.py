"""POST /completions."""

from collections.abc import Mapping
from typing import Any

from reference_gateway.call import Json
from reference_gateway.validation.checks import (
    INT64,
    Check,
    Integer,
    Text,
    check_fields,
    invalid,
    is_flag,
    require,
    wrong_type,
)
from reference_gateway.validation.sampling import SAMPLING, check_stream_options

FIELDS: Mapping[str, Check] = {
    **SAMPLING,
    "best_of": Integer(1, 20),
    "echo": is_flag,
    "logprobs": Integer(0, 5),
    "suffix": Text(),
}
TOKEN = Integer(0, INT64 - 1)


def check_completion(body: Json) -> None:
    check_texts(require(body, "prompt"), "prompt")
    check_fields(body, FIELDS)
    check_stream_options(body)
    best_of, n = body.get("best_of"), body.get("n") or 1
    if best_of is not None and best_of < n:
        raise invalid("best_of", "it must not be less than 'n'.")
    if best_of is not None and best_of > n and body.get("stream"):
        raise invalid("best_of", "its results can't be streamed.")


def check_texts(value: Any, param: str, most: int | None = None) -> None:
    """A string, an array of strings, an array of tokens, or an array of those; arrays are not empty."""
    if isinstance(value, str):
        return
    if not isinstance(value, list):
        raise wrong_type(param, "a string or an array", value)
    _check_size(value, param, most)
    kind = type(value[0])
    for index, item in enumerate(value):
        if type(item) is not kind or kind not in (str, int, list):
            raise wrong_type(f"{param}[{index}]", "strings, tokens, or arrays of tokens, all of one kind", item)
        if kind is list:
            _check_size(item, f"{param}[{index}]", most)
            _check_tokens(item, f"{param}[{index}]")
    if kind is int:
        _check_tokens(value, param)


def _check_tokens(tokens: list[Any], param: str) -> None:
    for index, token in enumerate(tokens):
        if type(token) is not int or not 0 <= token < INT64:  # a batch may hold a million of them
            TOKEN(token, f"{param}[{index}]")


def _check_size(value: list[Any], param: str, most: int | None) -> None:
    if not value:
        raise invalid(param, "it must not be empty.", "empty_array")
    if most is not None and len(value) > most:
        raise invalid(param, f"at most {most} items are allowed.", "array_above_max_length")
