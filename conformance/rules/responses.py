"""Rules of the Responses API for plain responses, and for what a stream of one ends with."""

from collections.abc import Iterator
from typing import Any

from conformance.rules import BodyRule, Json
from conformance.rules.formats import json_misfit
from conformance.rules.replies import EARLIEST, LATEST, fits
from conformance.shape import is_int, show
from schemas import violations

JUDGED_ALONE = (
    *("status", "error", "incomplete_details", "usage"),
    *(f"output[].{member}" for member in ("role", "content", "status", "call_id", "name", "arguments")),
)
"""Members that have a requirement of their own, so that one defect is one failure."""
PARTS = ("output_text", "refusal")
ENOUGH_TOKENS = 4
"""Tokens of which some have to be a text."""


def shape(document: Any) -> Iterator[str]:
    """What an answer lacks of a `response`, apart from what is judged alone."""
    yield from violations("response.lenient", document, leaving=JUDGED_ALONE)


def id_is_prefixed(document: Json) -> Iterator[str]:
    id = document.get("id")
    if isinstance(id, str) and id and not id.startswith("resp_"):
        yield f"id is {show(id)}"


def created_in_seconds(document: Json) -> Iterator[str]:
    created = document.get("created_at")
    if isinstance(created, int | float) and not EARLIEST <= created <= LATEST:
        yield f"created_at is {show(created)}"


def model_is(asked: Any) -> BodyRule:
    """The model is the requested one, or what that may stand for. What is no text is another rule's business."""

    def rule(document: Json) -> Iterator[str]:
        model = document.get("model")
        if isinstance(model, str) and not fits(model, str(asked)):
            yield f"model is {show(model)}, {show(asked)} was asked for"

    return rule


def ends_well(document: Json) -> Iterator[str]:
    """Completed without more, or incomplete for a reason."""
    status, error, details = (document.get(key) for key in ("status", "error", "incomplete_details"))
    if status not in ("completed", "incomplete"):
        yield f"status is {show(status)}"
    if error is not None:
        yield f"status is {show(status)}, and error is {show(error)}"
    if status == "completed" and details is not None:
        yield f"status is completed, and incomplete_details is {show(details)}"
    if status == "incomplete" and not (isinstance(details, dict) and isinstance(details.get("reason"), str)):
        yield f"status is incomplete, and incomplete_details is {show(details)}"


def ends_too_early(cap: Any) -> BodyRule:
    """A rule: what says that it ran into this cap has spent at least half of it. A text tells that it was no thought,
    which not everybody counts."""

    def rule(document: Json) -> Iterator[str]:
        details, spent = document.get("incomplete_details"), tokens(document, "output_tokens")
        reason = details.get("reason") if isinstance(details, dict) else None
        told = document.get("status") == "incomplete" and reason == "max_output_tokens" and says_anything(document)
        if told and is_int(cap) and spent is not None and 2 * spent < cap:
            yield f"it is incomplete for max_output_tokens, after {spent} tokens of {cap}"

    return rule


def items(document: Json, kind: str) -> list[Json]:
    """The items of this type in a response's output; none where it can't be read."""
    output = document.get("output")
    found = output if isinstance(output, list) else []
    return [item for item in found if isinstance(item, dict) and item.get("type") == kind]


def says_nothing(document: Json) -> bool:
    """Whether the model has ended at once, so that there is nothing to tell."""
    return document.get("output") == [] and tokens(document, "output_tokens") in (0, 1)


def has_lost_its_text(document: Json) -> Iterator[str]:
    """A message of several tokens, none of which are told to be thoughts, says something."""
    spent, thought = tokens(document, "output_tokens"), detail(document, "output", "reasoning_tokens")
    if items(document, "reasoning") or thought or not spent or spent < ENOUGH_TOKENS:
        return
    if items(document, "message") and not says_anything(document):
        yield f"the message of {spent} tokens is empty"


def says_anything(document: Json) -> bool:
    contents = [message.get("content") for message in items(document, "message")]
    parts = [part for content in contents if isinstance(content, list) for part in content if isinstance(part, dict)]
    return any(part.get("text") or part.get("refusal") for part in parts)


def holds_a_message(document: Json) -> Iterator[str]:
    messages = items(document, "message")
    if not messages:
        output = document.get("output")
        types = [item.get("type") for item in output if isinstance(item, dict)] if isinstance(output, list) else output
        yield f"the output holds no message: {show(types)}"
    for message in messages:
        wrong = violations("response_item.lenient", message, leaving=["id"])
        yield from (f"of a message, {seen}" for seen in wrong)
        parts = message.get("content")
        if not wrong and not parts:
            yield "a message has no parts"
        elif not wrong:
            yield from (
                f"a part has the type {show(part['type'])}" for part in parts or () if part["type"] not in PARTS
            )


def lacks_annotations(document: Json) -> Iterator[str]:
    for message in items(document, "message"):
        for part in message["content"] if isinstance(message.get("content"), list) else ():
            if isinstance(part, dict) and part.get("type") == "output_text" and part.get("annotations") is None:
                yield f"annotations is {show(part.get('annotations'))}"


def has_not_ended(document: Json) -> Iterator[str]:
    for item in document["output"] if isinstance(document.get("output"), list) else ():
        yield from item_has_not_ended(item)


def item_has_not_ended(item: Any) -> Iterator[str]:
    if isinstance(item, dict) and item.get("status") == "in_progress":
        yield f"the status of a {item.get('type')} is in_progress in the end"


def text(document: Json) -> str:
    """The text of all messages, as the SDK joins it."""
    messages = items(document, "message")
    parts = [part for message in messages if isinstance(message.get("content"), list) for part in message["content"]]
    said = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "output_text"]
    return "".join(piece for piece in said if isinstance(piece, str))


def tokens(document: Json, key: str) -> int | None:
    usage = document.get("usage")
    count = usage.get(key) if isinstance(usage, dict) else None
    return count if is_int(count) else None


def detail(document: Json, side: str, key: str) -> int:
    """A count in the details of usage, of the side input or output; 0 where it is not told."""
    usage = document.get("usage")
    details = usage.get(f"{side}_tokens_details") if isinstance(usage, dict) else None
    count = details.get(key) if isinstance(details, dict) else None
    return count if is_int(count) else 0


def cached_tokens(document: Json) -> int:
    """How many tokens of the input are told to be a cache's."""
    return detail(document, "input", "cached_tokens")


def usage_adds_up(document: Json) -> Iterator[str]:
    usage = document.get("usage")
    if usage is None:
        return
    wrong = violations("response_usage.lenient", usage)
    yield from (f"usage.{seen}" for seen in wrong)
    if not wrong and usage["total_tokens"] != usage["input_tokens"] + usage["output_tokens"]:
        counts = {key: usage[key] for key in ("input_tokens", "output_tokens", "total_tokens")}
        yield f"usage is {show(counts)}"
    if not wrong and (not usage["input_tokens"] or (text(document) and not usage["output_tokens"])):
        yield f"usage counts nothing: {show(usage)}"


def lacks_usage(document: Json) -> Iterator[str]:
    """Usage or its details that are missing, or details above their totals."""
    usage = document.get("usage")
    if not isinstance(usage, dict):
        yield f"usage is {show(usage)}"
        return
    for side, part in (("input", "cached_tokens"), ("output", "reasoning_tokens")):
        details, total = usage.get(f"{side}_tokens_details"), usage.get(f"{side}_tokens")
        if not isinstance(details, dict):
            yield f"usage.{side}_tokens_details is {show(details)}"
        elif is_int(details.get(part)) and is_int(total) and details[part] > total:
            yield f"usage.{side}_tokens_details.{part} is {details[part]}, of {total} in all"


def calls_a_function(document: Json) -> Iterator[str]:
    """The output holds a call, as it can be answered."""
    calls = items(document, "function_call")
    if not calls:
        yield f"the output holds no function_call: {show(document.get('output'))}"
    for call in calls:
        yield from (f"of a function_call, {seen}" for seen in violations("response_item.lenient", call))


def calls_the_function(name: str) -> BodyRule:
    """A rule: no other function than this one is called."""

    def rule(document: Json) -> Iterator[str]:
        names = [call.get("name") for call in items(document, "function_call")]
        yield from (
            f"the function {show(found)} is called" for found in names if isinstance(found, str) and found != name
        )

    return rule


def arguments_fit(schema: Json) -> BodyRule:
    """A rule: the arguments of every call are JSON of this schema."""

    def rule(document: Json) -> Iterator[str]:
        for call in items(document, "function_call"):
            arguments = call.get("arguments")
            if not isinstance(arguments, str):
                continue
            if wrong := json_misfit(arguments, schema):
                yield f"the arguments are {show(arguments)}: {wrong}"

    return rule
