"""Rules of what is called with which arguments, in an answer whether plain or put together from a stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.rules import BodyRule, Json
from conformance.rules.formats import parsed
from conformance.shape import choices, show

CUT = ("length", "content_filter")
ENDED = ("stop", "tool_calls", "function_call")


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as far as it can be read: what is of a wrong type is None, and the business of others."""

    name: str | None
    id: str | None
    arguments: str | None
    finish: Any
    """The finish_reason of its choice."""

    @property
    def cut(self) -> bool:
        return self.finish in CUT


def calls_in(document: Json) -> list[Call]:
    """Every tool call of an answer, those that are no objects left out."""
    found = []
    for choice in choices(document):
        message: Any = choice.get("message")
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                given: Any = call.get("function")
                function: Json = given if isinstance(given, dict) else {}
                name, arguments = _text(function.get("name")), _text(function.get("arguments"))
                found.append(Call(name, _text(call.get("id")), arguments, choice.get("finish_reason")))
    return found


def offered(asked: Json) -> dict[str, Json]:
    """The functions that a request offers, by name."""
    tools: Any = asked.get("tools")
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    return {f["name"]: f for f in functions if isinstance(f, dict) and isinstance(f.get("name"), str)}


def forces(asked: Json) -> bool:
    """Whether a request leaves the model no choice but to call a tool."""
    return asked.get("tool_choice") == "required" or isinstance(asked.get("tool_choice"), dict)


def names_are_offered(asked: Json) -> BodyRule:
    """Every call is of one of the request's tools. One without a name is another rule's business, and so is a request
    that forces a tool which it does not offer."""
    choice: Any = asked.get("tool_choice")
    named: Any = choice.get("function") if isinstance(choice, dict) else None
    names = [*offered(asked), named.get("name") if isinstance(named, dict) else None]

    def rule(document: Json) -> Iterator[str]:
        for call in calls_in(document):
            if call.name and call.name not in names:
                yield f"a call has the name {show(call.name)}, no tool of the request"

    return rule


def nothing_is_called(document: Json) -> Iterator[str]:
    if names := [call.name for call in calls_in(document)]:
        yield f"called: {show(names)}, though no tools were offered"


def what_is_wrong(arguments: str) -> str:
    """Why these arguments are no JSON object, "" if they are one."""
    try:
        value = parsed(arguments)
    except ValueError:
        return f"the arguments are no JSON: {show(arguments)}"
    return "" if isinstance(value, dict) else f"the arguments are no JSON object: {show(arguments)}"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
