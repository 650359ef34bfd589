"""Backends for tests, each of which does one thing."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from reference_gateway.app import create_app
from reference_gateway.call import Backend, BackendError, Call, Json
from reference_gateway.config import default_config
from reference_gateway.gateway import Gateway
from reference_gateway.server import running


def chunk(text: str) -> Json:
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "native",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}  # fmt: skip


class Scripted:
    """Streams the given chunks; an exception among them is raised. Keeps the calls, and tells when it was closed."""

    def __init__(self, *script: Json | Exception) -> None:
        self.script = script
        self.calls: list[Call] = []
        self.abandoned = threading.Event()
        self.closed = threading.Event()

    async def answer(self, call: Call) -> Json:
        self.calls.append(call)
        for step in self.script:
            if isinstance(step, Exception):
                raise step
            return dict(step)
        return await self._forever()

    async def stream(self, call: Call) -> AsyncIterator[Json]:
        self.calls.append(call)
        for step in self.script:
            if isinstance(step, Exception):
                raise step
            yield dict(step)

    async def close(self) -> None:
        self.closed.set()

    async def _forever(self) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            self.abandoned.set()


class Hanging(Scripted):
    """Streams its chunks and then waits until it is closed."""

    async def stream(self, call: Call) -> AsyncIterator[Json]:
        async for each in super().stream(call):
            yield each
        await self._forever()


@contextmanager
def gateway_before(backend: Backend, drain_timeout_s: float = 0.5) -> Iterator[str]:
    """A gateway without keys, all of whose providers are this backend."""
    gateway = Gateway.open(default_config(), make_backend=lambda provider: backend)
    with running(create_app(gateway), drain_timeout_s=drain_timeout_s) as url:
        yield url


def refusal() -> BackendError:
    return BackendError(429, "Slow down.", type="rate_limit_error", code="rate_limit_exceeded", retry_after="7")
