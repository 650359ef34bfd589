"""Runs one call and sends its answer straight to ASGI: JSON at once, or server-sent events, one event a write.
A client that goes away stops the work; where nothing stands
between, the connection itself sends the rest of a stream once its head is out."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import cast

from starlette.types import Receive, Scope, Send

from reference_gateway.call import Backend, BackendError, Call, Endpoint, Json
from reference_gateway.errors import ApiError, from_backend, internal_error
from reference_gateway.events import Events, event
from reference_gateway.http.response import WHEN_GONE, Response
from reference_gateway.request_id import SEND
from reference_gateway.wire_json import one_line

log = logging.getLogger("reference_gateway")

JSON_HEADERS = [(b"content-type", b"application/json")]
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
DONE = b"data: [DONE]\n\n"


class Answer:
    """The response to an inference request, as an ASGI application.

    The headers go out when the first chunk (or the whole answer) exists: until then a BackendError is raised, and
    becomes an error response like any other. After it, it becomes one error event, and the stream ends there.
    """

    def __init__(self, backend: Backend, call: Call, headers: Mapping[str, str]) -> None:
        """`headers` go with the answer, beside its own."""
        self.backend, self.call = backend, call
        self.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task, when_gone = asyncio.current_task(), scope.get(WHEN_GONE)
        if task is not None and when_gone is not None:
            when_gone(task.cancel)
        if self.call.body.get("stream") is True and self.call.endpoint is not Endpoint.EMBEDDINGS:
            await self._stream(send, scope.get(SEND, send))
        else:
            await self._whole(send)

    async def _whole(self, send: Send) -> None:
        answer = await self.backend.answer(self.call)
        body = one_line(answer)
        headers = [*JSON_HEADERS, *self.headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, send: Send, past_layers: Send) -> None:
        chunks = cast(AsyncGenerator[Json, None], self.backend.stream(self.call))
        async with AsyncExitStack() as closing:
            closing.push_async_callback(chunks.aclose)
            first = await anext(chunks, None)
            if first is None:
                raise BackendError(502, "The model's stream ended before its first chunk.")
            headers = [*STREAM_HEADERS, *self.headers]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            closing.pop_all()
        rest = _rest(first, chunks, past_layers)
        if isinstance(past_layers, Response):
            past_layers.later(rest)
        else:
            await rest


async def _rest(chunk: Json, chunks: AsyncGenerator[Json, None], send: Send) -> None:
    """Sends a stream from this chunk on, and what ends it."""
    write = Events().event
    async with aclosing(chunks):
        try:
            await send({"type": "http.response.body", "body": write(chunk), "more_body": True})
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": write(chunk), "more_body": True})
            last = DONE
        except BackendError as error:
            last = _error_event(from_backend(error))
        except Exception:
            log.exception("a stream broke off")
            last = _error_event(internal_error())
        await send({"type": "http.response.body", "body": last})


def _error_event(error: ApiError) -> bytes:
    """What every OpenAI client recognises inside a stream, whatever the dialect's own error bodies look like."""
    body = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return event({"error": body})
