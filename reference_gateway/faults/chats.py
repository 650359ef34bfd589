"""Which plain chats a defect is about, and what becomes of their messages, their usage and their tool calls."""

from collections.abc import Callable
from typing import Any

from reference_gateway.faults.asgi import Asked, Wrap
from reference_gateway.faults.edits import (
    Edit,
    Where,
    asked_as,
    asks,
    edited,
    put,
)

MESSAGE = "choices[].message"
CALLS = f"{MESSAGE}.tool_calls"
auto, required, none = (asks("tool_choice", choice) for choice in ("auto", "required", "none"))


def plain(where: Where) -> Where:
    return lambda asked: not asked.streams and where(asked)


def named(asked: Asked) -> bool:
    return isinstance(asked.object.get("tool_choice"), dict)


def with_tools(asked: Asked) -> bool:
    return bool(asked.object.get("tools"))


def of_text(asked: Asked) -> bool:
    return not with_tools(asked) and "response_format" not in asked.object


def messages(asked: Asked) -> list[dict[str, Any]]:
    found = asked.object.get("messages")
    return [message for message in found if isinstance(message, dict)] if isinstance(found, list) else []


def has_role(role: str) -> Where:
    return lambda asked: any(message.get("role") == role for message in messages(asked))


def content(fits: Callable[[Any], bool]) -> Where:
    return lambda asked: any(fits(message.get("content")) for message in messages(asked) if "content" in message)


def holds(piece: str) -> Where:
    return content(lambda text: isinstance(text, str) and piece in text)


def in_parts(asked: Asked) -> bool:
    """Users' messages whose content is text in parts."""
    found = [m.get("content") for m in messages(asked) if m.get("role") == "user"]
    return any(
        isinstance(parts, list)
        and parts
        and all(isinstance(part, dict) and part.get("type") == "text" for part in parts)
        for parts in found
    )


def holding(piece: str) -> Where:
    """Messages with parts that hold this anywhere."""
    return content(lambda parts: isinstance(parts, list) and piece in str(parts))


def bare(asked: Asked) -> bool:
    """Chats whose words nobody looks into, and that no other is compared with."""
    return of_text(asked) and not asked.object.keys() & {"logprobs", "stop", "seed", "n"}


def talking(asked: Asked) -> bool:
    """No tools, and no roles that there are not."""
    return of_text(asked) and {m.get("role") for m in messages(asked)} <= {"system", "developer", "user", "assistant"}


def in_messages(edit: Callable[[list[Any]], list[Any]], where: Where) -> Wrap:
    """Such chats are understood with other messages."""
    return asked_as(put("messages", edit), lambda asked: len(messages(asked)) > 0 and where(asked))


def called(edit: Edit) -> Edit:
    """Each tool call of an answer."""
    return put(f"{CALLS}[]", lambda call: edited(edit, call))


def counts(**given: Any) -> Edit:
    """Usage with other counts, given or made from the old ones, that adds up all the same."""

    def edit(document: Any) -> None:
        usage = document["usage"]
        for key, count in given.items():
            usage[key] = count(usage[key]) if callable(count) else count
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]

    return edit
