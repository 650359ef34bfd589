"""From bytes to events with times, without any socket: frames one HTTP/1.1 response, picks out what a chat is timed by.

Every function takes the clock stamp of the socket read that the bytes came from, so that nothing done here can shift a
time. The HTTP framing is llhttp's (httptools).
"""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httptools

from load.result import StreamResult

MAX_EVENT_BYTES = 1024 * 1024
MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
_TEXT = b'"content":"'
_BOM = b"\xef\xbb\xbf"
_TEXT_FIELDS = ("content", "reasoning_content", "reasoning", "refusal")


class ChatStream:
    """The events of one streamed chat. `stamps` are the times, in seconds, of the events that carry generated text.

    An event that plainly carries text is recognised by its bytes; only the others (role, finish, usage, errors, unusual
    spacing) are parsed as JSON.
    """

    __slots__ = ("_after_cr", "_rest", "detail", "done_s", "events", "failure", "finish_reason", "stamps", "tokens")

    def __init__(self) -> None:
        self.events = 0
        self.stamps: list[float] = []
        self.tokens: int | None = None
        self.finish_reason: str | None = None
        self.done_s: float | None = None
        self.failure: str | None = None
        self.detail = ""
        self._rest = b""
        self._after_cr = False

    def feed(self, data: bytes, t_s: float) -> None:
        """Takes a piece of the body, read at `t_s`. Never raises: what is wrong ends up in `failure`."""
        if self._after_cr or b"\r" in data:
            data = self._with_lf(data)
        if self._rest:
            data = self._rest + data
        blocks = data.split(b"\n\n")
        self._rest = blocks.pop()
        for block in blocks:
            at = block.find(_TEXT)
            if (
                at > 0
                and block.startswith(b"data:")
                and block[at + 11 : at + 12] != b'"'
                and b'"finish_reason":"' not in block
                and b"\n" not in block
            ):
                self.events += 1
                self.stamps.append(t_s)
            else:
                self._take(block, t_s)
        if len(self._rest) > MAX_EVENT_BYTES:
            self._rest = b""
            self._fail("oversized event", f"an event of more than {MAX_EVENT_BYTES} bytes")

    def _with_lf(self, data: bytes) -> bytes:
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take(self, block: bytes, t_s: float) -> None:
        data = _data(block)
        if data is None:
            return
        self.events += 1
        if data == b"[DONE]":
            self.done_s = t_s if self.done_s is None else self.done_s
            return
        try:
            chunk = json.loads(data)
        except ValueError:
            chunk = None
        if not isinstance(chunk, dict):
            self._fail("malformed event", f"not a JSON object: {data[:200]!r}")
            return
        if error := chunk.get("error"):
            self._fail("error event", _message(error))
        usage = chunk.get("usage")
        if isinstance(usage, dict) and isinstance(usage.get("completion_tokens"), int):
            self.tokens = usage["completion_tokens"]
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if not isinstance(choice, dict):
                continue
            if isinstance(choice.get("finish_reason"), str):
                self.finish_reason = choice["finish_reason"]
            if _has_text(choice.get("delta")):
                self.stamps.append(t_s)
                break

    def _fail(self, kind: str, detail: str) -> None:
        if self.failure is None:
            self.failure, self.detail = kind, detail

    @property
    def missing(self) -> tuple[str, str] | None:
        """(kind, sentence) of what a stream that ended is short of; None if it is whole."""
        if self.failure:
            return self.failure, self.detail
        if self.done_s is None and self.finish_reason is None:
            return "cut short", f"the stream ended after {self.events} events, without finish_reason and [DONE]"
        if self.done_s is None:
            return "no [DONE]", "the stream ended without data: [DONE]"
        if not self.stamps:
            return "no content", "the stream was whole but carried no text"
        return None


class Reply:
    """One HTTP response. `stream` is where the events of a streamed chat are wanted; None collects the body.

    `ended` says that nothing more is wanted from the socket; `reusable` that it can carry another request.
    """

    def __init__(self, stream: ChatStream | None = None) -> None:
        self.stream = stream
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.reads = 0
        self.bytes_read = 0
        self.last_s = 0.0
        self.ended = False
        self.reusable = False
        self.failure: str | None = None
        self.detail = ""
        self._head_done = False
        self._on_event: Callable[[bytes, float], None] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data

    def feed(self, data: bytes, t_s: float) -> None:
        """Takes one socket read, stamped `t_s` in seconds. Never raises: what is wrong ends up in `failure`."""
        self.last_s = t_s
        self.bytes_read += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade:
            self.fail("protocol", "the gateway switched protocols, which was not asked for")
        except httptools.HttpParserError as error:
            if self.ended:
                self.reusable = False
            else:
                self.fail("protocol", f"not HTTP/1.1: {error}")
        if not self._head_done and self.bytes_read > MAX_HEAD_BYTES:
            self.fail("protocol", f"a head of more than {MAX_HEAD_BYTES} bytes")

    def close(self) -> None:
        """The gateway closed the connection: the end of a body without length, a cut for anything else."""
        if self.ended:
            self.reusable = False
        elif not self._head_done:
            self.fail("closed", "the connection was closed before an answer")
        elif "content-length" in self.headers or "transfer-encoding" in self.headers:
            self.fail("cut short", "the connection was closed in the middle of the answer")
        else:
            self.ended = True

    def fail(self, kind: str, detail: str) -> None:
        """Ends the response with a failure, unless it has ended."""
        if not self.ended:
            self.failure, self.detail = kind, detail
            self.ended, self.reusable = True, False

    @property
    def done(self) -> bool:
        """Whether the stream is over for its reader, even if the body's end has not come."""
        return self.stream is not None and self.stream.done_s is not None

    # What httptools calls

    def on_message_begin(self) -> None:
        if self.ended:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self.ended:
            return
        self.status = self._parser.get_status_code()
        if self.status < 200:
            return
        self._head_done = True
        encoding = self.headers.get("content-encoding", "identity").lower()
        if encoding != "identity":
            self.fail("encoded", f"content-encoding {encoding}, although identity was asked for")
        elif self.stream is not None and self.status == 200:
            if not self.headers.get("content-type", "").lower().startswith("text/event-stream"):
                seen = self.headers.get("content-type", "no content-type")
                self.fail("not an event stream", f"a stream was asked for and {seen} was sent")
            else:
                self._on_event = self.stream.feed

    def on_body(self, data: bytes) -> None:
        if self._on_event is not None:
            self._on_event(data, self.last_s)
        elif not self.ended:
            self.body += data
            if len(self.body) > MAX_BODY_BYTES:
                self.fail("oversized body", f"a body of more than {MAX_BODY_BYTES} bytes")

    def on_message_complete(self) -> None:
        if self.ended:
            return
        if self._head_done:
            self.ended = True
            self.reusable = self._parser.should_keep_alive()
        else:
            self.headers.clear()

    # What it came to

    @property
    def json(self) -> Any:
        """The collected body as JSON; None if it is not."""
        try:
            return json.loads(bytes(self.body))
        except ValueError:
            return None

    @property
    def outcome(self) -> tuple[str | None, str]:
        """(kind of failure, or None, and what was seen) of a response that has ended."""
        if self.failure is not None:
            return self.failure, self.detail
        if self.status != 200:
            return f"http {self.status}", _message(self.json) or _quoted(self.body)
        if self.stream is not None:
            return self.stream.missing or (None, "")
        return (None, "") if isinstance(self.json, dict) else ("malformed answer", f"no object: {_quoted(self.body)}")

    def result(
        self, started_s: float, connect_s: float | None = None, scheduled_s: float | None = None
    ) -> StreamResult:
        """The figures of the request that was sent at `started_s`; call it when the response has ended."""
        stream = self.stream or ChatStream()
        stamps, tokens = stream.stamps, stream.tokens if self.stream is not None else _tokens(self.json)
        failure, detail = self.outcome
        from_s = started_s if scheduled_s is None else scheduled_s
        tpot_s = None
        if tokens is not None and tokens > 1 and len(stamps) > 1:
            tpot_s = (stamps[-1] - stamps[0]) / (tokens - 1)
        return StreamResult(
            started_s=started_s,
            e2e_s=max(0.0, (stream.done_s or self.last_s or started_s) - from_s),
            ttft_s=stamps[0] - from_s if stamps else None,
            gaps_s=tuple(later - earlier for earlier, later in pairwise(stamps)),
            tpot_s=tpot_s,
            events=stream.events,
            content_events=len(stamps),
            reads=self.reads,
            bytes_read=self.bytes_read,
            tokens=tokens,
            status=self.status,
            failure=failure,
            detail=detail,
            done=stream.done_s is not None,
            finish_reason=stream.finish_reason,
            connect_s=connect_s,
            scheduled_s=scheduled_s,
            retry_after_s=_seconds(self.headers.get("retry-after")),
        )


def _data(block: bytes) -> bytes | None:
    """The data of one block of lines; None for comments, and for blocks that dispatch nothing."""
    lines = block.removeprefix(_BOM).split(b"\n")
    found = [line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
    return b"\n".join(found) if found else None


def _has_text(delta: Any) -> bool:
    if not isinstance(delta, dict):
        return False
    return any(isinstance(delta.get(name), str) and delta[name] for name in _TEXT_FIELDS) or bool(
        delta.get("tool_calls")
    )


def _message(value: Any) -> str:
    """The sentence of an error object, however it is wrapped."""
    while isinstance(value, dict):
        value = value.get("error") or value.get("message") or value.get("detail") or ""
    return str(value)[:200] if value else ""


def _quoted(body: bytes | bytearray) -> str:
    return bytes(body[:200]).decode("utf-8", "replace")


def _tokens(body: Any) -> int | None:
    usage = body.get("usage") if isinstance(body, dict) else None
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) else None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else None
