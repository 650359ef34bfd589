"""One HTTP/1.1 response, from socket reads to what it came to, without any socket.

The HTTP framing is llhttp's (httptools), with one short cut: a read that consists of whole chunks, each of them one
plain event of the stream, is not shown to it.
"""

from operator import sub
from typing import Any

import httptools

from conformance.decoding import PastBound, parsed
from load.client.envelope import PLAIN, Envelope
from load.client.events import EventStream, count_of, sentence_of
from load.client.plain import Heads
from load.result import StreamResult

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_STREAM_BYTES = 64 * 1024 * 1024
MAX_STREAM_EVENTS = 200_000
MOST_HELD_BYTES = 32 * 1024
LONG_READ, PARSED_ALONE = 2048, 3
"""Bytes of a read that is worth to be cut, and how many of its events at the most are cut off: role and first text."""


_EVENT_ENDS = b"\n\n\r\n"
_NEVER: tuple[bytes, ...] = ()
_NO_HEADS = Heads()


class Reply:
    """`stream` is where the events of a streamed answer are wanted; None collects the body.

    `ended` says that nothing more is wanted from the socket; `reusable` that it can carry another request; `left` that
    we go away on purpose, which we do after `leave_after` events with text.
    """

    __slots__ = (
        "_between_chunks",
        "_envelope",
        "_feed",
        "_head_done",
        "_held",
        "_held_bytes",
        "_last_s",
        "_leave_after",
        "_parser",
        "_parts",
        "_plain_end",
        "_plain_heads",
        "_stamps",
        "_streaming",
        "_text_end",
        "_texts",
        "began_s",
        "body",
        "bytes_read",
        "detail",
        "ended",
        "failure",
        "headers",
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
        self.began_s = self._last_s = 0.0
        self._head_done = self._streaming = self._between_chunks = False
        self._texts: list[bytes] = []
        """Of events that were taken for plain ones, and are not counted yet; their stamps are with the stream's."""
        self._plain_end: bytes | tuple[bytes, ...] = _NEVER
        self._plain_heads = _NO_HEADS
        self._envelope: Envelope | None = None
        self._parts: list[bytes] = []
        self.on_body = self._parts.append
        self._parser = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data

    def begin(self, t_s: float) -> None:
        """The request is sent now."""
        self.began_s = self._last_s = t_s

    def feed(self, data: bytes, t_s: float) -> bool:
        """Takes one socket read, stamped `t_s` in seconds; no bytes are the end of the connection.

        What looks like a plain event is stamped at once, and its text looked at in `settle`, with others. Anything else
        costs more, and is held until `catch_up`, so that it does not delay the next read of another connection. Returns
        whether there is something to catch up with.
        """
        if data.endswith(self._plain_end):  # as few steps as can be: they are taken for every event
            size = len(data)
            head = self._plain_heads[size]
            if data.startswith(head):
                if text := data[len(head) : self._text_end]:
                    self._texts.append(text)
                    self._stamps.append(t_s)
                    self.bytes_read += size
                    return False
            elif self._take_plain(data, t_s):
                self.reads += 1
                self.bytes_read += size
                self._last_s = t_s
                return False
        if data:
            self._last_s = t_s
        self._plain_end = _NEVER  # what comes after a read that is held is held, too
        self._held.append((data, t_s))
        self._held_bytes += len(data)
        if self._held_bytes > MOST_HELD_BYTES:
            self.catch_up()
        return True

    def _take_plain(self, data: bytes, t_s: float) -> bool:
        """Counts the events of bytes that end as a plain one does, if they are all chunks of one plain event each."""
        self.settle()
        end, heads = self._plain_end, self._plain_heads
        if not isinstance(end, bytes) or not self.stream:
            return False
        chunks = data.split(end)
        chunks.pop()  # nothing comes after the last end
        more, texts = len(end), []
        for chunk in chunks:
            size = len(chunk) + more
            head = heads[size]
            if not chunk.startswith(head) or len(chunk) == len(head):
                return False
            texts.append(chunk[len(head) :])
        if b"".join(texts).translate(None, PLAIN):
            return False
        self.stream.take(texts, t_s)
        return True

    def catch_up(self) -> None:
        """Takes what was held, as it was read. Never raises: what is wrong ends up in `failure`."""
        held, self._held, self._held_bytes = self._held, [], 0
        self.settle()
        for data, t_s in held:
            if not data:
                self._close()
                continue
            self.reads += 1
            self.bytes_read += len(data)
            self._read(data, t_s)
            if not self._head_done and not self.ended and self.bytes_read > MAX_HEAD_BYTES:
                self.fail("protocol", f"a head of more than {MAX_HEAD_BYTES} bytes")

    def _read(self, data: bytes, t_s: float) -> None:
        """Takes one read. Of a long one the first events are parsed alone, since what follows them may be plain."""
        for _ in range(PARSED_ALONE):
            known = self._plain_end
            if isinstance(known, bytes) and (at := data.rfind(known)) >= 0:
                end = at + len(known)
                if self._take_plain(data[:end], t_s):
                    data = data[end:]
                    break
            end = data.find(_EVENT_ENDS) + len(_EVENT_ENDS)
            if len(data) < LONG_READ or end < len(_EVENT_ENDS):
                break
            self._parse(data[:end], t_s)
            data = data[end:]
        if data:
            self._parse(data, t_s)

    def _parse(self, data: bytes, t_s: float) -> None:
        failed = None
        self._plain_end = _NEVER
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
        elif self._between_chunks and self._leave_after is None and self.stream and data.endswith(b"\r\n"):
            self._expect_plain(self.stream)

    def _expect_plain(self, stream: EventStream) -> None:
        """Lets the next read be known by its bytes, if they can only begin an event."""
        if (envelope := stream.envelope) is not None and stream.is_between_events:
            if envelope != self._envelope:
                self._envelope, self._plain_heads = envelope, Heads(envelope.before)
            self._stamps = stream.stamps
            self._plain_end = envelope.after + _EVENT_ENDS
            self._text_end = -len(self._plain_end)

    def settle(self) -> None:
        """Counts the events that were taken for plain ones, or takes them again if the text of one was not plain."""
        texts, stream = self._texts, self.stream
        if not texts or not stream:
            return
        self.reads += len(texts)
        self._last_s = stream.stamps[-1]
        joined = b"".join(texts)
        if not joined.translate(None, PLAIN):
            stream.events += len(texts)
            stream.text += joined
        elif self._envelope:
            self._plain_end = _NEVER
            stream.take_again(self._envelope, texts)
        texts.clear()

    @property
    def last_s(self) -> float:
        """When something was last read; before that, when the request was sent."""
        self.settle()
        return self._last_s

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
        self.settle()
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
