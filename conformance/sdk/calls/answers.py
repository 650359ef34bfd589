"""What came of a call, as data that JSON can hold. An answer may have any shape, and what is missing must show as
missing: nothing here raises."""

from __future__ import annotations

import os
import traceback
from typing import Any

LONGEST_MESSAGE = 300


def reply(completion: Any) -> dict[str, Any]:
    from openai.types.chat import ChatCompletion

    return {
        "type": "ChatCompletion" if isinstance(completion, ChatCompletion) else class_of(completion),
        "id": seen(completion, "id"),
        "request_id": seen(completion, "_request_id"),
        "has_usage": getattr(completion, "usage", None) is not None,
        "choices": [_choice(choice) for choice in items(completion, "choices")],
    }


def _choice(choice: Any) -> dict[str, Any]:
    message = getattr(choice, "message", None)
    parsed = getattr(message, "parsed", None)
    return {
        "finish_reason": seen(choice, "finish_reason"),
        "role": seen(message, "role"),
        "content": seen(message, "content"),
        "refusal": seen(message, "refusal"),
        "parsed": None if parsed is None else class_of(parsed),
        "calls": [_call(call) for call in items(message, "tool_calls")],
    }


def _call(call: Any) -> dict[str, Any]:
    function = getattr(call, "function", None)
    parsed = getattr(function, "parsed_arguments", None)
    return {
        "id": seen(call, "id"),
        "name": seen(function, "name"),
        "arguments": seen(function, "arguments"),
        "parsed": None if parsed is None else class_of(parsed),
    }


def chunks_of(chunks: list[Any]) -> dict[str, Any]:
    types = sorted({class_of(chunk) for chunk in chunks})
    return {"types": types, "count": len(chunks), "with_choices": sum(bool(items(c, "choices")) for c in chunks)}


def texts(answers: list[Any]) -> dict[str, Any]:
    choices = [choice for answer in answers for choice in items(answer, "choices")]
    types = sorted({class_of(answer) for answer in answers})
    return {"types": types, "count": len(answers), "texts": [seen(choice, "text") for choice in choices]}


def responded(response: Any) -> dict[str, Any]:
    """A response of the Responses API."""
    name = class_of(response).replace("ParsedResponse", "Response")
    return {"type": name, "status": seen(response, "status"), "text": seen(response, "output_text")}


def head(response: Any) -> dict[str, Any]:
    """What a raw response tells beside its body."""
    return {
        "headers": [[str(name), str(value)] for name, value in response.headers.items()],
        "response_id": seen(response, "request_id"),
    }


def items(value: Any, name: str) -> list[Any]:
    found = getattr(value, name, None)
    return found if isinstance(found, list) else []


def seen(value: Any, name: str) -> Any:
    return scalar(getattr(value, name, None))


def class_of(value: Any) -> str:
    """The class of a value by its name, without what it is a generic of."""
    return type(value).__name__.split("[")[0]


def scalar(value: Any) -> Any:
    """What JSON holds as one value; of anything else its type."""
    return value if value is None or isinstance(value, (str, int, float, bool)) else {"a": type(value).__name__}


def floats(vector: Any) -> Any:
    if not isinstance(vector, list):
        return scalar(vector)
    return [float(f"{number:.6g}") if isinstance(number, float) else scalar(number) for number in vector]


def raised(error: Exception, step: str) -> dict[str, Any]:
    """An exception as data. `ours` if no code of the SDK was on its way: then the SDK was used wrongly here."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if f"{os.sep}openai{os.sep}" in frame.filename]
    body = getattr(error, "body", None)
    return {
        "outcome": "raised",
        "call": step,
        "type": type(error).__name__,
        "bases": [kind.__name__ for kind in type(error).__mro__],
        "message": str(error)[:LONGEST_MESSAGE],
        "where": _place(inside[-1]) if inside else "",
        "cause": f"{error.__cause__!r}"[:LONGEST_MESSAGE] if error.__cause__ else "",
        "status": seen(error, "status_code"),
        "body": type(body).__name__,
        "code": seen(error, "code"),
        "kind": seen(error, "type"),
        "request_id": seen(error, "request_id"),
        "ours": not inside,
        "trace": "" if inside else "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }


def _place(frame: traceback.FrameSummary) -> str:
    """A place in the SDK, as its own developers name it."""
    file = frame.filename.rsplit(f"{os.sep}openai{os.sep}", 1)[-1]
    return f"{file}, {frame.name}()"
