"""What the Responses API demands of a request's body, in its own words; what chats have, too, is judged there."""

from collections.abc import Callable, Mapping
from typing import Any

from reference_gateway.call import Json
from reference_gateway.validation.checks import (
    METADATA,
    NAME,
    ArrayOf,
    Check,
    Integer,
    Number,
    OneOf,
    Text,
    check_fields,
    invalid,
    is_array,
    is_flag,
    is_object,
    is_unsupported,
    require,
    wrong_type,
)
from reference_gateway.validation.tools import check_function

LEAST_TOKENS = 16
FIELDS: Mapping[str, Check] = {
    "instructions": Text(),
    "max_output_tokens": Integer(LEAST_TOKENS),
    "temperature": Number(0, 2),
    "top_p": Number(0, 1),
    "stream": is_flag,
    "store": is_flag,
    "metadata": METADATA,
    "parallel_tool_calls": is_flag,
    "previous_response_id": Text(),
    "text": is_object,
    "reasoning": is_object,
    "tools": is_array,
    "truncation": OneOf(("auto", "disabled")),
    "include": ArrayOf(Text()),
    "user": Text(),
    "conversation": is_unsupported,
    "prompt": is_unsupported,
}
FORMAT: Mapping[str, Check] = {"description": Text(), "strict": is_flag}


def check(body: Json) -> None:
    """Raises ApiError at the first thing in the body that is wrong."""
    given = require(body, "input")
    if not isinstance(given, str):
        if not isinstance(given, list):
            raise wrong_type("input", "a string or an array of input items", given)
        ArrayOf(_check_item, least=1)(given, "input")
    check_fields(body, FIELDS)
    if body.get("background"):
        raise invalid("background", "responses are not made in the background here.")
    if body.get("tools") is not None:
        ArrayOf(_check_tool, most=128)(body["tools"], "tools")
    if body.get("tool_choice") is not None:
        _check_choice(body["tool_choice"])
    _check_format((body.get("text") or {}).get("format"))


def _check_item(item: Any, param: str) -> None:
    is_object(item, param)
    kind = item.get("type", "message")
    OneOf(tuple(_ITEMS))(kind, f"{param}.type")
    _ITEMS[kind](item, param)


def _check_message(item: Json, param: str) -> None:
    OneOf(("user", "assistant", "system", "developer"))(require(item, "role", f"{param}."), f"{param}.role")
    content = require(item, "content", f"{param}.")
    if not isinstance(content, str):
        if not isinstance(content, list):
            raise wrong_type(f"{param}.content", "a string or an array of content parts", content)
        ArrayOf(_check_part)(content, f"{param}.content")


def _check_part(part: Any, param: str) -> None:
    is_object(part, param)
    kind = require(part, "type", f"{param}.")
    OneOf(("input_text", "input_image", "output_text", "refusal"))(kind, f"{param}.type")
    member = {"input_image": "image_url", "refusal": "refusal"}.get(kind, "text")
    Text()(require(part, member, f"{param}."), f"{param}.{member}")


def _check_call(item: Json, param: str) -> None:
    for member in ("call_id", "name", "arguments"):
        Text()(require(item, member, f"{param}."), f"{param}.{member}")


def _check_output(item: Json, param: str) -> None:
    Text()(require(item, "call_id", f"{param}."), f"{param}.call_id")
    output = require(item, "output", f"{param}.")
    if not isinstance(output, str):
        ArrayOf(_check_part)(output, f"{param}.output")


_ITEMS: Mapping[str, Callable[[Json, str], None]] = {
    "message": _check_message,
    "function_call": _check_call,
    "function_call_output": _check_output,
    "reasoning": lambda item, param: None,
}


def _check_tool(tool: Any, param: str) -> None:
    is_object(tool, param)
    OneOf(("function",))(require(tool, "type", f"{param}."), f"{param}.type")
    check_function(tool, param)


def _check_choice(choice: Any) -> None:
    if isinstance(choice, str):
        OneOf(("none", "auto", "required"))(choice, "tool_choice")
        return
    is_object(choice, "tool_choice")
    OneOf(("function",))(require(choice, "type", "tool_choice."), "tool_choice.type")
    NAME(require(choice, "name", "tool_choice."), "tool_choice.name")


def _check_format(wanted: Any) -> None:
    if wanted is None:
        return
    param = "text.format"
    is_object(wanted, param)
    kind = require(wanted, "type", f"{param}.")
    OneOf(("text", "json_object", "json_schema"))(kind, f"{param}.type")
    if kind == "json_schema":
        NAME(require(wanted, "name", f"{param}."), f"{param}.name")
        is_object(require(wanted, "schema", f"{param}."), f"{param}.schema")
        check_fields(wanted, FORMAT, f"{param}.")
