"""Streams whose events are framed wrongly: bytes, lines, fields, and [DONE]."""

import itertools
import json
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.faults import edits, exchanges
from reference_gateway.faults.asgi import Events, Wrap
from reference_gateway.faults.edits import DONE, Where, is_chat, plainly_streamed
from reference_gateway.faults.fault import table

FRAMING = table("framing")
row = FRAMING.add
HELD_EVENTS = 58
EVERY, FIRST, MIDDLE = slice(None), slice(0, 1), slice(3, 4)


def event(edit: Events, where: Where = is_chat, only: slice = EVERY) -> Wrap:
    return edits.event(edit, where, only)


def events(begin: Callable[[], Events]) -> Wrap:
    return edits.events(begin, is_chat)


def headers(name: str, value: str | None) -> Wrap:
    """A header of streamed chats."""
    return exchanges.header(name, value, lambda asked, head: is_chat(asked) and head.is_stream)


def swapped(old: bytes, new: bytes) -> Events:
    return lambda piece: piece.replace(old, new)


def at_the_end(piece: bytes) -> Events:
    """Something before [DONE]."""
    return lambda event: piece + event if event == DONE else event


def at_the_beginning(piece: bytes) -> Callable[[], Events]:
    def begin() -> Events:
        first = iter([piece])
        return lambda event: next(first, b"") + event

    return begin


def numbered(then: bytes) -> Callable[[], Events]:
    """Events have ids, and something comes before [DONE]."""

    def begin() -> Events:
        numbers = itertools.count(1)
        return lambda event: (then if event == DONE else b"") + b"id: %d\n" % next(numbers) + event

    return begin


def over_several_lines(piece: bytes) -> bytes:
    if piece == DONE:
        return piece
    text = json.dumps(json.loads(piece[6:]), indent=0)
    return "".join(f"data: {line}\n" for line in text.splitlines()).encode() + b"\n"


def measured(app: ASGIApp) -> ASGIApp:
    """Streams are collected, and their length is told."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        start: list[Message] = []
        pieces: list[bytes] = []

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                kept = [pair for pair in start[0]["headers"] if pair[0] != b"content-length"]
                length = b"%d" % sum(map(len, pieces))
                await send({**start[0], "headers": [*kept, (b"content-length", length)]})
                await send({"type": "http.response.body", "body": b"".join(pieces)})

        is_chat = scope["type"] == "http" and scope["path"].endswith("/chat/completions")
        await app(scope, receive, sending if is_chat else send)

    return wrapped


def held_back(until: Callable[[int, int], bool]) -> Wrap:
    """Events are held back until this number of them, or so many bytes held, are enough; at the end all are sent."""

    def begin() -> Events:
        held, numbers = bytearray(), itertools.count(1)

        def edit(event: bytes) -> bytes:
            held.extend(event)
            if not until(next(numbers), len(held)) and event != DONE:
                return b""
            ready = bytes(held)
            held.clear()
            return ready

        return edit

    return events(begin)


def in_blocks(size: int) -> Wrap:
    """Events are held back until so many bytes are there."""
    return held_back(lambda number, held: held >= size)


def held_at_first(number: int, held: int) -> bool:
    """The first nine tenths of a long answer come at once, the rest as it is made."""
    return number >= HELD_EVENTS


# fmt: off
row("stream-declared-as-json", "STREAM-001", headers("content-type", "application/json"),
    "Browsers and event-source libraries check the type and drop the stream.",
    "vllm-router 0.1.17 has the two types the wrong way round, too")
row("stream-declared-as-text", "STREAM-001", headers("content-type", "text/plain; charset=utf-8"),
    "fetch-event-source throws at the first answer.")
row("stream-declared-in-latin1", "STREAM-001", headers("content-type", "text/event-stream; charset=iso-8859-1"),
    "Clients that believe the charset show garbage outside ASCII.")
row("stream-text-in-latin1", "STREAM-003 SDK-004 SDK-005 SDK-024",
    event(swapped(b'"content":""', b'"content":"d\xe9j\xe0"'), plainly_streamed),
    "openai-python raises a UnicodeDecodeError at the first accent.")
row("stream-with-bom", "STREAM-004 SDK-005", events(at_the_beginning(b"\xef\xbb\xbf")),
    "openai-python loses the first event, and with it the role.")
row("stream-events-not-separated", "STREAM-005 SDK-004 SDK-005 SDK-006 SDK-024 SDK-025 SDK-026",
    event(lambda piece: piece if piece == DONE else piece[:-1]),
    "Clients that wait for the blank line get one huge event at the end.")
row("stream-two-events-in-one-block", "STREAM-005 SDK-004 SDK-005 SDK-024",
    event(lambda piece: piece[:-1], plainly_streamed, MIDDLE),
    "Two payloads become one text that is no JSON.", may="STREAM-027")
row("stream-lines-end-with-cr", "STREAM-005", event(swapped(b"\n", b"\r")),
    "Parsers that split at line feeds wait for ever.")
row("stream-log-line-inside", "STREAM-006", event(at_the_end(b"INFO 12:00:00 all went well\n\n")),
    "What the line stands in the place of is lost without a word.")
row("stream-html-of-a-proxy-inside", "STREAM-006", event(at_the_end(b"<html><h1>504 Gateway Time-out</h1></html>\n\n")),
    "A proxy's time-out is skipped by every parser: the answer ends early and looks whole.",
    "requirements STREAM-006, HTML of front proxies in streams")
row("stream-lone-retry", "STREAM-007 SDK-004 SDK-005 SDK-006 SDK-024 SDK-025 SDK-026",
    events(at_the_beginning(b"retry: 3000\n\n")),
    "openai-python raises a JSONDecodeError before the first word.", "openai-python issue 3833")
row("stream-empty-ping", "STREAM-007 SDK-004 SDK-005 SDK-006 SDK-024 SDK-025 SDK-026", event(at_the_end(b"data:\n\n")),
    "openai-python raises a JSONDecodeError in the middle of the answer.", "openai-python issue 2722")
row("stream-event-without-data", "STREAM-007 SDK-004 SDK-005 SDK-006 SDK-024 SDK-025 SDK-026",
    event(at_the_end(b"event: ping\n\n")),
    "openai-python raises a JSONDecodeError at each ping: long answers break, short ones work.",
    "openai-python issue 2722")
row("stream-keep-alive-after-ids", "STREAM-008 SDK-004 SDK-005 SDK-006 SDK-024 SDK-025 SDK-026",
    events(numbered(b": keep-alive\n\n")),
    "openai-python crashes at the first keep-alive comment, which long answers have.", "llmgateway pull request 2334")
row("stream-blank-line-after-ids", "STREAM-008 SDK-004 SDK-005 SDK-006 SDK-024 SDK-025 SDK-026",
    events(numbered(b"\n")),
    "openai-python raises at the second blank line.", "llmgateway pull request 2334")
row("stream-two-spaces-before-done", "STREAM-010 SDK-004 SDK-005 SDK-006 SDK-024 SDK-025 SDK-026",
    event(swapped(DONE, b"data:  [DONE]\n\n")),
    "openai-python takes the end of a perfect answer for JSON and raises.")
row("stream-tab-after-data", "STREAM-010", event(swapped(b"data: ", b"data:\t"), only=FIRST),
    "Clients that compare with 'data: ' lose the event.", "NeMo's own parser understands 'data: ' only")
row("stream-payload-over-several-lines", "STREAM-011", event(over_several_lines),
    "Hand-written parsers read each line as one payload and fail.")
row("stream-with-nan", "STREAM-012 SDK-005",
    event(swapped(b'"finish_reason":null', b'"finish_reason":null,"p":NaN'), plainly_streamed, MIDDLE),
    "JavaScript's JSON.parse throws, so the page stops in the middle of the answer.")
row("stream-payload-is-an-array", "STREAM-012 SDK-005 SDK-006 SDK-025 SDK-026", event(at_the_end(b"data: []\n\n")),
    "Clients read members of what is no object.")
row("stream-python-literals", "STREAM-012 SDK-004 SDK-005 SDK-024",
    event(lambda piece: piece if piece == DONE else b"data: " + repr(json.loads(piece[6:])).encode() + b"\n\n",
        plainly_streamed),
    "A str() where json.dumps() belongs: no client can read a single chunk.")
row("stream-without-done", "STREAM-026", event(swapped(DONE, b"")),
    "Go and JavaScript clients wait for the end that never comes.",
    "MLflow gateway 3.17.2 never sends it; LiteLLM issue 1255")
row("stream-done-twice", "STREAM-026", event(lambda piece: piece * 2 if piece == DONE else piece),
    "A client that reuses the connection takes the second for the next answer's.")
row("stream-done-in-lower-case", "STREAM-012 STREAM-026 SDK-004 SDK-005 SDK-006 SDK-024 SDK-025 SDK-026",
    event(swapped(DONE, b"data: [done]\n\n")),
    "Clients parse the end as JSON and raise.")
row("stream-done-as-json", "STREAM-012 STREAM-026 SDK-005 SDK-006 SDK-025 SDK-026",
    event(swapped(DONE, b'data: "[DONE]"\n\n')),
    "Clients that look for the bare word never see the end.")
row("stream-done-without-blank-line", "STREAM-027", event(swapped(DONE, DONE[:-1])),
    "Standard parsers never deliver the end.")
row("stream-with-length", "STREAM-047 STREAM-049", measured,
    "The whole answer has to be made before its first word can be sent.", paced=True)
row("stream-without-cache-control", "STREAM-050", headers("cache-control", None),
    "Proxies on the way may keep an answer and give it to somebody else.")
row("stream-may-be-cached", "STREAM-050", headers("cache-control", "public, max-age=60"),
    "The next user gets this user's answer.", may="HDR-023")
row("stream-asks-proxies-to-buffer", "STREAM-051", headers("x-accel-buffering", "yes"),
    "nginx collects the stream, and the user looks at a blank page.")
row("stream-events-are-named", "STREAM-061", event(swapped(b"data: {", b"event: chunk\ndata: {")),
    "EventSource clients that listen to 'message' never hear of an event.")
row("stream-named-as-another-api", "STREAM-061 SDK-005",
    event(lambda piece: b"event: thread.run.created\n" + piece, only=FIRST),
    "openai-python reads the event as one of the Assistants API.")
row("stream-of-nothing", "STREAM-065 SDK-004 SDK-005 SDK-006 SDK-024 SDK-025 SDK-026",
    event(lambda piece: piece if piece == DONE else b""),
    "An outage looks like a model that has nothing to say: the user sees an empty answer and no error.")
row("streams-held-back-until-whole", "STREAM-047", in_blocks(10**9),
    "The user waits for the whole answer instead of reading along.",
    "nginx 1.22 with its default settings", paced=True)
row("streams-held-back-at-first", "STREAM-048", held_back(held_at_first),
    "Most of the waiting time is added to the first word.", "content filters on Azure buffer", paced=True)
row("stream-compressed-though-not-asked", "HDR-005 SDK-004 SDK-005 SDK-006 SDK-024 SDK-025 SDK-026",
    headers("content-encoding", "gzip"),
    "Clients try to unpack plain text and fail.")
# fmt: on
