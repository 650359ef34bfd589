"""The events of a streamed answer, from the bytes of its body, with the time of each that carries generated text.

Every function takes the clock stamp of the socket read that the bytes came from, so that nothing done here can shift a
time. An event that differs from the one before in its text alone is recognised by its bytes; only the others (role,
finish, usage, errors, escapes) are parsed as JSON and shown to the rules.
"""

import json
from typing import Any

from load.client.envelope import Envelope, envelope_of, texts_of
from load.stream_rules import BODY_ENDS, DONE_LAST, DONE_ONCE, TEXT, Judge

MAX_EVENT_BYTES = 1024 * 1024
MOST_TOKENS = 1_000_000_000
MOST_LESSONS = 8
"""Envelopes that are learned from one stream; one that changes all the time is not worth more."""
_BOM = b"\xef\xbb\xbf"


class EventStream:
    """One streamed answer. `stamps` are the times, in seconds, of the events that carry generated text, `text` is all
    of it.

    `envelope` is what a plain event has around its text, while that is known.
    """

    __slots__ = (
        "_after_cr",
        "_judge",
        "_lessons",
        "_rest",
        "detail",
        "done_s",
        "envelope",
        "events",
        "failure",
        "finish_reason",
        "stamps",
        "text",
        "tokens",
    )

    def __init__(self, judge: Judge) -> None:
        self.events = 0
        self.stamps: list[float] = []
        self.text = bytearray()
        self.tokens: int | None = None
        self.finish_reason: str | None = None
        self.done_s: float | None = None
        self.failure: str | None = None
        self.detail = ""
        self.envelope: Envelope | None = None
        self._judge = judge
        self._lessons = 0
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
        if self.envelope is not None and (texts := self.envelope.texts(blocks)):
            self.take(texts, t_s)
        else:
            for block in blocks:
                self._block(block, t_s)
        if len(self._rest) > MAX_EVENT_BYTES:
            self._rest = b""
            self._fail("oversized event", f"an event of more than {MAX_EVENT_BYTES} bytes")

    @property
    def is_between_events(self) -> bool:
        """Whether the next byte begins an event."""
        return not self._rest and not self._after_cr

    def take(self, texts: list[bytes], t_s: float) -> None:
        """Counts events that came at once and are known to be plain, with these texts."""
        self.events += len(texts)
        self.stamps += [t_s] * len(texts)
        self.text += b"".join(texts)

    def take_again(self, envelope: Envelope, texts: list[bytes]) -> None:
        """Takes the last events, which were stamped as if they were plain, with these texts, as what they are."""
        stamps = self.stamps[-len(texts) :]
        del self.stamps[-len(texts) :]
        for text, t_s in zip(texts, stamps, strict=True):
            self.feed(envelope.before + text + envelope.after + b"\n\n", t_s)

    def _block(self, block: bytes, t_s: float) -> None:
        if self.envelope is not None and (texts := self.envelope.texts((block,))):
            self.take(texts, t_s)
            return
        data = _data(block)
        if data is None:
            return
        self.events += 1
        judge = self._judge
        if data == b"[DONE]":
            if self.done_s is not None:
                judge.add(DONE_ONCE[judge.kind], "the stream has more than one [DONE]")
            self.done_s = t_s if self.done_s is None else self.done_s
            self.envelope = None
            return
        if self.done_s is not None:
            judge.add(DONE_LAST[judge.kind], f"after [DONE] comes {data[:80]!r}")
        if (chunk := self._parsed(data)) is None:
            self._fail("malformed event", f"not a JSON object: {data[:200]!r}")
            return
        judge.chunk(chunk)
        self._take_chunk(block, chunk, t_s)

    def _parsed(self, data: bytes) -> dict[str, Any] | None:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            self._judge.add(TEXT[self._judge.kind], f"byte {error.start} of an event is {data[error.start]:#04x}")
            text = data.decode("utf-8", "replace")
        try:
            chunk = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return chunk if isinstance(chunk, dict) else None

    def _take_chunk(self, block: bytes, chunk: dict[str, Any], t_s: float) -> None:
        if error := chunk.get("error"):
            self._fail("error event", sentence_of(error))
        usage = chunk.get("usage")
        if isinstance(usage, dict) and (tokens := count_of(usage.get("completion_tokens"))) is not None:
            self.tokens = tokens
        choices = chunk.get("choices")
        finished = False
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict) and isinstance(choice.get("finish_reason"), str):
                self.finish_reason, finished = choice["finish_reason"], True
        texts = texts_of(chunk)
        if texts or _calls(choices):
            self.stamps.append(t_s)
        self.text += "".join([text for _, _, text in texts]).encode("utf-8", "replace")
        if finished:
            self.envelope = None
        elif texts and self.finish_reason is None and self._lessons < MOST_LESSONS and b"\n" not in block:
            self._lessons += 1
            self.envelope = envelope_of(block, chunk) or self.envelope

    def _with_lf(self, data: bytes) -> bytes:
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def hang(self, waited_s: float) -> None:
        """The end of the body was waited for so many seconds after [DONE], and did not come."""
        judge = self._judge
        judge.add(BODY_ENDS[judge.kind], f"the body had not ended {waited_s:.1f} s after [DONE]")

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

    def violations(self, *, whole: bool) -> tuple[tuple[str, str], ...]:
        """(requirement, what was seen); of a stream that is not whole only what had shown before it was cut."""
        if whole:
            self._judge.end(self.text)
        return tuple(self._judge.seen.items())


def _data(block: bytes) -> bytes | None:
    """The data of one block of lines; None for comments, and for blocks that dispatch nothing."""
    if block.startswith(b"data: ") and b"\n" not in block:
        return block[6:]
    lines = block.removeprefix(_BOM).split(b"\n")
    found = [line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
    return b"\n".join(found) if found else None


def _calls(choices: Any) -> bool:
    """Whether a tool is called: its name comes before any arguments do."""
    found = [choice.get("delta") for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else ()
    return any(isinstance(delta, dict) and delta.get("tool_calls") for delta in found)


def count_of(value: Any) -> int | None:
    """A number of tokens that can be one: a gateway's usage may hold any JSON."""
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else None


def sentence_of(value: Any) -> str:
    """The sentence of an error object, however it is wrapped."""
    while isinstance(value, dict):
        value = value.get("error") or value.get("message") or value.get("detail") or ""
    return str(value)[:200] if value else ""
