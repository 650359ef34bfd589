"""Rules of the chunks of a streamed chat (`chat.completion.chunk`): what is constant, who speaks, how each choice
ends."""

from collections.abc import Iterator
from typing import Any

from conformance.rules import Json, StreamRule
from conformance.rules.replies import FINISH_REASONS
from conformance.shape import is_int, show


def choices_of(chunk: Json) -> Iterator[Json]:
    """The choices of a chunk, those that are no objects left out."""
    found = chunk.get("choices")
    yield from (choice for choice in found if isinstance(choice, dict)) if isinstance(found, list) else ()


def deltas_of(chunk: Json) -> Iterator[tuple[int, Json]]:
    """(index, delta) of every choice that has both in the right type."""
    for choice in choices_of(chunk):
        if is_int(choice.get("index")) and isinstance(choice.get("delta"), dict):
            yield choice["index"], choice["delta"]


class ObjectIsChunk(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        if "error" not in chunk and chunk.get("object") != "chat.completion.chunk":
            yield f"object is {show(chunk.get('object'))}"


class Constant(StreamRule):
    """A member has one value in all chunks; `usable` says which values count at all, `optional` lets it be absent."""

    key = ""
    optional = False

    def __init__(self) -> None:
        self._first: Any = None

    def usable(self, value: Any) -> bool:
        return isinstance(value, str) and value != ""

    def chunk(self, chunk: Json) -> Iterator[str]:
        value = chunk.get(self.key)
        if "error" in chunk or (value is None and self.optional):
            return
        if not self.usable(value):
            yield f"{self.key} is {show(value)}"
        elif self._first is None:
            self._first = value
        elif value != self._first:
            yield f"{self.key} is {show(self._first)}, later {show(value)}"


class OneId(Constant):
    key = "id"


class OneCreated(Constant):
    key = "created"

    def usable(self, value: Any) -> bool:
        return is_int(value)


class OneModel(Constant):
    key = "model"


class OneFingerprint(Constant):
    key = "system_fingerprint"
    optional = True

    def usable(self, value: Any) -> bool:
        return isinstance(value, str)


class IndexesInRange(StreamRule):
    """Each choice has an integer index below n."""

    def __init__(self, n: int = 1) -> None:
        self._n = n

    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            if not is_int(choice.get("index")) or not 0 <= choice["index"] < self._n:
                yield f"a choice has the index {show(choice.get('index'))}"


class DeltasAreObjects(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            if not isinstance(choice.get("delta"), dict):
                yield f"a choice has the delta {show(choice.get('delta'))}"


class RoleComesFirst(StreamRule):
    def __init__(self) -> None:
        self._seen: set[int] = set()

    def chunk(self, chunk: Json) -> Iterator[str]:
        for index, delta in deltas_of(chunk):
            if index not in self._seen and delta.get("role") != "assistant":
                yield f"the first delta of choice {index} has the role {show(delta.get('role'))}"
            self._seen.add(index)


class RoleComesOnce(StreamRule):
    def __init__(self) -> None:
        self._seen: set[int] = set()

    def chunk(self, chunk: Json) -> Iterator[str]:
        for index, delta in deltas_of(chunk):
            if index in self._seen and delta.get("role") is not None:
                yield f"a later delta of choice {index} has the role {show(delta['role'])} again"
            self._seen.add(index)


class ContentIsText(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        for index, delta in deltas_of(chunk):
            if not isinstance(delta.get("content"), str | None):
                yield f"a delta of choice {index} has the content {show(delta['content'])}"


class FinishesOnce(StreamRule):
    def __init__(self, n: int = 1) -> None:
        self._finishes: dict[int, int] = dict.fromkeys(range(n), 0)

    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            if is_int(choice.get("index")) and choice.get("finish_reason"):
                self._finishes[choice["index"]] = self._finishes.get(choice["index"], 0) + 1
        return iter(())

    def end(self) -> Iterator[str]:
        for index, count in self._finishes.items():
            if count != 1:
                yield f"choice {index} has {count or 'no'} finish_reason{'s' if count > 1 else ''}"


class FinishIsKnown(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            if choice.get("finish_reason") not in (None, *FINISH_REASONS):
                yield f"a finish_reason is {show(choice['finish_reason'])}"


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
        for choice in choices_of(chunk):
            index, delta = choice.get("index"), choice.get("delta")
            if not is_int(index):
                continue
            if (
                index in self._finished
                and isinstance(delta, dict)
                and (delta.get("content") or delta.get("tool_calls"))
            ):
                yield f"choice {index} goes on after its finish_reason: {show(delta)}"
            if choice.get("finish_reason"):
                self._finished.add(index)


class SaysSomething(StreamRule):
    """At least one chunk has a choice."""

    def __init__(self) -> None:
        self._any = False

    def chunk(self, chunk: Json) -> Iterator[str]:
        self._any = self._any or any(True for _ in choices_of(chunk))
        return iter(())

    def end(self) -> Iterator[str]:
        if not self._any:
            yield "no chunk has a choice"


class EmptyChoicesCarryUsage(StreamRule):
    def __init__(self, usage_asked: bool) -> None:
        self._usage_asked = usage_asked

    def chunk(self, chunk: Json) -> Iterator[str]:
        allowed = self._usage_asked and chunk.get("usage") is not None
        if chunk.get("choices") == [] and not allowed:
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
    """The chunk with usage has choices [] and no chunk follows."""

    def __init__(self) -> None:
        self._seen = False

    def chunk(self, chunk: Json) -> Iterator[str]:
        if self._seen and chunk.get("usage") is None:
            yield f"after the usage chunk comes another: {show(chunk)}"
        if chunk.get("usage") is not None:
            if chunk.get("choices") != []:
                yield f"the chunk with usage has the choices {show(chunk.get('choices'))}"
            self._seen = True


class UsageIsNullElsewhere(StreamRule):
    def __init__(self) -> None:
        self._told = False

    def chunk(self, chunk: Json) -> Iterator[str]:
        if "usage" not in chunk and not self._told:
            self._told = True
            yield "a chunk has no usage, not even null"
