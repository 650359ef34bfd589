"""Rules of what is called with which arguments, in an answer whether plain or put together from a stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from conformance.rules import BodyRule, Json
from conformance.rules.formats import misfit, parsed
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
    place: tuple[int, int] = (0, 0)
    """The numbers of its choice and of the call within that."""

    @property
    def cut(self) -> bool:
        return self.finish in CUT


def calls_in(document: Json) -> list[Call]:
    """Every tool call of an answer, those that are no objects left out."""
    found = []
    for at, choice in enumerate(choices(document)):
        message: Any = choice.get("message")
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        for number, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, dict):
                given: Any = call.get("function")
                function: Json = given if isinstance(given, dict) else {}
                name, arguments = _text(function.get("name")), _text(function.get("arguments"))
                id, place = _text(call.get("id")), (at, number)
                found.append(Call(name, id, arguments, choice.get("finish_reason"), place))
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


def exchanged(asked: Json) -> BodyRule:
    """Calls of two tools, each with arguments that only the schema of the other allows: no model does that twice in one
    answer, and a gateway that joins by the wrong index does."""
    schemas = {name: function.get("parameters") for name, function in offered(asked).items()}

    def fits(arguments: Json, name: str) -> bool:
        schema = schemas.get(name)
        return isinstance(schema, dict) and not misfit(arguments, schema)

    def rule(document: Json) -> Iterator[str]:
        found = [(call, json) for call in calls_in(document) if not call.cut and (json := _object(call)) is not None]
        for (one, its), (other, others) in combinations(found, 2):
            if one.name in schemas and other.name in schemas and one.name != other.name:
                right = fits(its, one.name) or fits(others, other.name)
                if not right and fits(its, other.name) and fits(others, one.name):
                    yield f"{one.name} has the arguments {show(its)}, and {other.name} has {show(others)}"

    return rule


def what_is_wrong(arguments: str) -> str:
    """Why these arguments are no JSON object, "" if they are one."""
    try:
        value = parsed(arguments)
    except ValueError:
        return f"the arguments are no JSON: {show(arguments)}"
    return "" if isinstance(value, dict) else f"the arguments are no JSON object: {show(arguments)}"


def is_json_twice(arguments: str) -> bool:
    """Whether these arguments are a JSON object that was made a JSON text once more."""
    try:
        inner = parsed(arguments)
        return isinstance(inner, str) and isinstance(parsed(inner), dict)
    except ValueError:
        return False


def is_said_twice(arguments: str) -> bool:
    """Whether these arguments are a JSON object that comes once more, or after an empty one."""
    half = len(arguments) // 2
    again = arguments[:half] == arguments[half:] and not what_is_wrong(arguments[:half])
    return again or (arguments.startswith("{}") and not what_is_wrong(arguments[2:]))


def what_is_missing(arguments: str, schema: Any) -> str:
    """The keys that a schema requires and this JSON object lacks, "" if none."""
    required: Any = schema.get("required") if isinstance(schema, dict) else None
    missing = [key for key in required if key not in parsed(arguments)] if isinstance(required, list) else []
    return f"the arguments lack {show(missing)}: {show(arguments)}" if missing else ""


def _object(call: Call) -> Json | None:
    if call.arguments is None or what_is_wrong(call.arguments):
        return None
    found: Json = parsed(call.arguments)
    return found


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
