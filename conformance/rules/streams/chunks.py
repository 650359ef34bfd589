"""Rules of the chunks of a streamed chat (`chat.completion.chunk`): what is constant, who speaks, how a choice ends."""

import json
from collections.abc import Iterator
from typing import Any

from conformance.rules import Json, StreamRule
from conformance.rules.replies import EARLIEST, FINISH_REASONS, LATEST
from conformance.shape import is_int, show
from conformance.sse import DONE, Event
from schemas import violations

JUDGED_ALONE = [
    "id", "object", "created", "choices[].index", "choices[].delta", "choices[].finish_reason", "system_fingerprint",
    "service_tier", "choices[].logprobs",
]  # fmt: skip
JUDGED_ALONE_IN_DELTAS = ["role", "content", "tool_calls[]"]
"""Members that have a requirement of their own, so that one defect is one failure."""
COUNTERS = ("prompt_tokens", "completion_tokens", "total_tokens")
SPOKEN = ("content", "reasoning_content", "reasoning", "refusal")
"""The members of a delta that hold generated text."""


def choices_of(chunk: Json) -> list[Json]:
    """The choices of a chunk, those that are no objects left out; nobody is to change this list."""
    found = chunk.get("choices")
    if not isinstance(found, list):
        return []
    for choice in found:
        if not isinstance(choice, dict):
            return [choice for choice in found if isinstance(choice, dict)]
    return found  # as it is: every rule asks for it, of every chunk


def deltas_of(chunk: Json) -> list[tuple[int, Json]]:
    """(index, delta) of every choice that has both in the right type."""
    return [
        (choice["index"], choice["delta"])
        for choice in choices_of(chunk)
        if is_int(choice.get("index")) and isinstance(choice.get("delta"), dict)
    ]


def pieces_of(chunk: Json) -> Iterator[str]:
    """Every piece of generated text in a chunk of a chat or of a legacy completion, thoughts included."""
    for choice in choices_of(chunk):
        delta = choice.get("delta")
        for piece in (choice.get("text"), *(map(delta.get, SPOKEN) if isinstance(delta, dict) else ())):
            if isinstance(piece, str) and piece:
                yield piece


def is_prelude(chunk: Json) -> bool:
    """Azure's verdict on the prompt, sent first, with nothing filled in: EmptyChoicesCarryUsage tells of it."""
    return chunk.get("choices") == [] and chunk.get("object") == "" and "prompt_filter_results" in chunk


def shape(chunk: Json) -> list[str]:
    """What the lenient schemas say of a chunk, apart from what is judged alone."""
    alone, usage = list(JUDGED_ALONE), chunk.get("usage")
    alone += [f"usage.{key}" for key in COUNTERS] if isinstance(usage, dict) else ["usage"]
    if usage is not None and not chunk.get("choices"):
        alone.append("choices")
    deltas = [delta for _, delta in deltas_of(chunk)]
    inside = [seen for d in deltas for seen in violations("chat_delta.lenient", d, leaving=JUDGED_ALONE_IN_DELTAS)]
    return violations("chat_chunk_azure", chunk, leaving=alone) + inside


class ShapesAreKnown(StreamRule):
    """Every chunk is valid for the lenient schemas. Of those that differ in their text alone, one is looked at."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def chunk(self, chunk: Json) -> Iterator[str]:
        outline = json.dumps({**chunk, "choices": [_without_text(choice) for choice in _array(chunk.get("choices"))]})
        if outline not in self._seen:
            self._seen.add(outline)
            yield from shape(chunk)


def _array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _without_text(choice: Any) -> Any:
    delta = choice.get("delta") if isinstance(choice, dict) else None
    if not isinstance(delta, dict):
        return choice
    return {**choice, "delta": {k: "" if k in SPOKEN and isinstance(v, str) else v for k, v in delta.items()}}


class ObjectIsChunk(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        if chunk.get("object") != "chat.completion.chunk" and not is_prelude(chunk):
            yield f"object is {show(chunk.get('object'))}"


class Constant(StreamRule):
    """A member has one value in all chunks. `usable` says which values count, `needed` that others are violations."""

    key = ""
    needed = True

    def __init__(self) -> None:
        self._first: Any = None

    def usable(self, value: Any) -> bool:
        return isinstance(value, str) and value != ""

    def chunk(self, chunk: Json) -> Iterator[str]:
        value, first = chunk.get(self.key), self._first
        if (value == first and type(value) is type(first) and first is not None) or is_prelude(chunk):
            return
        if not self.usable(value):
            if self.needed:
                yield f"{self.key} is {show(value)}"
        elif first is None:
            self._first = value
        elif value != first:
            yield f"{self.key} is {show(self._first)}, later {show(value)}"


class OneId(Constant):
    key = "id"


class OneCreated(Constant):
    key = "created"

    def usable(self, value: Any) -> bool:
        return is_int(value) and EARLIEST <= value <= LATEST


class OneModel(Constant):
    key = "model"
    needed = False


class OneFingerprint(Constant):
    key = "system_fingerprint"
    needed = False


class IndexesInRange(StreamRule):
    """Each choice has an integer index below n."""

    def __init__(self, n: int = 1) -> None:
        self._n = n

    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            if not is_int(choice.get("index")) or not 0 <= choice["index"] < self._n:
                yield f"a choice has the index {show(choice.get('index'))}"


class IndexesAppearInOrder(StreamRule):
    """The choices begin in the order of their indexes; that there are all of them is judged by itself."""

    def __init__(self) -> None:
        self._seen: list[int] = []

    def chunk(self, chunk: Json) -> Iterator[str]:
        new = [c["index"] for c in choices_of(chunk) if is_int(c.get("index")) and c["index"] not in self._seen]
        for index in dict.fromkeys(new):
            if self._seen and index < max(self._seen):
                yield f"choice {index} first appears after choice {max(self._seen)}"
            self._seen.append(index)


class DeltasAreObjects(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            if not isinstance(choice.get("delta"), dict):
                yield f"a choice has the delta {show(choice.get('delta'))}"


class RoleComesFirst(StreamRule):
    """A delta that is no object is the business of DeltasAreObjects."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            index, delta = choice.get("index"), choice.get("delta")
            if not is_int(index) or index in self._seen:
                continue
            self._seen.add(index)
            if isinstance(delta, dict) and delta.get("role") != "assistant":
                yield f"the first delta of choice {index} has the role {show(delta.get('role'))}"


class RoleComesOnce(StreamRule):
    def __init__(self) -> None:
        self._spoken: set[int] = set()

    def chunk(self, chunk: Json) -> Iterator[str]:
        for index, delta in deltas_of(chunk):
            if delta.get("role") is None:
                continue
            if index in self._spoken:
                yield f"a later delta of choice {index} has the role {show(delta['role'])} again"
            self._spoken.add(index)


class ContentIsText(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        for index, delta in deltas_of(chunk):
            if not isinstance(delta.get("content"), str | None):
                yield f"a delta of choice {index} has the content {show(delta['content'])}"


class FinishesOnce(StreamRule):
    def __init__(self) -> None:
        self._finishes: dict[int, int] = {}

    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            index = choice.get("index")
            if is_int(index):
                self._finishes[index] = self._finishes.get(index, 0) + bool(choice.get("finish_reason"))
        return iter(())

    def end(self) -> Iterator[str]:
        for index, count in self._finishes.items():
            if count != 1:
                yield f"choice {index} has {count or 'no'} finish_reason{'s' if count > 1 else ''}"


class FinishIsKnown(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            reason = choice.get("finish_reason")
            if reason is not None and reason not in FINISH_REASONS:
                yield f"a finish_reason is {show(reason)}"


class FinishIsThere(StreamRule):
    def __init__(self) -> None:
        self._told = False

    def chunk(self, chunk: Json) -> Iterator[str]:
        if not self._told and any("finish_reason" not in choice for choice in choices_of(chunk)):
            self._told = True
            yield "a choice has no finish_reason, not even null"


class NothingAfterFinish(StreamRule):
    def __init__(self) -> None:
        self._finished: set[int] = set()

    def chunk(self, chunk: Json) -> Iterator[str]:
        for index, delta in deltas_of(chunk) if self._finished else ():
            if index in self._finished and (delta.get("content") or delta.get("tool_calls")):
                yield f"choice {index} goes on after its finish_reason: {show(delta)}"
        for choice in choices_of(chunk):
            if is_int(choice.get("index")) and choice.get("finish_reason"):
                self._finished.add(choice["index"])


class SaysSomething(StreamRule):
    """At least one chunk has a choice; payloads that can't be read are the business of PayloadsAreObjects."""

    def __init__(self) -> None:
        self._any = False

    def feed(self, event: Event, chunk: Json | None) -> Iterator[str]:
        unreadable = chunk is None and bool(event.data) and event.data != DONE
        self._any = self._any or unreadable or any(True for _ in choices_of(chunk or {}))
        return iter(())

    def end(self) -> Iterator[str]:
        if not self._any:
            yield "no chunk has a choice"


class EmptyChoicesCarryUsage(StreamRule):
    """Whether the usage was asked for is the business of NoUsage."""

    def chunk(self, chunk: Json) -> Iterator[str]:
        if chunk.get("choices") == [] and chunk.get("usage") is None:
            yield f"a chunk has no choices and is no usage chunk: {show(chunk)}"


class NoUsage(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        if chunk.get("usage") is not None:
            yield f"a chunk carries usage {show(chunk['usage'])}, though none was asked for"


class UsageOnce(StreamRule):
    def __init__(self) -> None:
        self._count = 0

    def chunk(self, chunk: Json) -> Iterator[str]:
        self._count += chunk.get("usage") is not None
        return iter(())

    def end(self) -> Iterator[str]:
        if self._count != 1:
            yield f"{self._count or 'no'} chunk{'s carry' if self._count > 1 else ' carries'} usage"


class UsageComesLast(StreamRule):
    """The last chunk with usage has choices [] and no chunk follows; that there is only one is UsageOnce's business."""

    def __init__(self) -> None:
        self._carrier: Json | None = None
        self._next: Json | None = None

    def chunk(self, chunk: Json) -> Iterator[str]:
        if chunk.get("usage") is not None:
            self._carrier, self._next = chunk, None
        elif self._next is None:
            self._next = chunk
        return iter(())

    def end(self) -> Iterator[str]:
        if self._carrier is None:
            return
        if self._carrier.get("choices") != []:
            yield f"the chunk with usage has the choices {show(self._carrier.get('choices'))}"
        if self._next is not None:
            yield f"after the usage chunk comes another: {show(self._next)}"


class UsageIsNullElsewhere(StreamRule):
    """In a stream that carries usage, each of the other chunks has the key, too."""

    def __init__(self) -> None:
        self._carried = self._lacking = False

    def chunk(self, chunk: Json) -> Iterator[str]:
        self._carried = self._carried or chunk.get("usage") is not None
        self._lacking = self._lacking or "usage" not in chunk
        return iter(())

    def end(self) -> Iterator[str]:
        if self._carried and self._lacking:
            yield "a chunk has no usage, not even null"
