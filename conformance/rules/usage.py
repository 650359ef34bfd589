"""Rules of the `usage` object, in plain answers and in the last chunk of a stream."""

from collections.abc import Iterator
from typing import Any

from conformance.rules import BodyRule, Json
from conformance.shape import dig, is_int, show

COUNTERS = ("prompt_tokens", "completion_tokens", "total_tokens")


def usage_of(document: Json) -> Json | None:
    """The usage object, None where it is absent or null or nothing that could be judged as one."""
    usage = document.get("usage")
    return usage if isinstance(usage, dict) else None


def adds_up(document: Json) -> Iterator[str]:
    usage = document.get("usage")
    if usage is None:
        return
    if not isinstance(usage, dict):
        yield f"usage is {show(usage)}"
        return
    wrong = [f"usage.{key} is {show(usage.get(key))}" for key in COUNTERS if not _is_count(usage.get(key))]
    yield from wrong
    if not wrong and usage["total_tokens"] != usage["prompt_tokens"] + usage["completion_tokens"]:
        prompt, completion, total = (usage[key] for key in COUNTERS)
        yield f"usage.total_tokens is {total}, prompt_tokens + completion_tokens is {prompt} + {completion}"


def counts_something(document: Json) -> Iterator[str]:
    usage = usage_of(document) or {}
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if is_int(prompt) and prompt < 1:
        yield f"usage.prompt_tokens is {prompt} for a prompt that is not empty"
    if is_int(completion) and completion < 1 and _says_something(document):
        yield f"usage.completion_tokens is {completion} for an answer that is not empty"


def details_fit(document: Json) -> Iterator[str]:
    usage = usage_of(document)
    for details, detail, parent in (
        ("prompt_tokens_details", "cached_tokens", "prompt_tokens"),
        ("completion_tokens_details", "reasoning_tokens", "completion_tokens"),
    ):
        inner = usage.get(details) if usage else None
        part: Any = inner.get(detail) if isinstance(inner, dict) else None
        whole: Any = usage.get(parent) if usage else None
        if is_int(part) and is_int(whole) and part > whole:
            yield f"usage.{details}.{detail} is {part}, usage.{parent} only {whole}"


def within(cap: int) -> BodyRule:
    """completion_tokens is at most `cap`."""

    def rule(document: Json) -> Iterator[str]:
        usage = usage_of(document)
        completion: Any = usage.get("completion_tokens") if usage else None
        if is_int(completion) and completion > cap:
            yield f"usage.completion_tokens is {completion}, the cap was {cap}"

    return rule


def prompt_tokens(document: Json) -> int | None:
    """The prompt's tokens, None where the gateway does not say."""
    usage = usage_of(document)
    count = usage.get("prompt_tokens") if usage else None
    return count if is_int(count) else None


def _is_count(value: object) -> bool:
    return is_int(value) and value >= 0


def _says_something(document: Json) -> bool:
    choices = document.get("choices")
    for choice in choices if isinstance(choices, list) else []:
        message = choice.get("message") if isinstance(choice, dict) else None
        if isinstance(message, dict) and (message.get("content") or message.get("tool_calls")):
            return True
        if isinstance(choice, dict) and choice.get("text"):
            return True
    return False


def streamed(chunks: list[Json]) -> list[Json]:
    """The chunks of a stream that carry a usage object."""
    return [chunk for chunk in chunks if dig(chunk, "usage", default=None) is not None]
