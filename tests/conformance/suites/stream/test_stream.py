"""Each check of streamed chats fires on its defect alone: one in the framing, or one in serving."""

import itertools
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conformance.verdict import Verdict

from ..defects import Answer, Asked, changed, error
from ..edits import (
    Wrap,
    answered,
    asked_as,
    asks,
    chunk,
    chunks,
    drop,
    event,
    headers,
    judge_with,
    plainly_streamed,
    put,
    stream,
)
from ..judged import red

FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE
AREAS = ("LIST", "MODEL", "CHAT", "STREAM")
DONE = b"data: [DONE]\n\n"
n2, stops = asks("n", 2), asks("stop")
with_usage = asks("stream_options", {"include_usage": True})
split_stops = asks("stop", [" t", "e ", "he", "s "])
FIRST, MIDDLE = slice(0, 1), slice(3, 4)
"""The first event, and one of the text."""


def swapped(old: bytes, new: bytes) -> Any:
    return lambda body: body.replace(old, new)


def before_done(piece: bytes) -> Any:
    return lambda body: body.removesuffix(DONE) + piece + DONE


def numbered(body: bytes) -> bytes:
    numbers = itertools.count(1)
    return re.sub(rb"(?m)^data", lambda _: b"id: %d\ndata" % next(numbers), body)


def latin(body: bytes) -> bytes:
    return body.replace(b'"content":""', b'"content":"d\xe9j\xe0"')


def over_several_lines(piece: bytes) -> bytes:
    if piece == DONE:
        return piece
    text = json.dumps(json.loads(piece[6:]), indent=0)
    return "".join(f"data: {line}\n" for line in text.splitlines()).encode() + b"\n"


def again_after_done(body: bytes) -> bytes:
    piece = body.split(b"\n\n")[3]
    return body + re.sub(rb'"delta":{[^}]*}', b'"delta":{}', piece) + b"\n\n"


def measured(app: ASGIApp) -> ASGIApp:
    """Streams are collected and sent with their length."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        start: list[Message] = []
        pieces: list[bytes] = []

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
            else:
                pieces.append(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                body = b"".join(pieces)
                kept = [pair for pair in start[0]["headers"] if pair[0] != b"content-length"]
                await send({**start[0], "headers": [*kept, (b"content-length", b"%d" % len(body))]})
                await send({"type": "http.response.body", "body": body})

        await app(scope, receive, sending if scope["type"] == "http" else send)

    return wrapped


def of_several_tokens(asked: Asked) -> bool:
    return plainly_streamed(asked) and asked.object["max_completion_tokens"] > 1


def is_short(asked: Asked) -> bool:
    """The stream that longer ones are held against."""
    return "at least 100" in str(asked.object.get("messages")) and asked.object.get("max_completion_tokens") == 5


IN_FRAMING: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "declared as JSON": (headers("content-type", "application/json"), {"STREAM-001": FAIL}),
    "declared in Latin-1": (headers("content-type", "text/event-stream; charset=latin1"), {"STREAM-001": FAIL}),
    "text in Latin-1": (stream(latin, plainly_streamed), {"STREAM-003": FAIL}),
    "a byte-order mark": (stream(lambda body: b"\xef\xbb\xbf" + body), {"STREAM-004": FAIL}),
    "one line feed between events": (
        stream(lambda body: body.replace(b"\n\n", b"\n") + b"\n", split_stops),
        {"STREAM-005": FAIL, "STREAM-030": FAIL, "STREAM-055": UNTESTABLE, "STREAM-077": UNTESTABLE},
    ),
    "two events in one block": (event(lambda piece: piece[:-1], of_several_tokens, only=MIDDLE), {"STREAM-005": FAIL}),
    "lines that end with CR": (stream(swapped(b"\n", b"\r")), {"STREAM-005": WARN}),
    "a log line": (stream(before_done(b"INFO all went well\n\n")), {"STREAM-006": FAIL}),
    "HTML of a proxy": (stream(before_done(b"<p>504</p>\n\n")), {"STREAM-006": FAIL}),
    "a lone retry": (stream(lambda body: b"retry: 1000\n\n" + body), {"STREAM-007": FAIL}),
    "an empty ping": (stream(before_done(b"data:\n\n")), {"STREAM-007": FAIL}),
    "ids and a keep-alive": (
        stream(lambda body: numbered(before_done(b": keep-alive\n\n")(body))),
        {"STREAM-008": WARN},
    ),
    "ids and another blank line": (stream(lambda body: numbered(before_done(b"\n")(body))), {"STREAM-008": WARN}),
    "two spaces before [DONE]": (stream(swapped(DONE, b"data:  [DONE]\n\n")), {"STREAM-010": FAIL}),
    "a tab after data": (event(swapped(b"data: ", b"data:\t"), only=FIRST), {"STREAM-010": FAIL}),
    "payloads over several lines": (event(over_several_lines), {"STREAM-011": WARN}),
    "NaN": (
        event(swapped(b'"finish_reason":null', b'"finish_reason":null,"p":NaN'), plainly_streamed, only=MIDDLE),
        {"STREAM-012": FAIL},
    ),
    "an array for a chunk": (stream(before_done(b"data: []\n\n")), {"STREAM-012": FAIL}),
    "no [DONE]": (stream(swapped(DONE, b"")), {"STREAM-026": FAIL}),
    "[DONE] twice": (stream(lambda body: body + DONE), {"STREAM-026": FAIL}),
    "[DONE] without a blank line": (stream(lambda body: body[:-1]), {"STREAM-027": FAIL}),
    "an event after [DONE]": (stream(again_after_done, of_several_tokens), {"STREAM-027": FAIL}),
    "a length": (measured, {"STREAM-049": WARN}),
    "no Cache-Control": (headers("cache-control", None), {"STREAM-050": WARN}),
    "a stream that may be cached": (headers("cache-control", "max-age=60"), {"STREAM-050": WARN}),
    "named events": (stream(swapped(b"data: {", b"event: chunk\ndata: {")), {"STREAM-061": FAIL}),
    "events of another API": (event(lambda piece: b"event: thread.run\n" + piece, only=FIRST), {"STREAM-061": FAIL}),
    "short streams of nothing": (stream(lambda body: DONE, is_short), {"STREAM-065": FAIL}),
}


@pytest.mark.parametrize("name", IN_FRAMING)
def test_a_defect_of_framing_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = IN_FRAMING[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged


def is_hot(asked: Asked) -> bool:
    return asked.streams and asked.object.get("temperature") == "hot"


SSE = Answer(200, ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")))
ERROR = b'data: {"error": {"message": "no", "type": "invalid_request_error"}}\n\n' + DONE


def many_words(asked: Asked) -> bool:
    return asked.streams and "pear" in str(asked.object.get("messages"))


def mixing(app: ASGIApp) -> ASGIApp:
    """From the second stream on, the last chunk but one is that of the stream before."""
    seen: list[Any] = []

    def change(asked: Asked, answer: Answer) -> Answer:
        if not (answer.is_stream and many_words(asked)):
            return answer
        events = re.findall(rb".+?\n\n", answer.body, re.DOTALL)
        seen.append(events[2])
        return replace(answer, body=b"".join([*events[:2], seen[-2] if len(seen) > 1 else events[2], *events[3:]]))

    return changed(app, change)


def miscounting(app: ASGIApp) -> ASGIApp:
    """Parallel streams get the usage of others."""

    def change(found: list[Any]) -> list[Any]:
        usage = found[-1]["usage"]
        usage["prompt_tokens"] = 200 - usage["prompt_tokens"]
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return found

    return chunks(change, many_words)(app)


def letting_through(found: list[Any]) -> list[Any]:
    """The stop sequence `he`, half in one chunk and half in the next."""
    for number, piece in ((1, "h"), (2, "e")):
        found.insert(number, json.loads(json.dumps(found[0])))
        found[number]["choices"][0]["delta"] = {"content": piece}
    return found


def kept_counting(found: list[Any]) -> list[Any]:
    found[-1]["usage"]["prompt_tokens"] += 1
    found[-1]["usage"]["total_tokens"] += 1
    return found


IN_SERVING: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "stop sequences refused": (
        answered(lambda asked: asked.streams and stops(asked) and asked.object["stop"], error(400)),
        {"STREAM-001": FAIL},
    ),
    "one prompt token more": (chunks(kept_counting, with_usage), {"STREAM-034": WARN}),
    "a refusal as 200 and JSON": (
        answered(is_hot, Answer(200, body=b'{"error": {"message": "no"}}')),
        {"STREAM-053": FAIL},
    ),
    "a refusal as a stream": (answered(is_hot, replace(SSE, body=ERROR)), {"STREAM-053": FAIL}),
    "a refusal declared as a stream": (
        answered(is_hot, error(400).with_header("content-type", "text/event-stream")),
        {"STREAM-053": FAIL},
    ),
    "a refusal of another status": (answered(is_hot, error(503)), {"STREAM-054": WARN}),
    "caps ignored": (
        asked_as(
            put("max_completion_tokens", 60), lambda asked: asked.streams and asks("max_completion_tokens", 5)(asked)
        ),
        {"STREAM-055": FAIL},
    ),
    "a cap reported as stop": (
        chunk(put("choices[].finish_reason", lambda old: old and "stop"), asks("max_tokens", 5)),
        {"STREAM-055": FAIL},
    ),
    "stop ignored": (asked_as(drop("stop"), lambda asked: asked.streams and stops(asked)), {"STREAM-055": FAIL}),
    "a stop split over two chunks": (chunks(letting_through, split_stops), {"STREAM-055": FAIL}),
    "streams that mix": (mixing, {"STREAM-014": FAIL, "STREAM-057": FAIL}),
    "streams with the usage of others": (miscounting, {"STREAM-057": FAIL}),
    "no parallel streams": (answered(many_words, error(500)), {"STREAM-001": FAIL, "STREAM-057": FAIL}),
}


@pytest.mark.parametrize("name", IN_SERVING)
def test_a_defect_in_serving_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = IN_SERVING[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged
