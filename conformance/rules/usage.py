"""Rules of the `usage` object, in plain answers and in the last chunk of a stream."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard

from conformance.rules import Json, StreamRule
from conformance.rules.streams.chunks import COUNTERS, deltas_of, pieces_of
from conformance.shape import is_int, show

MOST_LETTERS, SPARE_LETTERS = 12, 32
"""Letters that the tokens of a whole answer have at the most, each and beside. Only Latin ones are looked at: some
count words for tokens, and other scripts need no blanks between them."""
_LETTERS = re.compile(r"[A-Za-z]")


def usage_of(document: Json) -> Json | None:
    """The usage object, None where it is absent or null or nothing that could be judged as one."""
    usage = document.get("usage")
    return usage if isinstance(usage, dict) else None


def is_there(document: Json) -> Iterator[str]:
    if document.get("usage") is None:
        yield "there is no usage"


def miscounts(document: Json, counters: Iterable[str]) -> list[str]:
    """Which of these counters are no counts in a usage that is there, or that it is no object."""
    usage = document.get("usage")
    if usage is None:
        return []
    if not isinstance(usage, dict):
        return [f"usage is {show(usage)}"]
    return [f"usage.{key} is {show(usage.get(key))}" for key in counters if not _is_count(usage.get(key))]


def adds_up(document: Json) -> Iterator[str]:
    usage, wrong = usage_of(document), miscounts(document, COUNTERS)
    yield from wrong
    if usage is not None and not wrong and usage["total_tokens"] != usage["prompt_tokens"] + usage["completion_tokens"]:
        prompt, completion, total = (usage[key] for key in COUNTERS)
        yield f"usage.total_tokens is {total}, prompt_tokens + completion_tokens is {prompt} + {completion}"


def counts_something(document: Json) -> Iterator[str]:
    """What is no count at all is the business of adds_up."""
    yield from _nothing_counted(document, _says_something(document))


def details_fit(document: Json) -> Iterator[str]:
    usage = usage_of(document)
    for details, detail, parent in (
        ("prompt_tokens_details", "cached_tokens", "prompt_tokens"),
        ("completion_tokens_details", "reasoning_tokens", "completion_tokens"),
    ):
        inner = usage.get(details) if usage else None
        part: Any = inner.get(detail) if isinstance(inner, dict) else None
        whole = _count(document, parent)
        if inner is not None and not isinstance(inner, dict):
            yield f"usage.{details} is {show(inner)}"
        elif part is not None and not _is_count(part):
            yield f"usage.{details}.{detail} is {show(part)}"
        elif part is not None and whole is not None and part > whole:
            yield f"usage.{details}.{detail} is {part}, usage.{parent} only {whole}"


class StreamedUsage(StreamRule):
    """The last usage of a stream adds up, and counts something where something was said."""

    def __init__(self) -> None:
        self._carrier: Json = {}
        self._spoken = False

    def chunk(self, chunk: Json) -> Iterator[str]:
        if chunk.get("usage") is not None:
            self._carrier = chunk
        if not self._spoken:
            called = any(delta.get("tool_calls") for _, delta in deltas_of(chunk))
            self._spoken = called or any(pieces_of(chunk))
        return iter(())

    def end(self) -> Iterator[str]:
        yield from adds_up(self._carrier)
        yield from _nothing_counted(self._carrier, self._spoken)


class CountsWhatCame(StreamRule):
    """The last usage of a stream counts enough tokens for the text that came; that it counts any is the business of
    StreamedUsage."""

    def __init__(self) -> None:
        self._carrier: Json = {}
        self._letters = 0

    def chunk(self, chunk: Json) -> Iterator[str]:
        if chunk.get("usage") is not None:
            self._carrier = chunk
        said = (delta.get("content") for _, delta in deltas_of(chunk))
        self._letters += sum(len(_LETTERS.findall(text)) for text in said if isinstance(text, str))
        return iter(())

    def end(self) -> Iterator[str]:
        count = completion_tokens(self._carrier)
        if count and self._letters > SPARE_LETTERS + MOST_LETTERS * count:
            yield f"usage.completion_tokens is {count} for {self._letters} letters"


def prompt_tokens(document: Json) -> int | None:
    """The prompt's tokens, None where the gateway does not say."""
    return _count(document, "prompt_tokens")


def completion_tokens(document: Json) -> int | None:
    """The answer's tokens, None where the gateway does not say."""
    return _count(document, "completion_tokens")


def of_stream(chunks: list[Json]) -> Json:
    """The last chunk of a stream that carries usage, {} without one."""
    return next((chunk for chunk in reversed(chunks) if chunk.get("usage") is not None), {})


def _count(document: Json, key: str) -> int | None:
    count = (usage_of(document) or {}).get(key)
    return count if _is_count(count) else None


def _nothing_counted(document: Json, spoken: bool) -> Iterator[str]:
    if prompt_tokens(document) == 0:
        yield "usage.prompt_tokens is 0 for a prompt that is not empty"
    if completion_tokens(document) == 0 and spoken:
        yield "usage.completion_tokens is 0 for an answer that is not empty"


def _is_count(value: object) -> TypeGuard[int]:
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
