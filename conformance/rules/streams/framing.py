"""Rules of the event stream itself: bytes, lines and blocks (WHATWG HTML Living Standard, section 9.2), and [DONE]."""

import json
import re
from collections.abc import Iterator

from conformance.exchange import clip
from conformance.rules import Json, StreamRule
from conformance.shape import show
from conformance.sse import BOM, DONE, Event

FIELDS = ("data", "event", "id", "retry")
_EVENT_STREAM = re.compile(r'\s*text/event-stream\s*(;(?!\s*charset\s*=)[^;]*|;\s*charset\s*=\s*"?utf-?8"?\s*)*', re.I)
_ID = re.compile(rb"(?:^|[\r\n])id[:\r\n]")
_BLANK_AGAIN = re.compile(rb"(?:\r\n|\r|\n){3}")


def is_event_stream(content_type: str) -> Iterator[str]:
    """The media type is text/event-stream, and a charset, if named, UTF-8."""
    if not _EVENT_STREAM.fullmatch(content_type):
        yield f"Content-Type is {show(content_type)}"


def is_utf8(body: bytes) -> Iterator[str]:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        yield f"byte {error.start} of the stream is {body[error.start]:#04x}: {error.reason}"


def has_no_byte_order_mark(body: bytes) -> Iterator[str]:
    if body.startswith(BOM):
        yield "the stream begins with a byte-order mark"


class EventsAreText(StreamRule):
    """Every event alone is valid UTF-8."""

    def event(self, event: Event) -> Iterator[str]:
        for line in event.lines:
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                yield f"a line is no UTF-8 at its byte {error.start}: {clip(repr(line), 80)}"


def no_blank_line_follows_an_id(body: bytes) -> Iterator[str]:
    """Once an `id` was seen, an additional blank line makes openai-python decode an empty event."""
    found = _ID.search(body)
    if found and _BLANK_AGAIN.search(body.partition(b"data: " + DONE.encode())[0], found.start()):
        yield "after an id field comes an additional blank line"


class BlocksAreClosed(StreamRule):
    """Each event ends with a blank line; an unclosed [DONE] is the business of DoneIsLast."""

    def event(self, event: Event) -> Iterator[str]:
        if _runs_on(event):
            yield f"no blank line stands between two payloads: {_line(event)}"
        elif not event.complete and event.data != DONE:
            yield f"the stream ends inside an event: {_line(event)}"


class LinesEndPlainly(StreamRule):
    """Lines end in LF or CRLF: a bare CR is legal, and lost on parsers that split at LF."""

    def __init__(self) -> None:
        self._told = False

    def event(self, event: Event) -> Iterator[str]:
        if b"\r" in event.endings and not self._told:
            self._told = True
            yield f"a line ends with a bare CR: {_line(event)}"


class LinesAreFields(StreamRule):
    def event(self, event: Event) -> Iterator[str]:
        for name, _ in event.fields:
            if name not in FIELDS:
                yield f"a line is no field of an event stream: {clip(name, 80)}"


class BlocksHoldData(StreamRule):
    def event(self, event: Event) -> Iterator[str]:
        if event.is_comment:
            return
        names = {name for name, _ in event.fields}
        if "data" in names and event.data == "":
            yield "an event has empty data"
        elif "data" not in names and names & set(FIELDS):
            yield f"an event has no data: {_line(event)}"


class IdsStandWithData(StreamRule):
    """Once an `id` was seen, a block that holds only comments makes openai-python decode an empty event."""

    def __init__(self) -> None:
        self._id_seen = self._done = False

    def event(self, event: Event) -> Iterator[str]:
        if self._id_seen and not self._done and event.is_comment:
            yield f"after an id field comes a block without data: {_line(event)}"
        self._id_seen = self._id_seen or any(name == "id" for name, _ in event.fields)
        self._done = self._done or event.data == DONE


class CommentsHoldNothing(StreamRule):
    """No comment holds a payload, as one that lost its field name would."""

    def event(self, event: Event) -> Iterator[str]:
        for line in event.lines:
            said = line[1:].decode("utf-8", "replace").strip().removeprefix("data:").strip()
            if line.startswith(b":") and (said == DONE or (_is_payload(said) and '"choices"' in said)):
                yield f"a comment holds a payload: {clip(said, 80)}"


class PayloadsFollowOneSpace(StreamRule):
    """Of a payload over several lines, which STREAM-011 speaks of, all but the first may be indented."""

    def event(self, event: Event) -> Iterator[str]:
        for line in event.data_lines[:1]:
            if line[:1] in (" ", "\t"):
                yield f"between data: and its payload is more than one space: {clip(line, 60)!r}"


class PayloadsAreOneLine(StreamRule):
    def event(self, event: Event) -> Iterator[str]:
        if len(event.data_lines) > 1 and not _runs_on(event):
            yield f"an event has {len(event.data_lines)} data lines"


class PayloadsAreObjects(StreamRule):
    """Every payload but [DONE] is a JSON object."""

    def feed(self, event: Event, chunk: Json | None) -> Iterator[str]:
        data = event.data
        if chunk is None and event.complete and data and data.strip() != DONE and not _runs_on(event):
            yield f"an event's data is no JSON object: {clip(data, 80)}"


class DoneOnce(StreamRule):
    least = 1

    def __init__(self) -> None:
        self._count = 0

    def event(self, event: Event) -> Iterator[str]:
        self._count += [line.strip() for line in event.data_lines].count(DONE)
        return iter(())

    def end(self) -> Iterator[str]:
        if not self.least <= self._count <= 1:
            yield "the stream has no [DONE]" if not self._count else f"the stream has {self._count} times [DONE]"


class DoneAtMostOnce(DoneOnce):
    least = 0


class DoneIsLast(StreamRule):
    """The [DONE] block is closed by a blank line, and only comments follow."""

    def __init__(self) -> None:
        self._done = False

    def event(self, event: Event) -> Iterator[str]:
        if self._done and not event.is_comment and (event.data or "").strip() != DONE:
            yield f"after [DONE] comes {_line(event)}"
        if event.data is not None and event.data.strip() == DONE:
            self._done = True
            if not event.complete:
                yield "no blank line follows data: [DONE]"


class NamesAreHarmless(StreamRule):
    """`event` is absent or "message"; "error" only where the data holds an error; never "thread.*"."""

    def feed(self, event: Event, chunk: Json | None) -> Iterator[str]:
        is_error = event.name == "error" and chunk is not None and "error" in chunk
        if event.data is not None and event.name != "message" and not is_error:
            yield f"an event is named {show(event.name)}"


def _runs_on(event: Event) -> bool:
    """Whether the block is several events in fact: each of its data lines is a whole payload."""
    return len(event.data_lines) > 1 and all(map(_is_payload, event.data_lines))


def _is_payload(line: str) -> bool:
    try:
        return line == DONE or isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _line(event: Event) -> str:
    return clip(b"\n".join(event.lines).decode("utf-8", "backslashreplace"), 80)
