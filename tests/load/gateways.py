"""Gateways for load tests, in the test's own process: they count what comes, and behave as they are told."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m"}


def event(number: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({**CHUNK, 'id': f'c{number}', 'choices': [choice]})}\n\n".encode()


@dataclass
class Counted:
    """A gateway of one model. Streams have `texts` events with text, `gap_s` apart; `hangs`: they never begin.

    The first `refusals` streams, and those beyond `at_once` that are open, are refused with 429 and this Retry-After.
    What came is counted: `sent_at` are the moments of the streamed requests, `cut` the streams that their client left.
    """

    texts: int = 3
    gap_s: float = 0.0
    hangs: bool = False
    refusals: int = 0
    at_once: int = 1000
    retry_after: str = "1"
    status: int = 200
    sent_at: list[float] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: Counter[str] = field(default_factory=Counter)
    open: int = 0
    most_open: int = 0
    cut: int = 0

    @property
    def app(self) -> Starlette:
        async def models(_: Request) -> Response:
            self.paths["models"] += 1
            return JSONResponse({"object": "list", "data": [{"id": "m", "object": "model"}]})

        return Starlette(
            routes=[Route("/v1/models", models), Route("/v1/chat/completions", self._chat, methods=["POST"])]
        )

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        if not body.get("stream"):
            self.paths["plain"] += 1
            message = {"role": "assistant", "content": "hi"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return JSONResponse({**CHUNK, "object": "chat.completion", "choices": [choice]})
        self.sent_at.append(monotonic())
        self.bodies.append(body)
        if len(self.sent_at) <= self.refusals or self.open >= self.at_once:
            return JSONResponse({"error": {"message": "slow down"}}, 429, {"Retry-After": self.retry_after})
        if self.status != 200:
            return JSONResponse({"error": {"message": "the model is asleep", "type": "server_error"}}, self.status)
        return StreamingResponse(self._stream(len(self.sent_at)), media_type="text/event-stream")

    async def _stream(self, number: int) -> AsyncIterator[bytes]:
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        ended = False
        try:
            if self.hangs:
                await asyncio.sleep(60)
            yield event(number, {"role": "assistant", "content": ""})
            for _ in range(self.texts):
                yield event(number, {"content": "hi"})
                await asyncio.sleep(self.gap_s)
            yield event(number, {}, "stop")
            usage = {"prompt_tokens": 1, "completion_tokens": self.texts, "total_tokens": self.texts + 1}
            yield f"data: {json.dumps({**CHUNK, 'id': f'c{number}', 'choices': [], 'usage': usage})}\n\n".encode()
            yield b"data: [DONE]\n\n"
            ended = True
        finally:
            self.open -= 1
            self.cut += not ended


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
