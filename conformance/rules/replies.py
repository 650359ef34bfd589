"""Rules of a plain chat answer (`chat.completion`)."""

from collections.abc import Iterator
from typing import Any

from conformance.rules import Json
from conformance.shape import choices, dig, is_int, messages, show
from schemas import violations

ID_PREFIX = "chatcmpl-"
SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")
FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")
EARLIEST, LATEST = 1.4e9, 1e11
JUDGED_ALONE = [
    "id", "object", "created", "model", "usage", "system_fingerprint", "service_tier",
    "choices[].index", "choices[].finish_reason", "choices[].logprobs", "choices[].message.role",
    "choices[].message.content", "choices[].message.refusal", "choices[].message.tool_calls[]",
]  # fmt: skip
"""Members that have a requirement of their own, so that one defect is one failure."""


def shape(document: Any) -> list[str]:
    """What the lenient schema says of an answer, apart from what is judged alone."""
    return violations("chat_completion.lenient", document, leaving=JUDGED_ALONE)


def object_is_chat_completion(document: Json) -> Iterator[str]:
    if document.get("object") != "chat.completion":
        yield f"object is {show(document.get('object'))}"


def id_is_a_string(document: Json) -> Iterator[str]:
    if not (isinstance(document.get("id"), str) and document["id"]):
        yield f"id is {show(document.get('id'))}"


def id_says_what_it_names(document: Json) -> Iterator[str]:
    """That it is a string at all is the business of id_is_a_string."""
    id = document.get("id")
    if isinstance(id, str) and id and not id.startswith(ID_PREFIX):
        yield f"id is {show(id)}"


def fingerprint_is_text_or_null(document: Json) -> Iterator[str]:
    if not isinstance(document.get("system_fingerprint"), str | None):
        yield f"system_fingerprint is {show(document['system_fingerprint'])}"


def tier_is_known(document: Json) -> Iterator[str]:
    if document.get("service_tier") not in (None, *SERVICE_TIERS):
        yield f"service_tier is {show(document['service_tier'])}"


def created_is_in_seconds(document: Json) -> Iterator[str]:
    created = document.get("created")
    if not is_int(created) or not EARLIEST <= created <= LATEST:
        yield f"created is {show(created)}"


def model_is_named(document: Json) -> Iterator[str]:
    if not (isinstance(document.get("model"), str) and document["model"]):
        yield f"model is {show(document.get('model'))}"


def fits(model: str, asked: str) -> bool:
    """Whether an answer's model is the one asked for, or a resolved form of it: its last segment goes on from there."""
    return model == asked or model.rsplit("/", 1)[-1].startswith(asked.rsplit("/", 1)[-1])


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
    """A content of a wrong type is content_is_text_or_null's business."""
    for where, content in _stopped(document):
        if content is None:
            yield f'{where} ends with "stop" and its content is null'


def finish_reason_is_known(document: Json) -> Iterator[str]:
    for number, choice in enumerate(choices(document)):
        if choice.get("finish_reason") not in FINISH_REASONS:
            yield f"choices[{number}].finish_reason is {show(choice.get('finish_reason'))}"


def logprobs_are_absent(document: Json) -> Iterator[str]:
    for number, choice in enumerate(choices(document)):
        if choice.get("logprobs") is not None:
            yield f"choices[{number}].logprobs is {show(choice['logprobs'])}, though none were asked for"


def tool_calls(document: Json) -> list[tuple[str, Any]]:
    """(where it stands, call) of every tool call, whatever it is; what is no array of calls holds none."""
    found = []
    for where, message in messages(document):
        calls = message.get("tool_calls")
        for number, call in enumerate(calls if isinstance(calls, list) else []):
            found.append((f"{where}.tool_calls[{number}]", call))
    return found


def names_called(document: Json) -> list[Any]:
    """The name in every tool call; None where there is none."""
    return [_function(call).get("name") for _, call in tool_calls(document)]


def calls_are_identified(document: Json) -> Iterator[str]:
    """Every call has an id of its own, the type "function" and a name."""
    seen: list[Any] = []
    for where, call in tool_calls(document):
        id, kind = (call.get("id"), call.get("type")) if isinstance(call, dict) else (None, None)
        if not (isinstance(id, str) and id):
            yield f"{where}.id is {show(id)}"
        elif id in seen:
            yield f"{where}.id {show(id)} is used twice"
        seen.append(id)
        if kind != "function":
            yield f"{where}.type is {show(kind)}"
        name = _function(call).get("name")
        if not (isinstance(name, str) and name):
            yield f"{where}.function.name is {show(name)}"


def arguments_are_text(document: Json) -> Iterator[str]:
    for where, call in tool_calls(document):
        function = _function(call)
        if function and not isinstance(function.get("arguments"), str):
            yield f"{where}.function.arguments is {show(function.get('arguments'))}, not a string"


def finishing_with_calls_has_calls(document: Json) -> Iterator[str]:
    for number, choice in enumerate(choices(document)):
        if choice.get("finish_reason") == "tool_calls" and not dig(choice, "message", "tool_calls", default=None):
            yield f'choices[{number}] ends with "tool_calls" and has none'


def calls_finish_with_tool_calls(document: Json) -> Iterator[str]:
    """A call may also be cut by the token cap or a content filter."""
    for number, choice in enumerate(choices(document)):
        if dig(choice, "message", "tool_calls", default=None) and choice.get("finish_reason") in (
            "stop",
            "function_call",
        ):
            yield f"choices[{number}] has tool calls and ends with {show(choice.get('finish_reason'))}"


def text(document: Json) -> str:
    """The contents of all choices, joined; what is no text is left out."""
    return "".join(content for _, message in messages(document) if isinstance(content := message.get("content"), str))


def spoken(document: Json) -> int:
    """How many choices hold text or tool calls."""
    return sum(bool(message.get("content") or message.get("tool_calls")) for _, message in messages(document))


def finishes(document: Json) -> list[Any]:
    return [choice.get("finish_reason") for choice in choices(document)]


def was_cut(document: Json) -> bool:
    """Whether every choice ran into the token cap or a content filter: it then says nothing of what it was to say."""
    return all(finish in ("length", "content_filter") for finish in finishes(document))


def _stopped(document: Json) -> Iterator[tuple[str, Any]]:
    """(where it stands, content) of every choice that ends with "stop" and has nothing else to say."""
    for number, (choice, (_, message)) in enumerate(zip(choices(document), messages(document), strict=True)):
        others = any(message.get(key) for key in ("tool_calls", "function_call", "refusal", "audio"))
        if choice.get("finish_reason") == "stop" and not others:
            yield f"choices[{number}]", message.get("content")


def _function(call: Any) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    return function if isinstance(function, dict) else {}
