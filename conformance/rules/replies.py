"""Rules of a plain chat answer (`chat.completion`)."""

from collections.abc import Iterator
from typing import Any

from conformance.rules import Json
from conformance.shape import choices, dig, is_int, messages, show

FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")
EARLIEST, LATEST = 1.4e9, 1e11


def object_is_chat_completion(document: Json) -> Iterator[str]:
    if document.get("object") != "chat.completion":
        yield f"object is {show(document.get('object'))}"


def id_is_a_string(document: Json) -> Iterator[str]:
    if not (isinstance(document.get("id"), str) and document["id"]):
        yield f"id is {show(document.get('id'))}"


def created_is_in_seconds(document: Json) -> Iterator[str]:
    created = document.get("created")
    if not is_int(created) or not EARLIEST <= created <= LATEST:
        yield f"created is {show(created)}"


def model_is_named(document: Json) -> Iterator[str]:
    if not (isinstance(document.get("model"), str) and document["model"]):
        yield f"model is {show(document.get('model'))}"


def indexes_count_up(document: Json) -> Iterator[str]:
    found = [choice.get("index") for choice in choices(document)]
    if sorted(index for index in found if is_int(index)) != list(range(len(found))):
        yield f"the choices have the indexes {show(found)}"


def role_is_assistant(document: Json) -> Iterator[str]:
    for where, message in messages(document):
        if message.get("role") != "assistant":
            yield f"{where}.role is {show(message.get('role'))}"


def content_is_text_or_null(document: Json) -> Iterator[str]:
    for where, message in messages(document):
        if not isinstance(message.get("content"), str | None):
            yield f"{where}.content is {show(message['content'])}"


def content_is_there(document: Json) -> Iterator[str]:
    for where, message in messages(document):
        if "content" not in message:
            yield f"{where} has no content, not even null"


def refusal_is_there(document: Json) -> Iterator[str]:
    for where, message in messages(document):
        if "refusal" not in message:
            yield f"{where} has no refusal, not even null"
        elif not isinstance(message["refusal"], str | None):
            yield f"{where}.refusal is {show(message['refusal'])}"


def stopping_leaves_content(document: Json) -> Iterator[str]:
    for number, choice in enumerate(choices(document)):
        message = dig(choice, "message")
        others = isinstance(message, dict) and any(message.get(k) for k in ("tool_calls", "function_call", "refusal"))
        content = dig(message, "content", default=None)
        if choice.get("finish_reason") == "stop" and not others and not isinstance(content, str):
            yield f'choices[{number}] ends with "stop" and its content is {show(content)}'


def stopping_leaves_text(document: Json) -> Iterator[str]:
    for number, choice in enumerate(choices(document)):
        message = dig(choice, "message")
        others = isinstance(message, dict) and any(message.get(k) for k in ("tool_calls", "function_call", "refusal"))
        if choice.get("finish_reason") == "stop" and not others and dig(message, "content", default=None) == "":
            yield f'choices[{number}] ends with "stop" and its content is empty'


def finish_reason_is_known(document: Json) -> Iterator[str]:
    for number, choice in enumerate(choices(document)):
        if choice.get("finish_reason") not in FINISH_REASONS:
            yield f"choices[{number}].finish_reason is {show(choice.get('finish_reason'))}"


def logprobs_are_absent(document: Json) -> Iterator[str]:
    for number, choice in enumerate(choices(document)):
        if choice.get("logprobs") is not None:
            yield f"choices[{number}].logprobs is {show(choice['logprobs'])}, though none were asked for"


def tool_calls(document: Json) -> list[tuple[str, Any]]:
    """(where it stands, call) of every tool call. Raises Unusable if tool_calls is no array."""
    found = []
    for where, message in messages(document):
        calls = message.get("tool_calls") or []
        for number, call in enumerate(calls if isinstance(calls, list) else [calls]):
            found.append((f"{where}.tool_calls[{number}]", call))
    return found


def calls_are_identified(names: tuple[str, ...]) -> Any:
    """Every call has an id of its own, the type "function", and one of these names."""

    def rule(document: Json) -> Iterator[str]:
        seen: list[Any] = []
        for where, call in tool_calls(document):
            id, kind = dig(call, "id", default=None), dig(call, "type", default=None)
            if not (isinstance(id, str) and id):
                yield f"{where}.id is {show(id)}"
            elif id in seen:
                yield f"{where}.id {show(id)} is used twice"
            seen.append(id)
            if kind != "function":
                yield f"{where}.type is {show(kind)}"
            elif (name := dig(call, "function", "name", default=None)) not in names:
                yield f"{where}.function.name is {show(name)}, no tool of the request"

    return rule


def arguments_are_text(document: Json) -> Iterator[str]:
    for where, call in tool_calls(document):
        if dig(call, "type", default="function") == "custom":
            continue
        arguments = dig(call, "function", "arguments", default=None)
        if not isinstance(arguments, str):
            yield f"{where}.function.arguments is {show(arguments)}, not a string"


def finishing_with_calls_has_calls(document: Json) -> Iterator[str]:
    for number, choice in enumerate(choices(document)):
        if choice.get("finish_reason") == "tool_calls" and not dig(choice, "message", "tool_calls", default=None):
            yield f'choices[{number}] ends with "tool_calls" and has none'


def calls_finish_with_tool_calls(document: Json) -> Iterator[str]:
    for number, choice in enumerate(choices(document)):
        if dig(choice, "message", "tool_calls", default=None) and choice.get("finish_reason") != "tool_calls":
            yield f"choices[{number}] has tool calls and ends with {show(choice.get('finish_reason'))}"


def text(document: Json) -> str:
    """The contents of all choices, joined. Raises Unusable if a content is neither text nor null."""
    return "".join(content for _, message in messages(document) if isinstance(content := message.get("content"), str))


def finishes(document: Json) -> list[Any]:
    return [choice.get("finish_reason") for choice in choices(document)]
