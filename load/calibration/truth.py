"""A server that knows the truth: it streams at a steady pace and remembers when it sent each event.

It runs in a process of its own (`python -m load.calibration.truth`), so that it takes no time of the client's. A stamp
is taken just before an event is handed to the kernel, on the clock that all processes of a machine share; on the
loopback the event can be read from then on, so what a client's stamp is later than this is the client's error. Any POST
is answered with a stream, any GET with what was sent when.
"""

import argparse
import asyncio
import json
import random
import sys
from time import perf_counter, process_time
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
_CREATED = 1_700_000_000


class Pace:
    """How every answer streams: the first event after `ttft_s`, then one every `itl_s`. When they are `spread`, the
    streams don't run in step: `ttft_s` is a mean then, and the first answer of a connection begins at any time."""

    def __init__(self, ttft_s: float, itl_s: float, tokens: int, spread: bool) -> None:
        self.ttft_s, self.itl_s, self.tokens, self.spread = ttft_s, itl_s, tokens, spread
        self.sent: dict[str, list[float]] = {}
        """By the name that a request gave itself in `user`: when its events were sent, in seconds."""
        self._draw = random.Random(1)

    def wait_s(self, is_first: bool) -> float:
        """How long an answer takes to begin; `is_first` on its connection."""
        if not self.spread:
            return self.ttft_s
        phase_s = self._draw.uniform(0, self.ttft_s + self.itl_s * self.tokens) if is_first else 0.0
        return phase_s + self._draw.uniform(0, 2 * self.ttft_s)


class Connection(asyncio.Protocol):
    """One keep-alive connection: one stream after the other."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._received = b""
        self._is_first = True
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank:
            return
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = int(lengths[0].partition(b":")[2]) if lengths else 0
        if len(body) < length:
            return
        self._received = body[length:]
        if head.startswith(b"POST"):
            self._start(json.loads(body[:length])["user"])
        else:
            self._tell()

    def _start(self, name: str) -> None:
        pace = self._pace
        self._stamps: list[float] = []
        pace.sent[name] = self._stamps
        self._name = name
        self._event = framed(self._chunk({"content": " tide"}))
        self._loop = asyncio.get_running_loop()
        self._due_s = self._loop.time() + pace.wait_s(self._is_first)
        self._is_first = False
        self._timer = self._loop.call_at(self._due_s, self._first)

    def _first(self) -> None:
        self._transport.write(HEAD + framed(self._chunk({"role": "assistant", "content": ""})))
        self._next()

    def _next(self) -> None:
        self._stamps.append(perf_counter())
        self._transport.write(self._event)
        if len(self._stamps) < self._pace.tokens:
            self._due_s += self._pace.itl_s
            self._timer = self._loop.call_at(self._due_s, self._next)
        else:
            self._end()

    def _end(self) -> None:
        tokens = self._pace.tokens
        usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}
        self._transport.write(
            framed(self._chunk({}, "stop")) + framed(self._chunk(None, None, usage)) + framed(b"data: [DONE]\n\n") + END
        )

    def _chunk(self, delta: Any, finish: str | None = None, usage: Any = None) -> bytes:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
        chunk = {"id": f"chatcmpl-{self._name}", "object": "chat.completion.chunk", "created": _CREATED, "model": "m"}
        told = chunk | {"choices": choices} | ({"usage": usage} if usage else {})
        return b"data: " + json.dumps(told, separators=(",", ":")).encode() + b"\n\n"

    def _tell(self) -> None:
        body = json.dumps({"sent": self._pace.sent, "cpu_s": process_time()}).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


def framed(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


async def serve(pace: Pace) -> None:
    """Serves on a free port, which it prints, until standard input is closed: with its parent, it ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(pace), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for option, kind in (("--ttft", float), ("--itl", float), ("--tokens", int)):
        parser.add_argument(option, type=kind, required=True)
    parser.add_argument("--spread", action="store_true")
    given = parser.parse_args()
    asyncio.run(serve(Pace(given.ttft, given.itl, given.tokens, given.spread)))
