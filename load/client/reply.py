"""One HTTP/1.1 response, from socket reads to what it came to, without any socket.

The HTTP framing is llhttp's (httptools), with one short cut: a read that consists of whole chunks, each of them one
plain event of the stream, is not shown to it.
"""

from operator import sub
from typing import Any

import httptools

from conformance.decoding import PastBound, parsed
from load.client.envelope import PLAIN
from load.client.events import EventStream, count_of, sentence_of
from load.result import StreamResult

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_STREAM_BYTES = 64 * 1024 * 1024
MAX_STREAM_EVENTS = 200_000
MOST_HELD_BYTES = 32 * 1024
LONGEST_PLAIN = 4096
"""Bytes of a read that is looked at as one event."""


def _size_line(length: int) -> bytes:
    """The first line of a chunk which makes up a read of this length."""
    for digits in (1, 2, 3):
        line = b"%x\r\n" % max(length - digits - 4, 0)
        if len(line) == digits + 2:
            return line
    return b"\n"


_SIZE_LINES = tuple(map(_size_line, range(LONGEST_PLAIN)))
_EVENT_ENDS = b"\n\n\r\n"
_NEVER: tuple[bytes, ...] = ()


class Reply:
    """`stream` is where the events of a streamed answer are wanted; None collects the body.

    `ended` says that nothing more is wanted from the socket; `reusable` that it can carry another request; `left` that
    we go away on purpose, which we do after `leave_after` events with text.
    """

    __slots__ = (
        "_between_chunks",
        "_feed",
        "_head_done",
        "_held",
        "_held_bytes",
        "_leave_after",
        "_parser",
        "_parts",
        "_plain_end",
        "_streaming",
        "began_s",
        "body",
        "bytes_read",
        "detail",
        "ended",
        "failure",
        "headers",
        "last_s",
        "left",
        "on_body",
        "reads",
        "reusable",
        "status",
        "stream",
    )

    def __init__(self, stream: EventStream | None = None, leave_after: int | None = None) -> None:
        self.stream = stream
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.reads = 0
        self.bytes_read = 0
        self.ended = self.reusable = self.left = False
        self.failure: str | None = None
        self.detail = ""
        self._leave_after = leave_after
        self._held: list[tuple[bytes, float]] = []
        self._held_bytes = 0
        self.began_s = self.last_s = 0.0
        """When something was last read; before that, when the request was sent."""
        self._head_done = self._streaming = self._between_chunks = False
        self._plain_end: bytes | tuple[bytes, ...] = _NEVER
        self._parts: list[bytes] = []
        self.on_body = self._parts.append
        self._parser = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data

    def begin(self, t_s: float) -> None:
        """The request is sent now."""
        self.began_s = self.last_s = t_s

    def feed(self, data: bytes, t_s: float) -> bool:
        """Takes one socket read, stamped `t_s` in seconds; no bytes are the end of the connection.

        A plain event is counted at once. Anything else costs more, and is held until `catch_up`, so that it does not
        delay the next read of another connection. Returns whether there is something to catch up with.
        """
        if data.endswith(self._plain_end) and not self._held:
            stream = self.stream
            assert stream is not None
            if (text := self._plain_text(data, stream.before)) is not None:
                self.reads += 1
                self.bytes_read += len(data)
                self.last_s = t_s
                stream.take(text, t_s)
                return False
            if texts := self._plain_texts(data, stream.before):
                self.reads += 1
                self.bytes_read += len(data)
                self.last_s = t_s
                for text in texts:
                    stream.take(text, t_s)
                return False
        if data:
            self.last_s = t_s
        self._held.append((data, t_s))
        self._held_bytes += len(data)
        if self._held_bytes > MOST_HELD_BYTES:
            self.catch_up()
        return True

    def _plain_text(self, data: bytes, before: bytes | tuple[bytes, ...]) -> bytes | None:
        """The text of a read that is one whole chunk, which is one plain event and ends as one; else None."""
        if len(data) >= LONGEST_PLAIN:
            return None
        line = _SIZE_LINES[len(data)]
        text = data[len(line) + len(before) : -len(self._plain_end)]
        if data.startswith(line) and data.startswith(before, len(line)) and text and not text.translate(None, PLAIN):
            return text
        return None

    def _plain_texts(self, data: bytes, before: bytes | tuple[bytes, ...]) -> list[bytes] | None:
        """The texts of a read that is several such chunks; else None."""
        texts = []
        for chunk in data[:-4].split(_EVENT_ENDS):
            chunk += _EVENT_ENDS
            if not chunk.endswith(self._plain_end) or (text := self._plain_text(chunk, before)) is None:
                return None
            texts.append(text)
        return texts

    def catch_up(self) -> None:
        """Takes what was held, as it was read. Never raises: what is wrong ends up in `failure`."""
        held, self._held, self._held_bytes = self._held, [], 0
        for data, t_s in held:
            if data:
                self._parse(data, t_s)
            else:
                self._close()

    def _parse(self, data: bytes, t_s: float) -> None:
        self.reads += 1
        self.bytes_read += len(data)
        failed = None
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade:
            failed = "the gateway switched protocols, which was not asked for"
        except httptools.HttpParserError as error:
            failed = f"not HTTP/1.1: {error}"
        if self._parts:
            self._take_body(t_s)
        if failed and self.ended:
            self.reusable = False
        elif failed:
            self.fail("protocol", failed)
        elif not self._head_done and self.bytes_read > MAX_HEAD_BYTES:
            self.fail("protocol", f"a head of more than {MAX_HEAD_BYTES} bytes")
        elif self._between_chunks and self._leave_after is None and self.stream and data.endswith(b"\r\n"):
            after = self.stream.after
            self._plain_end = after + _EVENT_ENDS if isinstance(after, bytes) else _NEVER
        else:
            self._plain_end = _NEVER

    def _take_body(self, t_s: float) -> None:
        data = b"".join(self._parts)
        self._parts.clear()
        if self.failure:
            return
        if self._streaming and self.stream is not None:
            self.stream.feed(data, t_s)
            if self._leave_after is not None and len(self.stream.stamps) >= self._leave_after and not self.ended:
                self.ended = self.left = True
        else:
            self.body += data
            if len(self.body) > MAX_BODY_BYTES:
                self.ended = False
                self.fail("oversized body", f"a body of more than {MAX_BODY_BYTES} bytes")

    def forget(self) -> None:
        """Nothing more will be fed: lets go of the parser, which holds us, too, and would keep both in memory."""
        self._held.clear()
        del self._parser, self._feed, self.on_body

    def _close(self) -> None:
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
        """Ends the response with a failure, unless what was read until now has ended it."""
        if self._held:
            self.catch_up()
        if not self.ended:
            self.failure, self.detail = kind, detail
            self.ended, self.reusable = True, False

    @property
    def excess(self) -> str:
        """What a stream has too much of; "" for one that a client may have asked for."""
        if self.bytes_read > MAX_STREAM_BYTES:
            return f"a stream of more than {MAX_STREAM_BYTES} bytes"
        if self.stream is not None and len(self.stream.stamps) > MAX_STREAM_EVENTS:
            return f"a stream of more than {MAX_STREAM_EVENTS} events with text"
        return ""

    def hang(self, waited_s: float) -> None:
        """The stream is over for its reader, and its body does not end."""
        if self.stream is not None:
            self.stream.hang(waited_s)

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
            seen = self.headers.get("content-type", "no content-type")
            if seen.lower().startswith("text/event-stream"):
                self._streaming = True
            else:
                self.fail("not an event stream", f"a stream was asked for and {seen} was sent")

    def on_chunk_header(self) -> None:
        self._between_chunks = False

    def on_chunk_complete(self) -> None:
        self._between_chunks = True

    def on_message_complete(self) -> None:
        self._between_chunks = False
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
        """The collected body as JSON; None if it is not, or more than conformance.limits lets us take apart."""
        try:
            return parsed(self.body.decode("utf-8"), strict=False)
        except (ValueError, PastBound):
            return None

    @property
    def outcome(self) -> tuple[str | None, str]:
        """(kind of failure, or None, and what was seen) of a response that has ended."""
        if self.failure is not None:
            return self.failure, self.detail
        if self.status != 200:
            return f"http {self.status}", sentence_of(self.json) or _quoted(self.body)
        if self.left:
            return None, ""
        if self.stream is not None:
            return self.stream.missing or (None, "")
        return (None, "") if isinstance(self.json, dict) else ("malformed answer", f"no object: {_quoted(self.body)}")

    def result(
        self, started_s: float, connect_s: float | None = None, scheduled_s: float | None = None
    ) -> StreamResult:
        """The figures of the request that was sent at `started_s`; call it when the response has ended."""
        failure, detail = self.outcome
        from_s = started_s if scheduled_s is None else scheduled_s
        ended_s = max(self.last_s, started_s)
        stream = self.stream
        common: dict[str, Any] = {
            "started_s": started_s,
            "reads": self.reads,
            "bytes_read": self.bytes_read,
            "status": self.status,
            "failure": failure,
            "detail": detail,
            "connect_s": connect_s,
            "retry_after_s": _seconds(self.headers.get("retry-after")),
            "scheduled_s": scheduled_s,
        }
        if stream is None:
            return StreamResult(e2e_s=ended_s - from_s, tokens=_tokens(self.json), **common)
        stamps, tokens = stream.stamps, stream.tokens
        return StreamResult(
            e2e_s=(stream.done_s or ended_s) - from_s,
            ttft_s=stamps[0] - from_s if stamps else None,
            gaps_s=tuple(map(sub, stamps[1:], stamps)),
            tpot_s=(stamps[-1] - stamps[0]) / (tokens - 1) if tokens and tokens > 1 and len(stamps) > 1 else None,
            events=stream.events,
            content_events=len(stamps),
            tokens=tokens,
            done=stream.done_s is not None,
            finish_reason=stream.finish_reason,
            violations=stream.violations(whole=failure is None and not self.left),
            left=self.left,
            **common,
        )


def _quoted(body: bytes | bytearray) -> str:
    return bytes(body[:200]).decode("utf-8", "replace")


def _tokens(body: Any) -> int | None:
    usage = body.get("usage") if isinstance(body, dict) else None
    return count_of(usage.get("completion_tokens")) if isinstance(usage, dict) else None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else None
