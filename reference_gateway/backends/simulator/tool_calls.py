"""Decides which tools the pretended model calls, and with which arguments."""

import json
import re
import secrets
from dataclasses import dataclass
from random import Random
from typing import Any

from reference_gateway.backends.simulator.examples import NoExample, example
from reference_gateway.backends.simulator.tokens import text_of, tokenise
from reference_gateway.call import BackendError, Json

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_a-zA-Z]+")
_COMMON_WORDS = frozenset(
    [
        "get",
        "set",
        "run",
        "call",
        "the",
        "for",
        "and",
        "new",
        "make",
        "tool",
        "function",
        "use",
        "with",
        "from",
        "all",
        "add",
        "list",
    ]
)
"""Words of tool names that a prompt holds for other reasons."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call: its name costs a token, and so does each fragment of the arguments."""

    id: str
    name: str
    fragments: list[str]

    @property
    def arguments(self) -> str:
        """The arguments as the JSON text that the API carries."""
        return "".join(self.fragments)

    @property
    def token_count(self) -> int:
        """Tokens that the call costs."""
        return 1 + len(self.fragments)

    def within(self, cap: int) -> "ToolCall":
        """The call as far as `cap` tokens (1 or more) reach."""
        return ToolCall(self.id, self.name, self.fragments[: cap - 1])


def chosen_tools(body: Json) -> list[Json]:
    """The function tools that the model calls in answer to this request; none if it answers with text.

    "auto" calls those that the last user message mentions, "required" at least one, a named choice exactly that one.
    Raises BackendError if the choice names a tool that was not offered.
    """
    offered = [tool["function"] for tool in body.get("tools") or () if tool.get("type") == "function"]
    mode, names = _choice(body.get("tool_choice"))
    if names is not None:
        offered = [function for function in offered if function["name"] in names]
        if not offered:
            raise BackendError(
                400, "The tool choice names no tool that is in `tools`.", type="invalid_request_error",
                param="tool_choice", code="invalid_value",
            )  # fmt: skip
    if mode == "none" or not offered:
        return []
    if mode == "named":
        return offered[:1]
    if mode == "auto" and body["messages"][-1].get("role") == "tool":
        return []
    chosen = _mentioned(offered, body["messages"]) or (offered[:1] if mode == "required" else [])
    return chosen[:1] if body.get("parallel_tool_calls") is False else chosen


def is_named(body: Json) -> bool:
    """Whether the request forces one tool by name; such a call ends with "stop"."""
    return _choice(body.get("tool_choice"))[0] == "named"


def make_call(function: Json, rng: Random) -> ToolCall:
    """A call of `function` with arguments that its `parameters` allow. Raises BackendError if nothing is allowed."""
    try:
        arguments = example(function.get("parameters") or {"type": "object", "maxProperties": 0}, rng)
    except NoExample as problem:
        raise BackendError(
            400, f"Invalid schema for function '{function['name']}': {problem}.", type="invalid_request_error",
            param="tools", code="invalid_function_parameters",
        ) from None  # fmt: skip
    return ToolCall(f"call_{secrets.token_hex(12)}", function["name"], tokenise(to_json(arguments)))


def to_json(value: Any) -> str:
    """`value` as JSON text with its characters as they are; escaped where they could not be sent in UTF-8."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def _choice(choice: Any) -> tuple[str, set[str] | None]:
    """The mode (none, auto, required, named) and, if the choice limits them, the names of the tools."""
    if not isinstance(choice, dict):
        return choice or "auto", None
    if "allowed_tools" in choice:
        allowed = choice["allowed_tools"]
        return allowed.get("mode", "auto"), {
            tool["function"]["name"] for tool in allowed["tools"] if "function" in tool
        }
    return "named", {choice.get("function", {}).get("name")}


def _mentioned(offered: list[Json], messages: list[Json]) -> list[Json]:
    prompt = next((text_of(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "").lower()
    said = {word.lower() for word in _WORDS.findall(prompt)}
    return [
        function for function in offered
        if function["name"].lower() in prompt or said & _telling_words(function["name"])
    ]  # fmt: skip


def _telling_words(name: str) -> set[str]:
    words = {word.lower() for word in _WORDS.findall(name)}
    return {word for word in words if len(word) > 2} - _COMMON_WORDS
