"""From bytes to events: however a response is cut into reads the events are the same, and each damage has its name."""

import json
from typing import Any

import pytest

from load.client.events import MAX_EVENT_BYTES, EventStream
from load.client.reply import Reply
from load.result import StreamResult
from load.stream_rules import Ids, Judge

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"


def chunk(**fields: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m"} | fields


def delta(text: str | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    found = fields if text is None else fields | {"content": text}
    return chunk(choices=[{"index": 0, "delta": found, "finish_reason": finish}])


EVENTS: list[Any] = [
    delta("", role="assistant"),
    delta("Hel"),
    delta('lo \\ "content":"" 🌍\n\n'),
    delta("!"),
    delta(None, "stop"),
    chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}),
    "[DONE]",
]


def sse(events: list[Any], end: str = "\n", *, compact: bool = True, ascii: bool = False) -> bytes:
    separators = (",", ":") if compact else (", ", ": ")
    texts = [e if isinstance(e, str) else json.dumps(e, separators=separators, ensure_ascii=ascii) for e in events]
    return "".join(f"data: {text}{end}{end}" for text in texts).encode()


def chunked(body: bytes, size: int = 50) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return HEAD + b"transfer-encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


def sized(body: bytes) -> bytes:
    return HEAD + b"content-length: %d\r\n\r\n" % len(body) + body


def until_close(body: bytes) -> bytes:
    return HEAD + b"\r\n" + body


def stream() -> EventStream:
    return EventStream(Judge("chat stream", b"{}", Ids()))


def read(*reads: bytes, close: bool = True) -> Reply:
    """A streamed reply fed with these reads, one every 10 ms after the request at 100 s."""
    reply = Reply(stream())
    for number, data in enumerate(reads, 1):
        reply.feed(data, 100 + number / 100)
        reply.catch_up()
    if close and not reply.ended:
        reply.feed(b"", 100 + len(reads) / 100)
        reply.catch_up()
    return reply


def figures(*reads: bytes) -> StreamResult:
    return read(*reads).result(100.0)


@pytest.mark.parametrize("frame", [chunked, sized, until_close])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("compact", [True, False], ids=["compact", "spaced"])
def test_every_cut_into_two_reads_gives_the_same_events(frame: Any, end: str, compact: bool) -> None:
    raw = frame(sse(EVENTS, end, compact=compact))
    for at in range(1, len(raw)):
        found = figures(raw[:at], raw[at:])
        assert (found.failure, found.events, found.content_events, found.tokens) == (None, 7, 3, 9), at
        assert (found.done, found.finish_reason) == (True, "stop"), at


@pytest.mark.parametrize("frame", [chunked, sized, until_close])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_one_byte_a_read_gives_the_same_events(frame: Any, end: str) -> None:
    raw = frame(sse(EVENTS, end))
    found = figures(*(raw[at : at + 1] for at in range(len(raw))))
    assert (found.failure, found.events, found.content_events, found.tokens) == (None, 7, 3, 9)


def test_times_are_those_of_the_reads_that_completed_events_with_text() -> None:
    body = [sse([event]) for event in EVENTS]
    pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in body]
    head = HEAD + b"transfer-encoding: chunked\r\n\r\n"
    found = figures(head, pieces[0], pieces[1], b"".join(pieces[2:4]), b"".join(pieces[4:]) + b"0\r\n\r\n")
    assert found.ttft_s == pytest.approx(0.03)
    assert found.gaps_s == pytest.approx((0.01, 0.0))
    assert found.tpot_s == pytest.approx(0.01 / 8)
    assert found.e2e_s == pytest.approx(0.05)


def test_an_event_split_over_two_reads_has_the_time_of_the_second() -> None:
    raw = until_close(sse(EVENTS))
    middle = raw.index(b"Hel") + 1
    assert figures(raw[:middle], raw[middle:]).ttft_s == pytest.approx(0.02)


def test_comments_and_named_events_and_a_byte_order_mark_are_no_trouble() -> None:
    lines = sse(EVENTS).replace(b"data: ", b": ping\n\nevent: message\nid: 7\ndata: ", 2)
    found = figures(until_close(b"\xef\xbb\xbf" + lines))
    assert (found.failure, found.events, found.content_events) == (None, 7, 3)


@pytest.mark.parametrize(
    "event",
    [
        delta("", role="assistant"),
        delta(None, role="assistant", content=None),
        delta(None, "stop"),
        chunk(choices=[], usage={"completion_tokens": 1}),
        chunk(choices=[{"index": 0, "delta": {}, "logprobs": {"content": [{"token": "a"}]}, "finish_reason": None}]),
    ],
)
def test_an_event_without_text_is_not_a_content_event(event: Any) -> None:
    assert read(until_close(sse([event]))).result(100.0).content_events == 0


@pytest.mark.parametrize(
    "event",
    [
        delta("a", "stop"),
        delta(" "),
        delta("ü", role="assistant"),
        delta(None, reasoning_content="hm"),
        delta(None, tool_calls=[{"index": 0, "function": {"arguments": "{"}}]),
    ],
)
def test_an_event_with_text_is_a_content_event(event: Any) -> None:
    assert read(until_close(sse([event]))).result(100.0).content_events == 1


def test_the_last_text_may_come_with_the_finish_reason_and_usage() -> None:
    last = delta("end", "length") | {"usage": {"completion_tokens": 2}}
    found = figures(until_close(sse([delta("a"), last, "[DONE]"])))
    assert (found.failure, found.content_events, found.finish_reason, found.tokens) == (None, 2, "length", 2)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (until_close(sse(EVENTS[:-1])), "no [DONE]"),
        (chunked(sse(EVENTS[:-1])), "no [DONE]"),
        (until_close(sse(EVENTS[:3])), "cut short"),
        (chunked(sse(EVENTS))[:-30], "cut short"),
        (sized(sse(EVENTS))[:-20], "cut short"),
        (until_close(sse([EVENTS[0], EVENTS[4], "[DONE]"])), "no content"),
        (until_close(sse([EVENTS[1], "{oops", *EVENTS[4:]])), "malformed event"),
        (until_close(sse([EVENTS[1], "[1]", *EVENTS[4:]])), "malformed event"),
        (until_close(sse([EVENTS[1], {"error": {"message": "no more"}}, "[DONE]"])), "error event"),
        (until_close(b"data: " + b"x" * (MAX_EVENT_BYTES + 1)), "oversized event"),
        (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}", "not an event stream"),
        (b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\n{}", "http 429"),
        (b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", "http 302"),
        (HEAD + b"content-encoding: gzip\r\n\r\n\x1f\x8b", "encoded"),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "protocol"),
        (b"SSH-2.0-OpenSSH\r\n", "protocol"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, "protocol"),
        (b"HTTP/1.1 200 OK\r\n", "closed"),
        (b"", "closed"),
    ],
)
def test_damage_has_a_name(raw: bytes, kind: str) -> None:
    for reads in ([raw], [raw[:37], raw[37:]]):
        found = figures(*(data for data in reads if data))
        assert found.failure == kind
        assert found.detail or kind == "http 302"


def test_an_error_says_what_the_gateway_said() -> None:
    body = b'{"error":{"message":"slow down","type":"rate_limit_error"}}'
    found = figures(b"HTTP/1.1 429 X\r\nretry-after: 3\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    assert (found.status, found.detail, found.retry_after_s) == (429, "slow down", 3.0)


@pytest.mark.parametrize(
    ("raw", "reusable"),
    [
        (chunked(sse(EVENTS)), True),
        (sized(sse(EVENTS)), True),
        (until_close(sse(EVENTS)), False),
        (sized(sse(EVENTS)).replace(b"content-type", b"connection: close\r\ncontent-type"), False),
        (sized(sse(EVENTS)) + b"surplus", False),
    ],
)
def test_a_connection_is_used_again_only_after_a_body_with_an_end(raw: bytes, reusable: bool) -> None:
    assert read(raw).reusable is reusable


def test_early_hints_before_the_answer_are_passed_over() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\ncontent-length: 99\r\nlink: </a>\r\n\r\n"
    assert figures(hints + chunked(sse(EVENTS))).failure is None


def test_done_is_the_end_for_the_reader_before_the_body_ends() -> None:
    reply = read(chunked(sse(EVENTS))[:-5], close=False)
    assert (reply.done, reply.ended) == (True, False)
    assert reply.result(100.0).failure is None


def test_a_plain_answer_has_tokens_and_no_stream_figures() -> None:
    reply = Reply()
    reply.feed(b'HTTP/1.1 200 OK\r\ncontent-length: 33\r\n\r\n{"usage":{"completion_tokens":5}}', 100.5)
    reply.catch_up()
    found = reply.result(100.0)
    assert (found.failure, found.tokens, found.ttft_s, found.e2e_s) == (None, 5, None, 0.5)


@pytest.mark.parametrize("tokens", ["1" + "0" * 400, "1e999", "-1", "true", '"9"', "2000000000"])
def test_tokens_that_no_answer_can_have_are_not_counted(tokens: str) -> None:
    usage = b'{"id": "chatcmpl-1", "choices": [], "usage": {"completion_tokens": %b}}' % tokens.encode()
    body = sse([*EVENTS[:5], "USAGE", "[DONE]"]).replace(b"USAGE", usage)
    assert figures(chunked(body)).tokens is None
    plain = Reply()
    plain.feed(HEAD + b"content-length: %d\r\n\r\n" % len(usage) + usage, 1.0)
    plain.catch_up()
    assert plain.result(0.0).tokens is None


def test_a_plain_answer_of_more_values_than_are_taken_apart_is_malformed() -> None:
    body = b'{"a": [' + b"[]," * 1_000_000 + b"0]}"
    reply = Reply()
    reply.feed(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body, 1.0)
    reply.catch_up()
    assert reply.outcome[0] == "malformed answer"
