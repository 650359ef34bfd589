"""Which requests a correct gateway serves, as far as their cost in a rehearsal depends on it. It judges nothing."""

import math
import re
from typing import Any

from conformance.shape import is_int

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2),
    "n": (1, 128), "max_tokens": (1, 1e9), "max_completion_tokens": (1, 1e9), "top_logprobs": (0, 20),
    "dimensions": (1, 100_000), "best_of": (1, 20),
}  # fmt: skip
FRACTIONS = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
KINDS: dict[str, type | tuple[type, ...]] = {
    "stream": bool, "stream_options": dict, "tools": list, "response_format": dict, "seed": int, "stop": (str, list),
}  # fmt: skip
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def is_sound(body: dict[str, Any]) -> bool:
    """Whether the options of a request are what they should be, each by itself and together."""
    return (
        all(_fits(key, value) for key, value in body.items())
        and (not body.get("stream_options") or body.get("stream") is True)
        and (body.get("top_logprobs") is None or body.get("logprobs") is True)
        and (not body.get("best_of") or body["best_of"] >= (body.get("n") or 1))
        and _are_tools(body.get("tools"))
        and _is_choice(body.get("tool_choice"), body.get("tools") or [])
        and _is_format(body.get("response_format"))
        and all(str(key).isdigit() for key in body.get("logit_bias") or {})
    )


def are_messages(value: Any) -> bool:
    """Whether this is a conversation: known roles, readable content, an answer to each tool call and no other."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return False
    open_calls: set[Any] = set()
    for item in value:
        if item.get("role") not in ROLES or not _is_content(item):
            return False
        if item["role"] == "tool":
            if item.get("tool_call_id") not in open_calls:
                return False
            open_calls.discard(item["tool_call_id"])
        elif open_calls:
            return False
        calls = item.get("tool_calls")
        open_calls |= {call.get("id") for call in calls if isinstance(call, dict)} if isinstance(calls, list) else set()
    return not open_calls


def _is_content(message: dict[str, Any]) -> bool:
    content = message.get("content")
    if content is None:
        return bool(message["role"] == "assistant")
    if isinstance(content, list):
        return bool(content) and all(_is_part(part) for part in content)
    return isinstance(content, str)


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    image = part.get("image_url")
    if part.get("type") == "image_url":
        return isinstance(image, dict) and str(image.get("url")).startswith("data:image/png;base64,iVBOR")
    return part.get("type") == "text" and isinstance(part.get("text"), str)


def _fits(key: str, value: Any) -> bool:
    if value is None or key not in RANGES | KINDS:
        return True
    if key in RANGES:
        low, high = RANGES[key]
        number = is_int(value) or (isinstance(value, float) and key in FRACTIONS)
        return number and math.isfinite(value) and low <= value <= high
    return isinstance(value, KINDS[key])


def _are_tools(tools: Any) -> bool:
    functions = [tool.get("function") if isinstance(tool, dict) else None for tool in tools or []]
    named = all(isinstance(each, dict) and NAME.fullmatch(str(each.get("name"))) for each in functions)
    typed = all(tool.get("type") == "function" for tool in tools or [] if isinstance(tool, dict))
    shaped = all(isinstance(each.get("parameters", {}), dict) for each in functions if isinstance(each, dict))
    return named and typed and shaped


def _is_choice(choice: Any, tools: list[Any]) -> bool:
    if choice is None or (choice in ("auto", "none") and tools):
        return True
    if isinstance(choice, dict):
        names = [tool["function"]["name"] for tool in tools]
        return isinstance(choice.get("function"), dict) and choice["function"].get("name") in names
    return choice == "required" and bool(tools)


def _is_format(wanted: Any) -> bool:
    if wanted is None or not isinstance(wanted, dict):
        return wanted is None
    schema = wanted.get("json_schema")
    named = isinstance(schema, dict) and bool(schema.get("name")) and isinstance(schema.get("schema", {}), dict)
    return wanted.get("type") in ("text", "json_object") or (wanted.get("type") == "json_schema" and named)
