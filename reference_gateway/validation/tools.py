"""`tools` and `tool_choice` of a chat request."""

from collections.abc import Mapping
from typing import Any

from reference_gateway.call import Json
from reference_gateway.validation.checks import (
    NAME,
    ArrayOf,
    Check,
    OneOf,
    Text,
    check_fields,
    invalid,
    is_flag,
    is_object,
    require,
    wrong_type,
)

FUNCTION_FIELDS: Mapping[str, Check] = {"description": Text(), "parameters": is_object, "strict": is_flag}


def check_tools(body: Json) -> None:
    """Both fields, which may be null. The types of the fields themselves have been checked."""
    tools, choice = body.get("tools"), body.get("tool_choice")
    if tools is not None:
        ArrayOf(_check_tool, least=1, most=128)(tools, "tools")
    if choice is not None:
        if tools is None:
            raise invalid("tool_choice", "it is only allowed when 'tools' are specified.")
        _check_choice(choice, {tool["function"]["name"] for tool in tools})


def _check_tool(tool: Any, param: str) -> None:
    is_object(tool, param)
    OneOf(("function",))(require(tool, "type", f"{param}."), f"{param}.type")
    function = require(tool, "function", f"{param}.")
    is_object(function, f"{param}.function")
    check_function(function, f"{param}.function")


def check_function(function: Json, param: str) -> None:
    """What a tool says of its function, in chats and in responses."""
    NAME(require(function, "name", f"{param}."), f"{param}.name")
    check_fields(function, FUNCTION_FIELDS, f"{param}.")


def _check_choice(choice: Any, names: set[str]) -> None:
    if isinstance(choice, str):
        OneOf(("none", "auto", "required"))(choice, "tool_choice")
        return
    if not isinstance(choice, dict):
        raise wrong_type("tool_choice", "a string or an object", choice)
    OneOf(("function", "allowed_tools"))(require(choice, "type", "tool_choice."), "tool_choice.type")
    if choice["type"] == "function":
        _check_named(choice, "tool_choice", names)
        return
    allowed = require(choice, "allowed_tools", "tool_choice.")
    is_object(allowed, "tool_choice.allowed_tools")
    OneOf(("auto", "required"))(
        require(allowed, "mode", "tool_choice.allowed_tools."), "tool_choice.allowed_tools.mode"
    )

    def check_allowed(tool: Any, param: str) -> None:
        is_object(tool, param)
        OneOf(("function",))(require(tool, "type", f"{param}."), f"{param}.type")
        _check_named(tool, param, names)

    ArrayOf(check_allowed, least=1)(
        require(allowed, "tools", "tool_choice.allowed_tools."), "tool_choice.allowed_tools.tools"
    )


def _check_named(tool: Json, param: str, names: set[str]) -> None:
    function = require(tool, "function", f"{param}.")
    is_object(function, f"{param}.function")
    name = require(function, "name", f"{param}.function.")
    NAME(name, f"{param}.function.name")
    if name not in names:
        raise invalid(param, f"Tool choice '{name}' not found in 'tools' parameter.")
