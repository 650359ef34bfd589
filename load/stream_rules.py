"""The cheap rules of conformance, on the load's own streams: the requirement that each of them judges, by its id.

What is judged event by event is fed the events that differ from the one before in more than their text; the client's
envelope sees to that.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, NamedTuple

from conformance.rules import StreamRule
from conformance.rules.completions import NoTextAfterFinish, TextFinishIsKnown
from conformance.rules.streams import chunks
from conformance.rules.usage import StreamedUsage
from conformance.shape import show
from load.client.request import Kind

REMEMBERED_IDS = 50_000
"""Streams whose ids one process remembers, to tell when another one has the same."""
MOST_VIOLATIONS = 16
"""Violations of one stream that are kept; the first of each rule is what counts."""
_MARKER = re.compile(rb"gp-[0-9a-f]{16}-pg")
"""A word that the prompts of our own scenarios hold, each another: an answer with another's was meant for another."""


class ObjectIsTextCompletion(StreamRule):
    def chunk(self, chunk: dict[str, Any]) -> Iterator[str]:
        if chunk.get("object") != "text_completion" and not chunks.is_prelude(chunk):
            yield f"object is {show(chunk.get('object'))}"


class Rules(NamedTuple):
    """Rules by what they look at, so that they are asked where that is there, or new: the members that all chunks of a
    stream have in common, the choices, and the rest."""

    common: tuple[tuple[str, type[StreamRule]], ...]
    choices: tuple[tuple[str, type[StreamRule]], ...]
    rest: tuple[tuple[str, type[StreamRule]], ...]


CHAT = Rules(
    common=(
        ("STREAM-013", chunks.ObjectIsChunk),
        ("STREAM-014", chunks.OneId),
        ("STREAM-015", chunks.OneCreated),
        ("STREAM-016", chunks.OneModel),
    ),
    choices=(
        ("STREAM-018", chunks.IndexesInRange),
        ("STREAM-023", chunks.FinishesOnce),
        ("STREAM-024", chunks.FinishIsKnown),
        ("STREAM-025", chunks.NothingAfterFinish),
    ),
    rest=(("STREAM-033", StreamedUsage),),
)
COMPLETION = Rules(
    common=(
        ("COMP-015", ObjectIsTextCompletion),
        ("COMP-038", chunks.OneId),
        ("COMP-038", chunks.OneCreated),
    ),
    choices=(
        ("COMP-039", chunks.FinishesOnce),
        ("COMP-039", TextFinishIsKnown),
        ("COMP-039", NoTextAfterFinish),
    ),
    rest=(("COMP-016", StreamedUsage),),
)
TEXT, DONE_ONCE, DONE_LAST, BODY_ENDS, OWN_ID, NOT_FOREIGN = (
    {"chat stream": chat, "completion stream": completion}
    for chat, completion in (
        ("STREAM-003", "COMP-015"),
        ("STREAM-026", "COMP-015"),
        ("STREAM-027", "COMP-015"),
        ("STREAM-072", "COMP-015"),
        ("STREAM-017", "COMP-023"),
        ("foreign marker", "foreign marker"),
    )
)
"""What is judged here or by the reader of the bytes; a foreign marker breaks no single requirement of the catalogue."""


class Ids:
    """The ids of the last streams and the requests that got them: an equal one may get it again, as from a cache."""

    def __init__(self) -> None:
        self._askers: OrderedDict[str, int] = OrderedDict()

    def claim(self, id: str, body: bytes) -> bool:
        """Whether this id was free for this request."""
        asker = hash(body)
        if self._askers.setdefault(id, asker) != asker:
            return False
        if len(self._askers) > REMEMBERED_IDS:
            self._askers.popitem(last=False)
        return True


class Judge:
    """The rules of one stream. `seen` are its violations: (requirement, what was seen), one for each requirement."""

    __slots__ = ("_body", "_choices", "_common", "_ids", "_last", "_marker", "_rest", "id", "kind", "seen")

    def __init__(self, kind: Kind, body: bytes, ids: Ids) -> None:
        self.kind = kind
        self.id: str | None = None
        self.seen: dict[str, str] = {}
        rules = CHAT if kind == "chat stream" else COMPLETION
        self._common, self._choices, self._rest = [[(name, rule()) for name, rule in part] for part in rules]
        self._last: tuple[Any, ...] | None = None
        self._body, self._ids = body, ids
        found = _MARKER.search(body)
        self._marker = found[0] if found else None

    def chunk(self, chunk: dict[str, Any]) -> None:
        created = chunk.get("created")
        common = (chunk.get("object"), chunk.get("id"), chunk.get("model"), created, type(created))  # 1.0 == 1 == True
        if common != self._last:
            self._last = common if common[0] else None  # of two without object, one may be a prelude
            self._feed(self._common, chunk)
        if chunk.get("choices"):
            self._feed(self._choices, chunk)
        self._feed(self._rest, chunk)
        if self.id is None and isinstance(chunk.get("id"), str) and chunk["id"]:
            self.id = chunk["id"]
            if not self._ids.claim(self.id, self._body):
                self.add(OWN_ID[self.kind], f"another stream had the id {show(self.id)}, too")

    def end(self, text: bytes | bytearray) -> None:
        """The stream has ended by itself and is whole; `text` is all that was generated."""
        for name, fold in (*self._common, *self._choices, *self._rest):
            for sentence in fold.end():
                self.add(name, sentence)
        foreign = [found for found in _MARKER.findall(text) if found != self._marker]
        if foreign:
            self.add(NOT_FOREIGN[self.kind], f"{foreign[0].decode()} stands in an answer to another request")

    def _feed(self, folds: list[tuple[str, StreamRule]], chunk: dict[str, Any]) -> None:
        for name, fold in folds:
            for sentence in fold.chunk(chunk):
                self.add(name, sentence)

    def add(self, name: str, sentence: str) -> None:
        if len(self.seen) < MOST_VIOLATIONS:
            self.seen.setdefault(name, sentence)
