"""`messages` of a chat request: each message alone, and that tool calls are answered by tool messages."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reference_gateway.call import Json
from reference_gateway.errors import ApiError, clipped
from reference_gateway.validation.checks import (
    ArrayOf,
    Check,
    OneOf,
    Text,
    check_fields,
    invalid,
    is_array,
    is_object,
    require,
    wrong_type,
)

_DATA_URI = re.compile(r"data:image/(png|jpeg|jpg|gif|webp);base64,(.*)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Images:
    """Which images a model takes: any at all, and also those at a URL."""

    allowed: bool
    remote: bool


def check_messages(messages: Any, images: Images) -> None:
    ArrayOf(is_object, least=1)(messages, "messages")
    for index, message in enumerate(messages):
        param = f"messages[{index}]"
        role = require(message, "role", f"{param}.")
        OneOf(tuple(_ROLES))(role, f"{param}.role")
        check_fields(message, {"name": Text(max_length=64)}, f"{param}.")
        _ROLES[role](message, param, images)
    _check_tool_answers(messages)


def _check_instructions(message: Json, param: str, images: Images) -> None:
    _content(require(message, "content", f"{param}."), f"{param}.content", {"text": _check_text})


def _check_user(message: Json, param: str, images: Images) -> None:
    parts = {"text": _check_text, "image_url": _image_check(images)}
    _content(require(message, "content", f"{param}."), f"{param}.content", parts)


def _check_assistant(message: Json, param: str, images: Images) -> None:
    """Everything that an answer may hold may come back, nulls and empty lists included."""
    check_fields(message, ASSISTANT_FIELDS, f"{param}.")
    if message.get("content") is not None:
        _content(message["content"], f"{param}.content", {"text": _check_text, "refusal": _check_refusal})
    elif not any(message.get(field) for field in ("tool_calls", "function_call", "refusal", "audio")):
        raise invalid(f"{param}.content", "it may only be null or missing when there are tool calls or a refusal.")


def _check_tool(message: Json, param: str, images: Images) -> None:
    _content(require(message, "content", f"{param}."), f"{param}.content", {"text": _check_text})
    Text()(require(message, "tool_call_id", f"{param}."), f"{param}.tool_call_id")


def _check_function(message: Json, param: str, images: Images) -> None:
    Text(max_length=64)(require(message, "name", f"{param}."), f"{param}.name")
    if message.get("content") is not None:
        Text()(message["content"], f"{param}.content")


_ROLES: Mapping[str, Callable[[Json, str, Images], None]] = {
    "system": _check_instructions,
    "developer": _check_instructions,
    "user": _check_user,
    "assistant": _check_assistant,
    "tool": _check_tool,
    "function": _check_function,
}


def _content(content: Any, param: str, parts: Mapping[str, Check]) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise wrong_type(param, "a string or an array of content parts", content)

    def check_part(part: Any, place: str) -> None:
        is_object(part, place)
        kind = require(part, "type", f"{place}.")
        OneOf(tuple(parts))(kind, f"{place}.type")
        parts[kind](part, place)

    ArrayOf(check_part, least=1)(content, param)


def _check_text(part: Json, param: str) -> None:
    Text()(require(part, "text", f"{param}."), f"{param}.text")


def _check_refusal(part: Json, param: str) -> None:
    Text()(require(part, "refusal", f"{param}."), f"{param}.refusal")


def _image_check(images: Images) -> Check:
    def check(part: Json, param: str) -> None:
        if not images.allowed:
            raise invalid(f"{param}.type", "image_url is only supported by certain models.")
        image = require(part, "image_url", f"{param}.")
        is_object(image, f"{param}.image_url")
        url = require(image, "url", f"{param}.image_url.")
        Text()(url, f"{param}.image_url.url")
        check_fields(image, {"detail": OneOf(("auto", "low", "high"))}, f"{param}.image_url.")
        if not (images.remote and url.startswith(("https://", "http://"))):
            _check_data_uri(url, f"{param}.image_url.url")

    return check


def _check_data_uri(url: str, param: str) -> None:
    match = _DATA_URI.fullmatch(url)
    if match is None:
        raise invalid(param, "expected a data URI of a PNG, JPEG, GIF or WebP image.", "invalid_image_url")
    try:
        image = base64.b64decode(match[2], validate=True)
    except (binascii.Error, ValueError):
        raise invalid(param, "the image is not valid base64.", "invalid_base64") from None
    if not image:
        raise invalid(param, "the image is empty.", "invalid_image_format")


def _check_tool_call(call: Any, param: str) -> None:
    is_object(call, param)
    Text()(require(call, "id", f"{param}."), f"{param}.id")
    OneOf(("function", "custom"))(require(call, "type", f"{param}."), f"{param}.type")
    field, text = ("function", "arguments") if call["type"] == "function" else ("custom", "input")
    tool = require(call, field, f"{param}.")
    is_object(tool, f"{param}.{field}")
    Text()(require(tool, "name", f"{param}.{field}."), f"{param}.{field}.name")
    Text()(require(tool, text, f"{param}.{field}."), f"{param}.{field}.{text}")


ASSISTANT_FIELDS: Mapping[str, Check] = {
    "tool_calls": ArrayOf(_check_tool_call, most=128),
    "function_call": is_object,
    "refusal": Text(),
    "audio": is_object,
    "annotations": is_array,
}


def _check_tool_answers(messages: list[Json]) -> None:
    """After an assistant's tool calls come tool messages, one for each call and for nothing else."""
    known: set[str] = set()
    open_calls: set[str] = set()
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            call_id = message["tool_call_id"]
            if call_id not in known:
                raise ApiError(
                    400,
                    "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'; "
                    f"there is no call '{clipped(call_id, 100)}'.",
                    param=f"messages[{index}].tool_call_id",
                )
            open_calls.discard(call_id)
            continue
        _check_all_answered(open_calls, f"messages[{index}].role")
        known, open_calls = set(), set()
        if message["role"] == "assistant":
            known = {call["id"] for call in message.get("tool_calls") or []}
            open_calls = set(known)
    _check_all_answered(open_calls, "messages")


def _check_all_answered(open_calls: set[str], param: str) -> None:
    if open_calls:
        ids = clipped(", ".join(sorted(open_calls)))
        raise ApiError(
            400,
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {ids}",
            param=param,
        )
